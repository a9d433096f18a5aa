//! One reversible unit of a job, and what it may use.

use std::sync::Arc;

use async_trait::async_trait;
use flightdeck_domain::{id::JobId, job::Job};
use serde_json::Value;
use tokio::sync::watch;

use crate::{App, Desk, error::Result, event::Event};

/// One reversible unit of work in a job's plan.
///
/// The journal records a step before and after it runs, not during. After a
/// crash the runner repeats the step that was in flight, so both methods must
/// leave the world the same whether they run once or twice.
#[async_trait]
pub trait Step: Send + Sync {
    /// Names the step in the journal. Renaming one strands unfinished jobs.
    fn name(&self) -> String;

    /// Does the work. What it returns is kept under the step's name.
    async fn run(&self, ctx: &StepContext) -> Result<Value>;

    /// Takes back a run that finished, or that may have.
    async fn undo(&self, _ctx: &StepContext) -> Result<()> {
        Ok(())
    }

    /// Says whether what a finished run did stays when a later step fails.
    ///
    /// Such a step is done for good: nobody undoes it, and a retry of the job
    /// goes on after it.
    fn is_kept(&self) -> bool {
        false
    }

    /// Says whether the step watches [`StepContext::stop`] itself.
    ///
    /// Others are dropped where they wait when somebody cancels the job. A step
    /// that holds a child process must end it in order, so it answers `true`.
    fn stops_itself(&self) -> bool {
        false
    }
}

/// What a step may use.
#[derive(Clone)]
pub struct StepContext {
    /// The core.
    pub app: App,
    /// The workspace that the job works in.
    pub desk: Desk,
    /// Which job.
    pub job_id: JobId,
    /// Turns true when somebody cancels the job.
    pub stop: watch::Receiver<bool>,
    pub(super) step: Arc<str>,
}

impl StepContext {
    /// Says something to whoever reads the job's log. Secrets have no place here.
    pub async fn log(&self, text: impl Into<String>) {
        let text = self.app.redact(&text.into());
        let (job_id, step, now) = (self.job_id, self.step.clone(), self.app.now());
        let written = self
            .app
            .store()
            .main()
            .write(move |tx| flightdeck_store::job::append_log(tx, job_id, now, &step, &text))
            .await;
        match written {
            Ok(line) => self.app.publish(Event::Log {
                organization_id: self.desk.organization_id,
                job_id,
                line,
            }),
            Err(error) => tracing::warn!(job.id = %job_id, %error, "A job's log line was lost"),
        }
    }

    /// Says how far the step is, from 0 to 1.
    pub async fn progress(&self, fraction: f64) {
        let (job_id, step) = (self.job_id, self.step.clone());
        let fraction = fraction.clamp(0.0, 1.0);
        let written = self
            .app
            .store()
            .main()
            .write(move |tx| {
                flightdeck_store::job::set_step_progress(tx, job_id, &step, Some(fraction))?;
                flightdeck_store::job::by_id(tx, job_id)
            })
            .await;
        if let Ok(Some(row)) = written {
            self.app.publish(Event::Job(row.job));
        }
    }

    /// What an earlier step of this job returned.
    pub async fn output(&self, step: &str) -> Result<Option<Value>> {
        let job_id = self.job_id;
        let row = self
            .app
            .store()
            .main()
            .read(move |conn| flightdeck_store::job::by_id(conn, job_id))
            .await?;
        Ok(row.and_then(|row| row.outputs.get(step).cloned()))
    }

    /// The job as the journal has it.
    pub async fn job(&self) -> Result<Option<Job>> {
        let job_id = self.job_id;
        let row = self
            .app
            .store()
            .main()
            .read(move |conn| flightdeck_store::job::by_id(conn, job_id))
            .await?;
        Ok(row.map(|row| row.job))
    }
}
