//! Machines that we reach over SSH.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{CredentialId, ServerId, StackId};

/// Where a server listens, and as whom we come.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Host name or IP address.
    pub host: String,
    /// TCP port of its SSH daemon.
    pub port: u16,
    /// Login name.
    pub user: String,
}

/// An address that can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The host has characters that host names don't have.
    #[error("`{0}` is neither a host name nor an IP address")]
    Host(String),
    /// Port 0.
    #[error("the port must be from 1 to 65535")]
    Port,
    /// The user has characters that login names don't have.
    #[error("`{0}` is not a login name")]
    User(String),
}

impl Endpoint {
    /// Checks and builds an endpoint.
    pub fn new(host: &str, port: u16, user: &str) -> Result<Self, EndpointError> {
        let (host, user) = (host.trim(), user.trim());
        let host_ok = !host.is_empty()
            && host.len() <= 253
            && !host.starts_with('-')
            && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:_".contains(c));
        let user_ok = !user.is_empty()
            && user.len() <= 32
            && user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && user.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        match (host_ok, port, user_ok) {
            (false, ..) => Err(EndpointError::Host(host.to_owned())),
            (_, 0, _) => Err(EndpointError::Port),
            (.., false) => Err(EndpointError::User(user.to_owned())),
            _ => Ok(Self { host: host.to_owned(), port, user: user.to_owned() }),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{}@[{}]:{}", self.user, self.host, self.port)
        } else {
            write!(f, "{}@{}:{}", self.user, self.host, self.port)
        }
    }
}

/// A server's public host key, as it presented it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    /// `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`.
    pub algorithm: String,
    /// `SHA256:…`, as OpenSSH prints it.
    pub fingerprint: String,
}

/// The parts of the verification, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Resolve the name and open the connection.
    Connect,
    /// Compare the host key with the pinned one, or pin it.
    HostKey,
    /// Log in.
    Authenticate,
    /// Read system, kernel, cores, memory and disk.
    Facts,
    /// Root, or sudo without a password.
    Privileges,
    /// At least 10 GB of disk and 512 MB of memory.
    Resources,
    /// Docker 20.10 or newer that answers.
    Docker,
}

impl Check {
    /// Every check, in order.
    pub const ALL: &'static [Self] = &[
        Self::Connect,
        Self::HostKey,
        Self::Authenticate,
        Self::Facts,
        Self::Privileges,
        Self::Resources,
        Self::Docker,
    ];

    /// The check's name on the wire and in the journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::HostKey => "host_key",
            Self::Authenticate => "authenticate",
            Self::Facts => "facts",
            Self::Privileges => "privileges",
            Self::Resources => "resources",
            Self::Docker => "docker",
        }
    }
}

/// How one check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Which check.
    pub check: Check,
    /// Whether it passed.
    pub passed: bool,
    /// What was found, or what is wrong, in a sentence.
    pub detail: String,
    /// What to do next, where something is wrong.
    pub hint: Option<String>,
}

/// What the verification found out about a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// `x86_64`, `aarch64`.
    pub architecture: String,
    /// Logical processors.
    pub cores: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of the root file system.
    pub disk_bytes: u64,
    /// Version of the Docker engine; none before the check passed.
    pub docker: Option<String>,
}

/// Whether a server may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerStatus {
    /// Registered; no verification has ended yet.
    Pending,
    /// Every check passed.
    Ready,
    /// A check failed; the check results say which.
    Failed,
}

impl ServerStatus {
    /// The status' name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for ServerStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Pending, Self::Ready, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// Text that names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no status `{0}`")]
pub struct UnknownStatus(pub String);

/// A machine reachable over SSH.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Server {
    /// Names it for good.
    pub id: ServerId,
    /// What people call it; unique in the workspace.
    pub name: String,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// The SSH key that opens it.
    pub credential_id: CredentialId,
    /// The key it is known by; none before the first contact.
    pub host_key: Option<HostKey>,
    /// Whether it may be used.
    pub status: ServerStatus,
    /// What the last verification found.
    pub checks: Vec<CheckResult>,
    /// What it is made of; none before the checks got that far.
    pub facts: Option<Facts>,
    /// The stack that made it; none for one registered by hand.
    pub stack_id: Option<StackId>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// The oldest Docker engine that may be used.
pub const MIN_DOCKER: (u32, u32) = (20, 10);
/// The smallest root file system, in bytes.
///
/// 10 GB as disks are sold, less a fifth, because file systems keep blocks back
/// and a cloud's "10 GB" image is a little under.
pub const MIN_DISK_BYTES: u64 = 8_000_000_000;
/// The smallest memory, in bytes: 512 MB less what kernels reserve at boot.
pub const MIN_MEMORY_BYTES: u64 = 460_000_000;

/// Reads `major.minor` from a Docker version such as `20.10.24+dfsg1`.
pub fn docker_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((major, minor))
}
