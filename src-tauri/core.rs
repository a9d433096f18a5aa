//! The core as commands reach it: there, on its way, or not to be had.

use std::{future::Future, sync::Arc, time::Duration};

use flightdeck_app::{
    App, Ctx,
    error::{Code, Error, Result},
};
use flightdeck_engine::Engine;
use tokio::sync::watch;

use crate::ipc::error::IpcError;

/// How long an exit waits for background work before it leaves it to the journal.
const SHUT_DOWN: Duration = Duration::from_secs(2);

/// The engine that commands talk to, once it is there.
///
/// The window is shown before the engine has opened its databases, so a command
/// may come early. It then waits here, and hears why if the engine never starts.
pub struct Core(watch::Sender<Phase>);

#[derive(Clone)]
enum Phase {
    Starting,
    Running(Arc<Engine>),
    Failed(IpcError),
    Ended,
}

impl Core {
    /// A core whose engine is on its way.
    pub fn starting() -> Self {
        Self(watch::Sender::new(Phase::Starting))
    }

    /// Hands the engine, or why there is none, to the commands that wait.
    pub fn started(&self, engine: Result<Arc<Engine>>) {
        let phase = match engine {
            Ok(engine) => Phase::Running(engine),
            Err(error) => Phase::Failed(IpcError::unreported(error)),
        };
        self.0.send_replace(phase);
    }

    /// The engine; waits while it is on its way.
    pub async fn engine(&self) -> Result<Arc<Engine>, IpcError> {
        let mut phase = self.0.subscribe();
        let settled = phase.wait_for(|phase| !matches!(phase, Phase::Starting)).await;
        match settled.as_deref() {
            Ok(Phase::Running(engine)) => Ok(engine.clone()),
            Ok(Phase::Failed(error)) => Err(error.clone()),
            _ => Err(IpcError::unreported(Error::new(Code::Internal, "the program is closing"))),
        }
    }

    /// Ends background work, but not at any price: what is cut off, the journal
    /// resumes at the next start.
    pub async fn end(&self) {
        let Phase::Running(engine) = self.0.send_replace(Phase::Ended) else { return };
        // A command that is still at work keeps the engine; it ends with the process.
        let Some(engine) = Arc::into_inner(engine) else { return };
        if tokio::time::timeout(SHUT_DOWN, engine.shut_down()).await.is_err() {
            tracing::warn!("Background work did not end in time; the next start resumes it");
        }
    }

    /// Runs one use case and reports its failure.
    pub(crate) async fn answer<T, Answer>(
        &self,
        use_case: impl FnOnce(App) -> Answer + Send,
    ) -> Result<T, IpcError>
    where
        Answer: Future<Output = Result<T>> + Send,
    {
        let engine = self.engine().await?;
        let app = engine.app().clone();
        // On the heap: some use cases are long, and every command carries one.
        Box::pin(use_case(app)).await.map_err(|error| IpcError::reported(engine.app(), error))
    }

    /// Runs one use case for the person at this desk, in one organization.
    pub(crate) async fn within<T, Answer>(
        &self,
        organization_id: String,
        use_case: impl FnOnce(App, Ctx) -> Answer + Send,
    ) -> Result<T, IpcError>
    where
        Answer: Future<Output = Result<T>> + Send,
    {
        self.answer(|app| async move {
            let organization_id = crate::ipc::parse_id(&organization_id)?;
            let ctx = app.organizations().context(organization_id).await?;
            use_case(app, ctx).await
        })
        .await
    }
}
