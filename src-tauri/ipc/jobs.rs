//! Durable long work, as people see and steer it.

use flightdeck_domain::job;
use serde::Serialize;
use specta::Type;
use specta_typescript::Number;
use tauri::State;

use super::{IpcError, error::Code, parse_id, time};
use crate::core::Core;

super::mirror! {
    /// How a job stands.
    JobStatus of job::JobStatus { Queued, Running, Undoing, Succeeded, Failed, Cancelled, Stuck }
}

super::mirror! {
    /// How a step stands.
    StepStatus of job::StepStatus { Pending, Running, Done, Failed, Undoing, Undone }
}

/// Durable long work.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    id: String,
    organization_id: String,
    kind: String,
    target: String,
    title: String,
    status: JobStatus,
    steps: Vec<JobStep>,
    failure: Option<JobFailure>,
    cancel_requested: bool,
    can_undo: bool,
    created_at: String,
    ended_at: Option<String>,
    dismissed: bool,
}

/// One line of a job's journal.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobStep {
    name: String,
    status: StepStatus,
    #[specta(type = Option<Number>)]
    progress: Option<f64>,
    started_at: Option<String>,
    ended_at: Option<String>,
}

/// Why a job failed.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobFailure {
    code: Code,
    message: String,
    hint: Option<String>,
}

/// One line of a job's log.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobLogLine {
    number: u32,
    at: String,
    step: String,
    text: String,
}

/// Lists the jobs, newest first, without dismissed ones.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_jobs(
    core: State<'_, Core>,
    organization_id: String,
) -> Result<Vec<Job>, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let jobs = app.jobs().list(&ctx).await?;
        Ok(jobs.into_iter().map(Job::from).collect())
    })
    .await
}

/// Lists the lines of a job's log after line `after`, 1,000 at most.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_job_log(
    core: State<'_, Core>,
    organization_id: String,
    job_id: String,
    after: u32,
) -> Result<Vec<JobLogLine>, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let lines = app.jobs().log(&ctx, parse_id(&job_id)?, after).await?;
        Ok(lines.into_iter().map(JobLogLine::from).collect())
    })
    .await
}

/// Asks a job to stop; what it did is undone where it can be.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel_job(
    core: State<'_, Core>,
    organization_id: String,
    job_id: String,
) -> Result<(), IpcError> {
    core.within(organization_id, |app, ctx| async move {
        app.jobs().cancel(&ctx, parse_id(&job_id)?).await
    })
    .await
}

/// Runs a job that ended badly again, from the first step that did not finish.
#[tauri::command]
#[specta::specta]
pub(crate) async fn retry_job(
    core: State<'_, Core>,
    organization_id: String,
    job_id: String,
) -> Result<(), IpcError> {
    core.within(organization_id, |app, ctx| async move {
        app.jobs().retry(&ctx, parse_id(&job_id)?).await
    })
    .await
}

/// Takes back what a job did, by a new job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn undo_job(
    core: State<'_, Core>,
    organization_id: String,
    job_id: String,
) -> Result<(), IpcError> {
    core.within(organization_id, |app, ctx| async move {
        app.jobs().undo(&ctx, parse_id(&job_id)?).await.map(|_| ())
    })
    .await
}

/// Puts an ended job away.
#[tauri::command]
#[specta::specta]
pub(crate) async fn dismiss_job(
    core: State<'_, Core>,
    organization_id: String,
    job_id: String,
) -> Result<(), IpcError> {
    core.within(organization_id, |app, ctx| async move {
        app.jobs().dismiss(&ctx, parse_id(&job_id)?).await
    })
    .await
}

impl From<job::Job> for Job {
    fn from(job: job::Job) -> Self {
        Self {
            can_undo: flightdeck_app::Jobs::can_be_undone(&job),
            id: job.id.to_string(),
            organization_id: job.organization_id.to_string(),
            kind: job.kind,
            target: job.target,
            title: job.title,
            status: job.status.into(),
            steps: job.steps.into_iter().map(JobStep::from).collect(),
            failure: job.failure.map(JobFailure::from),
            cancel_requested: job.cancel_requested,
            created_at: time(job.created_at),
            ended_at: job.ended_at.map(time),
            dismissed: job.dismissed,
        }
    }
}

impl From<job::StepRecord> for JobStep {
    fn from(step: job::StepRecord) -> Self {
        let job::StepRecord { name, status, progress, started_at, ended_at } = step;
        Self {
            name,
            status: status.into(),
            progress,
            started_at: started_at.map(time),
            ended_at: ended_at.map(time),
        }
    }
}

impl From<job::Failure> for JobFailure {
    fn from(failure: job::Failure) -> Self {
        let job::Failure { code, message, hint } = failure;
        Self { code: Code::parse(&code), message, hint }
    }
}

impl From<job::LogLine> for JobLogLine {
    fn from(line: job::LogLine) -> Self {
        let job::LogLine { number, at, step, text } = line;
        Self { number, at: time(at), step, text }
    }
}
