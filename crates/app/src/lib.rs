//! What Flightdeck does: use cases, the ports they need, permissions, and jobs.
//!
//! A use case is a method of one of the groups that [`App`] hands out
//! (`app.servers().list(&ctx)`). It starts with [`App::authorize`], which is also
//! the only way to a workspace's database, so none can forget it.

mod applications;
mod audit;
mod authorize;
mod credentials;
pub mod error;
pub mod event;
mod from_store;
mod jobs;
mod metrics;
mod organizations;
pub mod port;
mod proxy;
mod redaction;
mod servers;
mod settings;
mod stacks;
mod vault;
mod work;

use std::{
    future::Future,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use flightdeck_domain::id::UserId;
use flightdeck_store::Store;
use flightdeck_vault::{keychain::KeyStore, protection::Vault, ring::KeyRing};
use tokio::sync::broadcast;

pub use crate::{
    applications::{ApplicationDetail, ApplicationRequest, Applications, Placement},
    authorize::{Ctx, Desk},
    credentials::Credentials,
    jobs::{Jobs, Step, StepContext},
    metrics::Monitor,
    organizations::{Membership, OrganizationRequest, Organizations},
    servers::{Palette, ServerOverview, ServerRequest, Servers},
    settings::SettingsUse,
    stacks::{RunOverview, StackDetail, StackOverview, StackRequest, Stacks},
    vault::{SetUp, VaultState, VaultStatus, VaultUse},
};
use crate::{
    event::Event,
    port::{clock::Clock, cloud::Cloud, hosts::Hosts, terraform::Terraform},
};

/// What we don't control, as the composition root provides it.
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Servers.
    pub hosts: Arc<dyn Hosts>,
    /// The Terraform command line.
    pub terraform: Arc<dyn Terraform>,
    /// Provider APIs.
    pub cloud: Arc<dyn Cloud>,
    /// Where the master key rests.
    pub keychain: Arc<dyn KeyStore>,
}

/// Answers whether the process behind a lease's owner is gone for good.
pub type OwnerIsDead = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Where things are, and who this process is.
pub struct Place {
    /// The data directory.
    pub directory: PathBuf,
    /// The modules that ship.
    pub modules: PathBuf,
    /// Names this process in leases.
    pub owner: String,
    /// Recognizes the leases of processes that are gone.
    pub owner_is_dead: OwnerIsDead,
    /// Runs background work; the composition root logs and joins it.
    pub spawn: Box<dyn Fn(&'static str, Background) + Send + Sync>,
}

/// Background work, ready to be spawned.
pub type Background = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// The core. Cheap to clone; every clone is the same core.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    store: Store,
    ports: Ports,
    place: Place,
    vault: Vault,
    keys: Mutex<KeyRing>,
    events: broadcast::Sender<Event>,
    running: jobs::Running,
    leaves_jobs: AtomicBool,
    readings: metrics::Readings,
    secrets: redaction::KnownSecrets,
    uses: credentials::Uses,
}

impl App {
    /// Puts the core together. Nothing runs yet, and the vault is locked.
    pub fn new(store: Store, ports: Ports, place: Place) -> Self {
        let vault = Vault::new(place.directory.clone(), ports.keychain.clone());
        let (events, _) = broadcast::channel(1024);
        Self(Arc::new(Inner {
            store,
            ports,
            place,
            vault,
            keys: Mutex::new(KeyRing::default()),
            events,
            running: jobs::Running::default(),
            leaves_jobs: AtomicBool::new(false),
            readings: metrics::Readings::default(),
            secrets: redaction::KnownSecrets::default(),
            uses: credentials::Uses::default(),
        }))
    }

    /// The use cases of the vault.
    pub fn vault(&self) -> VaultUse<'_> {
        VaultUse(self)
    }

    /// The use cases of the organization tree.
    pub fn organizations(&self) -> Organizations<'_> {
        Organizations(self)
    }

    /// The use cases of credentials.
    pub fn credentials(&self) -> Credentials<'_> {
        Credentials(self)
    }

    /// The use cases of servers.
    pub fn servers(&self) -> Servers<'_> {
        Servers(self)
    }

    /// The sampling of servers.
    pub fn monitor(&self) -> Monitor<'_> {
        Monitor(self)
    }

    /// The use cases of stacks.
    pub fn stacks(&self) -> Stacks<'_> {
        Stacks(self)
    }

    /// The use cases of applications.
    pub fn applications(&self) -> Applications<'_> {
        Applications(self)
    }

    /// The use cases of jobs.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }

    /// The settings of this installation.
    pub fn settings(&self) -> SettingsUse<'_> {
        SettingsUse(self)
    }

    /// Hears what happens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Tells whoever listens. Nobody listening is fine.
    pub fn publish(&self, event: Event) {
        let _ = self.0.events.send(event);
    }

    /// Where everything of this installation lies.
    pub fn directory(&self) -> &std::path::Path {
        &self.0.place.directory
    }

    /// The database. The composition root watches it for other processes' writes.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.0.ports
    }

    pub(crate) fn place(&self) -> &Place {
        &self.0.place
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.0.ports.clock.now()
    }

    pub(crate) fn owner(&self) -> &str {
        &self.0.place.owner
    }

    pub(crate) fn owner_is_dead(&self) -> OwnerIsDead {
        self.0.place.owner_is_dead.clone()
    }

    pub(crate) fn supervise(
        &self,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        (self.0.place.spawn)(name, Box::pin(work));
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, KeyRing> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn running_jobs(
        &self,
    ) -> MutexGuard<
        '_,
        std::collections::HashMap<flightdeck_domain::id::JobId, tokio::sync::watch::Sender<bool>>,
    > {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn author(&self, actor: Option<UserId>) -> flightdeck_store::change::Author {
        flightdeck_store::change::Author {
            actor,
            device: self.0.store.device_id(),
            now: self.now(),
        }
    }

    /// Logs a failure once, where it is handled, and returns the incident's id.
    pub fn report(&self, error: &error::Error, what: &'static str) -> String {
        let incident = uuid::Uuid::now_v7().simple().to_string()[20..].to_owned();
        let mut causes = String::new();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            causes.push_str(": ");
            causes.push_str(&cause.to_string());
            source = cause.source();
        }
        let causes = self.redact(&causes);
        let message = self.redact(&error.message);
        tracing::warn!(incident, code = %error.code, message, causes, "{what}");
        incident
    }
}
