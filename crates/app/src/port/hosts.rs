//! Machines behind SSH.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use flightdeck_domain::{
    id::ServerId,
    secret::Secret,
    server::{Endpoint, HostKey},
};

/// The private half of an SSH key pair, as its owner gave it to us.
#[derive(Debug)]
pub struct SshKey {
    /// OpenSSH or PEM text.
    pub private: Secret,
    /// What opens the text, if it is encrypted.
    pub passphrase: Option<Secret>,
}

/// A server that we know the key of, and our key to it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Under which the connection is pooled.
    pub server_id: ServerId,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// The only host key that is accepted.
    pub host_key: HostKey,
    /// How we log in.
    pub key: Arc<SshKey>,
}

/// Which of a server's connections carries a request.
///
/// Sampling has its own, so that a long image pull never delays a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Short, regular reads.
    Monitor,
    /// Work that somebody started.
    Work,
}

/// Receives each line of a command's output as it appears.
pub type LineSink = Arc<dyn Fn(&str) + Send + Sync>;

/// A command for a server's shell, as arguments and never as text.
#[derive(Clone)]
pub struct Command {
    /// Program and arguments; the adapter quotes them.
    pub arguments: Vec<String>,
    /// Run it through `sudo -n` where the login is not root.
    pub privileged: bool,
    /// What it reads from its standard input. May be secret: never logged.
    pub stdin: Option<Arc<Secret>>,
    /// How long it may take.
    pub deadline: Duration,
    /// Bytes of output that are kept; more is an error.
    pub output_limit: usize,
    /// Who hears each line of its standard output and error as it appears.
    pub on_line: Option<LineSink>,
}

impl Command {
    /// A command with the default deadline of 10 s and 1 MiB of output.
    pub fn new<S: Into<String>>(arguments: impl IntoIterator<Item = S>) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            privileged: false,
            stdin: None,
            deadline: Duration::from_secs(10),
            output_limit: 1 << 20,
            on_line: None,
        }
    }

    /// Runs it as root.
    #[must_use]
    pub fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }

    /// Changes how long it may take.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Gives it something to read.
    #[must_use]
    pub fn stdin(mut self, text: Secret) -> Self {
        self.stdin = Some(Arc::new(text));
        self
    }

    /// Lets somebody hear each line.
    #[must_use]
    pub fn on_line(mut self, sink: LineSink) -> Self {
        self.on_line = Some(sink);
        self
    }
}

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit code; 128 + signal number where a signal ended it.
    pub exit_code: i32,
    /// Its standard output, lossily decoded.
    pub stdout: String,
    /// Its standard error, lossily decoded.
    pub stderr: String,
}

/// An HTTP request that leaves from the server itself.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Address as the server sees it.
    pub address: String,
    /// Port there.
    pub port: u16,
    /// Value of the `Host` header.
    pub host: String,
    /// Path with query.
    pub path: String,
    /// How long the whole exchange may take.
    pub deadline: Duration,
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// The first 64 KiB of the body.
    pub body: Vec<u8>,
}

/// Why a server could not be used.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The name has no address.
    #[error("`{host}` can't be resolved")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: std::io::Error,
    },
    /// Nobody listens there, or the way is cut.
    #[error("no connection to {endpoint}: {reason}")]
    Unreachable {
        /// Where we tried.
        endpoint: Endpoint,
        /// What the network said (`connection refused`).
        reason: String,
    },
    /// No answer within the deadline.
    #[error("{endpoint} did not {doing} within {}s", after.as_secs())]
    Timeout {
        /// Where we waited.
        endpoint: Endpoint,
        /// What for (`finish the key exchange`).
        doing: &'static str,
        /// How long.
        after: Duration,
    },
    /// What listens there is no SSH daemon, or one that we share no algorithm with.
    #[error("{endpoint} does not speak SSH with us: {reason}")]
    Protocol {
        /// Where.
        endpoint: Endpoint,
        /// What the library said.
        reason: String,
    },
    /// The pinned key and the presented one differ.
    #[error("the host key of {endpoint} changed")]
    HostKeyChanged {
        /// Where.
        endpoint: Endpoint,
        /// The pinned one.
        pinned: HostKey,
        /// The one that it presents now.
        presented: HostKey,
    },
    /// The key text can't be used.
    #[error("the SSH key can't be used: {reason}")]
    Key {
        /// Why.
        reason: String,
    },
    /// The server does not take our key.
    #[error("{endpoint} refuses the login")]
    Authentication {
        /// Where.
        endpoint: Endpoint,
    },
    /// The connection broke while it was in use.
    #[error("the connection to {endpoint} broke: {reason}")]
    Broken {
        /// Where.
        endpoint: Endpoint,
        /// What the library said.
        reason: String,
    },
    /// More output than the limit.
    #[error("a command on {endpoint} printed more than {limit} bytes")]
    TooMuchOutput {
        /// Where.
        endpoint: Endpoint,
        /// The limit.
        limit: usize,
    },
    /// A file on the server that could not be replaced.
    #[error("`{path}` on {endpoint} can't be written: {reason}")]
    File {
        /// Where.
        endpoint: Endpoint,
        /// The file.
        path: String,
        /// What the server said.
        reason: String,
    },
    /// A socket or port on the server that does not answer as it should.
    #[error("`{address}` on {endpoint} does not answer: {reason}")]
    Forward {
        /// Where.
        endpoint: Endpoint,
        /// The address as the server sees it.
        address: String,
        /// What went wrong.
        reason: String,
    },
}

/// Reaches servers over SSH.
///
/// Callers may start any number of requests at once, to one server or many, and
/// may drop a request's future at any time: the adapter then ends the remote
/// channel. A dead server may delay requests to itself only. Connections are
/// kept and reused; a stalled one is dropped and replaced.
#[async_trait]
pub trait Hosts: Send + Sync {
    /// Reads the host key that `endpoint` presents, without logging in.
    async fn host_key(&self, endpoint: &Endpoint) -> Result<HostKey, HostError>;

    /// Runs a command to its end. A non-zero exit code is an answer, not an error.
    async fn run(&self, target: &Target, lane: Lane, command: Command)
    -> Result<Output, HostError>;

    /// Replaces the file at `path` at once (write beside it, then rename), with
    /// `mode` from the first byte on. Runs as root where the login is not.
    async fn write_file(
        &self,
        target: &Target,
        path: &str,
        mode: u32,
        content: &[u8],
    ) -> Result<(), HostError>;

    /// Sends `request` to a UNIX socket on the server and reads until it closes.
    async fn ask_socket(
        &self,
        target: &Target,
        socket_path: &str,
        request: &[u8],
        deadline: Duration,
    ) -> Result<Vec<u8>, HostError>;

    /// Sends a GET request that leaves from the server itself.
    async fn http_get(
        &self,
        target: &Target,
        request: HttpRequest,
    ) -> Result<HttpAnswer, HostError>;

    /// Forgets every connection to a server.
    async fn disconnect(&self, server_id: ServerId);
}
