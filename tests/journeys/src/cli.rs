//! The command line under test.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{PASSPHRASE, REGISTRY, TOKEN, World, binary};

/// Runs `flightdeck` on a world's data directory.
pub struct Cli {
    data: PathBuf,
    passphrase_file: PathBuf,
    token_file: PathBuf,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Answer {
    /// Its exit code.
    pub code: i32,
    /// The document on its standard output; null where there is none.
    pub document: Value,
    /// Its error output.
    pub error: String,
}

impl Cli {
    /// Uses the world's data directory; its secrets lie in files beside it.
    pub fn new(world: &World) -> Self {
        let folder = world.folder.path();
        let cli = Self {
            data: world.data(),
            passphrase_file: folder.join("passphrase"),
            token_file: folder.join("token"),
        };
        fs::write(&cli.passphrase_file, PASSPHRASE).unwrap();
        fs::write(&cli.token_file, TOKEN).unwrap();
        cli
    }

    /// A command that is not started yet.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(binary("flightdeck"));
        command
            .args(line.split(' '))
            .arg("--json")
            .env("FLIGHTDECK_DATA_DIR", &self.data)
            .env("FLIGHTDECK_PASSPHRASE_FILE", &self.passphrase_file)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn ask(&self, line: &str) -> Answer {
        let output = self.command(line).output().unwrap();
        Answer {
            code: output.status.code().unwrap_or(-1),
            document: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub fn succeed(&self, line: &str) -> Value {
        let answer = self.ask(line);
        assert_eq!(answer.code, 0, "`{line}`: {} {}", answer.document, answer.error);
        answer.document
    }

    /// Starts a command and leaves it running.
    pub fn start(&self, line: &str) -> Child {
        self.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Does the first run, with the world's cloud, registry and API.
    pub fn set_up(&self, world: &World) {
        self.succeed("setup --organization Example --user Ada");
        let cli_config = world.mirror.terraform_rc().display().to_string();
        let proxy_image = format!("{REGISTRY}/haproxy:2.6");
        for (key, value) in [
            ("terraform_cli_config", cli_config.as_str()),
            ("hetzner_endpoint", &world.api.endpoint()),
            ("proxy_image", &proxy_image),
            ("sample_interval_seconds", "5"),
        ] {
            self.succeed(&format!("settings set {key} {value}"));
        }
        let token_file = self.token_file.display();
        self.succeed(&format!("credential add hetzner cloud --field-file token={token_file}"));
        self.succeed("credential generate-ssh-key key");
        self.succeed(
            "stack create web --credential cloud --ssh-key key --region fsn1 --size cx23 \
             --image ubuntu-24.04 --count 1",
        );
    }

    /// The newest job, whole.
    pub fn newest_job(&self) -> Value {
        self.succeed("job list")
            .as_array()
            .and_then(|jobs| jobs.first().cloned())
            .unwrap_or_default()
    }
}
