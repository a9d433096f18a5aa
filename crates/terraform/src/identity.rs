//! Which process is meant, beyond doubt.

use std::{collections::HashMap, fs, os::unix::ffi::OsStrExt, path::Path};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

/// A process id together with the time it started.
///
/// The kernel hands ids out again. The start time (in clock ticks since boot)
/// tells the process that was meant from the one that has its id now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pid: i32,
    started: u64,
}

impl Identity {
    /// Returns the process that has `pid` now, if there is one.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Stat::read(pid).map(|stat| Self { pid, started: stat.started })
    }

    /// Finds the process that names `path` in its arguments.
    pub(crate) fn with_argument(path: &Path) -> Option<Self> {
        let path = path.as_os_str().as_bytes();
        let names_it = |pid: &i32| {
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word.ends_with(path)))
        };
        processes().find(names_it).and_then(Self::of)
    }

    /// Its id, which is also the id of its group if it was started here.
    pub(crate) fn pid(self) -> i32 {
        self.pid
    }

    /// Says whether it runs. One that has ended and is not yet reaped does not.
    pub(crate) fn is_alive(self) -> bool {
        Stat::read(self.pid)
            .is_some_and(|stat| stat.started == self.started && !matches!(stat.state, 'Z' | 'X'))
    }

    /// Sends `signal` to this process alone.
    pub(crate) fn signal(self, signal: Signal) {
        if self.is_alive() {
            // It may have ended since; then there is nothing left to do.
            _ = signal::kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Kills all that it started, and what those started.
    pub(crate) fn kill_descendants(self) {
        if !self.is_alive() {
            return;
        }
        for pid in descendants(self.pid) {
            _ = signal::kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    /// Kills it, its process group, and descendants that left the group.
    pub(crate) fn kill_group(self) {
        if !self.is_alive() {
            return;
        }
        let strays = descendants(self.pid);
        _ = signal::killpg(Pid::from_raw(self.pid), Signal::SIGKILL);
        for pid in strays {
            _ = signal::kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// The three fields of `/proc/<pid>/stat` that are used here.
struct Stat {
    state: char,
    parent: i32,
    started: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Parses from behind the command's name, which may hold spaces and brackets.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn descendants(root: i32) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for pid in processes() {
        if let Some(stat) = Stat::read(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(parent) = next.pop() {
        let below = children.remove(&parent).unwrap_or_default();
        next.extend(&below);
        found.extend(below);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_brackets_in_its_name_is_parsed() {
        let line = "7 (a) b (c)) S 3 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2";

        let stat = Stat::parse(line).expect("a stat line");

        assert_eq!((stat.state, stat.parent, stat.started), ('S', 3, 4242));
    }

    #[test]
    fn a_process_with_the_same_id_but_another_start_is_not_alive() {
        let own = Identity::of(i32::try_from(std::process::id()).expect("a pid")).expect("self");

        assert!(own.is_alive());
        assert!(!Identity { started: own.started + 1, ..own }.is_alive());
    }
}
