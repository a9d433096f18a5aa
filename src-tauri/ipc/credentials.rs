//! Secrets of other systems: they go in and never come out.

#![expect(clippy::zero_sized_map_values, reason = "`Number` names a type on the wire")]

use std::collections::BTreeMap;

use flightdeck_app::port::cloud;
use flightdeck_domain::{
    credential::{self, Fields},
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use tauri::State;

use super::{IpcError, parse_id, time};
use crate::core::Core;

super::mirror! {
    /// What a credential opens.
    Provider of credential::Provider { Hetzner, SshKey, Registry }
}

/// What a provider's credential is made of.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProviderForm {
    provider: Provider,
    fields: Vec<ProviderField>,
}

/// One field of a form.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProviderField {
    name: &'static str,
    secret: bool,
    required: bool,
}

/// What may be seen of a credential.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credential {
    id: String,
    name: String,
    provider: Provider,
    fingerprint: String,
    public_fields: BTreeMap<String, String>,
    status: CredentialStatus,
    created_at: String,
    last_used_at: Option<String>,
}

/// What the provider said the last time it was asked.
#[derive(Debug, Serialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum CredentialStatus {
    Untested,
    Valid { at: String },
    Invalid { at: String, reason: String },
}

/// A filled-in form.
#[derive(Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialRequest {
    name: String,
    provider: Provider,
    #[specta(type = BTreeMap<String, String>)]
    fields: BTreeMap<String, Secret>,
}

/// What a provider offers to a credential.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Catalog {
    regions: Vec<Region>,
    sizes: Vec<Size>,
    images: Vec<String>,
}

/// A place where a provider runs servers.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region {
    name: String,
    description: String,
}

/// A type of server, with its price.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Size {
    name: String,
    cores: u32,
    #[specta(type = Number)]
    memory_gb: f64,
    disk_gb: u32,
    architecture: String,
    #[specta(type = BTreeMap<String, Number>)]
    hourly_price: BTreeMap<String, f64>,
    currency: String,
}

/// Lists the forms of all providers.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_provider_forms() -> Result<Vec<ProviderForm>, IpcError> {
    let form = |provider: &credential::Provider| ProviderForm {
        provider: (*provider).into(),
        fields: provider.fields().iter().map(|field| (*field).into()).collect(),
    };
    Ok(credential::Provider::ALL.iter().map(form).collect())
}

/// Lists what may be seen of the credentials, by name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_credentials(
    core: State<'_, Core>,
    organization_id: String,
) -> Result<Vec<Credential>, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let credentials = app.credentials().list(&ctx).await?;
        Ok(credentials.into_iter().map(Credential::from).collect())
    })
    .await
}

/// Seals a filled-in form.
#[tauri::command]
#[specta::specta]
pub(crate) async fn create_credential(
    core: State<'_, Core>,
    organization_id: String,
    request: CredentialRequest,
) -> Result<Credential, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let CredentialRequest { name, provider, fields } = request;
        let fields = Fields(fields);
        Ok(app.credentials().create(&ctx, &name, provider.into(), fields).await?.into())
    })
    .await
}

/// Makes an ed25519 key pair whose private half never leaves the vault.
#[tauri::command]
#[specta::specta]
pub(crate) async fn generate_ssh_key(
    core: State<'_, Core>,
    organization_id: String,
    name: String,
) -> Result<Credential, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        Ok(app.credentials().generate_ssh_key(&ctx, &name).await?.into())
    })
    .await
}

/// Asks the provider whether it takes the credential, and keeps the answer.
#[tauri::command]
#[specta::specta]
pub(crate) async fn test_credential(
    core: State<'_, Core>,
    organization_id: String,
    credential_id: String,
) -> Result<Credential, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        Ok(app.credentials().test(&ctx, parse_id(&credential_id)?).await?.into())
    })
    .await
}

/// Deletes a credential and its sealed values; refused while it is used.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_credential(
    core: State<'_, Core>,
    organization_id: String,
    credential_id: String,
) -> Result<(), IpcError> {
    core.within(organization_id, |app, ctx| async move {
        app.credentials().delete(&ctx, parse_id(&credential_id)?).await
    })
    .await
}

/// Lists what the credential's provider offers.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_catalog(
    core: State<'_, Core>,
    organization_id: String,
    credential_id: String,
) -> Result<Catalog, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        Ok(app.credentials().catalog(&ctx, parse_id(&credential_id)?).await?.into())
    })
    .await
}

impl From<credential::Field> for ProviderField {
    fn from(field: credential::Field) -> Self {
        let credential::Field { name, secret, required } = field;
        Self { name, secret, required }
    }
}

impl From<credential::Credential> for Credential {
    fn from(credential: credential::Credential) -> Self {
        Self {
            id: credential.id.to_string(),
            name: credential.name,
            provider: credential.provider.into(),
            fingerprint: credential.fingerprint,
            public_fields: credential.public_fields,
            status: credential.status.into(),
            created_at: time(credential.created_at),
            last_used_at: credential.last_used_at.map(time),
        }
    }
}

impl From<credential::CredentialStatus> for CredentialStatus {
    fn from(status: credential::CredentialStatus) -> Self {
        match status {
            credential::CredentialStatus::Untested => Self::Untested,
            credential::CredentialStatus::Valid { at } => Self::Valid { at: time(at) },
            credential::CredentialStatus::Invalid { at, reason } => {
                Self::Invalid { at: time(at), reason }
            }
        }
    }
}

impl From<cloud::Catalog> for Catalog {
    fn from(catalog: cloud::Catalog) -> Self {
        let cloud::Catalog { regions, sizes, images } = catalog;
        Self {
            regions: regions.into_iter().map(Region::from).collect(),
            sizes: sizes.into_iter().map(Size::from).collect(),
            images,
        }
    }
}

impl From<cloud::Region> for Region {
    fn from(region: cloud::Region) -> Self {
        let cloud::Region { name, description } = region;
        Self { name, description }
    }
}

impl From<cloud::Size> for Size {
    fn from(size: cloud::Size) -> Self {
        Self {
            name: size.name,
            cores: size.cores,
            memory_gb: size.memory_gb,
            disk_gb: size.disk_gb,
            architecture: size.architecture,
            hourly_price: size.hourly_price,
            currency: size.currency,
        }
    }
}
