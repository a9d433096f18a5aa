//! The first run.

use clap::Args;
use flightdeck_app::SetUp;
use flightdeck_domain::secret::Secret;

use crate::{
    answer::Answer,
    failure::{Failure, Result},
    session::{Session, passphrase_in},
    terminal::Terminal,
};

/// The answers of the first run.
#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// What your organization is called
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// What you are called
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Keep the master key in the operating system's keychain instead of a passphrase
    #[arg(long, conflicts_with = "passphrase_file")]
    keychain: bool,
}

/// Makes the vault, the person and the first organization.
pub(crate) async fn run(session: &Session, setup: Setup) -> Result<Answer> {
    let terminal = session.terminal;
    let organization_name = match setup.organization {
        Some(name) => name,
        None => terminal.ask("Name of your organization: ", "--organization NAME")?,
    };
    let user_name = match setup.user {
        Some(name) => name,
        None => terminal.ask("Your name: ", "--user NAME")?,
    };
    let passphrase = match (&session.globals.passphrase_file, setup.keychain) {
        (_, true) => None,
        (Some(path), false) => Some(passphrase_in(path)?),
        (None, false) => Some(new_passphrase(terminal)?),
    };
    let request = SetUp { passphrase, user_name, organization_name };
    let organization = session.app().vault().set_up(request).await?;
    let text = format!(
        "`{}` is set up; on the command line it is called `{}`\n\
         next: put in a cloud token with `flightdeck credential add hetzner NAME`\n",
        organization.name, organization.slug
    );
    Answer::new(&organization, text)
}

fn new_passphrase(terminal: Terminal) -> Result<Secret> {
    let instead = "--passphrase-file FILE` or `--keychain";
    let first = terminal.ask_secret("New passphrase for the vault: ", instead)?;
    let second = terminal.ask_secret("Once more: ", instead)?;
    if first.expose() == second.expose() {
        Ok(first)
    } else {
        Err(Failure::invalid("the two passphrases are not the same").hint("type them again"))
    }
}
