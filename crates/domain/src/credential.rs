//! Secrets that other systems gave us, and what may be shown of them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{id::CredentialId, name::NameError, secret::Secret};

/// What a credential opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Hetzner Cloud: `token`.
    Hetzner,
    /// A key pair for SSH: `private_key`, and `public_key`, which is no secret.
    SshKey,
    /// A container registry: `server`, `user`, `password`.
    Registry,
}

/// One field of a credential's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it is sealed and never shown again.
    pub secret: bool,
    /// Whether it must be filled in.
    pub required: bool,
}

const fn field(name: &'static str, secret: bool, required: bool) -> Field {
    Field { name, secret, required }
}

impl Provider {
    /// Every provider there is.
    pub const ALL: &'static [Self] = &[Self::Hetzner, Self::SshKey, Self::Registry];

    /// The provider's name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hetzner => "hetzner",
            Self::SshKey => "ssh_key",
            Self::Registry => "registry",
        }
    }

    /// What its form asks for.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Hetzner => const { &[field("token", true, true)] },
            Self::SshKey => {
                const { &[field("private_key", true, true), field("passphrase", true, false)] }
            }
            Self::Registry => {
                const {
                    &[
                        field("server", false, true),
                        field("user", false, true),
                        field("password", true, true),
                    ]
                }
            }
        }
    }

    /// The name of the module in `terraform-modules/` that spends this credential.
    pub const fn module(self) -> Option<&'static str> {
        match self {
            Self::Hetzner => Some("hetzner"),
            Self::SshKey | Self::Registry => None,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|provider| provider.as_str() == text)
            .ok_or_else(|| UnknownProvider(text.to_owned()))
    }
}

/// Text that names no provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no provider `{0}`; use hetzner, ssh_key or registry")]
pub struct UnknownProvider(pub String);

/// Whether the provider took the credential the last time it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CredentialStatus {
    /// Nobody asked yet.
    Untested,
    /// The provider took it.
    Valid {
        /// When it was asked.
        at: Timestamp,
    },
    /// The provider refused it.
    Invalid {
        /// When it was asked.
        at: Timestamp,
        /// What it answered, in a sentence.
        reason: String,
    },
}

/// Everything about a credential that people may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credential {
    /// Names it for good.
    pub id: CredentialId,
    /// What people call it.
    pub name: String,
    /// What it opens.
    pub provider: Provider,
    /// The last four characters of its main secret, or a key's fingerprint.
    pub fingerprint: String,
    /// Fields that are no secret, by name (`user`, `public_key`).
    pub public_fields: BTreeMap<String, String>,
    /// What the provider said about it.
    pub status: CredentialStatus,
    /// When it was put in.
    pub created_at: Timestamp,
    /// When a run or a connection used it last.
    pub last_used_at: Option<Timestamp>,
}

/// The filled-in form of a credential, on its way into the vault.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub BTreeMap<String, Secret>);

/// What is wrong with a filled-in form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The name breaks a rule.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A required field is empty.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field that this provider doesn't have.
    #[error("a {provider} credential has no field `{field}`")]
    Unknown {
        /// For which provider.
        provider: Provider,
        /// The field's name.
        field: String,
    },
    /// A value that can't be right.
    #[error("`{field}` {reason}")]
    Malformed {
        /// The field's name.
        field: &'static str,
        /// Why it can't be right.
        reason: &'static str,
    },
}

impl Fields {
    /// Checks the form by the provider's rules, before anybody is asked.
    pub fn check(&self, provider: Provider) -> Result<(), CredentialError> {
        for name in self.0.keys() {
            if !provider.fields().iter().any(|field| field.name == name) {
                return Err(CredentialError::Unknown { provider, field: name.clone() });
            }
        }
        for field in provider.fields() {
            if field.required && self.get(field.name).is_none_or(|v| v.trim().is_empty()) {
                return Err(CredentialError::Missing(field.name));
            }
        }
        if provider == Provider::Hetzner {
            let token = self.get("token").unwrap_or_default().trim();
            if token.len() != 64 || !token.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(CredentialError::Malformed {
                    field: "token",
                    reason: "is not a Hetzner API token: those have 64 letters and digits",
                });
            }
        }
        Ok(())
    }

    /// Reads one field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose)
    }
}
