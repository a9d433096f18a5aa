//! Provider APIs used directly: credential tests, and what may be ordered.

mod hetzner;
mod transport;

use std::time::Duration;

use async_trait::async_trait;
use flightdeck_app::port::cloud::{Account, Catalog, Cloud, CloudError};
use flightdeck_domain::credential::Provider;

use crate::transport::Transport;

/// How long a provider may take for one request, headers and body together.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Asks providers over HTTPS.
#[derive(Debug)]
pub struct ProviderApis(Transport);

impl ProviderApis {
    /// Prepares connections; nothing is sent yet.
    ///
    /// Fails only where TLS can't be set up at all.
    pub fn new(deadline: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self(Transport::new(deadline)?))
    }
}

#[async_trait]
impl Cloud for ProviderApis {
    async fn test(&self, account: &Account) -> Result<(), CloudError> {
        match account.provider {
            Provider::Hetzner => hetzner::test(&self.0, account).await,
            Provider::SshKey | Provider::Registry => Err(without_api(account.provider)),
        }
    }

    async fn catalog(&self, account: &Account) -> Result<Catalog, CloudError> {
        match account.provider {
            Provider::Hetzner => hetzner::catalog(&self.0, account).await,
            Provider::SshKey | Provider::Registry => Err(without_api(account.provider)),
        }
    }
}

fn without_api(provider: Provider) -> CloudError {
    CloudError::Unexpected { provider, reason: "it has no API that could be asked".to_owned() }
}
