//! Provider APIs that are asked directly.

use async_trait::async_trait;
use flightdeck_domain::{credential::Provider, secret::Secret};
use serde::Serialize;

/// A place where a provider runs servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Region {
    /// The provider's own name (`fsn1`).
    pub name: String,
    /// In words (`Falkenstein DC Park 1, DE`).
    pub description: String,
}

/// A type of server, with its price.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Size {
    /// The provider's own name (`cx22`).
    pub name: String,
    /// Logical processors.
    pub cores: u32,
    /// Gigabytes of memory.
    pub memory_gb: f64,
    /// Gigabytes of disk.
    pub disk_gb: u32,
    /// `x86` or `arm`.
    pub architecture: String,
    /// Gross price an hour, by region name.
    pub hourly_price: std::collections::BTreeMap<String, f64>,
    /// ISO 4217 code of the price.
    pub currency: String,
}

/// What a provider offers to this credential.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Catalog {
    /// Where.
    pub regions: Vec<Region>,
    /// Which types; deprecated ones are left out.
    pub sizes: Vec<Size>,
    /// Names of system images that new servers can start from.
    pub images: Vec<String>,
}

/// Why a provider gave no answer that helps.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// It does not take the credential.
    #[error("{provider} refuses the credential: {reason}")]
    Refused {
        /// Which provider.
        provider: Provider,
        /// What it said.
        reason: String,
    },
    /// It could not be reached or did not answer in time.
    #[error("{provider} does not answer: {reason}")]
    Unreachable {
        /// Which provider.
        provider: Provider,
        /// What the network said.
        reason: String,
    },
    /// It answered something that its documentation does not have.
    #[error("{provider} answered something unexpected: {reason}")]
    Unexpected {
        /// Which provider.
        provider: Provider,
        /// What.
        reason: String,
    },
}

/// How to reach a provider's account.
#[derive(Debug)]
pub struct Account {
    /// Which provider.
    pub provider: Provider,
    /// Base address of its API.
    pub endpoint: String,
    /// Its token.
    pub token: Secret,
}

/// Asks cloud providers.
///
/// Every request has a deadline of 10 s, and answers are bounded in size.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Asks the cheapest read-only question that needs the credential.
    async fn test(&self, account: &Account) -> Result<(), CloudError>;

    /// Lists what a new server could be.
    async fn catalog(&self, account: &Account) -> Result<Catalog, CloudError>;
}
