use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// A token of the right shape that opens nothing.
pub(crate) const TOKEN: &str = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWx7890";

/// A data directory of its own, and the binary that works on it.
pub(crate) struct Desk {
    root: TempDir,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The one document of `--json`.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.exit, 0, "the call failed: {}", self.err);
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("`{}` is not one document: {error}", self.out))
    }

    /// The failure that `--json` printed.
    #[track_caller]
    pub(crate) fn failure(&self) -> Value {
        assert_ne!(self.exit, 0, "the call succeeded: {}", self.out);
        serde_json::from_str(&self.err)
            .unwrap_or_else(|error| panic!("`{}` is not one document: {error}", self.err))
    }

    /// The text of a call that succeeded.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        assert_eq!(self.exit, 0, "the call failed: {}", self.err);
        &self.out
    }
}

impl Desk {
    /// An empty data directory.
    pub(crate) fn bare() -> Self {
        let root = TempDir::new().expect("a temporary folder can be made");
        fs::write(root.path().join("passphrase"), format!("{PASSPHRASE}\n")).expect("it is ours");
        Self { root }
    }

    /// A data directory after the first run.
    pub(crate) fn set_up() -> Self {
        let desk = Self::bare();
        desk.call(&["setup", "--organization", "Acme Hosting", "--user", "Jo"]).text();
        // No test reaches out to a real cloud, or to the Terraform of the machine.
        desk.call(&["settings", "set", "hetzner_endpoint", "http://127.0.0.1:1"]).text();
        desk.call(&["settings", "set", "terraform_path", "/nowhere/terraform"]).text();
        desk
    }

    /// The same data once more, to be changed without harm to the first.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::bare();
        copy_folder(&self.directory(), &copy.directory());
        copy
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The binary with a clean environment, on this data directory.
    #[expect(clippy::disallowed_methods, reason = "the binary under test is what is started")]
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.root.path())
            .env("FLIGHTDECK_DATA_DIR", self.directory())
            .env("FLIGHTDECK_PASSPHRASE_FILE", self.path("passphrase"))
            .current_dir(self.root.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        ended(self.spawn(arguments))
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("the binary was built")
    }

    /// Calls with something on the standard input.
    pub(crate) fn call_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child =
            self.command(arguments).stdin(Stdio::piped()).spawn().expect("the binary was built");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("the child reads");
        drop(stdin);
        ended(child)
    }

    /// An SSH key called `fleet`; returns its id.
    pub(crate) fn with_key(&self) -> String {
        id(&self.call(&["credential", "generate-ssh-key", "fleet", "--json"]).json())
    }

    /// A cloud token called `cloud`; returns its id.
    pub(crate) fn with_token(&self) -> String {
        let arguments = ["credential", "add", "hetzner", "cloud", "--field", "token=-", "--json"];
        id(&self.call_with_input(&arguments, &format!("{TOKEN}\n")).json())
    }

    /// A stack called `web`; needs both credentials. Returns its id.
    pub(crate) fn with_stack(&self) -> String {
        id(&self
            .call(&[
                "stack",
                "create",
                "web",
                "--credential",
                "cloud",
                "--ssh-key",
                "fleet",
                "--region",
                "fsn1",
                "--size",
                "cx22",
                "--image",
                "debian-12",
                "--json",
            ])
            .json())
    }

    /// Registers a server called `s1` where nobody listens; needs the key.
    pub(crate) fn register_dead_server(&self) -> Ended {
        self.call(&[
            "server",
            "register",
            "s1",
            "--host",
            "127.0.0.1",
            "--port",
            "1",
            "--key",
            "fleet",
            "--json",
        ])
    }
}

pub(crate) fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().expect("the child ends");
    Ended {
        exit: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("it prints UTF-8"),
        err: String::from_utf8(output.stderr).expect("it prints UTF-8"),
    }
}

pub(crate) fn id(document: &Value) -> String {
    document["id"].as_str().expect("it has an id").to_owned()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it is ours");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}
