//! What the core tells the window without being asked.

use std::time::Duration;

use flightdeck_app::{App, event};
use flightdeck_domain::id::{JobId, OrganizationId, ServerId};
use serde::Serialize;
use specta::Type;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};

use super::{jobs::Job, servers::Sample, time};

super::mirror! {
    /// What a change is about.
    Topic of event::Topic {
        Organizations, Credentials, Servers, Stacks, Applications, Jobs, Settings, Vault,
    }
}

/// Something that happened in the core.
#[derive(Debug, Clone, Serialize, Type, tauri_specta::Event)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum CoreEvent {
    /// Something that is stored is not what it was.
    Changed {
        /// Where; none for the installation.
        organization_id: Option<String>,
        /// What kind of thing.
        topic: Topic,
        /// Which one; none for many.
        id: Option<String>,
    },
    /// A server answered, or failed to.
    Sampled {
        /// Where.
        organization_id: String,
        /// The newest sample.
        sample: Sample,
        /// Whether the server answered this time.
        reachable: bool,
    },
    /// A job's journal moved on.
    Job {
        /// The job as it is now.
        job: Job,
    },
    /// A job said something.
    Log {
        /// Where.
        organization_id: String,
        /// Which job.
        job_id: String,
        /// Counts up from 1 within the job.
        number: u32,
        /// When.
        at: String,
        /// The step that said it.
        step: String,
        /// What it said.
        text: String,
    },
}

/// The shortest time between two tellings.
///
/// A person can't read faster than this, and a burst (200 servers sampled, an
/// apply with many resources) becomes one telling of where things stand.
const PACE: Duration = Duration::from_millis(200);

/// Tells `tell` what the core tells, until the core is gone.
///
/// Of the same server's samples and the same job's records only the newest of a
/// burst is told, and it always is. Log lines are all told, in order.
pub(crate) async fn forward(
    app: App,
    mut events: Receiver<event::Event>,
    tell: impl Fn(CoreEvent),
) {
    let mut burst = Burst::default();
    let mut last = None;
    loop {
        match events.recv().await {
            Ok(event) => burst.add(event),
            Err(RecvError::Lagged(missed)) => burst.add_everything(&app, missed).await,
            Err(RecvError::Closed) => return,
        }
        let due = last.map_or_else(Instant::now, |told: Instant| told + PACE);
        let closed = loop {
            match tokio::time::timeout_at(due, events.recv()).await {
                Ok(Ok(event)) => burst.add(event),
                Ok(Err(RecvError::Lagged(missed))) => burst.add_everything(&app, missed).await,
                Ok(Err(RecvError::Closed)) => break true,
                Err(_) => break false,
            }
        };
        burst.tell(&tell);
        if closed {
            return;
        }
        last = Some(Instant::now());
    }
}

/// What happened since the last telling; the newest of each kind stands last.
#[derive(Default)]
struct Burst {
    events: Vec<(Subject, event::Event)>,
}

/// What makes one event stand for an earlier one.
#[derive(PartialEq, Eq)]
enum Subject {
    Changed(Option<OrganizationId>, event::Topic, Option<String>),
    Sampled(ServerId),
    Job(JobId),
    /// Nothing stands for a line of a log.
    Line,
}

impl Burst {
    fn add(&mut self, event: event::Event) {
        let subject = match &event {
            event::Event::Changed { organization_id, topic, id } => {
                Subject::Changed(*organization_id, *topic, id.clone())
            }
            event::Event::Sampled { sample, .. } => Subject::Sampled(sample.server_id),
            event::Event::Job(job) => Subject::Job(job.id),
            event::Event::Log { .. } => Subject::Line,
        };
        if subject != Subject::Line {
            self.events.retain(|(other, _)| *other != subject);
        }
        self.events.push((subject, event));
    }

    /// After events were lost, anything may have changed.
    async fn add_everything(&mut self, app: &App, missed: u64) {
        tracing::warn!(missed, "The window fell behind the core's events; it looks at all again");
        let organizations = app.organizations().of_local_user().await.unwrap_or_default();
        for topic in [event::Topic::Vault, event::Topic::Settings, event::Topic::Organizations] {
            self.add(event::Event::Changed { organization_id: None, topic, id: None });
        }
        for membership in organizations {
            for topic in [
                event::Topic::Credentials,
                event::Topic::Servers,
                event::Topic::Stacks,
                event::Topic::Applications,
                event::Topic::Jobs,
            ] {
                let organization_id = Some(membership.organization.id);
                self.add(event::Event::Changed { organization_id, topic, id: None });
            }
        }
    }

    fn tell(&mut self, tell: &impl Fn(CoreEvent)) {
        for (_, event) in self.events.drain(..) {
            tell(event.into());
        }
    }
}

impl From<event::Event> for CoreEvent {
    fn from(event: event::Event) -> Self {
        match event {
            event::Event::Changed { organization_id, topic, id } => Self::Changed {
                organization_id: organization_id.map(|id| id.to_string()),
                topic: topic.into(),
                id,
            },
            event::Event::Sampled { organization_id, sample, reachable } => Self::Sampled {
                organization_id: organization_id.to_string(),
                sample: sample.into(),
                reachable,
            },
            event::Event::Job(job) => Self::Job { job: job.into() },
            event::Event::Log { organization_id, job_id, line } => Self::Log {
                organization_id: organization_id.to_string(),
                job_id: job_id.to_string(),
                number: line.number,
                at: time(line.at),
                step: line.step,
                text: line.text,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use flightdeck_domain::{
        id::UserId,
        job::{Job as Record, JobStatus, LogLine},
    };
    use flightdeck_engine::{Engine, Options, Role};
    use tokio::sync::broadcast;

    use super::*;

    /// Tells everything that `send` sends, and returns what reached the window.
    fn told(
        capacity: usize,
        send: impl AsyncFnOnce(broadcast::Sender<event::Event>),
    ) -> Vec<CoreEvent> {
        let directory = tempfile::tempdir().expect("there is room for a data directory");
        let (sender, events) = broadcast::channel(capacity);
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        tauri::async_runtime::block_on(async {
            let directory = Some(directory.path().to_owned());
            let engine = Engine::start(Options { directory, role: Role::Cli })
                .expect("an empty directory is a fine one");
            let forward = forward(engine.app().clone(), events, move |event| {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(event);
            });
            tokio::join!(send(sender), forward);
        });
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    fn record(id: JobId, title: String) -> Record {
        Record {
            id,
            organization_id: OrganizationId::new(),
            actor: UserId::new(),
            kind: "stack.apply".to_owned(),
            target: "stk_1".to_owned(),
            title,
            status: JobStatus::Running,
            steps: Vec::new(),
            failure: None,
            cancel_requested: false,
            created_at: "2026-07-01T00:00:00Z".parse().expect("that is a time"),
            ended_at: None,
            dismissed: false,
        }
    }

    fn title(event: &CoreEvent) -> Option<String> {
        let CoreEvent::Job { job } = event else { return None };
        serde_json::to_value(job).ok()?["title"].as_str().map(str::to_owned)
    }

    #[test]
    fn of_a_burst_only_the_newest_record_of_a_job_is_told() {
        let (one, other) = (JobId::new(), JobId::new());

        let told = told(1024, async |core| {
            for number in 0..100 {
                let _ = core.send(event::Event::Job(record(one, format!("one {number}"))));
                let _ = core.send(event::Event::Job(record(other, format!("other {number}"))));
            }
        });

        let titles: Vec<String> = told.iter().filter_map(title).collect();
        assert_eq!(titles, ["one 99", "other 99"]);
    }

    #[test]
    fn a_job_that_talks_on_is_told_five_times_a_second_and_its_end_always() {
        let job = JobId::new();

        let told = told(1024, async |core| {
            let mut ticks = tokio::time::interval(Duration::from_millis(5));
            for number in 0..=100 {
                ticks.tick().await;
                let _ = core.send(event::Event::Job(record(job, number.to_string())));
            }
        });

        let titles: Vec<String> = told.iter().filter_map(title).collect();
        assert!(titles.len() <= 5, "half a second has three tellings and its ends: {titles:?}");
        assert_eq!(titles.last().map(String::as_str), Some("100"));
    }

    #[test]
    fn every_line_of_a_log_is_told_in_order() {
        let (organization_id, job_id) = (OrganizationId::new(), JobId::new());

        let told = told(1024, async |core| {
            for number in 1..=50 {
                let at = "2026-07-01T00:00:00Z".parse().expect("that is a time");
                let line =
                    LogLine { number, at, step: "apply".to_owned(), text: "same".to_owned() };
                let _ = core.send(event::Event::Log { organization_id, job_id, line });
            }
        });

        let numbers: Vec<u32> = told
            .iter()
            .filter_map(|event| match event {
                CoreEvent::Log { number, .. } => Some(*number),
                _ => None,
            })
            .collect();
        assert_eq!(numbers, (1..=50).collect::<Vec<u32>>());
    }

    #[test]
    fn a_window_that_fell_behind_looks_at_everything_again() {
        let told = told(2, async |core| {
            for _ in 0..10 {
                let change = event::Event::Changed {
                    organization_id: None,
                    topic: event::Topic::Settings,
                    id: None,
                };
                let _ = core.send(change);
            }
        });

        let vault = told.iter().any(|event| {
            matches!(event, CoreEvent::Changed { topic: Topic::Vault, organization_id: None, .. })
        });
        assert!(vault, "what was lost may have been anything: {told:?}");
    }
}
