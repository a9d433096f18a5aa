//! The one error that use cases return.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What went wrong, as far as anybody acts differently on it.
        ///
        /// The set is closed: the window's table of wordings and the command
        /// line's exit codes name every one, and don't build when one is missing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// The request breaks a rule; the message says which.
    InvalidInput = "invalid_input";
    /// There is no such thing, or not in this organization.
    NotFound = "not_found";
    /// The name is taken.
    AlreadyExists = "already_exists";
    /// Something else still needs it.
    InUse = "in_use";
    /// The role lacks the permission.
    Forbidden = "forbidden";
    /// Another job works on the same thing.
    Busy = "busy";
    /// It can't be done in the state that the thing is in.
    WrongState = "wrong_state";
    /// No vault has been made yet.
    VaultAbsent = "vault_absent";
    /// The keys are out of memory.
    VaultLocked = "vault_locked";
    /// The passphrase does not open the vault.
    WrongPassphrase = "wrong_passphrase";
    /// The operating system's keychain does not answer.
    KeychainUnavailable = "keychain_unavailable";
    /// A sealed value does not open: altered, moved, or of another key.
    SealBroken = "seal_broken";
    /// No connection to the server.
    HostUnreachable = "host_unreachable";
    /// The server did not answer in time.
    HostTimeout = "host_timeout";
    /// The server presents another key than the pinned one.
    HostKeyChanged = "host_key_changed";
    /// The server refuses the login.
    HostAuthentication = "host_authentication";
    /// The SSH key can't be read.
    SshKeyUnusable = "ssh_key_unusable";
    /// Neither root nor passwordless sudo.
    PrivilegesMissing = "privileges_missing";
    /// Too little disk or memory.
    ResourcesTooSmall = "resources_too_small";
    /// No usable Docker on the server.
    DockerMissing = "docker_missing";
    /// A command on the server failed.
    RemoteCommand = "remote_command";
    /// The provider refuses the credential.
    CredentialRefused = "credential_refused";
    /// The provider does not answer.
    ProviderUnreachable = "provider_unreachable";
    /// Neither Terraform nor OpenTofu was found.
    TerraformMissing = "terraform_missing";
    /// The one that was found is older than 1.5.
    TerraformTooOld = "terraform_too_old";
    /// Terraform said no; the run's diagnostics say why.
    TerraformFailed = "terraform_failed";
    /// The world changed since the plan was made.
    PlanStale = "plan_stale";
    /// The image can't be pulled.
    ImageUnavailable = "image_unavailable";
    /// The container ended instead of running.
    ContainerFailed = "container_failed";
    /// The container runs and does not answer well.
    Unhealthy = "unhealthy";
    /// The reverse proxy refused its configuration.
    ProxyFailed = "proxy_failed";
    /// Somebody stopped it.
    Cancelled = "cancelled";
    /// The database was written by a newer program.
    DatabaseTooNew = "database_too_new";
    /// Reading or writing the data directory failed.
    Storage = "storage";
    /// A fault of ours.
    Internal = "internal";
}

impl Code {
    /// Says whether the same request may succeed later, unchanged.
    pub const fn retryable(self) -> bool {
        match self {
            Self::Busy
            | Self::VaultLocked
            | Self::KeychainUnavailable
            | Self::HostUnreachable
            | Self::HostTimeout
            | Self::RemoteCommand
            | Self::ProviderUnreachable
            | Self::TerraformFailed
            | Self::ImageUnavailable
            | Self::ContainerFailed
            | Self::Unhealthy
            | Self::Storage => true,
            Self::InvalidInput
            | Self::NotFound
            | Self::AlreadyExists
            | Self::InUse
            | Self::Forbidden
            | Self::WrongState
            | Self::VaultAbsent
            | Self::WrongPassphrase
            | Self::SealBroken
            | Self::HostKeyChanged
            | Self::HostAuthentication
            | Self::SshKeyUnusable
            | Self::PrivilegesMissing
            | Self::ResourcesTooSmall
            | Self::DockerMissing
            | Self::CredentialRefused
            | Self::TerraformMissing
            | Self::TerraformTooOld
            | Self::PlanStale
            | Self::ProxyFailed
            | Self::Cancelled
            | Self::DatabaseTooNew
            | Self::Internal => false,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure as people are told of it, with its cause for the log.
#[derive(Debug)]
pub struct Error {
    /// What callers act on.
    pub code: Code,
    /// What happened, in a sentence without its full stop.
    pub message: String,
    /// What to do next, starting with a verb.
    pub hint: Option<String>,
    /// Why, for the log.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What use cases return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// States a failure.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, cause: None }
    }

    /// States a broken rule.
    pub fn invalid(error: &dyn std::error::Error) -> Self {
        Self::new(Code::InvalidInput, error.to_string())
    }

    /// Says that there is no `what` called or numbered `which`.
    pub fn not_found(what: &str, which: impl fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what} `{which}` in this organization"))
            .hint("list what there is, and check the spelling")
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds why, for the log.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What a job's record keeps of it.
    pub fn failure(&self) -> flightdeck_domain::job::Failure {
        flightdeck_domain::job::Failure {
            code: self.code.as_str().to_owned(),
            message: self.message.clone(),
            hint: self.hint.clone(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}
