//! Runs the Terraform or OpenTofu CLI.
//!
//! Each run owns a thread, not a task: everything it waits for is a file or a
//! process. Linux only: processes are told apart through `/proc`.

mod adopt;
mod directory;
mod environment;
mod guard;
mod identity;
mod locate;
mod plain;
mod process;
mod redaction;
mod root;
mod run;
mod session;
mod state;
mod stop;
mod stream;
mod tail;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use flightdeck_app::port::terraform::{
    Binary, Leftover, Listener, Outcome, Request, Terraform, TerraformError,
};
use tokio::sync::{oneshot, watch};

use crate::root::is_ours;

pub use crate::root::{run_root, run_roots};

/// How long each rung of the stop ladder is given before the next one.
#[derive(Debug, Clone, Copy)]
pub struct Graces {
    /// After the first SIGINT: a provider may finish what it has in flight.
    pub first: Duration,
    /// After the second SIGINT: Terraform gives up on its providers.
    pub second: Duration,
    /// After the providers were killed: Terraform saves what it knows.
    pub plugins: Duration,
    /// How long a process that a crash left behind may go on by itself.
    pub adopted: Duration,
}

impl Default for Graces {
    fn default() -> Self {
        Self {
            first: Duration::from_mins(2),
            second: Duration::from_secs(20),
            plugins: Duration::from_secs(20),
            adopted: Duration::from_mins(2),
        }
    }
}

/// The Terraform port on real processes.
#[derive(Debug, Clone)]
pub struct TerraformCli {
    root: PathBuf,
    searched: Vec<PathBuf>,
    graces: Graces,
}

impl TerraformCli {
    /// Keeps run directories under `root`; see [`run_root`].
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), searched: Vec::new(), graces: Graces::default() }
    }

    /// Looks for what a crash left behind in `roots` too; see [`run_roots`].
    #[must_use]
    pub fn with_searched(mut self, roots: Vec<PathBuf>) -> Self {
        self.searched = roots;
        self
    }

    /// Climbs the stop ladder at another pace.
    #[must_use]
    pub fn with_graces(mut self, graces: Graces) -> Self {
        self.graces = graces;
        self
    }

    /// Where run directories are made.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where run directories may be: ours first, then those that others picked.
    fn roots(&self) -> Vec<PathBuf> {
        let others = self.searched.iter().filter(|root| **root != self.root && is_ours(root));
        [&self.root].into_iter().chain(others).cloned().collect()
    }
}

#[async_trait]
impl Terraform for TerraformCli {
    async fn locate(&self, path: Option<PathBuf>) -> Result<Binary, TerraformError> {
        locate::locate(path).await
    }

    /// A dropped future stops the run as `stop` does: nobody waits for its outcome.
    async fn run(
        &self,
        request: Request,
        listener: Arc<dyn Listener>,
        stop: watch::Receiver<bool>,
    ) -> Result<Outcome, TerraformError> {
        let Self { root, graces, .. } = self.clone();
        on_thread(self.root.clone(), move |is_abandoned| {
            run::run(&root, graces, request, listener, &|| *stop.borrow() || is_abandoned())
        })
        .await
    }

    async fn leftovers(&self) -> Result<Vec<Leftover>, TerraformError> {
        let roots = self.roots();
        on_thread(self.root.clone(), move |_| directory::leftovers(&roots)).await
    }

    async fn adopt(
        &self,
        leftover: &Leftover,
        listener: Arc<dyn Listener>,
    ) -> Result<bool, TerraformError> {
        let (roots, graces, run_id) = (self.roots(), self.graces, leftover.run_id);
        on_thread(self.root.clone(), move |_| adopt::adopt(&roots, graces, run_id, listener)).await
    }
}

/// Runs `work` on a thread of its own and waits for what it returns.
///
/// `work` can ask whether anybody still waits. An operating system that starts
/// no thread, and a listener that panics, end up as an error of `root`.
async fn on_thread<T: Send + 'static>(
    root: PathBuf,
    work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, TerraformError> + Send + 'static,
) -> Result<T, TerraformError> {
    let (sender, receiver) = oneshot::channel();
    let started = std::thread::Builder::new().name("terraform-run".to_owned()).spawn(move || {
        let result = work(&|| sender.is_closed());
        drop(sender.send(result));
    });
    let error = match started {
        Ok(_) => match receiver.await {
            Ok(result) => return result,
            Err(_) => std::io::Error::other("the run's thread panicked"),
        },
        Err(error) => error,
    };
    Err(TerraformError::Directory { path: root, source: error })
}
