//! Identifiers: UUIDv7 behind a prefix that says what they name.
//!
//! A prefixed id can't be passed for another kind by mistake, in Rust (distinct
//! types) as little as on the wire (`srv_…` is not `app_…`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

/// Text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id that starts with `{prefix}_`")]
pub struct ParseIdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
    /// What was given.
    pub text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes a new id, later in order than all that this process made before.
            #[expect(clippy::new_without_default, reason = "a new id is an act, not a default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare 16 bytes, for binary formats that say the kind themselves.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// Reads what [`Self::to_bytes`] wrote.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The id without its prefix, for places with a character limit.
            pub fn short(&self) -> String {
                let simple = self.0.simple().to_string();
                simple[simple.len() - 10..].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|uuid| Uuid::try_parse(uuid).ok())
                    .map(Self)
                    .ok_or_else(|| ParseIdError { prefix: $prefix, text: text.to_owned() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

ids! {
    /// Names a person on this device.
    UserId = "usr";
    /// Names an organization, and its workspace.
    OrganizationId = "org";
    /// Names a person's place in one organization.
    MemberId = "mem";
    /// Names a credential.
    CredentialId = "crd";
    /// Names a server.
    ServerId = "srv";
    /// Names a stack.
    StackId = "stk";
    /// Names one Terraform operation on a stack.
    RunId = "run";
    /// Names an application.
    ApplicationId = "app";
    /// Names a release of an application.
    ReleaseId = "rel";
    /// Names a deployment.
    DeploymentId = "dep";
    /// Names a job.
    JobId = "job";
    /// Names an audit event.
    AuditEventId = "evt";
    /// Names a sealing key.
    KeyId = "key";
    /// Names an installation: one data directory.
    DeviceId = "dev";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = ServerId::new();

        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let text = ServerId::new().to_string();

        assert!(text.parse::<StackId>().is_err(), "a server is not a stack");
    }
}
