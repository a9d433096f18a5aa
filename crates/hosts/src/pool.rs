//! Finds or opens the connection that carries a request.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use flightdeck_app::port::hosts::{HostError, Lane, SshKey, Target};
use flightdeck_domain::{
    id::ServerId,
    secret::Secret,
    server::{Endpoint, HostKey},
};
use sha2::{Digest, Sha256};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{
    circuit::Circuits,
    task::{Failure, Gathered, Order, Purpose},
    wake::WakeOnDrop,
    worker::{Job, Line},
};

/// What a connection was opened with. Another host key or another login never
/// travels on it, so a new key is really tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    endpoint: Endpoint,
    host_key: HostKey,
    key: [u8; 32],
}

impl Identity {
    fn of(target: &Target) -> Self {
        Self {
            endpoint: target.endpoint.clone(),
            host_key: target.host_key.clone(),
            key: digest(&target.key),
        }
    }
}

fn digest(key: &SshKey) -> [u8; 32] {
    let passphrase = key.passphrase.as_ref().map_or("", Secret::expose);
    Sha256::new()
        .chain_update(Sha256::digest(key.private.expose()))
        .chain_update(Sha256::digest(passphrase))
        .finalize()
        .into()
}

/// Which of a server's connections is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Track {
    /// One of the port's lanes.
    Lane(Lane),
    /// Tunnels to addresses and ports. Opening one may hang for minutes, and no
    /// other channel opens meanwhile.
    Tunnel,
}

/// Every connection of the program.
#[derive(Default)]
pub(crate) struct Pool {
    lines: Mutex<HashMap<(ServerId, Track), Arc<Line>>>,
    circuits: Arc<Circuits>,
}

impl Pool {
    /// Has an order carried out before `deadline` is over, waiting and connecting
    /// included.
    ///
    /// An order that was lost before the server could act on it is tried once more
    /// on a fresh connection; that is how a connection that died unnoticed is
    /// replaced.
    pub(crate) async fn ask(
        &self,
        target: &Target,
        track: Track,
        order: Order,
        deadline: Duration,
    ) -> Result<Gathered, HostError> {
        let until = Instant::now() + deadline;
        let order = Arc::new(order);
        let mut last_try = false;
        loop {
            let line = self.line(target, track)?;
            let sent = Arc::new(AtomicBool::new(false));
            let (reply, answer) = oneshot::channel();
            // Dropped after `answer`, whichever way this future ends.
            let _leaving = WakeOnDrop(line.waker());
            line.send(Job { order: Arc::clone(&order), sent: Arc::clone(&sent), reply });

            let Ok(answer) = timeout_at(until, answer).await else {
                let doing = line.stage.doing();
                if line.stage.is_ready() && !sent.load(Ordering::Relaxed) {
                    // Frozen, or full: either way the next request does better
                    // elsewhere. What runs on it may finish.
                    self.discard(target.server_id, track, &line);
                }
                let endpoint = target.endpoint.clone();
                return Err(HostError::Timeout { endpoint, doing, after: deadline });
            };
            let failure = match answer {
                Ok(Ok(gathered)) => return Ok(gathered),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::Lost("the connection ended".to_owned()),
            };
            let lost = matches!(failure, Failure::Lost(_));
            if last_try || !lost || sent.load(Ordering::Relaxed) {
                return Err(explain(failure, target, &order));
            }
            self.discard(target.server_id, track, &line);
            last_try = true;
        }
    }

    /// Ends every connection to a server.
    pub(crate) fn forget(&self, server_id: ServerId) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|(id, _), line| {
            if *id == server_id {
                line.hang_up();
            }
            *id != server_id
        });
        self.circuits.close(server_id);
    }

    fn line(&self, target: &Target, track: Track) -> Result<Arc<Line>, HostError> {
        let server_id = target.server_id;
        let identity = Identity::of(target);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&(server_id, track))
            && line.is_alive()
            && line.identity == identity
        {
            return Ok(Arc::clone(line));
        }
        if track != Track::Lane(Lane::Work)
            && let Some(refusal) = self.circuits.refusal(server_id, &identity)
        {
            return Err(refusal);
        }
        lines.retain(|_, line| line.is_alive());
        let line = Arc::new(Line::open(target, identity, Arc::clone(&self.circuits))?);
        lines.insert((server_id, track), Arc::clone(&line));
        Ok(line)
    }

    fn discard(&self, server_id: ServerId, track: Track, line: &Arc<Line>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.get(&(server_id, track)).is_some_and(|it| Arc::ptr_eq(it, line)) {
            lines.remove(&(server_id, track));
        }
    }
}

fn explain(failure: Failure, target: &Target, order: &Order) -> HostError {
    let endpoint = target.endpoint.clone();
    let address = match &order.purpose {
        Purpose::Socket(path) => Some(path.clone()),
        Purpose::Port(address, port) => Some(format!("{address}:{port}")),
        Purpose::Exec(_) | Purpose::Probe => None,
    };
    match (failure, address) {
        (Failure::Connect(error), _) => error,
        (Failure::Refused(reason), Some(address)) => {
            HostError::Forward { endpoint, address, reason }
        }
        (Failure::Lost(reason) | Failure::Refused(reason), _) => {
            HostError::Broken { endpoint, reason }
        }
        (Failure::TooMuchOutput, _) => HostError::TooMuchOutput { endpoint, limit: order.limit },
    }
}
