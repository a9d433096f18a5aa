//! One request on one channel, from the queue to the last byte.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use flightdeck_app::port::hosts::{HostError, LineSink};
use flightdeck_domain::secret::Secret;
use ssh2::{BlockDirections, Channel, ErrorCode, Session};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::{command, wake};

/// How long a server may take to open a channel, or to take bytes off the wire,
/// before its connection counts as dead.
const STALL: Duration = Duration::from_secs(10);
/// How long it may take to start a program: a loaded machine forks slowly.
const START: Duration = Duration::from_secs(30);
/// How long an abandoned command may take to tell its process id.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Reads per stream before other channels get their turn.
const TURNS: usize = 16;

/// What a channel is opened for.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// Run this line in the login shell.
    Exec(String),
    /// Talk to a UNIX socket on the server.
    Socket(String),
    /// Talk to an address and port as the server sees them.
    Port(String, u16),
    /// See whether the server still answers.
    Probe,
}

/// What is written to the channel.
pub(crate) enum Input {
    /// Bytes of our own making.
    Bytes(Zeroizing<Vec<u8>>),
    /// Text that its owner keeps.
    Secret(Arc<Secret>),
}

impl Input {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Secret(secret) => secret.expose().as_bytes(),
        }
    }
}

/// Everything about a request that does not depend on the connection.
pub(crate) struct Order {
    /// What for.
    pub(crate) purpose: Purpose,
    /// What to send.
    pub(crate) input: Option<Input>,
    /// Bytes that may come back.
    pub(crate) limit: usize,
    /// Who hears each line.
    pub(crate) on_line: Option<LineSink>,
    /// Says when the answer is complete although the other end stays.
    pub(crate) enough: Option<fn(&[u8]) -> bool>,
    /// Whether root's rights are needed to end it.
    pub(crate) privileged: bool,
}

impl Order {
    /// An order that nobody listens to.
    pub(crate) fn quiet(purpose: Purpose) -> Self {
        let limit = 64 << 10;
        Self { purpose, input: None, limit, on_line: None, enough: None, privileged: false }
    }

    fn is_exec(&self) -> bool {
        matches!(self.purpose, Purpose::Exec(_))
    }
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Standard output, or what the other end of a tunnel sent.
    pub(crate) stdout: Vec<u8>,
    /// Standard error.
    pub(crate) stderr: Vec<u8>,
    /// As in the port: 128 + signal number for a signal.
    pub(crate) exit_code: i32,
}

/// Why nothing useful came back.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There never was a connection.
    Connect(HostError),
    /// The connection went away.
    Lost(String),
    /// The server would not open the channel; the connection is fine.
    Refused(String),
    /// The order's limit.
    TooMuchOutput,
}

/// Where an answer goes.
pub(crate) type Reply = oneshot::Sender<Result<Gathered, Failure>>;

/// A connection that can't be used any more.
#[derive(Debug, Clone)]
pub(crate) struct Lost(pub(crate) String);

/// An order on its way through a connection.
pub(crate) struct Task {
    order: Arc<Order>,
    /// None once it was answered, and for orders of the connection's own.
    reply: Option<Reply>,
    own: bool,
    /// Set before the first byte that the server could act on.
    sent: Arc<AtomicBool>,
    state: State,
    since: Instant,
    given_up: Option<Instant>,
    written: usize,
    input_ended: bool,
    gathered: Gathered,
    told: [usize; 2],
    process: Option<u32>,
}

enum State {
    Waiting,
    Opening,
    Starting(Channel),
    Running(Channel),
    Closing(Channel),
    Done,
}

/// What a step led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The server has to answer first.
    Idle,
    /// Something happened; there may be more.
    Moved,
    /// The server opens no more channels; the task waits again.
    Full,
    /// End this process group, with root's rights or without.
    Kill(u32, bool),
}

impl Task {
    /// A caller's order.
    pub(crate) fn new(order: Arc<Order>, sent: Arc<AtomicBool>, reply: Reply) -> Self {
        Self { reply: Some(reply), own: false, sent, ..Self::quiet(order) }
    }

    /// An order of the connection's own.
    pub(crate) fn quiet(order: Arc<Order>) -> Self {
        Self {
            order,
            reply: None,
            own: true,
            sent: Arc::default(),
            state: State::Waiting,
            since: Instant::now(),
            given_up: None,
            written: 0,
            input_ended: false,
            gathered: Gathered::default(),
            told: [0; 2],
            process: None,
        }
    }

    /// Says whether the task is over and its channel gone.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Says whether it waits for its turn.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    /// Says whether it is the one that opens a channel; libssh2 opens one at a time.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.state, State::Opening)
    }

    /// Says whether only the server's own goodbye is missing.
    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing(_))
    }

    /// Says whether it is the connection's own.
    pub(crate) fn is_own(&self) -> bool {
        self.own
    }

    /// How long it has been in its present state.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Ends the task because its connection ended.
    pub(crate) fn lose(self, reason: &str) {
        if let Some(reply) = self.reply {
            let _ = reply.send(Err(Failure::Lost(reason.to_owned())));
        }
    }

    /// Notices that nobody waits for the answer any more.
    pub(crate) fn look_for_listener(&mut self) {
        let gone = self.reply.as_ref().is_some_and(oneshot::Sender::is_closed);
        if gone && self.given_up.is_none() {
            self.given_up = Some(Instant::now());
            if self.is_waiting() {
                self.state = State::Done;
            }
        }
    }

    /// Goes as far as it can without waiting.
    pub(crate) fn step(&mut self, wire: &Wire) -> Result<Step, Lost> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting => {
                self.since = Instant::now();
                self.open(wire)
            }
            State::Opening => self.open(wire),
            State::Starting(channel) => self.start(wire, channel),
            State::Running(channel) => self.converse(wire, channel),
            State::Closing(channel) => self.close(wire, channel),
            State::Done => Ok(Step::Idle),
        }
    }

    fn enter(&mut self, state: State) -> Step {
        self.state = state;
        self.since = Instant::now();
        Step::Moved
    }

    fn open(&mut self, wire: &Wire) -> Result<Step, Lost> {
        let opened = wire.settle(|session| match &self.order.purpose {
            Purpose::Exec(_) | Purpose::Probe => session.channel_session(),
            Purpose::Socket(path) => session.channel_direct_streamlocal(path, None),
            Purpose::Port(address, port) => session.channel_direct_tcpip(address, *port, None),
        });
        match opened {
            Ok(Some(channel)) if self.given_up.is_some() => Ok(self.enter(State::Closing(channel))),
            Ok(Some(channel)) => Ok(self.enter(match self.order.purpose {
                Purpose::Exec(_) => State::Starting(channel),
                Purpose::Socket(_) | Purpose::Port(..) => State::Running(channel),
                Purpose::Probe => State::Closing(channel),
            })),
            Ok(None) if self.since.elapsed() > STALL => Err(Lost::silent()),
            Ok(None) => {
                self.state = State::Opening;
                Ok(Step::Idle)
            }
            Err(Hitch::Refused(_)) if self.order.is_exec() && !self.own => {
                self.enter(State::Waiting);
                Ok(Step::Full)
            }
            Err(Hitch::Refused(reason)) => Ok(self.refuse(reason)),
            Err(Hitch::Lost(lost)) => Err(lost),
        }
    }

    /// Ends a task that the server takes no channel for.
    pub(crate) fn refuse(&mut self, reason: String) -> Step {
        self.answer(Err(Failure::Refused(reason)));
        self.enter(State::Done)
    }

    fn start(&mut self, wire: &Wire, mut channel: Channel) -> Result<Step, Lost> {
        let Purpose::Exec(line) = &self.order.purpose else {
            return Ok(self.enter(State::Closing(channel)));
        };
        self.sent.store(true, Ordering::Relaxed);
        match wire.settle(|_| channel.exec(line)) {
            Ok(Some(())) => Ok(self.enter(State::Running(channel))),
            Ok(None) if self.since.elapsed() > START => Err(Lost::silent()),
            Ok(None) => {
                self.state = State::Starting(channel);
                Ok(Step::Idle)
            }
            Err(Hitch::Refused(reason)) => {
                self.answer(Err(Failure::Refused(reason)));
                Ok(self.enter(State::Closing(channel)))
            }
            Err(Hitch::Lost(lost)) => Err(lost),
        }
    }

    fn converse(&mut self, wire: &Wire, mut channel: Channel) -> Result<Step, Lost> {
        let mut moved = self.write(wire, &mut channel)?;
        moved |= self.read(wire, &mut channel)?;

        if self.gathered.stdout.len() + self.gathered.stderr.len() > self.order.limit {
            self.answer(Err(Failure::TooMuchOutput));
            self.given_up.get_or_insert_with(Instant::now);
        }
        if let Some(since) = self.given_up {
            return Ok(self.abandon(channel, since, moved));
        }
        if self.order.enough.is_some_and(|enough| enough(&self.gathered.stdout)) {
            return Ok(self.finish(channel));
        }
        if channel.eof() {
            if !self.order.is_exec() {
                return Ok(self.finish(channel));
            }
            // The exit code comes after the last byte and before the goodbye.
            if wire.settle(|_| channel.wait_close()).map_err(Hitch::into_lost)?.is_some() {
                self.gathered.exit_code = exit_code(&channel);
                return Ok(self.finish(channel));
            }
        }
        self.state = State::Running(channel);
        Ok(if moved { Step::Moved } else { Step::Idle })
    }

    /// Closes the channel and, where it runs a program, names what is to be killed.
    ///
    /// Closing alone is not enough: sshd lets a program without a terminal run on,
    /// and keeps its channel until it ends.
    fn abandon(&mut self, channel: Channel, since: Instant, moved: bool) -> Step {
        if !self.order.is_exec() {
            return self.enter(State::Closing(channel));
        }
        if let Some(process) = self.process {
            self.enter(State::Closing(channel));
            return Step::Kill(process, self.order.privileged);
        }
        if since.elapsed() > LAST_WORDS {
            return self.enter(State::Closing(channel));
        }
        self.state = State::Running(channel);
        if moved { Step::Moved } else { Step::Idle }
    }

    fn close(&mut self, wire: &Wire, mut channel: Channel) -> Result<Step, Lost> {
        match wire.settle(|_| channel.close()) {
            Ok(None) if matches!(self.order.purpose, Purpose::Probe) && self.age() > STALL => {
                Err(Lost::silent())
            }
            Ok(None) => {
                self.state = State::Closing(channel);
                Ok(Step::Idle)
            }
            Ok(Some(())) | Err(Hitch::Refused(_)) => Ok(self.enter(State::Done)),
            Err(Hitch::Lost(lost)) => Err(lost),
        }
    }

    /// Sends as much input as the other end has room for.
    fn write(&mut self, wire: &Wire, channel: &mut Channel) -> Result<bool, Lost> {
        let order = Arc::clone(&self.order);
        let input = order.input.as_ref().map_or(&[][..], Input::bytes);
        let mut moved = false;
        while self.written < input.len() && !channel.eof() {
            self.sent.store(true, Ordering::Relaxed);
            let rest = &input[self.written..];
            match wire.settle(|_| channel.write(rest)).map_err(Hitch::into_lost)? {
                None | Some(0) => return Ok(moved),
                Some(count) => self.written += count,
            }
            moved = true;
        }
        // A tunnel stays open both ways: daemons take a half-closed connection for
        // a caller who left.
        if self.order.is_exec() && !self.input_ended {
            self.input_ended =
                wire.settle(|_| channel.send_eof()).map_err(Hitch::into_lost)?.is_some();
        }
        Ok(moved)
    }

    fn read(&mut self, wire: &Wire, channel: &mut Channel) -> Result<bool, Lost> {
        let mut moved = false;
        for (number, into) in [(0, &mut self.gathered.stdout), (1, &mut self.gathered.stderr)] {
            let mut stream = channel.stream(number);
            let mut chunk = [0; 16 << 10];
            for _ in 0..TURNS {
                match wire.settle(|_| stream.read(&mut chunk)).map_err(Hitch::into_lost)? {
                    None | Some(0) => break,
                    Some(count) => into.extend_from_slice(&chunk[..count]),
                }
                moved = true;
                if into.len() > self.order.limit {
                    break;
                }
            }
        }
        if moved {
            self.find_process();
            self.tell(false);
        }
        Ok(moved)
    }

    /// Takes the line with the process id out of standard error.
    fn find_process(&mut self) {
        if self.order.is_exec()
            && self.process.is_none()
            && let Some((process, line)) = command::find_process(&self.gathered.stderr)
        {
            self.process = Some(process);
            self.gathered.stderr.drain(line);
        }
    }

    /// Passes complete lines on, and with `ended` the incomplete last ones too.
    fn tell(&mut self, ended: bool) {
        let Some(sink) = self.order.on_line.as_ref().filter(|_| self.given_up.is_none()) else {
            return;
        };
        let [out, err] = &mut self.told;
        tell_lines(sink, &self.gathered.stdout, out, ended);
        if self.process.is_some() || ended {
            tell_lines(sink, &self.gathered.stderr, err, ended);
        }
    }

    fn finish(&mut self, channel: Channel) -> Step {
        self.tell(true);
        let gathered = std::mem::take(&mut self.gathered);
        self.answer(Ok(gathered));
        self.enter(State::Closing(channel))
    }

    fn answer(&mut self, answer: Result<Gathered, Failure>) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(answer);
        }
    }
}

fn tell_lines(sink: &LineSink, bytes: &[u8], told: &mut usize, ended: bool) {
    while let Some(length) = bytes[*told..].iter().position(|byte| *byte == b'\n') {
        let line = &bytes[*told..*told + length];
        sink(&String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)));
        *told += length + 1;
    }
    if ended && *told < bytes.len() {
        sink(&String::from_utf8_lossy(&bytes[*told..]));
        *told = bytes.len();
    }
}

fn exit_code(channel: &Channel) -> i32 {
    let signal = channel.exit_signal().ok().and_then(|it| it.exit_signal);
    match signal {
        Some(name) => 128 + signal_number(&name),
        None => channel.exit_status().unwrap_or(0),
    }
}

/// The number of a signal as RFC 4254 names it, on Linux; 0 for one of its own.
fn signal_number(name: &str) -> i32 {
    match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ILL" => 4,
        "ABRT" => 6,
        "FPE" => 8,
        "KILL" => 9,
        "USR1" => 10,
        "SEGV" => 11,
        "USR2" => 12,
        "PIPE" => 13,
        "ALRM" => 14,
        "TERM" => 15,
        _ => 0,
    }
}

/// A session and its socket.
pub(crate) struct Wire {
    /// In non-blocking mode.
    pub(crate) session: Session,
    /// The same socket that the session uses.
    pub(crate) tcp: TcpStream,
}

impl Wire {
    /// Says goodbye where somebody listens, and frees everything.
    pub(crate) fn end(self, politely: bool) {
        if politely {
            let _ = self.session.disconnect(None, "done", None);
        }
        // libssh2 frees nothing while it believes that it could still send.
        let _ = self.tcp.shutdown(Shutdown::Both);
    }

    /// Calls libssh2 until it is done or needs an answer from the server.
    ///
    /// A packet that left half must be completed before any other may follow, so
    /// this waits for the socket to take the rest; none means "ask again later".
    fn settle<T, E: Into<Stop>>(
        &self,
        mut call: impl FnMut(&Session) -> Result<T, E>,
    ) -> Result<Option<T>, Hitch> {
        let begun = Instant::now();
        loop {
            match call(&self.session).map_err(Into::into) {
                Ok(value) => return Ok(Some(value)),
                Err(Stop::Hitch(hitch)) => return Err(hitch),
                Err(Stop::WouldBlock) => {}
            }
            let directions = self.session.block_directions();
            if !matches!(directions, BlockDirections::Outbound | BlockDirections::Both) {
                return Ok(None);
            }
            if begun.elapsed() > STALL {
                return Err(Hitch::Lost(Lost::silent()));
            }
            wake::until_writable(&self.tcp, Duration::from_secs(1))
                .map_err(|error| Hitch::Lost(Lost(error.to_string())))?;
        }
    }
}

impl Lost {
    fn silent() -> Self {
        Self("it stopped answering".to_owned())
    }
}

/// What keeps a call from succeeding.
enum Hitch {
    /// The server says no to this channel.
    Refused(String),
    /// The whole connection is gone.
    Lost(Lost),
}

impl Hitch {
    fn into_lost(self) -> Lost {
        match self {
            Self::Refused(reason) => Lost(reason),
            Self::Lost(lost) => lost,
        }
    }
}

/// Why a call came back without a value.
enum Stop {
    WouldBlock,
    Hitch(Hitch),
}

impl From<ssh2::Error> for Stop {
    fn from(error: ssh2::Error) -> Self {
        // LIBSSH2_ERROR_EAGAIN, …CHANNEL_FAILURE, …CHANNEL_REQUEST_DENIED.
        match error.code() {
            ErrorCode::Session(-37) => Self::WouldBlock,
            ErrorCode::Session(-21 | -22) => {
                Self::Hitch(Hitch::Refused(error.message().to_owned()))
            }
            _ => Self::Hitch(Hitch::Lost(Lost(error.message().to_owned()))),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::WouldBlock,
            _ => Self::Hitch(Hitch::Lost(Lost(error.to_string()))),
        }
    }
}
