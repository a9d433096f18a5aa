//! The composition root: store, vault, adapters and background loops as one core.
//!
//! The window and the command line both start an [`Engine`] and talk to its
//! [`App`]. Nothing is decided here; this is where things are put together.

mod clock;
mod log;
mod owner;
mod paths;
mod sampling;
mod supervisor;
mod watch;

use std::{path::PathBuf, sync::Arc};

use flightdeck_app::{
    App, Place, Ports,
    error::{Code, Error, Result},
};
use flightdeck_cloud::ProviderApis;
use flightdeck_hosts::SshHosts;
use flightdeck_store::Store;
use flightdeck_terraform::TerraformCli;
use flightdeck_vault::keychain::OsKeychain;

use crate::supervisor::Supervisor;

/// The name under which people find our entries in their keychain.
const KEYCHAIN_SERVICE: &str = "flightdeck";

/// What starts the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The window: samples and finishes jobs.
    Desktop,
    /// One command: does its own work only.
    Cli,
    /// The headless loop: samples and finishes jobs.
    Watch,
}

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data directory; none: `FLIGHTDECK_DATA_DIR`, or the platform's place.
    pub directory: Option<PathBuf>,
    /// What starts the core.
    pub role: Role,
}

/// The running core. Dropping it aborts background work, as a kill would.
pub struct Engine {
    app: App,
    supervisor: Arc<Supervisor>,
    role: Role,
    _log: Option<log::Guard>,
}

impl Engine {
    /// Opens the data directory and puts the core together; the vault is locked.
    ///
    /// Must run inside a tokio runtime.
    pub fn start(options: Options) -> Result<Self> {
        let directory = match options.directory {
            Some(directory) => directory,
            None => paths::data_directory()?,
        };
        // Everything that this process writes is private, in every directory.
        paths::make_private();
        paths::create(&directory)?;
        let guard = log::start(&directory, options.role);
        let store = Store::open(&directory)?;
        let supervisor = Arc::new(Supervisor::default());
        let spawner = supervisor.clone();
        let place = Place {
            modules: paths::modules_directory(),
            owner: owner::this_process(),
            owner_is_dead: Arc::new(owner::is_dead),
            spawn: Box::new(move |name, work| spawner.spawn(name, work)),
            directory: directory.clone(),
        };
        let ports = Ports {
            clock: Arc::new(clock::SystemClock),
            hosts: Arc::new(SshHosts::new()),
            terraform: Arc::new(
                TerraformCli::new(flightdeck_terraform::run_root(&directory))
                    .with_searched(flightdeck_terraform::run_roots(&directory)),
            ),
            cloud: Arc::new(ProviderApis::new(std::time::Duration::from_secs(10)).map_err(
                |error| Error::new(Code::Internal, "the HTTP client does not start").cause(error),
            )?),
            keychain: Arc::new(OsKeychain::new(KEYCHAIN_SERVICE)),
        };
        let app = App::new(store, ports, place);
        tracing::info!(directory = %directory.display(), role = ?options.role, "Started");
        let engine = Self { app, supervisor, role: options.role, _log: guard };
        if engine.role != Role::Cli {
            engine.supervisor.spawn("watch", Box::pin(watch::run(engine.app.clone())));
        }
        Ok(engine)
    }

    /// The core.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Unlocks a vault whose key is in the keychain; any other one stays locked.
    pub async fn unlock_if_possible(&self) -> Result<()> {
        let status = self.app.vault().status().await?;
        if status.protection == Some("keychain") {
            self.app.vault().unlock(None).await?;
            self.opened().await;
        }
        Ok(())
    }

    /// Picks up what needs an open vault: call it after each unlock.
    ///
    /// Runs that a kill cut off are recovered before jobs resume, because a job
    /// goes on from the state that the recovery saved.
    pub async fn opened(&self) {
        match self.app.stacks().recover().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "Recovered interrupted Terraform runs"),
            Err(error) => {
                self.app.report(&error, "Interrupted Terraform runs could not be recovered");
            }
        }
        if let Err(error) = self.app.jobs().resume().await {
            self.app.report(&error, "Interrupted jobs could not be resumed");
        }
        if self.role != Role::Cli && self.supervisor.claim_once("sampling") {
            self.supervisor.spawn("sampling", Box::pin(sampling::run(self.app.clone())));
        }
    }

    /// Ends background work. Unfinished jobs stay in the journal for the next start.
    pub async fn shut_down(self) {
        self.supervisor.stop().await;
        tracing::info!("Stopped");
    }
}
