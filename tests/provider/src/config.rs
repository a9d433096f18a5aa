//! The settings of one cloud: a `config.json` that a test may change at any time.
//!
//! ```json
//! {
//!   "name": "hcloud",
//!   "schema": "schema/hcloud.json",
//!   "overlay": "schema/hcloud.overlay.json",
//!   "cloud": "cloud",
//!   "token": "the only token that is accepted; null accepts any",
//!   "delay_ms": { "hcloud_server.create": 2000, "*.delete": 100 },
//!   "fail": [{ "type": "hcloud_server", "op": "create", "name": "web-2",
//!              "message": "resource limit exceeded (resource_limit_exceeded)", "when": "before" }],
//!   "force_new": { "hcloud_server": ["server_type"] },
//!   "regions": ["nbg1"],
//!   "fleet": { "script": "/abs/tests/fleet/fleet.sh", "base_index": 1 }
//! }
//! ```
//!
//! The file cannot stand in the folder that Terraform installs: Terraform hashes
//! that folder, and a change would make every later command refuse it. What does
//! stand beside the binary is `instance.json`, which never changes and names the
//! `config.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::file::{self, FileError};
use crate::overlay::Overlay;
use crate::schema::Schema;

/// Names the `config.json` where no `instance.json` stands beside the binary.
pub const CONFIG_VARIABLE: &str = "PROVIDER_CONFIG";

const INSTANCE_FILE: &str = "instance.json";

/// The settings of one cloud.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the provider that is played, for messages.
    pub name: String,
    /// The published schema; relative to this file.
    pub schema: PathBuf,
    /// What the schema does not say; relative to this file.
    pub overlay: PathBuf,
    /// The folder that is the cloud; relative to this file.
    pub cloud: PathBuf,
    /// The token that is accepted, or `None` for any.
    #[serde(default)]
    pub token: Option<String>,
    /// Milliseconds an operation takes, by `type.op`; `*` stands for either part.
    #[serde(default)]
    pub delay_ms: BTreeMap<String, u64>,
    /// Operations that fail.
    #[serde(default)]
    pub fail: Vec<Fault>,
    /// Attributes whose change replaces the object, besides those of the overlay.
    #[serde(default)]
    pub force_new: BTreeMap<String, Vec<String>>,
    /// The regions that exist, or `None` for those of the overlay.
    #[serde(default)]
    pub regions: Option<Vec<String>>,
    /// How to boot real servers, or `None` for servers that are files only.
    #[serde(default)]
    pub fleet: Option<FleetConfig>,
}

/// One operation that fails.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The resource type, or `*`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The operation that fails, or any.
    pub op: String,
    /// Only for the object with this name.
    #[serde(default)]
    pub name: Option<String>,
    /// What the cloud answers.
    pub message: String,
    /// Whether the work is done all the same.
    #[serde(default)]
    pub when: Moment,
}

/// When a fault hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The cloud refuses, and nothing was done.
    #[default]
    Before,
    /// The cloud did it, and its answer got lost.
    After,
}

/// How to boot real servers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetConfig {
    /// The fleet's script, absolute.
    pub script: PathBuf,
    /// The first server index that may be used.
    #[serde(default = "first_index")]
    pub base_index: u16,
    /// Environment of the script, besides a plain `PATH`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// Why there are no settings.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// Nothing names a `config.json`.
    #[error("no `{INSTANCE_FILE}` beside `{}` and no {CONFIG_VARIABLE}", binary.display())]
    Missing {
        /// The provider's binary, as it was started.
        binary: PathBuf,
    },
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The schema file describes no provider.
    #[error("`{}` describes no provider", path.display())]
    NoProvider {
        /// The schema file.
        path: PathBuf,
    },
}

/// What stands beside the installed binary.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) config: PathBuf,
}

/// Where the settings are, found once at the start.
#[derive(Debug, Clone)]
pub struct Source {
    path: PathBuf,
}

impl Source {
    /// Uses the settings at `path`.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Finds the settings of the binary that was started as `binary`.
    ///
    /// Terraform starts a path inside `.terraform/providers`, whose last folder is
    /// a link to our mirror; the file itself is not resolved, since it may be a
    /// link to a build directory.
    pub fn of_binary(binary: &Path) -> Result<Self, ConfigError> {
        if let Some(folder) = binary.parent() {
            let instance = file::resolve(folder)?.join(INSTANCE_FILE);
            if let Some(Instance { config }) = file::find_json(&instance)? {
                return Ok(Self::at(config));
            }
        }
        match std::env::var_os(CONFIG_VARIABLE) {
            Some(path) => Ok(Self::at(path.into())),
            None => Err(ConfigError::Missing { binary: binary.to_owned() }),
        }
    }

    /// Reads the settings as they are now.
    pub fn read(&self) -> Result<Config, ConfigError> {
        let mut config: Config = file::read_json(&self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        for path in [&mut config.schema, &mut config.overlay, &mut config.cloud] {
            *path = folder.join(&path);
        }
        Ok(config)
    }

    /// Reads the schema that the settings name.
    pub fn schema(&self) -> Result<Schema, ConfigError> {
        let path = self.read()?.schema;
        Schema::read(&path)?.ok_or(ConfigError::NoProvider { path })
    }

    /// Reads the overlay that the settings name.
    pub fn overlay(&self) -> Result<Overlay, ConfigError> {
        Ok(file::read_json(&self.read()?.overlay)?)
    }
}

impl Instance {
    pub(crate) fn path(folder: &Path) -> PathBuf {
        folder.join(INSTANCE_FILE)
    }
}

fn first_index() -> u16 {
    1
}
