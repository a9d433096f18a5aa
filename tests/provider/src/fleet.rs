//! Servers that are real: creating one boots a server of `tests/fleet`.
//!
//! The index is written down before the boot. A provider that is killed half-way
//! leaves a note behind, and whoever cleans up finds every server that may run.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::process::Command;

use crate::cloud::Cloud;
use crate::config::FleetConfig;
use crate::file::{self, FileError};
use crate::value::Value;

/// The resource type whose objects are servers.
pub const SERVER: &str = "hcloud_server";

const SSH_KEY: &str = "hcloud_ssh_key";
// The last byte of the address is 10 + index.
const LAST_INDEX: u16 = 240;
const DEADLINE: Duration = Duration::from_mins(3);
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One server of the fleet that this cloud uses, as it is written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Slot {
    /// The fleet's index of the server.
    pub index: u16,
    /// The id of the object in the cloud.
    pub server: String,
    /// The server's host name.
    pub name: String,
}

/// Why a server of the fleet is not there.
#[derive(Debug, Error)]
pub enum FleetError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Every index is in use.
    #[error("no fleet index from {base} to {LAST_INDEX} is free")]
    Full {
        /// The first index that may be used.
        base: u16,
    },
    /// The server names a key that the cloud does not have.
    #[error("SSH key not found: {0}")]
    UnknownKey(String),
    /// The script cannot be started.
    #[error("cannot start `{}`", script.display())]
    Start {
        /// The script.
        script: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The script did not end in time.
    #[error("`fleet.sh {verb}` took longer than {} s, see `{}`", DEADLINE.as_secs(), log.display())]
    Deadline {
        /// What was asked of it.
        verb: String,
        /// What it printed.
        log: PathBuf,
    },
    /// The script failed.
    #[error("`fleet.sh {verb}` failed ({status}), see `{}`: {last}", log.display())]
    Failed {
        /// What was asked of it.
        verb: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        log: PathBuf,
        /// The last line of that.
        last: String,
    },
}

/// The fleet, as one cloud uses it.
#[derive(Debug)]
pub struct Fleet<'cloud> {
    config: &'cloud FleetConfig,
    cloud: &'cloud Cloud,
}

impl Slot {
    /// The server's address.
    pub fn address(&self) -> String {
        format!("10.77.0.{}", 10 + self.index)
    }
}

impl<'cloud> Fleet<'cloud> {
    /// Uses the fleet for the servers of `cloud`.
    pub fn new(config: &'cloud FleetConfig, cloud: &'cloud Cloud) -> Result<Self, FileError> {
        file::make_folder(&notes(cloud))?;
        Ok(Self { config, cloud })
    }

    /// Takes the lowest free index for a server, and writes it down.
    pub fn reserve(&self, server: &Value) -> Result<Slot, FleetError> {
        let _lock = self.cloud.lock()?;
        let taken = slots(self.cloud)?;
        let base = self.config.base_index;
        let index = (base..=LAST_INDEX)
            .find(|index| taken.iter().all(|slot| slot.index != *index))
            .ok_or(FleetError::Full { base })?;
        let name = server.get("name").and_then(Value::text).unwrap_or_default();
        let slot = Slot { index, server: server.id(), name };
        file::write_json(&self.note(index, "json"), &slot)?;
        Ok(slot)
    }

    /// Boots the server, with the keys that it names.
    pub async fn boot(&self, slot: &Slot, server: &Value) -> Result<(), FleetError> {
        let keys = self.note(slot.index, "authorized_keys");
        file::write(&keys, self.authorized_keys(server)?.as_bytes())?;
        // Makes what all servers share; the script lets two of them take turns. No
        // lock of ours is held here: a task that waits for one blocks its thread,
        // and on all of them blocked nobody would notice that the script has ended.
        self.run(slot.index, &["net"]).await?;
        let index = slot.index.to_string();
        self.run(slot.index, &["boot", &slot.name, &index, &keys.to_string_lossy()]).await
    }

    /// Destroys the server with this id, if one was ever begun.
    pub async fn destroy(&self, server: &str) -> Result<(), FleetError> {
        let Some(slot) = slots(self.cloud)?.into_iter().find(|slot| slot.server == server) else {
            return Ok(());
        };
        self.run(slot.index, &["destroy", &slot.index.to_string()]).await?;
        for extension in ["authorized_keys", "log", "json"] {
            file::remove(&self.note(slot.index, extension))?;
        }
        Ok(())
    }

    fn authorized_keys(&self, server: &Value) -> Result<String, FleetError> {
        let Some(Value::List(wanted)) = server.get("ssh_keys") else { return Ok(String::new()) };
        let known = self.cloud.all(SSH_KEY)?;
        let mut lines = String::new();
        for key in wanted.iter().filter_map(Value::text) {
            let found = known.iter().find(|own| {
                own.id() == key || own.get("name").and_then(Value::text).as_ref() == Some(&key)
            });
            let public = found.and_then(|own| own.get("public_key")).and_then(Value::text);
            lines += public.ok_or(FleetError::UnknownKey(key))?.trim();
            lines.push('\n');
        }
        Ok(lines)
    }

    /// Runs one verb of the script; what it prints goes to a file, because the
    /// server's own processes inherit it and would keep a pipe open.
    async fn run(&self, index: u16, arguments: &[&str]) -> Result<(), FleetError> {
        let log = self.note(index, "log");
        let verb = arguments.first().copied().unwrap_or_default().to_owned();
        let script = &self.config.script;
        let mut child = Command::new(script)
            .args(arguments)
            .env_clear()
            .env("PATH", PATH)
            .envs(&self.config.env)
            .stdin(Stdio::null())
            .stdout(file::append(&log)?)
            .stderr(file::append(&log)?)
            .process_group(0)
            .spawn()
            .map_err(|source| FleetError::Start { script: script.clone(), source })?;
        let Ok(ended) = tokio::time::timeout(DEADLINE, child.wait()).await else {
            return Err(FleetError::Deadline { verb, log });
        };
        let status =
            ended.map_err(|source| FleetError::Start { script: script.clone(), source })?;
        if status.success() {
            return Ok(());
        }
        let printed = file::read(&log).unwrap_or_default();
        let last = printed.lines().last().unwrap_or_default().to_owned();
        Err(FleetError::Failed { verb, status, log, last })
    }

    fn note(&self, index: u16, extension: &str) -> PathBuf {
        notes(self.cloud).join(format!("{index}.{extension}"))
    }
}

/// Every server of the fleet that `cloud` has begun and not destroyed.
pub fn slots(cloud: &Cloud) -> Result<Vec<Slot>, FileError> {
    let folder = notes(cloud);
    file::make_folder(&folder)?;
    file::with_extension(&folder, "json")?.iter().map(|path| file::read_json(path)).collect()
}

fn notes(cloud: &Cloud) -> PathBuf {
    Path::new(cloud.folder()).join("fleet")
}
