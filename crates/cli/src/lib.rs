//! `flightdeck`: the use cases as commands.
//!
//! A verb converts its arguments, calls one use case and converts the answer. No
//! part of the core is touched before the arguments are understood, so that
//! `--help` and a typing error cost nothing.

mod answer;
mod arguments;
mod exit;
mod failure;
mod form;
mod progress;
pub mod registry;
mod session;
mod table;
mod terminal;
mod verb;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::{
    answer::Answer,
    arguments::Cli,
    failure::{Failure, Result},
    terminal::Terminal,
};

/// The tree of verbs, as the parser, the completions and the tests see it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return misunderstood(&error),
    };
    let path = path_of(&matches);
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return misunderstood(&error),
    };
    let terminal = Terminal::of_this_process(cli.globals.json);
    match answer(cli, &path, terminal) {
        Ok(answer) => terminal.answer(&answer),
        Err(failure) => terminal.failure(&failure),
    }
}

fn answer(cli: Cli, path: &str, terminal: Terminal) -> Result<Answer> {
    if let arguments::Verb::Completions { shell } = cli.verb {
        return Ok(verb::completions::script(shell));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("no threads can be started: {error}")))?;
    let answer = runtime.block_on(Box::pin(verb::run(cli, path, terminal)));
    // A thread that waits for an answer on the terminal must not hold the exit.
    runtime.shutdown_background();
    answer
}

/// Prints what the parser has to say: help and version are answers, the rest is not.
fn misunderstood(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;

    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if asked || !wants_json {
        // A reader that has gone away has seen what it wanted.
        let _ = error.print();
        return if asked { ExitCode::SUCCESS } else { ExitCode::from(exit::USAGE) };
    }
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    Terminal::of_this_process(true).failure(&Failure::usage(first))
}

/// The verb that was called, as the registry names it (`server register`).
fn path_of(matches: &ArgMatches) -> String {
    let mut path = Vec::new();
    let mut current = matches;
    while let Some((name, inner)) = current.subcommand() {
        path.push(name);
        current = inner;
    }
    path.join(" ")
}
