//! Walks a job's plan forward, and back when a step fails.

use std::{sync::Arc, time::Duration};

use flightdeck_domain::{
    id::JobId,
    job::{Failure, JobStatus, StepStatus},
};
use flightdeck_store::job as table;
use tokio::sync::watch;

use super::step::{Step, StepContext};
use crate::{
    App, Desk,
    error::{Code, Error, Result},
    event::Event,
    work::Work,
};

/// How often a running job looks whether another process asked it to stop.
const CANCEL_POLL: Duration = Duration::from_millis(500);

/// Runs a claimed job to its end: succeeded, failed and undone, or stuck.
pub(super) async fn run(app: App, desk: Desk, job_id: JobId, stop: watch::Receiver<bool>) {
    let ended = Run { app: &app, desk: &desk, job_id, stop }.to_the_end().await;
    if let Err(error) = ended {
        // Only the journal itself can fail here; the job stays claimed by this
        // process and is resumed by the next one.
        app.report(&error, "A job's journal could not be written");
    }
}

struct Run<'a> {
    app: &'a App,
    desk: &'a Desk,
    job_id: JobId,
    stop: watch::Receiver<bool>,
}

/// How the walk forward ended.
enum Walk {
    Done,
    Broken(Error),
}

impl Run<'_> {
    async fn to_the_end(&self) -> Result<()> {
        let row = self.row().await?;
        let work: Work = match serde_json::from_value(row.payload.clone()) {
            Ok(work) => work,
            Err(error) => {
                let error =
                    Error::new(Code::Internal, "the job's record can't be read").cause(error);
                return self.finish(JobStatus::Stuck, Some(error.failure())).await;
            }
        };
        let steps = work.steps();
        if row.job.status != JobStatus::Undoing {
            self.set_status(JobStatus::Running, None).await?;
            match self.forward(&steps).await? {
                Walk::Done => return self.finish(JobStatus::Succeeded, None).await,
                Walk::Broken(error) => {
                    self.app.report(&error, "A job's step failed");
                    // What a server or a provider said may quote a secret back at us.
                    let mut failure = error.failure();
                    failure.message = self.app.redact(&failure.message);
                    self.set_status(JobStatus::Undoing, Some(failure)).await?;
                }
            }
        }
        let failure = self.row().await?.job.failure;
        match self.backward(&steps).await? {
            Ok(()) => {
                let cancelled =
                    failure.as_ref().is_some_and(|f| f.code == Code::Cancelled.as_str());
                let status = if cancelled { JobStatus::Cancelled } else { JobStatus::Failed };
                work.ended_badly(&self.context(""), failure.as_ref(), true).await?;
                self.finish(status, failure).await
            }
            Err(error) => {
                self.app.report(&error, "A job's step could not be undone");
                work.ended_badly(&self.context(""), failure.as_ref(), false).await?;
                let message = match failure {
                    Some(first) => format!("{}; and undoing it failed: {error}", first.message),
                    None => format!("undoing it failed: {error}"),
                };
                let message = self.app.redact(&message);
                let failure = Failure {
                    code: error.code.as_str().to_owned(),
                    message,
                    hint: Some("look at the job's log, mend the cause, then retry".to_owned()),
                };
                self.finish(JobStatus::Stuck, Some(failure)).await
            }
        }
    }

    async fn forward(&self, steps: &[Box<dyn Step>]) -> Result<Walk> {
        for step in steps {
            let name = step.name();
            if self.step_status(&name).await? == StepStatus::Done {
                continue;
            }
            if self.cancel_requested().await? {
                return Ok(Walk::Broken(cancelled()));
            }
            self.set_step(&name, StepStatus::Running).await?;
            match self.run_step(step.as_ref(), &name).await {
                Ok(value) => {
                    let (job_id, now, key) = (self.job_id, self.app.now(), name.clone());
                    self.journal(move |tx| {
                        table::set_output(tx, job_id, &key, &value)?;
                        table::set_step(tx, job_id, &key, StepStatus::Done, now)
                    })
                    .await?;
                }
                Err(error) => {
                    self.context(&name).log(format!("failed: {error}")).await;
                    self.set_step(&name, StepStatus::Failed).await?;
                    return Ok(Walk::Broken(error));
                }
            }
        }
        Ok(Walk::Done)
    }

    async fn backward(&self, steps: &[Box<dyn Step>]) -> Result<Result<()>> {
        for step in steps.iter().rev() {
            let name = step.name();
            let status = self.step_status(&name).await?;
            let is_kept = status == StepStatus::Done && step.is_kept();
            if is_kept || matches!(status, StepStatus::Pending | StepStatus::Undone) {
                continue;
            }
            let failed = status == StepStatus::Failed;
            self.set_step(&name, StepStatus::Undoing).await?;
            if let Err(error) = step.undo(&self.context(&name)).await {
                self.context(&name).log(format!("undo failed: {error}")).await;
                self.set_step(&name, StepStatus::Failed).await?;
                return Ok(Err(error));
            }
            // A failed step keeps its mark, so that people see where it broke.
            let end = if failed { StepStatus::Failed } else { StepStatus::Undone };
            self.set_step(&name, end).await?;
        }
        Ok(Ok(()))
    }

    async fn run_step(&self, step: &dyn Step, name: &str) -> Result<serde_json::Value> {
        let ctx = self.context(name);
        if step.stops_itself() {
            let watcher = self.forward_cancel();
            tokio::pin!(watcher);
            let work = step.run(&ctx);
            tokio::pin!(work);
            tokio::select! {
                result = &mut work => result,
                // Once the wish is passed on, only the step's own end counts.
                () = &mut watcher => work.await,
            }
        } else {
            tokio::select! {
                result = step.run(&ctx) => result,
                () = self.forward_cancel() => Err(cancelled()),
            }
        }
    }

    /// Returns once somebody asked this job to stop, here or in another process.
    async fn forward_cancel(&self) {
        let mut stop = self.stop.clone();
        loop {
            if *stop.borrow() {
                return;
            }
            match tokio::time::timeout(CANCEL_POLL, stop.changed()).await {
                Ok(Err(_)) => std::future::pending::<()>().await,
                Err(_) if matches!(self.cancel_requested().await, Ok(true)) => {
                    self.app.jobs().tell_to_stop(self.job_id);
                    return;
                }
                Ok(Ok(())) | Err(_) => {}
            }
        }
    }

    async fn cancel_requested(&self) -> Result<bool> {
        let job_id = self.job_id;
        let main = self.app.store().main();
        Ok(main.read(move |conn| table::is_cancel_requested(conn, job_id)).await?)
    }

    fn context(&self, step: &str) -> StepContext {
        StepContext {
            app: self.app.clone(),
            desk: self.desk.clone(),
            job_id: self.job_id,
            stop: self.stop.clone(),
            step: Arc::from(step),
        }
    }

    async fn row(&self) -> Result<table::Row> {
        let job_id = self.job_id;
        self.app
            .store()
            .main()
            .read(move |conn| table::by_id(conn, job_id))
            .await?
            .ok_or_else(|| Error::not_found("job", job_id))
    }

    async fn step_status(&self, name: &str) -> Result<StepStatus> {
        let row = self.row().await?;
        Ok(row
            .job
            .steps
            .iter()
            .find(|step| step.name == name)
            .map_or(StepStatus::Pending, |step| step.status))
    }

    async fn set_step(&self, name: &str, status: StepStatus) -> Result<()> {
        let (job_id, now, name) = (self.job_id, self.app.now(), name.to_owned());
        self.journal(move |tx| table::set_step(tx, job_id, &name, status, now)).await
    }

    async fn set_status(&self, status: JobStatus, failure: Option<Failure>) -> Result<()> {
        let job_id = self.job_id;
        self.journal(move |tx| table::set_status(tx, job_id, status, failure.as_ref(), None)).await
    }

    async fn finish(&self, status: JobStatus, failure: Option<Failure>) -> Result<()> {
        let (job_id, now) = (self.job_id, self.app.now());
        self.journal(move |tx| {
            table::set_status(tx, job_id, status, failure.as_ref(), Some(now))?;
            table::release(tx, job_id)
        })
        .await?;
        self.app.audit_job_end(self.job_id).await
    }

    /// Writes to the journal and tells whoever looks.
    async fn journal<F>(&self, write: F) -> Result<()>
    where
        F: FnOnce(&flightdeck_store::Transaction<'_>) -> flightdeck_store::SqlResult<()>
            + Send
            + 'static,
    {
        let job_id = self.job_id;
        let row = self
            .app
            .store()
            .main()
            .write(move |tx| {
                write(tx)?;
                table::by_id(tx, job_id)
            })
            .await?;
        if let Some(row) = row {
            self.app.publish(Event::Job(row.job));
        }
        Ok(())
    }
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, "it was cancelled").hint("retry the job to go on with it")
}
