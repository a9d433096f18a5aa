//! The pause between wrong passphrases.
//!
//! It slows down a person at the keyboard and a script around the CLI. Who has
//! the file and their own program is slowed down by Argon2 alone.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::file::{self, Existing};

const NAME: &str = "vault-attempts.json";
const LOCK: &str = "vault-attempts.lock";
const MOST_BYTES: u64 = 4096;
const LONGEST_WAIT_SECONDS: u64 = 60;

/// Failed attempts in a row, kept beside the vault so that a restart keeps them.
#[derive(Debug)]
pub(crate) struct Attempts {
    path: PathBuf,
    record: Record,
    _turn: File,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    failures: u32,
    last_at: Timestamp,
}

impl Attempts {
    /// Reads the record in `directory`; a record that can't be read counts as none.
    ///
    /// Waits for its turn and keeps it until it is dropped. An attempt counts as
    /// failed while it is made, so that two at once with the right passphrase
    /// would look like guesses to each other.
    pub(crate) fn load(directory: &Path) -> io::Result<Self> {
        let turn = turn(&directory.join(LOCK))?;
        let path = directory.join(NAME);
        let record = match file::read(&path, MOST_BYTES)? {
            Some(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, "The record of failed attempts is damaged; it starts anew");
                Record::default()
            }),
            None => Record::default(),
        };
        Ok(Self { path, record, _turn: turn })
    }

    /// Counts an attempt before it is made, or says how many seconds are left to wait.
    ///
    /// Counting first means that ending the program in the middle of a guess
    /// does not make the guess free.
    pub(crate) fn begin(&mut self, now: Timestamp) -> io::Result<Result<(), u64>> {
        let wait = self.wait(now);
        if wait > 0 {
            if now < self.record.last_at {
                // The clock went back: start the same pause from here, or it could last years.
                self.record.last_at = now;
                self.save()?;
            }
            return Ok(Err(wait));
        }
        self.record = Record { failures: self.record.failures.saturating_add(1), last_at: now };
        self.save()?;
        Ok(Ok(()))
    }

    /// Forgets the failures, because an attempt succeeded.
    pub(crate) fn succeed(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Seconds until the next attempt is allowed.
    pub(crate) fn wait(&self, now: Timestamp) -> u64 {
        let pause = pause(self.record.failures);
        let passed = now.as_second().saturating_sub(self.record.last_at.as_second());
        pause.saturating_sub(u64::try_from(passed).unwrap_or(0))
    }

    fn save(&self) -> io::Result<()> {
        let bytes = serde_json::to_vec(&self.record)?;
        file::write(&self.path, &bytes, Existing::Replace)
    }
}

/// Holds the lock file at `path`, which is made private like all of the vault's files.
fn turn(path: &Path) -> io::Result<File> {
    if !path.exists() {
        match file::write(path, b"", Existing::Keep) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let file = File::open(path)?;
    file.lock()?;
    Ok(file)
}

/// Seconds to wait after that many failures in a row: 0, 0, 1, 2, 4 … 60.
fn pause(failures: u32) -> u64 {
    match failures {
        0..=2 => 0,
        n => 1_u64.checked_shl(n - 3).unwrap_or(u64::MAX).min(LONGEST_WAIT_SECONDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_minute() {
        let pauses: Vec<u64> = (0..12).map(pause).collect();

        assert_eq!(pauses, [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(u32::MAX), 60, "the shift must not wrap");
    }
}
