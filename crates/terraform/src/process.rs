//! One Terraform process: how it is started, and how its end is heard.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io,
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use nix::{
    sched::{CloneFlags, unshare},
    sys::stat::{Mode, umask},
};

use crate::identity::Identity;

/// What to start, and where its words go.
pub(crate) struct Invocation {
    /// The program.
    pub(crate) binary: PathBuf,
    /// Its arguments; they can be read by every user, so none of them is secret.
    pub(crate) arguments: Vec<OsString>,
    /// Its whole environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Where it runs.
    pub(crate) directory: PathBuf,
    /// A file, never a pipe: a pipe that dies with this program kills Terraform
    /// in the middle of a resource.
    pub(crate) stdout: PathBuf,
    /// As `stdout`.
    pub(crate) stderr: PathBuf,
}

/// A process that was started here.
pub(crate) struct Child {
    /// Which one it is.
    pub(crate) identity: Identity,
    exit: mpsc::Receiver<io::Result<ExitStatus>>,
}

impl Child {
    /// Waits at most `patience` for the end.
    pub(crate) fn wait(&self, patience: Duration) -> Option<io::Result<ExitStatus>> {
        match self.exit.recv_timeout(patience) {
            Ok(exit) => Some(exit),
            Err(mpsc::RecvTimeoutError::Timeout) => None,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Some(Err(io::Error::other("the thread that waits for the process is gone")))
            }
        }
    }
}

/// Starts a process in its own group, with umask 077.
///
/// A thread of its own starts it and waits for it. It takes its umask apart from
/// the rest of this program, which a change of umask would disturb.
pub(crate) fn start(invocation: Invocation) -> io::Result<Child> {
    let (started, start) = mpsc::channel();
    let (ended, exit) = mpsc::channel();
    thread::Builder::new().name("terraform-wait".to_owned()).spawn(move || {
        let mut child = match become_private().and_then(|()| command(&invocation)?.spawn()) {
            Ok(child) => child,
            Err(error) => return drop(started.send(Err(error))),
        };
        let identity = i32::try_from(child.id()).ok().and_then(Identity::of);
        drop(started.send(identity.ok_or_else(|| io::Error::other("/proc can't be read"))));
        drop(ended.send(child.wait()));
    })?;
    let identity = start.recv().map_err(|_| io::Error::other("the process was not started"))??;
    Ok(Child { identity, exit })
}

/// Gives this thread file attributes of its own, and a umask that shuts others out.
fn become_private() -> io::Result<()> {
    unshare(CloneFlags::CLONE_FS)?;
    umask(Mode::from_bits_truncate(0o077));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this is the adapter that the rule speaks of")]
fn command(invocation: &Invocation) -> io::Result<Command> {
    let mut command = Command::new(&invocation.binary);
    command
        .args(&invocation.arguments)
        .env_clear()
        .envs(invocation.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&invocation.directory)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output(&invocation.stdout)?)
        .stderr(output(&invocation.stderr)?);
    Ok(command)
}

fn output(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}
