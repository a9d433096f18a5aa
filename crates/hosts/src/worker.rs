//! The thread that drives one connection.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender, TryRecvError},
    },
    time::{Duration, Instant},
};

use flightdeck_app::port::hosts::{HostError, Target};
use tracing::debug;

use crate::{
    circuit::{self, Circuits},
    command,
    pool::Identity,
    session::{self, LoggedIn, Stage},
    task::{Failure, Lost, Order, Purpose, Reply, Step, Task, Wire},
    wake::{self, Sleeper, WakeOnDrop, Waker},
};

/// Silence after which we ask whether the server is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_mins(5);
/// Channels at once; sshd's default is 10, and our own probes need room.
const CHANNELS: usize = 8;
/// How long channels of killed commands may block new ones.
const GOODBYE: Duration = Duration::from_secs(10);
/// How long a server may refuse the only channel that we want.
const REFUSAL: Duration = Duration::from_secs(2);
/// Between looks at several channels: reading one may fetch bytes of another.
const GLANCE: Duration = Duration::from_millis(25);

/// A request and where its answer goes.
pub(crate) struct Job {
    /// What to do.
    pub(crate) order: Arc<Order>,
    /// Becomes true before the server can act on it.
    pub(crate) sent: Arc<AtomicBool>,
    /// Who waits; dropping the other end ends the request.
    pub(crate) reply: Reply,
}

enum Message {
    Job(Job),
    Hang,
}

/// A connection as its users see it. Dropping it lets running requests finish.
pub(crate) struct Line {
    /// What it was opened with.
    pub(crate) identity: Identity,
    /// How far it has come.
    pub(crate) stage: Arc<Stage>,
    alive: Arc<AtomicBool>,
    messages: Sender<Message>,
    waker: WakeOnDrop,
}

impl Line {
    /// Starts to connect, on a thread of its own.
    pub(crate) fn open(
        target: &Target,
        identity: Identity,
        circuits: Arc<Circuits>,
    ) -> Result<Self, HostError> {
        let endpoint = &target.endpoint;
        let (waker, sleeper) =
            wake::pair().map_err(|error| session::unreachable(endpoint, &error))?;
        let (messages, inbox) = mpsc::channel();
        let alive = Arc::new(AtomicBool::new(true));
        let stage = Arc::new(Stage::default());
        let worker = Worker {
            target: target.clone(),
            identity: identity.clone(),
            circuits,
            stage: Arc::clone(&stage),
            inbox,
            sleeper,
            alive: Alive(Arc::clone(&alive)),
        };
        session::on_own_thread(endpoint, move || worker.work())?;
        Ok(Self { identity, stage, alive, messages, waker: WakeOnDrop(waker) })
    }

    /// Says whether requests may still be given to it.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Queues a request. One that comes too late is dropped, which its caller sees.
    pub(crate) fn send(&self, job: Job) {
        let _ = self.messages.send(Message::Job(job));
        self.waker.0.wake();
    }

    /// Ends the connection and everything on it.
    pub(crate) fn hang_up(&self) {
        let _ = self.messages.send(Message::Hang);
        self.waker.0.wake();
    }

    /// What to wake after a caller left.
    pub(crate) fn waker(&self) -> Waker {
        self.waker.0.clone()
    }
}

struct Alive(Arc<AtomicBool>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

struct Worker {
    target: Target,
    identity: Identity,
    circuits: Arc<Circuits>,
    stage: Arc<Stage>,
    inbox: Receiver<Message>,
    sleeper: Sleeper,
    alive: Alive,
}

impl Worker {
    fn work(self) {
        let server_id = self.target.server_id;
        match session::log_in(&self.target, &self.stage) {
            Ok(LoggedIn { session, tcp }) => {
                self.circuits.close(server_id);
                Drive::new(Wire { session, tcp }).run(self);
            }
            Err(error) => {
                debug!(server.id = %server_id, "No connection to a server: {error}");
                self.circuits.failed(server_id, &self.identity, &error);
                drop(self.alive);
                while let Ok(message) = self.inbox.try_recv() {
                    if let Message::Job(job) = message {
                        let _ = job.reply.send(Err(Failure::Connect(circuit::copy(&error))));
                    }
                }
            }
        }
    }
}

/// A connection at work.
struct Drive {
    wire: Wire,
    tasks: Vec<Task>,
    /// How many callers' channels the server lets us have.
    room: usize,
    /// When it last said that there are no more.
    refused: Option<Instant>,
    heard: Instant,
    used: Instant,
    closing: bool,
}

impl Drive {
    fn new(wire: Wire) -> Self {
        let now = Instant::now();
        Self {
            wire,
            tasks: Vec::new(),
            room: CHANNELS,
            refused: None,
            heard: now,
            used: now,
            closing: false,
        }
    }

    fn run(mut self, worker: Worker) {
        let Worker { inbox, mut sleeper, alive, target, .. } = worker;
        // A caller's line sink that panics must not pass for a request never sent.
        let ended = catch_unwind(AssertUnwindSafe(|| self.serve(&inbox, &mut sleeper)));
        drop(alive);
        let lost = match ended {
            Ok(Ok(())) => None,
            Ok(Err(Lost(reason))) => Some(reason),
            Err(_) => Some("a listener failed".to_owned()),
        };
        if let Some(reason) = &lost {
            debug!(server.id = %target.server_id, "Lost a connection: {reason}");
        }
        for task in self.tasks.drain(..) {
            task.lose(lost.as_deref().unwrap_or("the connection was closed"));
        }
        self.wire.end(lost.is_none());
    }

    fn serve(&mut self, inbox: &Receiver<Message>, sleeper: &mut Sleeper) -> Result<(), Lost> {
        let mut readable = false;
        loop {
            if !self.take(inbox) {
                return Ok(());
            }
            if readable && self.tasks.is_empty() || self.is_silent() {
                // Nothing but a channel makes libssh2 read, or notice the end.
                self.tasks.push(Task::quiet(Arc::new(Order::quiet(Purpose::Probe))));
            }
            // Twice without news: the first round may have fetched what an earlier
            // channel waits for.
            while self.round()? || self.round()? {
                if !self.take(inbox) {
                    return Ok(());
                }
            }
            if self.tasks.is_empty() && (self.closing || self.used.elapsed() > IDLE) {
                return Ok(());
            }
            readable = sleeper
                .sleep(&self.wire.tcp, self.patience())
                .map_err(|error| Lost(error.to_string()))?;
        }
    }

    /// Moves messages to the tasks; false where everything has to end.
    fn take(&mut self, inbox: &Receiver<Message>) -> bool {
        loop {
            match inbox.try_recv() {
                Ok(Message::Job(Job { order, sent, reply })) => {
                    self.used = Instant::now();
                    self.tasks.push(Task::new(order, sent, reply));
                }
                Ok(Message::Hang) => return false,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => {
                    self.closing = true;
                    return true;
                }
            }
        }
    }

    /// Lets every task go one step; says whether anything moved.
    fn round(&mut self) -> Result<bool, Lost> {
        let mut moved = false;
        let mut kills = Vec::new();
        for at in 0..self.tasks.len() {
            self.tasks[at].look_for_listener();
            if self.tasks[at].is_waiting() && !self.may_open(at)? {
                continue;
            }
            match self.tasks[at].step(&self.wire)? {
                Step::Idle => {}
                Step::Moved => moved = true,
                Step::Full => moved |= self.shrink(at),
                Step::Kill(process, privileged) => kills.push((process, privileged)),
            }
        }
        let before = self.tasks.len();
        self.tasks.retain(|task| !task.is_done());
        moved |= self.tasks.len() < before || !kills.is_empty();
        for (process, privileged) in kills {
            let purpose = Purpose::Exec(command::kill_line(process, privileged));
            self.tasks.push(Task::quiet(Arc::new(Order::quiet(purpose))));
        }
        if moved {
            self.heard = Instant::now();
        }
        Ok(moved)
    }

    fn may_open(&self, at: usize) -> Result<bool, Lost> {
        let too_early = self.refused.is_some_and(|since| since.elapsed() < GLANCE);
        if too_early || self.tasks.iter().any(Task::is_opening) {
            return Ok(false);
        }
        if self.tasks[at].is_own() {
            return Ok(true);
        }
        let open = || self.tasks.iter().filter(|it| !it.is_own() && !it.is_waiting());
        if open().count() < self.room {
            return Ok(true);
        }
        // Nobody would miss this connection, and a fresh one has room.
        if open().all(|it| it.is_closing() && it.age() > GOODBYE) {
            return Err(Lost("abandoned commands hold all its channels".to_owned()));
        }
        Ok(false)
    }

    /// Learns that the server allows fewer channels; false where the task waits.
    ///
    /// One that just ended may still count over there, so a refusal is final only
    /// after some time without any.
    fn shrink(&mut self, at: usize) -> bool {
        let open = self.tasks.iter().filter(|it| !it.is_own() && !it.is_waiting()).count();
        self.room = open.max(1);
        self.refused = Some(Instant::now());
        if open == 0 && self.heard.elapsed() > REFUSAL {
            self.tasks[at].refuse("the server opens no channel for commands".to_owned());
            return true;
        }
        false
    }

    fn is_silent(&self) -> bool {
        self.heard.elapsed() > KEEP_ALIVE
            && !self.tasks.iter().any(|it| it.is_own() || it.is_opening())
    }

    /// How long to sleep if nothing wakes us.
    fn patience(&self) -> Duration {
        match self.tasks.len() {
            0 => KEEP_ALIVE.saturating_sub(self.heard.elapsed()),
            1 if self.refused.is_none() => Duration::from_secs(1),
            _ => GLANCE,
        }
    }
}
