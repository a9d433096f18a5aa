//! Waiting for jobs: drawn on a terminal, silent in a pipe.

use std::time::Duration;

use flightdeck_app::Ctx;
use flightdeck_domain::{
    id::JobId,
    job::{Job, StepStatus},
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    failure::{Failure, Result},
    session::Session,
    terminal::Terminal,
};

/// The events of other processes don't reach this one, so it looks now and then.
const LOOK: Duration = Duration::from_millis(250);

/// Waits for a job that a verb started, unless it is left to others, and returns it.
/// A job that did not succeed is the verb's failure.
pub(crate) async fn of(session: &Session, ctx: &Ctx, job_id: JobId, no_wait: bool) -> Result<Job> {
    if no_wait {
        return Ok(session.app().jobs().get(ctx, job_id).await?);
    }
    let job = until_over(session, ctx, job_id).await?;
    match Failure::of_job(&job) {
        Some(failure) => Err(failure),
        None => Ok(job),
    }
}

/// Waits until a job is over, however it ends.
///
/// The first Ctrl-C asks the job to stop; the second leaves it, and the next
/// process that resumes jobs goes on with it.
pub(crate) async fn until_over(session: &Session, ctx: &Ctx, job_id: JobId) -> Result<Job> {
    let jobs = session.app().jobs();
    let mut events = session.app().subscribe();
    let bar = bar(session.terminal);
    let mut printed = 0;
    let mut asked_to_stop = false;
    loop {
        let job = jobs.get(ctx, job_id).await?;
        if session.globals.verbose {
            printed = print_log(session, ctx, job_id, printed, &bar).await?;
        }
        show(&bar, &job);
        if job.status.is_over() {
            bar.finish_and_clear();
            return Ok(job);
        }
        tokio::select! {
            _ = tokio::time::timeout(LOOK, events.recv()) => {}
            signal = tokio::signal::ctrl_c() => {
                signal.map_err(|error| Failure::internal(format!("no signal can be heard: {error}")))?;
                if asked_to_stop {
                    bar.finish_and_clear();
                    return Err(left(&job));
                }
                asked_to_stop = true;
                bar.suspend(|| Terminal::note("cancelling; press Ctrl-C again to leave the job as it is"));
                jobs.cancel(ctx, job_id).await?;
            }
        }
    }
}

fn left(job: &Job) -> Failure {
    let code = flightdeck_app::error::Code::Cancelled;
    let text = format!("left `{}` while it was still stopping", job.title);
    let mut failure = Failure::from(flightdeck_app::error::Error::new(code, text))
        .hint(format!("run `flightdeck job wait {}` to finish it", job.id));
    failure.job_id = Some(job.id);
    failure
}

/// Prints the lines after `printed` and returns the number of the last one.
async fn print_log(
    session: &Session,
    ctx: &Ctx,
    job_id: JobId,
    printed: u32,
    bar: &ProgressBar,
) -> Result<u32> {
    let lines = session.app().jobs().log(ctx, job_id, printed).await?;
    bar.suspend(|| {
        for line in &lines {
            Terminal::note(&format!("[{}] {}", line.step, line.text));
        }
    });
    Ok(lines.last().map_or(printed, |line| line.number))
}

fn bar(terminal: Terminal) -> ProgressBar {
    if !terminal.draws {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(1_000);
    let style = ProgressStyle::with_template("{spinner} {prefix} [{bar:24}] {msg} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn show(bar: &ProgressBar, job: &Job) {
    if bar.is_hidden() {
        return;
    }
    bar.set_prefix(job.title.clone());
    bar.set_message(step_now(job));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of 1,000"
    )]
    bar.set_position((share(job) * 1_000.0) as u64);
}

/// The part of a job that is done, from 0 to 1.
fn share(job: &Job) -> f64 {
    if job.steps.is_empty() {
        return 0.0;
    }
    let done: f64 = job
        .steps
        .iter()
        .map(|step| match step.status {
            StepStatus::Done => 1.0,
            StepStatus::Running => step.progress.unwrap_or(0.0).clamp(0.0, 1.0),
            StepStatus::Pending | StepStatus::Failed | StepStatus::Undoing | StepStatus::Undone => {
                0.0
            }
        })
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "a job has some dozens of steps")]
    let all = job.steps.len() as f64;
    done / all
}

/// What a job is at: `health:web-1`, or `undoing health:web-1`.
pub(crate) fn step_now(job: &Job) -> String {
    let at = |status| job.steps.iter().find(|step| step.status == status);
    match (at(StepStatus::Undoing), at(StepStatus::Running)) {
        (Some(step), _) => format!("undoing {}", step.name),
        (None, Some(step)) => step.name.clone(),
        (None, None) => job.status.to_string(),
    }
}
