//! One process on a data directory, which may be killed at any moment.

use std::{
    future::Future,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use flightdeck_app::{App, Background, Place, Ports};
use flightdeck_domain::{id::JobId, job::Job};
use flightdeck_store::Store;
use tokio::{sync::Notify, task::JoinSet};

use crate::world::{AgreeableCloud, World};

/// A core with its background work.
pub(crate) struct Process {
    pub(crate) app: App,
    tasks: Arc<Mutex<JoinSet<()>>>,
    life: Arc<Life>,
    owner: String,
    dead: Arc<Mutex<std::collections::HashSet<String>>>,
}

/// How many more times background work is polled before the process is gone.
struct Life {
    polls: AtomicU64,
    ended: Notify,
}

impl Process {
    /// Starts a process whose vault is locked.
    pub(crate) fn bare(world: &World, owner: &str) -> Self {
        Self::with_life(world, owner, u64::MAX)
    }

    /// Starts a process as the engine does: unlock, recover, resume.
    pub(crate) async fn start(world: &World, owner: &str) -> Self {
        let process = Self::unlocked(world, owner, u64::MAX).await;
        process.app.stacks().recover().await.expect("recovery");
        process.app.jobs().resume().await.expect("resumption");
        process
    }

    /// Starts a process that is gone after its background work was polled `polls` times.
    pub(crate) async fn unlocked(world: &World, owner: &str, polls: u64) -> Self {
        let process = Self::with_life(world, owner, polls);
        process.app.vault().unlock(None).await.expect("the keychain has the key");
        process
    }

    fn with_life(world: &World, owner: &str, polls: u64) -> Self {
        let tasks = Arc::new(Mutex::new(JoinSet::new()));
        let life = Arc::new(Life { polls: AtomicU64::new(polls), ended: Notify::new() });
        let (spawner, mortal, dead) = (tasks.clone(), life.clone(), world.dead.clone());
        let place = Place {
            directory: world.path().to_owned(),
            modules: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../terraform-modules"),
            owner: owner.to_owned(),
            owner_is_dead: Arc::new(move |owner| {
                dead.lock().unwrap_or_else(PoisonError::into_inner).contains(owner)
            }),
            spawn: Box::new(move |_, work| {
                let work = Mortal { work: Some(work), life: mortal.clone() };
                let mut tasks = spawner.lock().unwrap_or_else(PoisonError::into_inner);
                tasks.spawn(work);
            }),
        };
        let ports = Ports {
            clock: world.clock.clone(),
            hosts: world.hosts.clone(),
            terraform: world.terraform.clone(),
            cloud: Arc::new(AgreeableCloud),
            keychain: world.keychain.clone(),
        };
        let store = Store::open(world.path()).expect("the store opens");
        let (owner, dead) = (owner.to_owned(), world.dead.clone());
        Self { app: App::new(store, ports, place), tasks, life, owner, dead }
    }

    /// Waits for a job's end.
    pub(crate) async fn end(&self, job: JobId) -> Job {
        let jobs = self.app.jobs();
        let ended = tokio::time::timeout(Duration::from_secs(30), jobs.wait(job));
        let Ok(ended) = ended.await else { panic!("the job hangs") };
        self.refuse_panics();
        ended.expect("the job is there")
    }

    /// Waits for a job's end, or for the end of this process; none for the latter.
    pub(crate) async fn end_or_crash(&self, job: JobId) -> Option<Job> {
        tokio::select! {
            biased;
            () = self.life.ended.notified() => None,
            ended = self.end(job) => Some(ended),
        }
    }

    /// How many polls of its life are left.
    pub(crate) fn life_left(&self) -> u64 {
        self.life.polls.load(Ordering::SeqCst)
    }

    /// Ends the process as `kill -9` does.
    pub(crate) async fn kill(self) {
        self.refuse_panics();
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).insert(self.owner.clone());
    }

    fn refuse_panics(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            assert!(!ended.is_err_and(|error| error.is_panic()), "background work panicked");
        }
    }
}

/// Background work that ends in the middle when its process' life is over.
struct Mortal {
    work: Option<Background>,
    life: Arc<Life>,
}

impl Future for Mortal {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let polls = &self.life.polls;
        if polls.load(Ordering::SeqCst) == 0 {
            self.work = None;
            self.life.ended.notify_one();
            return Poll::Ready(());
        }
        polls.fetch_sub(1, Ordering::SeqCst);
        match &mut self.work {
            Some(work) => work.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }
}
