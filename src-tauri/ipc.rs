//! What the window may ask of the core, and what the core tells it.
//!
//! A command is one use case: convert in, one call on the core, convert out. The
//! client in `ui/src/ipc/bindings.gen.ts` is generated from what is listed here.

mod applications;
mod credentials;
pub(crate) mod error;
pub(crate) mod events;
mod jobs;
mod organizations;
mod servers;
mod stacks;
mod status;

use std::{fmt::Display, str::FromStr};

use flightdeck_app::error::{Error, Result};
use flightdeck_domain::{id::ParseIdError, permission::Permission};
use tauri::Runtime;
use tauri_specta::{Builder, collect_commands, collect_events};

pub(crate) use self::error::IpcError;

/// A command, and what whoever calls it must be allowed to do.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it takes.
    pub need: Need,
}

/// What a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A permission in the organization that the command names.
    Permission(Permission),
    /// No permission; why not is said.
    Nothing(&'static str),
}

/// Lists the commands once, for the registry and for the handler: a command that
/// says nothing of its need can't be called.
macro_rules! commands {
    ($($module:ident :: $name:ident: $need:expr,)*) => {
        /// Every command there is.
        pub const REGISTRY: &[Command] = {
            use Need::{Nothing, Permission as Needs};
            use Permission as P;
            &[$(Command { name: stringify!($name), need: $need },)*]
        };

        /// All commands and events, with their types.
        pub fn builder<R: Runtime>() -> Builder<R> {
            Builder::new()
                .commands(collect_commands![$($module::$name),*])
                .events(collect_events![events::CoreEvent])
                .disable_serde_phases()
        }
    };
}

commands! {
    status::get_app_status: Nothing("asked before anybody is set up"),
    status::set_up: Nothing("makes the first person, who then owns the first organization"),
    status::unlock_vault: Nothing("the passphrase or the keychain is the permission"),
    status::lock_vault: Nothing("whoever sits at the desk may always lock it"),
    status::find_terraform: Nothing("belongs to whoever holds the data directory"),
    status::get_settings: Nothing("belongs to whoever holds the data directory"),
    status::update_settings: Nothing("belongs to whoever holds the data directory"),
    organizations::list_organizations: Nothing("lists only those where one has a role"),
    organizations::create_organization: Needs(P::OrganizationCreate),
    organizations::update_organization: Needs(P::OrganizationWrite),
    organizations::archive_organization: Needs(P::OrganizationDelete),
    organizations::get_stylesheet: Needs(P::OrganizationRead),
    credentials::list_provider_forms: Nothing("says what every installation knows"),
    credentials::list_credentials: Needs(P::CredentialRead),
    credentials::create_credential: Needs(P::CredentialWrite),
    credentials::generate_ssh_key: Needs(P::CredentialWrite),
    credentials::test_credential: Needs(P::CredentialWrite),
    credentials::delete_credential: Needs(P::CredentialWrite),
    credentials::get_catalog: Needs(P::StackWrite),
    servers::list_servers: Needs(P::ServerRead),
    servers::register_server: Needs(P::ServerWrite),
    servers::update_server: Needs(P::ServerWrite),
    servers::verify_server: Needs(P::ServerWrite),
    servers::accept_host_key: Needs(P::ServerWrite),
    servers::remove_server: Needs(P::ServerWrite),
    servers::list_samples: Needs(P::ServerRead),
    servers::get_metrics_chart: Needs(P::ServerRead),
    stacks::list_stacks: Needs(P::StackRead),
    stacks::get_stack: Needs(P::StackRead),
    stacks::create_stack: Needs(P::StackWrite),
    stacks::update_stack: Needs(P::StackWrite),
    stacks::plan_stack: Needs(P::StackWrite),
    stacks::apply_plan: Needs(P::StackApply),
    stacks::discard_plan: Needs(P::StackWrite),
    stacks::delete_stack: Needs(P::StackWrite),
    applications::list_applications: Needs(P::ApplicationRead),
    applications::get_application: Needs(P::ApplicationRead),
    applications::create_application: Needs(P::ApplicationWrite),
    applications::update_application: Needs(P::ApplicationWrite),
    applications::deploy_application: Needs(P::DeploymentRun),
    applications::roll_back_application: Needs(P::DeploymentRun),
    applications::remove_application: Needs(P::ApplicationWrite),
    applications::get_container_log: Needs(P::ApplicationRead),
    applications::open_address: Needs(P::ApplicationRead),
    jobs::list_jobs: Needs(P::JobRead),
    jobs::list_job_log: Needs(P::JobRead),
    jobs::cancel_job: Needs(P::JobControl),
    jobs::retry_job: Needs(P::JobControl),
    jobs::undo_job: Needs(P::JobControl),
    jobs::dismiss_job: Needs(P::JobControl),
}

/// Declares the wire's copy of an enum; a new variant there does not build here.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of $source:ty { $($variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize, specta::Type)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($variant),* }

        impl From<$source> for $name {
            fn from(value: $source) -> Self {
                match value { $(<$source>::$variant => Self::$variant),* }
            }
        }

        impl From<$name> for $source {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),* }
            }
        }
    };
}
use mirror;

/// Reads an id that came over the wire.
pub(crate) fn parse_id<Id: FromStr<Err = ParseIdError>>(text: &str) -> Result<Id> {
    text.parse().map_err(|error: ParseIdError| Error::invalid(&error))
}

/// Writes a moment down for the wire: RFC 3339 to the millisecond, which is what
/// every JavaScript engine reads.
fn time(at: impl Display) -> String {
    format!("{at:.3}")
}

/// Makes a number for JavaScript, which has no 64-bit integers.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, which is 8 PiB")]
fn count(number: u64) -> f64 {
    number as f64
}
