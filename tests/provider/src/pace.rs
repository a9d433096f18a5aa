//! How long an operation takes, whether it fails, and how it is stopped.

use std::time::Duration;

use tokio::sync::watch;

use crate::config::{Config, Fault, Moment};

/// What Terraform asks of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Make it.
    Create,
    /// Look at it.
    Read,
    /// Change it.
    Update,
    /// Remove it.
    Delete,
}

impl Operation {
    /// The name that settings use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Terraform's wish that the provider ends what it is doing.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

/// Returned instead of finishing: Terraform wants to stop.
#[derive(Debug, PartialEq, Eq)]
pub struct Stopped;

impl Stop {
    /// Ends every wait, the present and the coming ones.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Waits as long as the settings say this operation takes.
    pub async fn pace(
        &self,
        config: &Config,
        kind: &str,
        operation: Operation,
    ) -> Result<(), Stopped> {
        let mut stop = self.0.subscribe();
        tokio::select! {
            biased;
            _ = stop.wait_for(|requested| *requested) => Err(Stopped),
            () = tokio::time::sleep(delay(config, kind, operation)) => Ok(()),
        }
    }
}

/// The fault that hits this operation on the object called `name`, if any.
pub fn fault<'config>(
    config: &'config Config,
    kind: &str,
    operation: Operation,
    name: Option<&str>,
    moment: Moment,
) -> Option<&'config Fault> {
    config.fail.iter().find(|fault| {
        (fault.kind == kind || fault.kind == "*")
            && (fault.op == operation.name() || fault.op == "*")
            && fault.name.as_deref().is_none_or(|only| name == Some(only))
            && fault.when == moment
    })
}

fn delay(config: &Config, kind: &str, operation: Operation) -> Duration {
    let op = operation.name();
    let keys = [format!("{kind}.{op}"), format!("{kind}.*"), format!("*.{op}"), "*.*".to_owned()];
    let milliseconds = keys.iter().find_map(|key| config.delay_ms.get(key));
    Duration::from_millis(milliseconds.copied().unwrap_or_default())
}
