//! Looking at the vault. It is opened for each call and never stays open.

use clap::Subcommand;
use flightdeck_app::VaultState;

use crate::{answer::Answer, failure::Result, session::Session, table::facts, terminal::Mood};

/// What can be asked of the vault.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say whether there is a vault, and what protects it
    Status,
    /// Open the vault once, to see that the keychain or the passphrase does
    Check,
}

/// Calls a verb.
pub(crate) async fn run(session: &Session, verb: Verb) -> Result<Answer> {
    let status = session.app().vault().status().await?;
    let protection = status.protection.unwrap_or("nothing");
    let text = match (verb, status.state) {
        (Verb::Check, _) => format!("the vault opens by its {protection}\n"),
        (Verb::Status, state) => {
            let (mood, word) = match state {
                VaultState::Absent => (Mood::Open, "not set up"),
                VaultState::Locked => (Mood::Plain, "locked; each call opens it for itself"),
                VaultState::Open => (Mood::Good, "open"),
            };
            let mut lines = vec![
                ("State", session.terminal.paint(mood, word)),
                ("Protected by", protection.to_owned()),
            ];
            if let Some(problem) = &status.keychain_problem {
                lines.push(("Keychain", problem.clone()));
            }
            facts(&lines)
        }
    };
    Answer::new(&status, text)
}
