//! A real OpenSSH daemon, started and ended by one test.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use flightdeck_app::port::hosts::{SshKey, Target};
use flightdeck_domain::{
    id::ServerId,
    secret::Secret,
    server::{Endpoint, HostKey},
};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/sbin/sshd";

/// A daemon on 127.0.0.1 that lets one fresh key in.
pub(crate) struct Sshd {
    dir: TempDir,
    port: u16,
    child: Child,
}

impl Sshd {
    /// Starts one with its defaults.
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// Starts one with lines of configuration that win over ours.
    pub(crate) fn start_with(settings: &str) -> Self {
        assert!(
            Path::new(PROGRAM).exists(),
            "these tests talk to a real SSH daemon: install Debian's openssh-server"
        );
        if login() == "root" {
            fs::create_dir_all("/run/sshd").expect("root may make sshd's own folder");
        }
        let dir = TempDir::new().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        generate(&at("host"), &["-t", "ed25519"]);
        generate(&at("login"), &["-t", "ed25519"]);
        fs::copy(at("login.pub"), at("authorized")).expect("the key is let in");
        let port = free_port();
        let text = format!(
            "{settings}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             PermitRootLogin prohibit-password\nLogLevel VERBOSE\nMaxStartups 100\nSetEnv HOME={}\n",
            at("host").display(),
            at("authorized").display(),
            // Not the developer's own: what a shell reads at its start costs time.
            dir.path().display(),
        );
        fs::write(at("config"), text).expect("the configuration is written");
        let child = spawn(dir.path(), port);
        Self { dir, port, child }
    }

    /// Ends the daemon and starts it again, on the same port with another host key.
    pub(crate) fn change_host_key(&mut self) {
        self.stop();
        let host = self.dir.path().join("host");
        fs::remove_file(&host).expect("the old key is there");
        generate(&host, &["-t", "ed25519"]);
        self.start_again();
    }

    /// Starts the daemon after it was stopped.
    pub(crate) fn start_again(&mut self) {
        self.child = spawn(self.dir.path(), self.port);
    }

    /// Ends the daemon. Sessions that are open stay.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::new("127.0.0.1", self.port, &login()).expect("a valid endpoint")
    }

    /// A file of this test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The host key, as OpenSSH's own tool describes it.
    pub(crate) fn host_key(&self) -> HostKey {
        let public = self.path("host.pub");
        let output = Command::new("ssh-keygen").arg("-lf").arg(public).output();
        let text = String::from_utf8(output.expect("ssh-keygen runs").stdout).expect("text");
        HostKey {
            algorithm: "ssh-ed25519".to_owned(),
            fingerprint: text.split(' ').nth(1).expect("a fingerprint").to_owned(),
        }
    }

    /// The server with its right host key and the key that is let in.
    pub(crate) fn target(&self) -> Target {
        self.target_with(&fs::read_to_string(self.path("login")).expect("the key"), None)
    }

    /// The server with another key.
    pub(crate) fn target_with(&self, private: &str, passphrase: Option<&str>) -> Target {
        Target {
            server_id: ServerId::new(),
            endpoint: self.endpoint(),
            host_key: self.host_key(),
            key: Arc::new(SshKey {
                private: Secret::new(private),
                passphrase: passphrase.map(Secret::new),
            }),
        }
    }

    /// Makes a key that is let in, and returns its private half.
    pub(crate) fn let_in(&self, options: &[&str]) -> String {
        let private = self.stranger(options);
        let public = fs::read_to_string(self.path("another.pub")).expect("the public half");
        fs::write(self.path("authorized"), public).expect("it is let in");
        private
    }

    /// Makes a key that is not let in, and returns its private half.
    pub(crate) fn stranger(&self, options: &[&str]) -> String {
        let path = self.path("another");
        generate(&path, options);
        fs::read_to_string(path).expect("the private half")
    }

    /// What the daemon has logged since it was last started.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).expect("the log")
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(dir: &Path, port: u16) -> Child {
    let log = fs::File::create(dir.join("log")).expect("a log");
    let child = Command::new(PROGRAM)
        .args(["-D", "-e", "-f"])
        .arg(dir.join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("sshd starts");
    until("sshd listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    child
}

fn generate(path: &Path, options: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    command.arg("-q").args(options).arg("-f").arg(path);
    if !options.contains(&"-N") {
        command.args(["-N", ""]);
    }
    assert!(command.status().expect("ssh-keygen runs").success(), "a key is made");
}

fn login() -> String {
    let output = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(output.stdout).expect("a name").trim().to_owned()
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

/// Waits for what another process does.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "in 10 s: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
