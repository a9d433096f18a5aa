//! What every journey needs: a cloud, its API, a registry, and room for servers.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "a journey that can't be set up must fail loudly, where it stands"
)]

pub mod cli;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use flightdeck_testkit::hetzner::HetznerApi;
use tempfile::TempDir;
use terraform_provider_fleet::{config::FleetConfig, mirror::Mirror};

/// The only token that the cloud takes: 64 letters and digits, as Hetzner's are.
pub const TOKEN: &str = "CANARYjourneyCANARYjourneyCANARYjourneyCANARYjourneyCANARYjourne";
/// What protects the vault.
pub const PASSPHRASE: &str = "CANARY correct horse battery staple";
/// Where servers pull images from.
pub const REGISTRY: &str = "10.77.0.1:5000";

/// A cloud of our own, with its API, and an empty data directory.
pub struct World {
    /// Everything of this journey; gone when it ends.
    pub folder: TempDir,
    /// The provider's cloud.
    pub mirror: Mirror,
    /// The provider's API.
    pub api: HetznerApi,
    fleet: PathBuf,
}

impl World {
    /// Sets a world up whose servers are numbered from `base_index` on.
    ///
    /// Indexes keep journeys apart: the machine has one fleet.
    pub async fn set_up(base_index: u16) -> Self {
        assert!(is_root(), "real servers need root");
        let folder = tempfile::Builder::new().prefix("journey-").tempdir().unwrap();
        let fleet = repository().join("tests/fleet");
        run(&fleet.join("registry.sh"), &["up"]);
        run(Path::new("python3"), &[fleet.join("images/publish.py").to_str().unwrap()]);
        let mirror =
            Mirror::lay_out(&binary("terraform-provider-fleet"), &folder.path().join("mirror"))
                .unwrap();
        let script = fleet.join("fleet.sh");
        mirror
            .edit(|config| {
                config.token = Some(TOKEN.to_owned());
                config.fleet = Some(FleetConfig::with_own_environment(script.clone(), base_index));
            })
            .unwrap();
        for index in base_index..base_index + 4 {
            run(&script, &["destroy", &index.to_string()]);
        }
        let api = HetznerApi::start(TOKEN).await.unwrap();
        Self { folder, mirror, api, fleet: script }
    }

    /// The data directory of the program under test.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a verb of the fleet's script.
    pub fn fleet(&self, arguments: &[&str]) -> Output {
        run(&self.fleet, arguments)
    }

    /// The containers on a server: name, release label and state.
    pub fn containers(&self, index: u16) -> Vec<String> {
        let pid = self.fleet(&["pid", &index.to_string()]).stdout;
        let pid = String::from_utf8_lossy(&pid).trim().to_owned();
        let format = "{{.Names}} {{.Label \"deploy.release\"}} {{.State}}";
        let inside = ["-t", &pid, "-m", "-n", "-p", "--", "docker", "ps", "-a", "--format", format];
        let output = run(Path::new("nsenter"), &inside).stdout;
        let mut lines: Vec<String> =
            String::from_utf8_lossy(&output).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// What stands in the provider's cloud: kinds and ids.
    pub fn cloud(&self) -> Vec<(String, String)> {
        self.mirror.cloud().unwrap().contents().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let provider = binary("terraform-provider-fleet");
        let mirror = self.folder.path().join("mirror");
        let _ = Command::new(provider).arg("destroy-servers").arg(mirror).output();
    }
}

/// The checkout.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A program of this workspace, built beside the test.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join(name);
    assert!(path.is_file(), "`{}` is not built: cargo build --workspace --bins", path.display());
    path
}

/// Runs a program that must succeed.
pub fn run(program: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{} {arguments:?} failed: {}{}",
        program.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}

/// Asks an address as a visitor would: status and body.
pub fn visit(address: &str) -> (u16, String) {
    let output = Command::new("curl")
        .args(["-s", "--max-time", "5", "-w", "\n%{http_code}", address])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').unwrap_or((&text, "0"));
    (status.trim().parse().unwrap_or(0), body.trim().to_owned())
}

fn is_root() -> bool {
    run(Path::new("id"), &["-u"]).stdout.starts_with(b"0\n")
}
