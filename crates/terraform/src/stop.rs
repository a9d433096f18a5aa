//! The stop ladder: from a polite request to the end of the group.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::{Graces, identity::Identity};

/// How often the last rung is repeated while something survives it.
const LAST_RUNG_AGAIN: Duration = Duration::from_secs(1);

/// Where a stop stands, for one process.
///
/// SIGINT goes to Terraform alone: providers have to go on until Terraform has
/// asked them to stop, or it never learns what they made. A provider that hangs
/// survives both requests; only its death lets Terraform save and end.
pub(crate) struct Ladder {
    target: Identity,
    graces: Graces,
    rung: usize,
    due: Instant,
}

impl Ladder {
    /// Stands below the first rung.
    pub(crate) fn new(target: Identity, graces: Graces) -> Self {
        Self { target, graces, rung: 0, due: Instant::now() }
    }

    /// Takes the next rung if its time has come, and names it.
    pub(crate) fn climb(&mut self) -> Option<&'static str> {
        let now = Instant::now();
        if now < self.due {
            return None;
        }
        self.rung += 1;
        let (name, grace) = match self.rung {
            1 => {
                self.target.signal(Signal::SIGINT);
                (Some("SIGINT"), self.graces.first)
            }
            2 => {
                self.target.signal(Signal::SIGINT);
                (Some("SIGINT"), self.graces.second)
            }
            3 => {
                self.target.kill_descendants();
                (Some("plugins"), self.graces.plugins)
            }
            rung => {
                self.target.kill_group();
                ((rung == 4).then_some("SIGKILL"), LAST_RUNG_AGAIN)
            }
        };
        self.due = now + grace;
        name
    }
}
