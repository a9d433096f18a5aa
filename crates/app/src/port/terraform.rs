//! The Terraform or OpenTofu command line.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use flightdeck_domain::{
    id::{RunId, StackId},
    secret::Secret,
    stack::{Action, Diagnostic, PlannedChange},
};
use serde::Serialize;
use tokio::sync::watch;

/// The oldest version that is used.
pub const MIN_VERSION: (u32, u32) = (1, 5);

/// A binary that was asked for its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binary {
    /// Where it is.
    pub path: PathBuf,
    /// `Terraform` or `OpenTofu`.
    pub product: String,
    /// `1.11.4`.
    pub version: String,
}

/// Bytes that may hold secrets in clear: a state or a plan file.
///
/// Wiped when dropped; no `Debug` of the content.
pub struct Sensitive(zeroize::Zeroizing<Vec<u8>>);

impl Sensitive {
    /// Takes bytes into custody.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(zeroize::Zeroizing::new(bytes))
    }

    /// Reads the bytes, in full sight of the reviewer.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sensitive({} bytes)", self.0.len())
    }
}

/// What a run does.
#[derive(Debug)]
pub enum Work {
    /// `init`, then `plan` into a plan file.
    Plan {
        /// Plan to take everything away.
        destroy: bool,
    },
    /// `init`, then `apply` of exactly this plan file.
    Apply {
        /// What [`Outcome::plan`] of the plan run held.
        plan: Sensitive,
    },
}

/// How long each part of a run may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Of `init`.
    pub init: Duration,
    /// Of `plan`.
    pub plan: Duration,
    /// Of `apply`, also of a destroy.
    pub apply: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            init: Duration::from_mins(5),
            plan: Duration::from_mins(10),
            apply: Duration::from_mins(30),
        }
    }
}

/// One run of the command line, whole.
#[derive(Debug)]
pub struct Request {
    /// Names the run directory; a crash is cleaned up under this name.
    pub run_id: RunId,
    /// Whose state it is.
    pub stack_id: StackId,
    /// Which binary.
    pub binary: Binary,
    /// The module's directory; copied, never written to.
    pub module: PathBuf,
    /// Input variables; none of them is secret.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// The provider's credentials, as environment variables.
    pub credentials: Vec<(String, Secret)>,
    /// A CLI configuration file (mirrors), if one is set.
    pub cli_config: Option<PathBuf>,
    /// Where providers are cached for all runs.
    pub plugin_cache: PathBuf,
    /// The newest state; none before the first apply.
    pub state: Option<Sensitive>,
    /// What to do.
    pub work: Work,
    /// How long it may take.
    pub deadlines: Deadlines,
}

/// What the stream of a run says, as it says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part of the run begins: `init`, `plan`, `apply`.
    Stage(&'static str),
    /// A resource would be changed.
    Planned(PlannedChange),
    /// A resource's turn has come.
    ResourceStarted {
        /// Which.
        address: String,
        /// What happens to it.
        action: Action,
    },
    /// The provider is still at work on it.
    ResourceProgress {
        /// Which.
        address: String,
        /// Since when.
        elapsed_seconds: u32,
    },
    /// The provider is done with it.
    ResourceDone {
        /// Which.
        address: String,
        /// What happened to it.
        action: Action,
        /// How long it took.
        elapsed_seconds: u32,
        /// The provider's own id.
        resource_id: Option<String>,
    },
    /// The provider refused it.
    ResourceFailed {
        /// Which.
        address: String,
        /// How long it took.
        elapsed_seconds: u32,
    },
    /// Terraform complains.
    Diagnostic(Diagnostic),
    /// A line for people, also of messages that we don't know.
    Line(String),
    /// A rung of the stop ladder (`SIGINT`, `SIGINT`, `plugins`, `SIGKILL`).
    Stopping(&'static str),
}

/// Hears what a run says and keeps what it writes.
///
/// The adapter calls it from one thread at a time, in order.
pub trait Listener: Send + Sync {
    /// Hears one event.
    fn event(&self, event: Event);

    /// Keeps one complete version of the state, durably, before it returns.
    ///
    /// An error stops the run: resources that nobody remembers are worse than none.
    fn state(&self, state: &Sensitive) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Whether Terraform ended well.
    pub success: bool,
    /// Whether it was stopped before its end.
    pub stopped: bool,
    /// What a plan would change, no-ops and reads left out.
    pub changes: Vec<PlannedChange>,
    /// All complaints.
    pub diagnostics: Vec<Diagnostic>,
    /// The plan file, of a plan that succeeded.
    pub plan: Option<Sensitive>,
    /// `terraform output -json`, of an apply that succeeded: name to value.
    pub outputs: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A run directory that stands: one that a crash left behind, or one in use.
#[derive(Debug)]
pub struct Leftover {
    /// Which run it belonged to.
    pub run_id: RunId,
    /// Whose state it holds.
    pub stack_id: StackId,
    /// Whether a living process runs or recovers it: it can't be adopted now.
    pub is_held: bool,
}

/// Why Terraform could not even say no.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// Neither binary is in the path, or the set path holds none.
    #[error("neither `tofu` nor `terraform` was found{}", searched.as_ref().map(|p| format!(" at `{}`", p.display())).unwrap_or_default())]
    Missing {
        /// The set path, if there is one.
        searched: Option<PathBuf>,
    },
    /// Older than [`MIN_VERSION`].
    #[error("`{}` is version {}; at least {}.{} is needed", binary.path.display(), binary.version, MIN_VERSION.0, MIN_VERSION.1)]
    TooOld {
        /// What was found.
        binary: Binary,
    },
    /// It does not answer the question for its version.
    #[error("`{}` does not work: {reason}", path.display())]
    Broken {
        /// Where it is.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// The run directory can't be made, read or removed.
    #[error("the run directory `{}` can't be used", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Took longer than its deadline and was stopped.
    #[error("terraform {stage} took longer than {}s and was stopped", after.as_secs())]
    Deadline {
        /// Which part.
        stage: &'static str,
        /// The deadline.
        after: Duration,
    },
    /// A state version could not be kept; the run was stopped.
    #[error("the state could not be kept, so the run was stopped")]
    StateNotKept {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Runs Terraform.
///
/// Each run has a private directory that is wiped when the run ends, however it
/// ends. Only a kill of this program leaves one behind; [`Terraform::adopt`]
/// deals with it on the next start.
#[async_trait]
pub trait Terraform: Send + Sync {
    /// Finds the binary: the set path, or `tofu`, or `terraform` in the path.
    async fn locate(&self, path: Option<PathBuf>) -> Result<Binary, TerraformError>;

    /// Runs to the end. When `stop` turns true, climbs the stop ladder, and
    /// returns what Terraform could still save.
    async fn run(
        &self,
        request: Request,
        listener: Arc<dyn Listener>,
        stop: watch::Receiver<bool>,
    ) -> Result<Outcome, TerraformError>;

    /// Lists the run directories that a crash left behind, and those that are held.
    async fn leftovers(&self) -> Result<Vec<Leftover>, TerraformError>;

    /// Waits for (or stops) a left-behind process, hands every newer state
    /// version and the rest of its stream to `listener`, then wipes the directory.
    /// False: another process holds it, or was done with it before.
    async fn adopt(
        &self,
        leftover: &Leftover,
        listener: Arc<dyn Listener>,
    ) -> Result<bool, TerraformError>;
}
