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
pub(crate) async fn forward(app: App, mut events: Receiver<event::Event>, tell: impl Fn(CoreEvent)) {
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
