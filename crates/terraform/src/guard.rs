//! Asks Terraform to stop when this program is killed.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use crate::{directory::RunDirectory, environment, identity::Identity};

/// A process beside Terraform that outlives this program by one signal.
///
/// It waits for a lock that the kernel takes from this program when it dies,
/// and sends one SIGINT. A parent-death signal would be simpler and is wrong: it
/// is sent again for each thread that dies after the one that started the
/// child, and a second SIGINT makes Terraform leave without its state.
///
/// Where there is no `flock`, Terraform simply goes on; an adopter waits for it.
pub(crate) struct Guard(Option<Child>);

impl Guard {
    /// Guards `target` until it is dropped.
    #[expect(clippy::disallowed_methods, reason = "no deadline: it lives as long as this program")]
    pub(crate) fn set(directory: &RunDirectory, target: Identity) -> Self {
        let Some(flock) = environment::in_path("flock") else {
            tracing::warn!("`flock` was not found; if this program is killed, Terraform goes on");
            return Self(None);
        };
        // Constant text; the shell is here for its `kill`, which is everywhere.
        let guard = Command::new(flock)
            .arg(directory.guard())
            .args(["/bin/sh", "-c", "kill -INT \"$0\"", &target.pid().to_string()])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if let Err(error) = &guard {
            tracing::warn!(%error, "No guard; if this program is killed, Terraform goes on");
        }
        Self(guard.ok())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(guard) = &mut self.0 {
            drop(guard.kill());
            drop(guard.wait());
        }
    }
}
