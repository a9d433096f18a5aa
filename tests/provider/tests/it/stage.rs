//! One stage for a test: a mirror with its cloud, and a directory to run Terraform in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use terraform_provider_fleet::mirror::Mirror;

pub(crate) const TOKEN: &str = "stage-token";

const BINARY: &str = env!("CARGO_BIN_EXE_terraform-provider-fleet");
const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtPTwlbfeXRpcBN7JBYW4m3P4CVvHW8cP2lYT5VZjTn operator";

/// A mirror, its cloud and a run directory with the Hetzner module in it.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) mirror: Mirror,
}

/// What one Terraform command said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Stage {
    /// Lays out a mirror and copies the module, as the application does.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let mirror = Mirror::lay_out(Path::new(BINARY), &folder.path().join("mirror"))
            .expect("a mirror of the provider just built");
        mirror.edit(|config| config.token = Some(TOKEN.to_owned())).expect("the token is set");
        let stage = Self { folder, mirror };
        copy_folder(&repository().join("terraform-modules/hetzner"), &stage.run_folder());
        stage.set(&json!({}));
        stage
    }

    /// A stage whose run directory is initialized.
    pub(crate) fn ready() -> Self {
        let stage = Self::new();
        stage.terraform(&["init"]).succeeds();
        stage
    }

    /// Sets the module's variables; those not named have a value that works.
    pub(crate) fn set(&self, variables: &Value) {
        let mut all = json!({
            "name": "web",
            "ssh_public_keys": [PUBLIC_KEY],
            "ssh_allowed_cidrs": ["203.0.113.7/32"],
        });
        for (name, value) in variables.as_object().expect("variables are an object") {
            all[name] = value.clone();
        }
        let path = self.run_folder().join("stage.auto.tfvars.json");
        fs::write(path, all.to_string()).expect("the variables are written");
    }

    pub(crate) fn run_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Runs one command to its end.
    pub(crate) fn terraform(&self, arguments: &[&str]) -> Said {
        self.terraform_with_token(TOKEN, arguments)
    }

    pub(crate) fn terraform_with_token(&self, token: &str, arguments: &[&str]) -> Said {
        let mut command = command(&self.mirror, &self.run_folder());
        command.env("HCLOUD_TOKEN", token).args(arguments);
        Said::of(&command.output().expect("terraform is installed"))
    }

    /// Applies without asking.
    pub(crate) fn apply(&self) -> Said {
        self.terraform(&["apply", "-auto-approve", "-input=false"])
    }

    /// Destroys without asking.
    pub(crate) fn destroy(&self) -> Said {
        self.terraform(&["destroy", "-auto-approve", "-input=false"])
    }

    /// A command that a test starts and interrupts by itself.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.mirror, &self.run_folder());
        command.env("HCLOUD_TOKEN", TOKEN).args(arguments).stdout(Stdio::piped());
        command
    }

    /// The addresses in the state.
    pub(crate) fn state(&self) -> Vec<String> {
        let listed = self.terraform(&["state", "list"]);
        listed.text.lines().filter(|line| !line.starts_with("data.")).map(str::to_owned).collect()
    }

    /// Type and id of everything in the cloud.
    pub(crate) fn cloud(&self) -> Vec<(String, String)> {
        let cloud = self.mirror.cloud().expect("the mirror has a cloud");
        cloud.contents().expect("the cloud can be listed")
    }

    /// How many objects of this type the cloud has.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.cloud().iter().filter(|(own, _)| own == kind).count()
    }
}

impl Said {
    fn of(output: &Output) -> Self {
        let streams = [&output.stdout, &output.stderr];
        let text = streams.map(|stream| String::from_utf8_lossy(stream).into_owned()).concat();
        Self { code: output.status.code(), text }
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "the command must succeed:\n{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert_eq!(self.code, Some(1), "the command must fail:\n{}", self.text);
        self
    }

    /// The text on one line, without the frame that Terraform draws around it.
    pub(crate) fn unwrapped(&self) -> String {
        let words = self.text.split_whitespace();
        words.filter(|word| !["│", "╷", "╵"].contains(word)).collect::<Vec<_>>().join(" ")
    }
}

/// Terraform with nothing in its environment but what the application gives it.
pub(crate) fn command(mirror: &Mirror, folder: &Path) -> Command {
    let mut command = Command::new("terraform");
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TF_CLI_CONFIG_FILE", mirror.terraform_rc())
        .env("TF_IN_AUTOMATION", "1")
        .env("TF_CLI_ARGS", "-no-color");
    command
}

pub(crate) fn terraform_in(mirror: &Mirror, folder: &Path, arguments: &[&str]) -> Said {
    Said::of(&command(mirror, folder).args(arguments).output().expect("terraform is installed"))
}

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < until, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder for the copy");
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry of the folder");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copied file");
        }
    }
}
