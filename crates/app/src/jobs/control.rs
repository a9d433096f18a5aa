//! Starting, stopping and looking at jobs.

use std::{collections::HashMap, sync::atomic::Ordering};

use flightdeck_domain::{
    id::JobId,
    job::{Job, JobStatus, LogLine, StepRecord, StepStatus},
    permission::Permission,
};
use flightdeck_store::job as table;
use tokio::sync::watch;

use super::runner;
use crate::{
    App, Ctx, Desk,
    error::{Code, Error, Result},
    event::Event,
    work::Work,
};

/// The stop switches of the jobs that this process runs.
pub(crate) type Running = std::sync::Mutex<HashMap<JobId, watch::Sender<bool>>>;

/// One run of a job in this process. Gone from the list when it ends, also by a
/// panic: a job that only seems to run would never be taken up again.
struct Run {
    app: App,
    job_id: JobId,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.app.running_jobs().remove(&self.job_id);
    }
}

/// The use cases of jobs.
pub struct Jobs<'a>(pub(crate) &'a App);

impl Jobs<'_> {
    /// Lists the jobs of the organization, newest first, without dismissed ones.
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<Job>> {
        let desk = self.0.authorize(ctx, Permission::JobRead).await?;
        let organization = Some(desk.organization_id);
        let main = self.0.store().main();
        Ok(main.read(move |conn| table::list(conn, organization, false)).await?)
    }

    /// Returns one job.
    pub async fn get(&self, ctx: &Ctx, job_id: JobId) -> Result<Job> {
        let desk = self.0.authorize(ctx, Permission::JobRead).await?;
        Ok(self.row(&desk, job_id).await?.job)
    }

    /// Returns the lines of a job's log after line `after`, 1,000 at most.
    pub async fn log(&self, ctx: &Ctx, job_id: JobId, after: u32) -> Result<Vec<LogLine>> {
        let desk = self.0.authorize(ctx, Permission::JobRead).await?;
        self.row(&desk, job_id).await?;
        let main = self.0.store().main();
        Ok(main.read(move |conn| table::log(conn, job_id, after, 1_000)).await?)
    }

    /// Asks a job to stop; what it did is undone where it can be.
    pub async fn cancel(&self, ctx: &Ctx, job_id: JobId) -> Result<()> {
        let desk = self.0.authorize(ctx, Permission::JobControl).await?;
        let row = self.row(&desk, job_id).await?;
        self.may_touch(ctx, &row).await?;
        if row.job.status.is_over() {
            return Err(Error::new(Code::WrongState, "the job has ended already"));
        }
        self.0.store().main().write(move |tx| table::request_cancel(tx, job_id)).await?;
        self.tell_to_stop(job_id);
        self.0.audit(ctx, "job.cancel", job_id).await?;
        self.announce(job_id).await
    }

    /// Runs a job that failed, was cancelled or got stuck again, from the first
    /// step that did not finish.
    pub async fn retry(&self, ctx: &Ctx, job_id: JobId) -> Result<()> {
        let desk = self.0.authorize(ctx, Permission::JobControl).await?;
        let row = self.row(&desk, job_id).await?;
        self.may_touch(ctx, &row).await?;
        if !matches!(row.job.status, JobStatus::Failed | JobStatus::Cancelled | JobStatus::Stuck) {
            return Err(Error::new(Code::WrongState, "only a job that ended badly can be retried"));
        }
        self.refuse_if_busy(&row.job.target).await?;
        let work: Work = serde_json::from_value(row.payload)
            .map_err(|e| Error::new(Code::Internal, "the job's record can't be read").cause(e))?;
        work.before_retry(self.0, &desk).await?;
        let again = work.clone();
        // Looked up and written in one go: two processes may retry at once.
        let active = self
            .0
            .store()
            .main()
            .write(move |tx| {
                let active = at_work(tx, &work)?;
                if active.is_none() {
                    table::reset_for_retry(tx, job_id)?;
                }
                Ok(active)
            })
            .await?;
        if let Some(job) = active {
            return Err(busy(&job));
        }
        again.retried(self.0, &desk).await?;
        self.0.audit(ctx, "job.retry", job_id).await?;
        self.wait_for_the_run_before(job_id).await?;
        self.claim_and_run(desk, job_id).await
    }

    /// Puts an ended job away.
    pub async fn dismiss(&self, ctx: &Ctx, job_id: JobId) -> Result<()> {
        let desk = self.0.authorize(ctx, Permission::JobControl).await?;
        let row = self.row(&desk, job_id).await?;
        if !row.job.status.is_over() {
            return Err(
                Error::new(Code::WrongState, "the job is still at work").hint("cancel it first")
            );
        }
        self.0.store().main().write(move |tx| table::dismiss(tx, job_id)).await?;
        self.0.audit(ctx, "job.dismiss", job_id).await?;
        self.announce(job_id).await
    }

    /// Takes back what a job did, by a new job; returns that one.
    pub async fn undo(&self, ctx: &Ctx, job_id: JobId) -> Result<JobId> {
        let desk = self.0.authorize(ctx, Permission::JobControl).await?;
        let row = self.row(&desk, job_id).await?;
        let work: Work = serde_json::from_value(row.payload)
            .map_err(|e| Error::new(Code::Internal, "the job's record can't be read").cause(e))?;
        match (row.job.status, work) {
            (JobStatus::Succeeded, Work::Deploy(deploy)) => {
                let Some(previous) = deploy.previous_release_id else {
                    return Err(Error::new(Code::WrongState, "there was no release before")
                        .hint("remove the application instead"));
                };
                self.0.applications().roll_back(ctx, deploy.application_id, previous).await
            }
            (JobStatus::Succeeded, _) => {
                Err(Error::new(Code::WrongState, "this kind of job can't be taken back"))
            }
            _ => Err(Error::new(Code::WrongState, "only a job that succeeded can be taken back")),
        }
    }

    /// Writes a job down and starts it. The caller has checked the permission.
    pub(crate) async fn start(&self, desk: &Desk, title: String, work: Work) -> Result<JobId> {
        let job_id = JobId::new();
        self.start_as(desk, job_id, title, work).await?;
        Ok(job_id)
    }

    /// The same under an id that is written down elsewhere already.
    pub(crate) async fn start_as(
        &self,
        desk: &Desk,
        job_id: JobId,
        title: String,
        work: Work,
    ) -> Result<()> {
        let target = work.target();
        let steps = work
            .steps()
            .iter()
            .map(|step| StepRecord {
                name: step.name(),
                status: StepStatus::Pending,
                progress: None,
                started_at: None,
                ended_at: None,
            })
            .collect();
        let job = Job {
            id: job_id,
            organization_id: desk.organization_id,
            actor: desk.actor,
            kind: work.kind().to_owned(),
            target,
            title,
            status: JobStatus::Queued,
            steps,
            failure: None,
            cancel_requested: false,
            created_at: self.0.now(),
            ended_at: None,
            dismissed: false,
        };
        let payload = serde_json::to_value(&work)
            .map_err(|e| Error::new(Code::Internal, "the job can't be written down").cause(e))?;
        let row = table::Row { job, payload, outputs: serde_json::Map::new(), owner: None };
        // Looked up and written in one go: two processes may start at once.
        let active = self
            .0
            .store()
            .main()
            .write(move |tx| {
                let active = at_work(tx, &work)?;
                if active.is_none() {
                    table::insert(tx, &row)?;
                }
                Ok(active)
            })
            .await?;
        match active {
            Some(job) => Err(busy(&job)),
            None => self.claim_and_run(desk.clone(), job_id).await,
        }
    }

    /// Starts every unfinished job whose process is gone. Needs an open vault.
    pub async fn resume(&self) -> Result<Vec<JobId>> {
        let rows = self.0.store().main().read(table::unfinished).await?;
        let mut resumed = Vec::new();
        for row in rows {
            if self.pick_up(row.job.id).await? {
                resumed.push(row.job.id);
            }
        }
        // What is shown of an ended job must not keep the others from going on.
        if let Err(error) = self.0.applications().reconcile().await {
            self.0.report(&error, "Deployments without a job could not be finished");
        }
        Ok(resumed)
    }

    /// Starts an unfinished job if no process is at work on it; says whether it did.
    ///
    /// Needs an open vault.
    pub async fn pick_up(&self, job_id: JobId) -> Result<bool> {
        if self.0.running_jobs().contains_key(&job_id) || !self.claim(job_id).await? {
            return Ok(false);
        }
        // Read after the claim: it may have ended between the list and the claim.
        let main = self.0.store().main();
        let row = main.read(move |conn| table::by_id(conn, job_id)).await?;
        let Some(row) = row.filter(|row| !row.job.status.is_over()) else {
            main.write(move |tx| table::release(tx, job_id)).await?;
            return Ok(false);
        };
        let desk = self.0.desk(row.job.organization_id, row.job.actor)?;
        tracing::info!(job.id = %job_id, kind = row.job.kind, "Going on with a job that nobody works on");
        self.spawn(desk, job_id);
        Ok(true)
    }

    /// From now on, jobs that are started here are only written down, and left to
    /// the next process that resumes them.
    pub fn leave_to_others(&self) {
        self.0.0.leaves_jobs.store(true, Ordering::Relaxed);
    }

    /// Waits until a job has ended and returns it. Works across processes.
    pub async fn wait(&self, job_id: JobId) -> Result<Job> {
        let mut events = self.0.subscribe();
        loop {
            let main = self.0.store().main();
            let row = main.read(move |conn| table::by_id(conn, job_id)).await?;
            let job = row.ok_or_else(|| Error::not_found("job", job_id))?.job;
            if job.status.is_over() {
                return Ok(job);
            }
            // Another process tells nobody here, so look now and then.
            let pause = std::time::Duration::from_millis(300);
            let _ = tokio::time::timeout(pause, events.recv()).await;
        }
    }

    pub(super) fn tell_to_stop(&self, job_id: JobId) {
        let running = self.0.running_jobs();
        if let Some(stop) = running.get(&job_id) {
            stop.send_replace(true);
        }
    }

    async fn claim_and_run(&self, desk: Desk, job_id: JobId) -> Result<()> {
        let left = self.0.0.leaves_jobs.load(Ordering::Relaxed);
        if !left && self.claim(job_id).await? {
            self.spawn(desk, job_id);
        }
        Ok(())
    }

    /// A run that has told its end may still be writing it down. Until it is gone
    /// a new one would be taken for the same.
    async fn wait_for_the_run_before(&self, job_id: JobId) -> Result<()> {
        let main = self.0.store().main();
        while self.0.running_jobs().contains_key(&job_id) {
            let row = main.read(move |conn| table::by_id(conn, job_id)).await?;
            if row.is_none_or(|row| row.job.status != JobStatus::Queued) {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn claim(&self, job_id: JobId) -> Result<bool> {
        let (owner, is_dead) = (self.0.owner().to_owned(), self.0.owner_is_dead());
        Ok(self
            .0
            .store()
            .main()
            .write(move |tx| table::claim(tx, job_id, &owner, is_dead.as_ref()))
            .await?)
    }

    fn spawn(&self, desk: Desk, job_id: JobId) {
        let (sender, receiver) = watch::channel(false);
        {
            let mut running = self.0.running_jobs();
            if running.contains_key(&job_id) {
                return;
            }
            running.insert(job_id, sender);
        }
        let app = self.0.clone();
        let run = Run { app: self.0.clone(), job_id };
        self.0.supervise("job", async move {
            let _run = run;
            runner::run(app, desk, job_id, receiver).await;
        });
    }

    async fn row(&self, desk: &Desk, job_id: JobId) -> Result<table::Row> {
        let organization = desk.organization_id;
        self.0
            .store()
            .main()
            .read(move |conn| table::by_id(conn, job_id))
            .await?
            .filter(|row| row.job.organization_id == organization)
            .ok_or_else(|| Error::not_found("job", job_id))
    }

    /// Whoever may not start such a job may not stop or repeat it either.
    async fn may_touch(&self, ctx: &Ctx, row: &table::Row) -> Result<()> {
        let work: Option<Work> = serde_json::from_value(row.payload.clone()).ok();
        match work {
            Some(work) => self.0.authorize(ctx, work.permission()).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Refuses while another job works on `target`.
    pub(crate) async fn refuse_if_busy(&self, target: &str) -> Result<()> {
        let wanted = target.to_owned();
        let active =
            self.0.store().main().read(move |conn| table::active_on(conn, &wanted)).await?;
        active.map_or(Ok(()), |job| Err(busy(&job)))
    }

    async fn announce(&self, job_id: JobId) -> Result<()> {
        let main = self.0.store().main();
        if let Some(row) = main.read(move |conn| table::by_id(conn, job_id)).await? {
            self.0.publish(Event::Job(row.job));
        }
        Ok(())
    }
}

/// The unfinished job that works on the same thing as `work` would, if there is one.
///
/// Two jobs on one server's proxy would each write the whole configuration as
/// they know it, and take back the other's switch.
fn at_work(
    conn: &flightdeck_store::Connection,
    work: &Work,
) -> flightdeck_store::SqlResult<Option<Job>> {
    if let Some(job) = table::active_on(conn, &work.target())? {
        return Ok(Some(job));
    }
    if work.proxied_servers().is_empty() {
        return Ok(None);
    }
    let shares_a_server = |row: &table::Row| {
        let other: Option<Work> = serde_json::from_value(row.payload.clone()).ok();
        other.is_some_and(|other| {
            let servers = other.proxied_servers();
            servers.iter().any(|(id, _)| work.proxied_servers().iter().any(|(own, _)| own == id))
        })
    };
    Ok(table::unfinished(conn)?.into_iter().find(shares_a_server).map(|row| row.job))
}

fn busy(job: &Job) -> Error {
    Error::new(Code::Busy, format!("`{}` is still at work", job.title))
        .hint("wait for it, or cancel it")
}
