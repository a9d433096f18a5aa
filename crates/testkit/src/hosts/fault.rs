//! What goes wrong, and at which call.

use std::sync::{Mutex, PoisonError};

/// How a call to something outside goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails before it has any effect.
    Refused,
    /// It has its effect, and the answer is lost.
    Lost,
    /// It never answers, and has no effect.
    Hangs,
    /// It fails, and so does every call after it.
    Dead,
}

/// Counts calls, and says which of them go wrong.
#[derive(Debug, Default)]
pub struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    calls: u64,
    planned: Option<(u64, Fault)>,
}

impl Faults {
    /// Lets the `call`-th call from now on go wrong; the first one is 1.
    pub fn plan(&self, call: u64, fault: Fault) {
        self.change(|state| *state = State { calls: 0, planned: Some((call, fault)) });
    }

    /// Lets nothing go wrong any more, and counts from 0.
    pub fn mend(&self) {
        self.change(|state| *state = State::default());
    }

    /// How many calls there were since the last plan.
    pub fn calls(&self) -> u64 {
        self.change(|state| state.calls)
    }

    /// Counts one call and says what goes wrong with it.
    pub(crate) fn next(&self) -> Option<Fault> {
        self.change(|state| {
            state.calls += 1;
            let (call, fault) = state.planned?;
            let hit = state.calls == call || (fault == Fault::Dead && state.calls > call);
            hit.then_some(fault)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
