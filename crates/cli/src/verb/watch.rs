//! The core with no window: samples servers, finishes jobs, prints what happens.

use std::{collections::HashMap, time::Duration};

use clap::Args;
use flightdeck_app::event::{Event, Topic};
use flightdeck_domain::{
    id::{JobId, OrganizationId, ServerId},
    job::Job,
};
use serde_json::{Value, json};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::broadcast::error::RecvError,
};

use crate::{
    answer::Answer,
    failure::{Failure, Result},
    progress,
    session::Session,
    terminal::Terminal,
};

/// How often jobs are looked for that another process wrote down or left behind.
const LOOK: Duration = Duration::from_secs(2);

/// Goes on until SIGINT or SIGTERM; what is at work then is resumed by the next start.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// End when no job is unfinished, instead of going on
    #[arg(long)]
    until_idle: bool,
}

/// Watches until a signal ends it.
pub(crate) async fn run(session: &Session, watch: Watch) -> Result<Answer> {
    let unheard = |error| Failure::internal(format!("no signal can be heard: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut events = session.app().subscribe();
    let mut names = Names::default();
    session.engine.opened().await;
    if session.terminal.draws {
        Terminal::note("watching; press Ctrl-C to end");
    }
    let mut look = tokio::time::interval(LOOK);
    loop {
        let event = tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = look.tick() => {
                session.app().jobs().resume().await?;
                if watch.until_idle && is_idle(session).await? {
                    break;
                }
                continue;
            }
            event = events.recv() => match event {
                Ok(event) => event,
                // Too many at once: what is stored is what counts, not each event.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => break,
            },
        };
        let Some(line) = names.line(session, &event).await else { continue };
        if !Terminal::line(&line) {
            break;
        }
    }
    Ok(Answer::plain(""))
}

async fn is_idle(session: &Session) -> Result<bool> {
    let organizations = session.app().organizations();
    let Some(user) = organizations.local_user().await? else { return Ok(true) };
    for membership in organizations.list(user.id).await? {
        let ctx = organizations.context(membership.organization.id).await?;
        let jobs = session.app().jobs().list(&ctx).await?;
        if jobs.iter().any(|job| !job.status.is_over()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What things are called, and what was said of them last.
#[derive(Default)]
struct Names {
    servers: HashMap<ServerId, String>,
    reachable: HashMap<ServerId, bool>,
    told: HashMap<JobId, String>,
}

impl Names {
    /// The line for an event; none for what a reader need not know.
    ///
    /// In a pipe without `--json` it stays quiet about samples: what is left is what
    /// a mail from cron should hold.
    async fn line(&mut self, session: &Session, event: &Event) -> Option<String> {
        if session.terminal.json {
            return Some(document(event).to_string());
        }
        match event {
            Event::Job(job) => self.job(job),
            Event::Log { line, .. } if session.globals.verbose => {
                Some(format!("  [{}] {}", line.step, line.text))
            }
            Event::Sampled { organization_id, sample, reachable } => {
                let id = sample.server_id;
                let before = self.reachable.insert(id, *reachable);
                let name = self.server(session, *organization_id, id).await;
                match (before, *reachable) {
                    (Some(true) | None, false) => Some(format!("server `{name}` does not answer")),
                    (Some(false), true) => Some(format!("server `{name}` answers again")),
                    _ if session.terminal.draws => {
                        let cpu = sample.cpu_percent.map(|cpu| format!(", cpu {cpu:.0}%"));
                        let cpu = cpu.unwrap_or_default();
                        Some(format!("sample of `{name}`: load {:.2}{cpu}", sample.load_1))
                    }
                    _ => None,
                }
            }
            Event::Log { .. } | Event::Changed { .. } => None,
        }
    }

    fn job(&mut self, job: &Job) -> Option<String> {
        let text = match &job.failure {
            Some(failure) if job.status.is_over() => {
                let hint = failure.hint.as_ref().map_or_else(String::new, |h| format!(" ({h})"));
                format!("job `{}` {}: {}{hint}", job.title, job.status, failure.message)
            }
            _ if job.status.is_over() => format!("job `{}` {}", job.title, job.status),
            _ => format!("job `{}`: {}", job.title, progress::step_now(job)),
        };
        // Progress within a step repeats the same line.
        let before = self.told.insert(job.id, text.clone());
        (before.as_ref() != Some(&text)).then_some(text)
    }

    async fn server(&mut self, session: &Session, org: OrganizationId, id: ServerId) -> String {
        if let Some(name) = self.servers.get(&id) {
            return name.clone();
        }
        let Ok(ctx) = session.app().organizations().context(org).await else {
            return id.to_string();
        };
        match session.app().servers().get(&ctx, id).await {
            Ok(found) => {
                self.servers.insert(id, found.server.name.clone());
                found.server.name
            }
            Err(_) => id.to_string(),
        }
    }
}

fn document(event: &Event) -> Value {
    match event {
        Event::Changed { organization_id, topic, id } => json!({
            "event": "changed",
            "organization_id": organization_id,
            "topic": topic_name(*topic),
            "id": id,
        }),
        Event::Sampled { organization_id, sample, reachable } => json!({
            "event": "sampled",
            "organization_id": organization_id,
            "sample": sample,
            "reachable": reachable,
        }),
        Event::Job(job) => json!({ "event": "job", "job": job }),
        Event::Log { organization_id, job_id, line } => json!({
            "event": "log",
            "organization_id": organization_id,
            "job_id": job_id,
            "line": line,
        }),
    }
}

const fn topic_name(topic: Topic) -> &'static str {
    match topic {
        Topic::Organizations => "organizations",
        Topic::Credentials => "credentials",
        Topic::Servers => "servers",
        Topic::Stacks => "stacks",
        Topic::Applications => "applications",
        Topic::Jobs => "jobs",
        Topic::Settings => "settings",
        Topic::Vault => "vault",
    }
}
