//! What the core tells whoever looks: the window, `watch`, a waiting command.

use flightdeck_domain::{
    id::{JobId, OrganizationId},
    job::{Job, LogLine},
    metrics::Sample,
};

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The tree, or somebody's role in it.
    Organizations,
    /// Credentials.
    Credentials,
    /// Servers; not their samples.
    Servers,
    /// Stacks and runs.
    Stacks,
    /// Applications, releases and deployments.
    Applications,
    /// Jobs of another process.
    Jobs,
    /// Settings.
    Settings,
    /// The vault was made, locked or unlocked.
    Vault,
}

/// Something that happened. Events may be lost by slow listeners, so they say
/// what to look at again and never carry what is not stored.
#[derive(Debug, Clone)]
pub enum Event {
    /// Something that is stored is not what it was.
    Changed {
        /// Where; none for the installation.
        organization_id: Option<OrganizationId>,
        /// What kind of thing.
        topic: Topic,
        /// Which one; none for many.
        id: Option<String>,
    },
    /// A server answered, or failed to.
    Sampled {
        /// Where.
        organization_id: OrganizationId,
        /// The newest sample.
        sample: Sample,
        /// Whether the server answered this time.
        reachable: bool,
    },
    /// A job's journal moved on.
    Job(Job),
    /// A job said something.
    Log {
        /// Where.
        organization_id: OrganizationId,
        /// Which job.
        job_id: JobId,
        /// What.
        line: LogLine,
    },
}
