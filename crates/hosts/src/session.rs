//! From an endpoint to a session that is logged in.

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    sync::atomic::{AtomicU8, Ordering},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use flightdeck_app::port::hosts::{HostError, SshKey, Target};
use flightdeck_domain::{
    secret::Secret,
    server::{Endpoint, HostKey},
};
use sha2::{Digest, Sha256};
use ssh2::{ErrorCode, MethodType, Session};

/// For opening the TCP connection, over all addresses of a name.
const CONNECT: Duration = Duration::from_secs(5);
/// For the banner and the key exchange.
const EXCHANGE: Duration = Duration::from_secs(10);
/// For the login.
const LOGIN: Duration = Duration::from_secs(10);
/// What a server may say before its version; OpenSSH's client stops at 8 KiB per line.
const GREETING_LIMIT: usize = 8 << 10;

const KEY_EXCHANGES: &str = "curve25519-sha256,curve25519-sha256@libssh.org,\
    ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,\
    diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,\
    diffie-hellman-group14-sha256,diffie-hellman-group-exchange-sha256";

/// Kinds of host keys, best first, each with the signatures that prove it.
const HOST_KEYS: [(&str, &str); 5] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256"),
];

// libssh2's own numbers; ssh2 passes them through without names.
const ERROR_TIMEOUT: i32 = -9;
const ERROR_AUTHENTICATION: i32 = -18;
const ERROR_UNVERIFIED: i32 = -19;
// DECRYPT, FILE, METHOD_NONE, INVAL, PUBLICKEY_PROTOCOL, KEYFILE_AUTH_FAILED, ALGO_UNSUPPORTED.
const KEY_ERRORS: [i32; 7] = [-12, -16, -17, -34, -36, -48, -51];
// SOCKET_SEND, SOCKET_DISCONNECT, SOCKET_RECV, BAD_SOCKET.
const ERROR_DISCONNECTED: [i32; 4] = [-7, -13, -43, -45];

/// How far a connection has come: what a caller whose deadline ends was waiting for.
#[derive(Debug, Default)]
pub(crate) struct Stage(AtomicU8);

impl Stage {
    /// What a server is asked for once the login is done.
    pub(crate) const ANSWER: &str = "answer";

    const DOING: [&str; 4] =
        ["accept the connection", "finish the key exchange", "finish the login", Self::ANSWER];

    fn set(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }

    /// Says whether requests are being carried.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 3
    }

    /// What the server has not done yet.
    pub(crate) fn doing(&self) -> &'static str {
        Self::DOING[usize::from(self.0.load(Ordering::Relaxed)).min(3)]
    }
}

/// A server that proved its host key, before any login.
pub(crate) struct Met {
    /// What it presented.
    pub(crate) host_key: HostKey,
    session: Session,
    tcp: TcpStream,
}

/// A session that is ready for channels.
pub(crate) struct LoggedIn {
    /// In non-blocking mode.
    pub(crate) session: Session,
    /// Its socket, to wait on.
    pub(crate) tcp: TcpStream,
}

/// Runs blocking work for `endpoint` outside the async runtime.
pub(crate) fn on_own_thread(
    endpoint: &Endpoint,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), HostError> {
    thread::Builder::new()
        .name("ssh".to_owned())
        .stack_size(512 << 10)
        .spawn(work)
        .map(drop)
        .map_err(|error| unreachable(endpoint, &error))
}

/// Connects and exchanges keys. Nothing that identifies us has been sent after it.
pub(crate) fn meet(
    endpoint: &Endpoint,
    pinned: Option<&HostKey>,
    stage: &Stage,
) -> Result<Met, HostError> {
    let tcp = connect(endpoint)?;
    stage.set(1);
    let begun = Instant::now();
    await_greeting(&tcp, endpoint)?;

    let failed = |error: ssh2::Error| exchange_error(endpoint, &error);
    let mut session = Session::new().map_err(failed)?;
    session.method_pref(MethodType::Kex, KEY_EXCHANGES).map_err(failed)?;
    session.method_pref(MethodType::HostKey, &host_key_preference(pinned)).map_err(failed)?;
    session.set_tcp_stream(tcp.try_clone().map_err(|error| unreachable(endpoint, &error))?);
    session.set_timeout(milliseconds(EXCHANGE.saturating_sub(begun.elapsed())));
    session.handshake().map_err(failed)?;

    let host_key = session
        .host_key()
        .and_then(|(blob, _)| describe(blob))
        .ok_or_else(|| protocol(endpoint, "it presented no host key"))?;
    Ok(Met { host_key, session, tcp })
}

/// Connects, compares the host key with the pinned one, and only then logs in.
pub(crate) fn log_in(target: &Target, stage: &Stage) -> Result<LoggedIn, HostError> {
    let endpoint = &target.endpoint;
    let Met { host_key, session, tcp } = meet(endpoint, Some(&target.host_key), stage)?;
    if host_key != target.host_key {
        return Err(HostError::HostKeyChanged {
            endpoint: endpoint.clone(),
            pinned: target.host_key.clone(),
            presented: host_key,
        });
    }

    stage.set(2);
    session.set_timeout(milliseconds(LOGIN));
    authenticate(&session, endpoint, &target.key)?;
    stage.set(3);
    session.set_blocking(false);
    Ok(LoggedIn { session, tcp })
}

fn connect(endpoint: &Endpoint) -> Result<TcpStream, HostError> {
    let resolved = (endpoint.host.as_str(), endpoint.port).to_socket_addrs();
    let addresses = resolved
        .map_err(|source| HostError::Resolve { host: endpoint.host.clone(), source })?
        .collect::<Vec<_>>();
    let begun = Instant::now();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        let left = CONNECT.saturating_sub(begun.elapsed());
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(tcp) => {
                // A refusal would only cost latency.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    if last.kind() == io::ErrorKind::TimedOut {
        return Err(timeout(endpoint, Stage::DOING[0], CONNECT));
    }
    Err(unreachable(endpoint, &last))
}

/// Waits for the line that starts with `SSH-`, and leaves it for libssh2 to read.
///
/// libssh2 itself would read other lines for ever.
fn await_greeting(tcp: &TcpStream, endpoint: &Endpoint) -> Result<(), HostError> {
    let begun = Instant::now();
    let mut greeting = [0; GREETING_LIMIT];
    let mut seen = 0;
    loop {
        let left = EXCHANGE.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(timeout(endpoint, Stage::DOING[1], EXCHANGE));
        }
        tcp.set_read_timeout(Some(left)).map_err(|error| unreachable(endpoint, &error))?;
        match tcp.peek(&mut greeting) {
            Ok(0) => {
                let closed = io::Error::other("it closes new connections at once");
                return Err(unreachable(endpoint, &closed));
            }
            Ok(count) => {
                let lines = greeting[..count].split(|byte| *byte == b'\n');
                if lines.into_iter().any(|line| line.starts_with(b"SSH-")) {
                    return Ok(());
                }
                if count == GREETING_LIMIT {
                    return Err(protocol(endpoint, "it sent no SSH version"));
                }
                if count == seen {
                    // What was peeked at stays readable, so only time brings more.
                    thread::sleep(Duration::from_millis(20));
                }
                seen = count;
            }
            Err(error) if is_timeout(&error) => {
                return Err(timeout(endpoint, Stage::DOING[1], EXCHANGE));
            }
            Err(error) => return Err(unreachable(endpoint, &error)),
        }
    }
}

/// Asks for the pinned kind of key first: a server has several, and another kind
/// would look like a changed one.
fn host_key_preference(pinned: Option<&HostKey>) -> String {
    let is_pinned = |kind: &str| pinned.is_some_and(|pinned| pinned.algorithm == kind);
    let mut kinds = HOST_KEYS;
    // Stable: the others keep their order.
    kinds.sort_by_key(|(kind, _)| !is_pinned(kind));
    kinds.map(|(_, signatures)| signatures).join(",")
}

/// Reads the algorithm out of a public key's wire form and takes its fingerprint.
fn describe(blob: &[u8]) -> Option<HostKey> {
    let (length, rest) = blob.split_first_chunk::<4>()?;
    let name = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some(HostKey {
        algorithm: String::from_utf8(name.to_vec()).ok()?,
        fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob))),
    })
}

fn authenticate(session: &Session, endpoint: &Endpoint, key: &SshKey) -> Result<(), HostError> {
    let passphrase = key.passphrase.as_ref().map(Secret::expose);
    let answer =
        session.userauth_pubkey_memory(&endpoint.user, None, key.private.expose(), passphrase);
    let Err(error) = answer else {
        return Ok(());
    };
    let ErrorCode::Session(code) = error.code() else {
        return Err(protocol(endpoint, error.message()));
    };
    match code {
        ERROR_AUTHENTICATION | ERROR_UNVERIFIED => {
            Err(HostError::Authentication { endpoint: endpoint.clone() })
        }
        code if KEY_ERRORS.contains(&code) => Err(HostError::Key {
            reason: match (is_encrypted(key.private.expose()), passphrase) {
                (true, Some(_)) => "its passphrase does not open it".to_owned(),
                (true, None) => "it is encrypted: enter its passphrase".to_owned(),
                (false, _) => error.message().to_owned(),
            },
        }),
        ERROR_TIMEOUT => Err(timeout(endpoint, Stage::DOING[2], LOGIN)),
        _ => Err(HostError::Broken {
            endpoint: endpoint.clone(),
            reason: error.message().to_owned(),
        }),
    }
}

/// Says whether a private key needs a passphrase; libssh2 tells only that it failed.
fn is_encrypted(private: &str) -> bool {
    let mut lines = private.trim().lines();
    if !lines.next().is_some_and(|line| line.contains("BEGIN OPENSSH PRIVATE KEY")) {
        return private.contains("Proc-Type: 4,ENCRYPTED")
            || private.contains("BEGIN ENCRYPTED PRIVATE KEY");
    }
    // "openssh-key-v1", NUL, then the cipher's name after its length.
    let first: String = lines.next().unwrap_or_default().chars().take(40).collect();
    STANDARD_NO_PAD.decode(first).is_ok_and(|bytes| {
        bytes.get(15..23).is_some_and(|cipher| cipher != [&[0, 0, 0, 4], &b"none"[..]].concat())
    })
}

fn exchange_error(endpoint: &Endpoint, error: &ssh2::Error) -> HostError {
    match error.code() {
        ErrorCode::Session(ERROR_TIMEOUT) => timeout(endpoint, Stage::DOING[1], EXCHANGE),
        ErrorCode::Session(code) if ERROR_DISCONNECTED.contains(&code) => HostError::Unreachable {
            endpoint: endpoint.clone(),
            reason: format!("it ended the key exchange ({})", error.message()),
        },
        _ => protocol(endpoint, error.message()),
    }
}

fn timeout(endpoint: &Endpoint, doing: &'static str, after: Duration) -> HostError {
    HostError::Timeout { endpoint: endpoint.clone(), doing, after }
}

fn protocol(endpoint: &Endpoint, reason: &str) -> HostError {
    HostError::Protocol { endpoint: endpoint.clone(), reason: reason.to_owned() }
}

/// Nobody is there, or this machine can't even ask.
pub(crate) fn unreachable(endpoint: &Endpoint, error: &io::Error) -> HostError {
    let reason = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to the host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "no route to its network".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        _ => error.to_string(),
    };
    HostError::Unreachable { endpoint: endpoint.clone(), reason }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// libssh2 takes 0 for "no limit", so at least one.
fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_kind_of_key_is_asked_for_first() {
        let pinned = HostKey { algorithm: "ssh-rsa".to_owned(), fingerprint: String::new() };

        assert!(host_key_preference(Some(&pinned)).starts_with("rsa-sha2-512,rsa-sha2-256,"));
        assert!(host_key_preference(None).starts_with("ssh-ed25519,"));
    }
}
