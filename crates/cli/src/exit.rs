//! What the exit code says to a script.

use flightdeck_app::error::Code;

/// Everything was done.
pub(crate) const SUCCESS: u8 = 0;
/// A fault of ours.
pub(crate) const INTERNAL: u8 = 1;
/// The arguments make no sense.
pub(crate) const USAGE: u8 = 2;
/// The request breaks a rule, or what it names is not there or not in the right state.
pub(crate) const REFUSED: u8 = 3;
/// The role lacks the permission.
pub(crate) const FORBIDDEN: u8 = 4;
/// The vault does not open, or a sealed value does not.
pub(crate) const VAULT: u8 = 5;
/// The server can't be reached or used.
pub(crate) const HOST: u8 = 6;
/// The cloud provider or Terraform said no.
pub(crate) const PROVIDER: u8 = 7;
/// The application does not run.
pub(crate) const DEPLOYMENT: u8 = 8;
/// Somebody stopped it.
pub(crate) const CANCELLED: u8 = 9;
/// Another job works on the same thing.
pub(crate) const BUSY: u8 = 10;
/// The data directory can't be read or written.
pub(crate) const STORAGE: u8 = 11;

/// The exit code of each error code. One that is missing here does not compile.
pub(crate) const fn of(code: Code) -> u8 {
    match code {
        Code::Internal => INTERNAL,
        Code::InvalidInput
        | Code::NotFound
        | Code::AlreadyExists
        | Code::InUse
        | Code::WrongState => REFUSED,
        Code::Forbidden => FORBIDDEN,
        Code::VaultAbsent
        | Code::VaultLocked
        | Code::WrongPassphrase
        | Code::KeychainUnavailable
        | Code::SealBroken => VAULT,
        Code::HostUnreachable
        | Code::HostTimeout
        | Code::HostKeyChanged
        | Code::HostAuthentication
        | Code::SshKeyUnusable
        | Code::PrivilegesMissing
        | Code::ResourcesTooSmall
        | Code::DockerMissing
        | Code::RemoteCommand => HOST,
        Code::CredentialRefused
        | Code::ProviderUnreachable
        | Code::TerraformMissing
        | Code::TerraformTooOld
        | Code::TerraformFailed
        | Code::PlanStale => PROVIDER,
        Code::ImageUnavailable | Code::ContainerFailed | Code::Unhealthy | Code::ProxyFailed => {
            DEPLOYMENT
        }
        Code::Cancelled => CANCELLED,
        Code::Busy => BUSY,
        Code::DatabaseTooNew | Code::Storage => STORAGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/cli.md");

    #[test]
    fn every_exit_code_is_documented_with_the_codes_behind_it() {
        for code in Code::ALL {
            let row = format!("| {} |", of(*code));
            let line = PAGE.lines().find(|line| line.starts_with(&row));
            let line = line.unwrap_or_else(|| panic!("docs/cli.md has no row for {}", of(*code)));

            assert!(line.contains(&format!("`{code}`")), "`{code}` is not in the row {row}");
        }
    }
}
