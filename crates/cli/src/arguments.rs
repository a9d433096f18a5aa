//! What may stand on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::verb::{
    app, credential, doctor, job, org, server, settings, setup, stack, vault, watch,
};

/// Run servers for other people: provision, watch, deploy.
#[derive(Debug, Parser)]
#[command(name = "flightdeck", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 fault of ours, 2 usage, 3 refused, 4 forbidden, \
    5 vault, 6 server, 7 provider or Terraform, 8 deployment, 9 cancelled, 10 busy, 11 data directory.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) globals: Globals,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Globals {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The organization to work in: its slug or id; may be left out while there is one
    #[arg(
        long,
        global = true,
        value_name = "SLUG",
        env = "FLIGHTDECK_ORG",
        hide_env_values = true
    )]
    pub(crate) org: Option<String>,
    /// Where everything is kept
    #[arg(
        long,
        global = true,
        value_name = "DIRECTORY",
        env = "FLIGHTDECK_DATA_DIR",
        hide_env_values = true
    )]
    pub(crate) data_dir: Option<PathBuf>,
    /// A file with the vault's passphrase in its first line
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "FLIGHTDECK_PASSPHRASE_FILE",
        hide_env_values = true
    )]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Print what jobs say while they are waited for
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// Every verb.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Set this installation up: the vault, you, and your organization
    Setup(setup::Setup),
    /// Organizations and their members
    #[command(subcommand)]
    Org(org::Verb),
    /// What keeps the secrets
    #[command(subcommand)]
    Vault(vault::Verb),
    /// Cloud tokens, SSH keys and registry logins
    #[command(subcommand)]
    Credential(credential::Verb),
    /// Machines that are reached over SSH
    #[command(subcommand)]
    Server(server::Verb),
    /// What Terraform builds
    #[command(subcommand)]
    Stack(stack::Verb),
    /// What runs on the servers
    #[command(subcommand)]
    App(app::Verb),
    /// Long work: look at it, stop it, go on with it
    #[command(subcommand)]
    Job(job::Verb),
    /// Sample servers, finish interrupted jobs and print what happens, until stopped
    Watch(watch::Watch),
    /// The settings of this installation
    #[command(subcommand)]
    Settings(settings::Verb),
    /// Look for what would keep the rest from working
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Of verbs that start a job.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Waiting {
    /// Only write the job down; `flightdeck watch`, `job wait` or the window carries it out
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// Of verbs that take something away.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Confirmation {
    /// Don't ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}
