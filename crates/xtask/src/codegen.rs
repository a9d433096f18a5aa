//! Writes the generated client of the IPC commands anew.

use std::{env, process::ExitCode};

/// The test in the desktop package that compares the committed client with what
/// the commands say, and writes it where `BLESS` is set.
const TEST: &str = "the_bindings_are_current";

/// Runs the desktop package's own comparison in its writing mode.
///
/// A second exporter here would need tauri, and could differ from the tested one.
pub(crate) fn run() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo on a developer's machine, with all of the developer's environment"
    )]
    let status = std::process::Command::new(env::var("CARGO").as_deref().unwrap_or("cargo"))
        .args(["test", "--quiet", "--package", "flightdeck-desktop", "--", TEST])
        .env("BLESS", "1")
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: cargo does not start: {error}");
            ExitCode::FAILURE
        }
    }
}
