//! Long work: looked at, waited for, stopped, gone on with.

use std::time::Duration;

use clap::Subcommand;
use flightdeck_app::Ctx;
use flightdeck_domain::{
    id::JobId,
    job::{Job, JobStatus, LogLine, StepStatus},
};
use serde_json::json;

use crate::{
    answer::Answer,
    arguments::Waiting,
    failure::{Failure, Result},
    progress,
    session::Session,
    table::{Table, facts, or_dash},
    terminal::{Mood, Terminal, ago},
};

/// What can be done with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the jobs, newest first
    List,
    /// Show one job with its steps
    Show {
        /// Its id
        job: JobId,
    },
    /// Print what a job said
    Log {
        /// Its id
        job: JobId,
        /// Go on printing until the job is over
        #[arg(long, short)]
        follow: bool,
    },
    /// Go on with a job that nobody works on, and wait until it is over
    Wait {
        /// Its id; all unfinished jobs of the organization without
        id: Option<JobId>,
    },
    /// Stop a job; what it did is undone where it can be
    Cancel {
        /// Its id
        job: JobId,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Run a job that ended badly again, from the first step that is not done
    Retry {
        /// Its id
        job: JobId,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Take back what a job did, by a new job
    Undo {
        /// Its id
        job: JobId,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Put an ended job away
    Dismiss {
        /// Its id
        job: JobId,
    },
}

/// Calls a verb.
pub(crate) async fn run(session: &Session, verb: Verb) -> Result<Answer> {
    let jobs = session.app().jobs();
    let ctx = session.ctx().await?;
    match verb {
        Verb::List => {
            let list = jobs.list(&ctx).await?;
            let mut table = Table::new(["title", "status", "at", "started", "id"], "no job");
            for job in &list {
                let at = if job.status.is_over() { String::new() } else { progress::step_now(job) };
                table.row([
                    job.title.clone(),
                    job.status.to_string(),
                    at,
                    ago(job.created_at),
                    job.id.to_string(),
                ]);
            }
            Answer::new(&list, table.text())
        }
        Verb::Show { job } => {
            let job = jobs.get(&ctx, job).await?;
            let text = shown(session.terminal, &job);
            Answer::new(&job, text)
        }
        Verb::Log { job, follow: false } => {
            let lines = all_lines(session, &ctx, job).await?;
            let text = lines.iter().map(|line| said(line) + "\n").collect::<String>();
            Answer::new(&lines, text)
        }
        Verb::Log { job, follow: true } => follow(session, &ctx, job).await,
        Verb::Wait { id: Some(job) } => {
            // Whose job it is, is asked before anything is done with it.
            jobs.get(&ctx, job).await?;
            pick_up(session, job).await?;
            ended(session, &ctx, job, false).await
        }
        Verb::Wait { id: None } => wait_for_all(session, &ctx).await,
        Verb::Cancel { job, waiting } => {
            jobs.cancel(&ctx, job).await?;
            if waiting.no_wait {
                let job = jobs.get(&ctx, job).await?;
                return Answer::new(&job, format!("`{}` was asked to stop\n", job.title));
            }
            pick_up(session, job).await?;
            let job = progress::until_over(session, &ctx, job).await?;
            let text = format!("`{}`: {}\n", job.title, job.status);
            match job.status {
                // It was asked to stop and did: that is what was wanted.
                JobStatus::Cancelled | JobStatus::Succeeded => Answer::new(&job, text),
                _ => Failure::of_job(&job).map_or_else(|| Answer::new(&job, text), Err),
            }
        }
        Verb::Retry { job, waiting } => {
            session.carry_out(waiting);
            if !waiting.no_wait {
                session.app().stacks().recover().await?;
            }
            jobs.retry(&ctx, job).await?;
            ended(session, &ctx, job, waiting.no_wait).await
        }
        Verb::Undo { job, waiting } => {
            session.carry_out(waiting);
            let undo = jobs.undo(&ctx, job).await?;
            ended(session, &ctx, undo, waiting.no_wait).await
        }
        Verb::Dismiss { job } => {
            jobs.dismiss(&ctx, job).await?;
            Answer::new(&json!({ "dismissed": job }), "the job is put away\n")
        }
    }
}

/// Goes on with a job whose process is gone; one that is at work is left alone.
async fn pick_up(session: &Session, job: JobId) -> Result<()> {
    session.app().stacks().recover().await?;
    session.app().jobs().pick_up(job).await?;
    Ok(())
}

async fn ended(session: &Session, ctx: &Ctx, id: JobId, no_wait: bool) -> Result<Answer> {
    let job = progress::of(session, ctx, id, no_wait).await?;
    let text = format!("`{}`: {}\n", job.title, job.status);
    Answer::new(&job, text)
}

/// Waits for every unfinished job; the first that failed is the verb's failure.
async fn wait_for_all(session: &Session, ctx: &Ctx) -> Result<Answer> {
    session.app().stacks().recover().await?;
    let list = session.app().jobs().list(ctx).await?;
    let open: Vec<JobId> =
        list.iter().filter(|job| !job.status.is_over()).map(|job| job.id).collect();
    for id in &open {
        session.app().jobs().pick_up(*id).await?;
    }
    let (mut ended, mut failure) = (Vec::new(), None);
    for id in open {
        let job = progress::until_over(session, ctx, id).await?;
        failure = failure.or_else(|| Failure::of_job(&job));
        ended.push(job);
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let mut table = Table::new(["title", "status"], "no job is unfinished");
    for job in &ended {
        table.row([job.title.clone(), job.status.to_string()]);
    }
    Answer::new(&ended, table.text())
}

async fn all_lines(session: &Session, ctx: &Ctx, job: JobId) -> Result<Vec<LogLine>> {
    let mut lines: Vec<LogLine> = Vec::new();
    loop {
        let after = lines.last().map_or(0, |line| line.number);
        let more = session.app().jobs().log(ctx, job, after).await?;
        if more.is_empty() {
            return Ok(lines);
        }
        lines.extend(more);
    }
}

/// Prints lines as they come, one document a line with `--json`.
async fn follow(session: &Session, ctx: &Ctx, id: JobId) -> Result<Answer> {
    let mut events = session.app().subscribe();
    let mut after = 0;
    loop {
        // Asked before the lines, so that none is missed at the end.
        let over = session.app().jobs().get(ctx, id).await?.status.is_over();
        let lines = session.app().jobs().log(ctx, id, after).await?;
        for line in &lines {
            after = line.number;
            let text = if session.terminal.json {
                serde_json::to_string(line).unwrap_or_default()
            } else {
                said(line)
            };
            if !Terminal::line(&text) {
                return Ok(Answer::plain(""));
            }
        }
        if over && lines.is_empty() {
            return Ok(Answer::plain(""));
        }
        let _ = tokio::time::timeout(Duration::from_millis(250), events.recv()).await;
    }
}

fn said(line: &LogLine) -> String {
    format!("{}  [{}] {}", line.at.strftime("%Y-%m-%dT%H:%M:%SZ"), line.step, line.text)
}

/// A job and its steps, for people.
pub(crate) fn shown(terminal: Terminal, job: &Job) -> String {
    let mood = match job.status {
        JobStatus::Succeeded => Mood::Good,
        JobStatus::Queued | JobStatus::Running | JobStatus::Undoing => Mood::Open,
        JobStatus::Failed | JobStatus::Stuck => Mood::Bad,
        JobStatus::Cancelled => Mood::Plain,
    };
    let mut lines = vec![
        ("Job", job.title.clone()),
        ("Status", terminal.paint(mood, job.status.as_str())),
        ("Kind", job.kind.clone()),
        ("On", job.target.clone()),
        ("Started", ago(job.created_at)),
        ("Ended", or_dash(job.ended_at.map(ago))),
        ("Id", job.id.to_string()),
    ];
    if let Some(failure) = &job.failure {
        lines.push(("Why", failure.message.clone()));
        if let Some(hint) = &failure.hint {
            lines.push(("Next", hint.clone()));
        }
    }
    let mut table = Table::new(["step", "status", "took"], "no step");
    for step in &job.steps {
        let took = step.started_at.zip(step.ended_at).map(|(start, end)| {
            let milliseconds = end.as_millisecond() - start.as_millisecond();
            format!("{}.{}s", milliseconds / 1_000, milliseconds % 1_000 / 100)
        });
        let status = match (step.status, step.progress) {
            #[expect(clippy::cast_possible_truncation, reason = "a percentage")]
            (StepStatus::Running, Some(share)) => format!("running, {}%", (share * 100.0) as i64),
            (status, _) => status.as_str().to_owned(),
        };
        table.row([step.name.clone(), status, or_dash(took)]);
    }
    format!("{}\n{}", facts(&lines), table.text())
}
