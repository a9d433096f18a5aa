//! Background work: started here, ended here.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use flightdeck_app::Background;
use tokio::task::JoinSet;

/// How long background work may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// Owns every background task of the process.
#[derive(Default)]
pub(crate) struct Supervisor {
    tasks: Mutex<JoinSet<()>>,
    once: Mutex<HashSet<&'static str>>,
}

impl Supervisor {
    /// Starts background work and logs how it ends.
    pub(crate) fn spawn(&self, name: &'static str, work: Background) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Take in what has ended, so that a long run does not collect it.
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "Background work ended in a panic");
            }
        }
        tasks.spawn(async move {
            work.await;
            tracing::debug!(name, "Background work ended");
        });
    }

    /// Answers `true` to the first caller only.
    pub(crate) fn claim_once(&self, name: &'static str) -> bool {
        self.once.lock().unwrap_or_else(PoisonError::into_inner).insert(name)
    }

    /// Ends everything, as a kill would: the journal knows how to go on.
    pub(crate) async fn stop(&self) {
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.abort_all();
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!("Background work did not end in time");
        }
    }
}
