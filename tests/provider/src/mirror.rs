//! Lays this provider out so that Terraform installs it instead of the real one.
//!
//! ```text
//! DIR/terraform.rc        TF_CLI_CONFIG_FILE: this mirror and nothing else
//! DIR/config.json         the settings, to be changed at any time
//! DIR/schema/             the published schema and the overlay
//! DIR/cloud/              the cloud
//! DIR/registry.terraform.io/hetznercloud/hcloud/VERSION/linux_amd64/
//!     terraform-provider-hcloud_vVERSION   a link to the binary
//!     instance.json                        names config.json
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cloud::Cloud;
use crate::config::{Config, FleetConfig, Instance};
use crate::file::{self, FileError};
use crate::fleet::{self, Fleet, FleetError, Slot};

/// The version that `terraform-modules/hetzner` pins; a test reads both.
pub const HCLOUD_VERSION: &str = "1.67.0";

const SOURCE: &str = "registry.terraform.io/hetznercloud/hcloud";
const SCHEMA: &str = include_str!("../schema/hcloud.json");
const OVERLAY: &str = include_str!("../schema/hcloud.overlay.json");

/// A mirror with its cloud.
#[derive(Debug, Clone)]
pub struct Mirror {
    folder: PathBuf,
}

impl Mirror {
    /// Lays out a mirror of `binary` in `folder`.
    ///
    /// A cloud and settings that are already there stay as they are, so that a
    /// newer binary can be put under a running demo.
    pub fn lay_out(binary: &Path, folder: &Path) -> Result<Self, FileError> {
        file::make_folder(folder)?;
        let mirror = Self { folder: file::resolve(folder)? };
        let package = mirror
            .folder
            .join(SOURCE)
            .join(HCLOUD_VERSION)
            .join(format!("linux_{}", architecture()));
        for part in [&package, &mirror.folder.join("schema"), &mirror.cloud_folder()] {
            file::make_folder(part)?;
        }
        file::write(&mirror.folder.join("schema/hcloud.json"), SCHEMA.as_bytes())?;
        file::write(&mirror.folder.join("schema/hcloud.overlay.json"), OVERLAY.as_bytes())?;
        let installed = package.join(format!("terraform-provider-hcloud_v{HCLOUD_VERSION}"));
        file::link_or_copy(&file::resolve(binary)?, &installed)?;
        let instance = Instance { config: mirror.config_path() };
        file::write_json(&Instance::path(&package), &instance)?;
        if file::find_json::<Config>(&mirror.config_path())?.is_none() {
            file::write_json(&mirror.config_path(), &Self::first_config())?;
        }
        file::write(&mirror.terraform_rc(), mirror.cli_configuration().as_bytes())?;
        Ok(mirror)
    }

    /// Uses a mirror that was laid out before.
    pub fn open(folder: &Path) -> Result<Self, FileError> {
        let mirror = Self { folder: file::resolve(folder)? };
        mirror.config()?;
        Ok(mirror)
    }

    /// What `TF_CLI_CONFIG_FILE` has to be.
    pub fn terraform_rc(&self) -> PathBuf {
        self.folder.join("terraform.rc")
    }

    /// The settings' file.
    pub fn config_path(&self) -> PathBuf {
        self.folder.join("config.json")
    }

    /// The settings as they are now; its paths are relative to the mirror.
    pub fn config(&self) -> Result<Config, FileError> {
        file::read_json(&self.config_path())
    }

    /// Changes the settings; the next operation goes by them.
    pub fn edit(&self, change: impl FnOnce(&mut Config)) -> Result<(), FileError> {
        let mut config = self.config()?;
        change(&mut config);
        file::write_json(&self.config_path(), &config)
    }

    /// The cloud.
    pub fn cloud(&self) -> Result<Cloud, FileError> {
        Cloud::open(&self.folder.join(self.config()?.cloud))
    }

    /// The servers of the fleet that were begun and not destroyed.
    pub fn fleet_servers(&self) -> Result<Vec<Slot>, FileError> {
        fleet::slots(&self.cloud()?)
    }

    /// Destroys every server of the fleet that this cloud has begun.
    pub async fn destroy_fleet_servers(&self) -> Result<(), FleetError> {
        let cloud = self.cloud()?;
        let Some(config) = self.config()?.fleet else { return Ok(()) };
        let fleet = Fleet::new(&config, &cloud)?;
        for slot in self.fleet_servers()? {
            fleet.destroy(&slot.server).await?;
        }
        Ok(())
    }

    fn first_config() -> Config {
        Config {
            name: "hcloud".to_owned(),
            schema: "schema/hcloud.json".into(),
            overlay: "schema/hcloud.overlay.json".into(),
            cloud: "cloud".into(),
            token: None,
            delay_ms: BTreeMap::new(),
            fail: Vec::new(),
            force_new: BTreeMap::new(),
            regions: None,
            fleet: None,
        }
    }

    fn cloud_folder(&self) -> PathBuf {
        self.folder.join("cloud")
    }

    fn cli_configuration(&self) -> String {
        let folder = self.folder.display();
        format!(
            "disable_checkpoint = true\n\n\
             provider_installation {{\n  filesystem_mirror {{\n    path    = \"{folder}\"\n    \
             include = [\"registry.terraform.io/*/*\"]\n  }}\n}}\n"
        )
    }
}

impl FleetConfig {
    /// Uses `script` with what it needs from this process's environment.
    pub fn with_own_environment(script: PathBuf, base_index: u16) -> Self {
        let names = ["HOME", "FLEET_DIR"];
        let env =
            names.into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
        Self { script, base_index, env: env.collect() }
    }
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
