//! Remembers which servers can't be reached, so that nobody hammers them.

use std::{
    collections::HashMap,
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use flightdeck_app::port::hosts::HostError;
use flightdeck_domain::id::ServerId;

use crate::pool::Identity;

/// Seconds between attempts, by number of failures in a row.
const PAUSES: [u32; 9] = [1, 2, 5, 10, 30, 60, 120, 300, 600];

/// The servers whose last connection attempt failed.
///
/// Only regular sampling heeds it. Work that a person started is always tried.
#[derive(Default)]
pub(crate) struct Circuits(Mutex<HashMap<ServerId, Circuit>>);

struct Circuit {
    identity: Identity,
    failures: usize,
    retry_at: Instant,
    error: HostError,
}

impl Circuits {
    /// The last failure, while it is too early for another attempt.
    pub(crate) fn refusal(&self, server_id: ServerId, identity: &Identity) -> Option<HostError> {
        let circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        circuits
            .get(&server_id)
            .filter(|it| it.identity == *identity && Instant::now() < it.retry_at)
            .map(|it| copy(&it.error))
    }

    /// Notes a failed attempt and puts the next one off.
    pub(crate) fn failed(&self, server_id: ServerId, identity: &Identity, error: &HostError) {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = circuits
            .get(&server_id)
            .filter(|it| it.identity == *identity)
            .map_or(0, |it| it.failures + 1);
        let circuit = Circuit {
            identity: identity.clone(),
            failures,
            retry_at: Instant::now() + pause(failures, rand::random_range(0.8..1.2)),
            error: copy(error),
        };
        circuits.insert(server_id, circuit);
    }

    /// Notes that the server is there, or that the past no longer matters.
    pub(crate) fn close(&self, server_id: ServerId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&server_id);
    }
}

/// How long to wait after `failures` earlier ones; `jitter` keeps many servers
/// that fell together from being tried together.
fn pause(failures: usize, jitter: f64) -> Duration {
    let seconds = PAUSES.get(failures).or(PAUSES.last()).copied().unwrap_or(1);
    Duration::from_secs(u64::from(seconds)).mul_f64(jitter)
}

/// The same failure for somebody else who waited for it.
pub(crate) fn copy(error: &HostError) -> HostError {
    match error {
        HostError::Resolve { host, source } => HostError::Resolve {
            host: host.clone(),
            source: io::Error::new(source.kind(), source.to_string()),
        },
        HostError::Unreachable { endpoint, reason } => {
            HostError::Unreachable { endpoint: endpoint.clone(), reason: reason.clone() }
        }
        HostError::Timeout { endpoint, doing, after } => {
            HostError::Timeout { endpoint: endpoint.clone(), doing, after: *after }
        }
        HostError::Protocol { endpoint, reason } => {
            HostError::Protocol { endpoint: endpoint.clone(), reason: reason.clone() }
        }
        HostError::HostKeyChanged { endpoint, pinned, presented } => HostError::HostKeyChanged {
            endpoint: endpoint.clone(),
            pinned: pinned.clone(),
            presented: presented.clone(),
        },
        HostError::Key { reason } => HostError::Key { reason: reason.clone() },
        HostError::Authentication { endpoint } => {
            HostError::Authentication { endpoint: endpoint.clone() }
        }
        HostError::Broken { endpoint, reason } => {
            HostError::Broken { endpoint: endpoint.clone(), reason: reason.clone() }
        }
        HostError::TooMuchOutput { endpoint, limit } => {
            HostError::TooMuchOutput { endpoint: endpoint.clone(), limit: *limit }
        }
        HostError::File { endpoint, path, reason } => HostError::File {
            endpoint: endpoint.clone(),
            path: path.clone(),
            reason: reason.clone(),
        },
        HostError::Forward { endpoint, address, reason } => HostError::Forward {
            endpoint: endpoint.clone(),
            address: address.clone(),
            reason: reason.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_minutes_and_no_further() {
        let pauses: Vec<_> = (0..12).map(|failures| pause(failures, 1.0).as_secs()).collect();

        assert_eq!(pauses, [1, 2, 5, 10, 30, 60, 120, 300, 600, 600, 600, 600]);
    }
}
