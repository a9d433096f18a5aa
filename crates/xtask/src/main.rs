//! The repository's own chores, as commands: `cargo run -p xtask -- CHORE`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks by printing")]

mod bench;
mod codegen;
mod icons;
#[cfg(test)]
mod tally;
mod tidy;

use std::{env, process::ExitCode};

const USAGE: &str = "usage: cargo run -p xtask -- CHORE

  tidy     check what compilers don't: dependency directions, licences, layout, locales
  codegen  write the typed client of the IPC commands anew
  icons    draw src-tauri/icons from assets/icon.svg
  bench    measure what docs/benchmarks.md states, on release builds; takes a while";

fn main() -> ExitCode {
    let chore = env::args().nth(1);
    match chore.as_deref() {
        Some("tidy") => report(&tidy::check()),
        Some("codegen") => codegen::run(),
        Some("icons") => icons::run(),
        Some("bench") => bench::run(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn report(findings: &[tidy::Finding]) -> ExitCode {
    for finding in findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: nothing to say");
        ExitCode::SUCCESS
    } else {
        println!("tidy: {} finding(s)", findings.len());
        ExitCode::FAILURE
    }
}
