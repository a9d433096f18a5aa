//! Failures as the window is told of them.

use flightdeck_app::{App, error};
use serde::Serialize;
use specta::Type;

super::mirror! {
    /// What the window acts on. The wording is its own.
    Code of error::Code {
        InvalidInput, NotFound, AlreadyExists, InUse, Forbidden, Busy, WrongState,
        VaultAbsent, VaultLocked, WrongPassphrase, KeychainUnavailable, SealBroken,
        HostUnreachable, HostTimeout, HostKeyChanged, HostAuthentication, SshKeyUnusable,
        PrivilegesMissing, ResourcesTooSmall, DockerMissing, RemoteCommand,
        CredentialRefused, ProviderUnreachable, TerraformMissing, TerraformTooOld,
        TerraformFailed, PlanStale, ImageUnavailable, ContainerFailed, Unhealthy,
        ProxyFailed, Cancelled, DatabaseTooNew, Storage, Internal,
    }
}

impl Code {
    /// Reads a code that a job's record keeps; one of a newer version is `internal`.
    pub(super) fn parse(text: &str) -> Self {
        error::Code::ALL
            .iter()
            .find(|code| code.as_str() == text)
            .copied()
            .unwrap_or(error::Code::Internal)
            .into()
    }
}

/// A failure, without its cause: that is in the log, under the incident's id.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct IpcError {
    code: Code,
    message: String,
    hint: Option<String>,
    retry: bool,
    incident: String,
}

impl IpcError {
    /// States a failure, and logs it with its cause.
    ///
    /// What comes from outside may quote a secret back at us, so that the text
    /// passes the same filter as the log.
    pub(crate) fn reported(app: &App, mut error: error::Error) -> Self {
        let incident = app.report(&error, "A command failed");
        error.message = app.redact(&error.message);
        error.hint = error.hint.map(|hint| app.redact(&hint));
        Self::new(error, incident)
    }

    /// States a failure that no core is there to log.
    pub(crate) fn unreported(error: error::Error) -> Self {
        tracing::error!(code = %error.code, message = error.message, "The core is not there");
        Self::new(error, String::new())
    }

    fn new(error: error::Error, incident: String) -> Self {
        Self {
            code: error.code.into(),
            retry: error.code.retryable(),
            message: error.message,
            hint: error.hint,
            incident,
        }
    }
}
