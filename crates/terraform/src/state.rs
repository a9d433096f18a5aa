//! Watches the state file for versions worth keeping.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use flightdeck_app::port::terraform::Sensitive;
use serde::{Deserialize, Serialize};

/// Where one version stands: whose line it is of, and how far along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    lineage: String,
    serial: u64,
}

impl Version {
    /// Reads the header of a state; none if it is not complete.
    ///
    /// A complete JSON text is asked for, because Terraform truncates the file
    /// and writes it anew: a prefix of a version is not a version.
    pub(crate) fn of(state: &[u8]) -> Option<Self> {
        serde_json::from_slice(state).ok().filter(|version: &Self| !version.lineage.is_empty())
    }

    /// Says whether `self` comes after `kept`. Another lineage never does: it is
    /// somebody else's state, or one that was begun from nothing.
    fn follows(&self, kept: Option<&Self>) -> bool {
        kept.is_none_or(|kept| kept.lineage == self.lineage && kept.serial < self.serial)
    }
}

/// What tells a changed file from an unchanged one without reading it.
type Stamp = (u64, i64, i64);

/// The state file of a run, and the newest version of it that was kept.
pub(crate) struct StateWatch {
    module: PathBuf,
    kept: Option<Version>,
    seen: Option<Stamp>,
}

impl StateWatch {
    /// Watches for versions after `kept`.
    pub(crate) fn new(module: PathBuf, kept: Option<Version>) -> Self {
        Self { module, kept, seen: None }
    }

    /// The newest version that was kept.
    pub(crate) fn kept(&self) -> Option<&Version> {
        self.kept.as_ref()
    }

    /// Returns a version that appeared since the last call.
    pub(crate) fn fresh(&mut self) -> io::Result<Option<(Version, Sensitive)>> {
        let path = self.module.join("terraform.tfstate");
        let stamp = stamp(&path)?;
        if stamp.is_none() || stamp == self.seen {
            return Ok(None);
        }
        let read = read(&path)?;
        if self::stamp(&path)? != stamp {
            // It was written while it was read; what was read may be of two versions.
            return Ok(None);
        }
        self.seen = stamp;
        Ok(self.newer(read))
    }

    /// Returns what is newest after the end of Terraform, if it was not kept.
    ///
    /// Terraform that can't write its state puts it into `errored.tfstate`.
    pub(crate) fn last(&mut self) -> io::Result<Option<(Version, Sensitive)>> {
        let mut newest: Option<(Version, Sensitive)> = None;
        for name in ["terraform.tfstate", "errored.tfstate"] {
            let path = self.module.join(name);
            if stamp(&path)?.is_none() {
                continue;
            }
            if let Some(found) = self.newer(read(&path)?)
                && found.0.follows(newest.as_ref().map(|(version, _)| version))
            {
                newest = Some(found);
            }
        }
        Ok(newest)
    }

    /// Remembers that `version` was kept.
    pub(crate) fn keep(&mut self, version: Version) {
        self.kept = Some(version);
    }

    fn newer(&self, state: Sensitive) -> Option<(Version, Sensitive)> {
        let version = Version::of(state.expose())?;
        version.follows(self.kept.as_ref()).then_some((version, state))
    }
}

/// Reads a file that may hold secrets, without leaving copies of it in memory.
pub(crate) fn read(path: &Path) -> io::Result<Sensitive> {
    let mut file = File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    // Reading past the end needs room, or the buffer moves and leaves a copy.
    let mut bytes = Vec::with_capacity(length + 64);
    file.read_to_end(&mut bytes)?;
    Ok(Sensitive::new(bytes))
}

fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(data) => Ok(Some((data.len(), data.mtime(), data.mtime_nsec()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(lineage: &str, serial: u64) -> String {
        format!(
            r#"{{"version":4,"terraform_version":"1.11.4","serial":{serial},"lineage":"{lineage}","outputs":{{}},"resources":[]}}"#
        )
    }

    fn fresh(watch: &mut StateWatch) -> Option<u64> {
        let (version, _) = watch.fresh().expect("readable")?;
        let serial = version.serial;
        watch.keep(version);
        Some(serial)
    }

    #[test]
    fn each_complete_higher_version_of_the_lineage_counts_once() {
        let folder = tempfile::tempdir().expect("a directory");
        let file = folder.path().join("terraform.tfstate");
        let mut watch = StateWatch::new(folder.path().to_owned(), None);
        let write = |text: &str| fs::write(&file, text).expect("written");

        assert_eq!(fresh(&mut watch), None, "there is no file");
        write(&state("ours", 3));
        assert_eq!(fresh(&mut watch), Some(3));
        assert_eq!(fresh(&mut watch), None, "it did not change");
        write(&state("ours", 4)[..60]);
        assert_eq!(fresh(&mut watch), None, "half a file is not a version");
        write(&state("other-line", 9));
        assert_eq!(fresh(&mut watch), None, "another lineage is another state");
        write(&state("ours", 2));
        assert_eq!(fresh(&mut watch), None, "an older version is not news");
        write(&state("ours", 10));
        assert_eq!(fresh(&mut watch), Some(10));
    }

    #[test]
    fn every_prefix_of_a_state_is_refused() {
        let whole = state("ours", 7);

        for end in 0..whole.len() {
            assert_eq!(Version::of(&whole.as_bytes()[..end]), None);
        }
        assert!(Version::of(whole.as_bytes()).is_some());
    }

    #[test]
    fn a_state_that_terraform_put_aside_is_found() {
        let folder = tempfile::tempdir().expect("a directory");
        fs::write(folder.path().join("terraform.tfstate"), state("ours", 3)).expect("written");
        fs::write(folder.path().join("errored.tfstate"), state("ours", 5)).expect("written");
        let kept = Version::of(state("ours", 3).as_bytes());

        let (version, _) = StateWatch::new(folder.path().to_owned(), kept)
            .last()
            .expect("readable")
            .expect("a newer version");

        assert_eq!(version.serial, 5);
    }
}
