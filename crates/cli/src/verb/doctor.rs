//! What would keep the rest from working.

use clap::Args;
use flightdeck_app::VaultState;
use serde::Serialize;

use crate::{answer::Answer, failure::Result, session::Session, table::facts, terminal::Mood};

/// Looks and changes nothing; always exits with 0.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

#[derive(Debug, Serialize)]
struct Finding {
    subject: &'static str,
    fine: bool,
    detail: String,
    hint: Option<String>,
}

/// Looks at everything that can be looked at without the vault's keys.
pub(crate) async fn run(session: &Session) -> Result<Answer> {
    let app = session.app();
    let status = app.vault().status().await?;
    let protection = status.protection.unwrap_or("nothing");
    let findings = [
        Finding {
            subject: "Data",
            fine: true,
            detail: app.directory().display().to_string(),
            hint: None,
        },
        Finding {
            subject: "Vault",
            fine: status.state != VaultState::Absent,
            detail: match (status.state, &status.keychain_problem) {
                (VaultState::Absent, None) => "not set up".to_owned(),
                (VaultState::Absent, Some(problem)) => format!("not set up; keychain: {problem}"),
                _ => format!("protected by {protection}"),
            },
            hint: (status.state == VaultState::Absent).then(|| "run `flightdeck setup`".to_owned()),
        },
        match app.settings().find_terraform().await {
            Ok(binary) => Finding {
                subject: "Terraform",
                fine: true,
                detail: format!(
                    "{} {} at {}",
                    binary.product,
                    binary.version,
                    binary.path.display()
                ),
                hint: None,
            },
            Err(error) => Finding {
                subject: "Terraform",
                fine: false,
                detail: error.message,
                hint: error.hint,
            },
        },
    ];
    let lines: Vec<(&str, String)> = findings
        .iter()
        .flat_map(|finding| {
            let word = if finding.fine {
                session.terminal.paint(Mood::Good, "ok")
            } else {
                session.terminal.paint(Mood::Bad, "not ok")
            };
            let hint = finding.hint.iter().map(|hint| ("", format!("hint: {hint}")));
            std::iter::once((finding.subject, format!("{word}: {}", finding.detail)))
                .chain(hint)
                .collect::<Vec<_>>()
        })
        .collect();
    Answer::new(&findings, facts(&lines))
}
