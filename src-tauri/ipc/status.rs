//! The installation: its vault and its settings.

use flightdeck_app::{SetUp, VaultStatus, port::terraform};
use flightdeck_domain::{secret::Secret, setting};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::State;

use super::{IpcError, organizations::Organization};
use crate::core::Core;

super::mirror! {
    /// Whether the keys are at hand.
    VaultState of flightdeck_app::VaultState { Absent, Locked, Open }
}

super::mirror! {
    /// How the window is lit.
    Theme of setting::Theme { System, Light, Dark }
}

/// What protects the vault.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protection {
    Keychain,
    Passphrase,
}

/// How the installation stands.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppStatus {
    version: String,
    data_directory: String,
    vault: VaultState,
    protection: Option<Protection>,
    keychain_problem: Option<String>,
    user_name: Option<String>,
    modules_directory: String,
}

/// The answers of the first run.
#[derive(Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetUpRequest {
    protection: Protection,
    #[specta(type = Option<String>)]
    passphrase: Option<Secret>,
    user_name: String,
    organization_name: String,
}

/// A Terraform or OpenTofu that was asked for its version.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TerraformBinary {
    path: String,
    product: String,
    version: String,
}

/// The settings of this installation.
#[derive(Debug, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    theme: Theme,
    locale: String,
    font_size: u8,
    sample_interval_seconds: u16,
    terraform_path: String,
    terraform_cli_config: String,
    modules_path: String,
    proxy_image: String,
    hetzner_endpoint: String,
}

/// Says how the installation and its vault stand.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_app_status(core: State<'_, Core>) -> Result<AppStatus, IpcError> {
    core.answer(|app| async move {
        let VaultStatus { state, protection, keychain_problem } = app.vault().status().await?;
        let user = app.organizations().local_user().await?;
        let modules = app.settings().modules_directory().await?;
        Ok(AppStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data_directory: app.directory().display().to_string(),
            vault: state.into(),
            protection: protection.map(|protection| match protection {
                "keychain" => Protection::Keychain,
                _ => Protection::Passphrase,
            }),
            keychain_problem,
            user_name: user.map(|user| user.name),
            modules_directory: modules.display().to_string(),
        })
    })
    .await
}

/// Makes the vault, the person at this desk, and the first organization.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_up(
    core: State<'_, Core>,
    request: SetUpRequest,
) -> Result<Organization, IpcError> {
    let engine = core.engine().await?;
    let organization = core
        .answer(|app| async move {
            let passphrase = match request.protection {
                Protection::Keychain => None,
                Protection::Passphrase => {
                    Some(request.passphrase.unwrap_or_else(|| Secret::new("")))
                }
            };
            let SetUpRequest { user_name, organization_name, .. } = request;
            let set_up = SetUp { passphrase, user_name, organization_name };
            app.vault().set_up(set_up).await
        })
        .await?;
    engine.opened().await;
    Ok(Organization::of_its_maker(organization))
}

/// Brings the keys into memory and picks up interrupted jobs.
#[tauri::command]
#[specta::specta]
pub(crate) async fn unlock_vault(
    core: State<'_, Core>,
    passphrase: Option<Passphrase>,
) -> Result<(), IpcError> {
    let engine = core.engine().await?;
    core.answer(|app| async move {
        app.vault().unlock(passphrase.map(|Passphrase(secret)| secret)).await
    })
    .await?;
    engine.opened().await;
    Ok(())
}

/// Wipes the keys from memory.
#[tauri::command]
#[specta::specta]
pub(crate) async fn lock_vault(core: State<'_, Core>) -> Result<(), IpcError> {
    core.answer(|app| async move { app.vault().lock().await }).await
}

/// Finds the binary that Terraform runs would use now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn find_terraform(core: State<'_, Core>) -> Result<TerraformBinary, IpcError> {
    core.answer(|app| async move { Ok(app.settings().find_terraform().await?.into()) }).await
}

/// Returns the settings.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_settings(core: State<'_, Core>) -> Result<Settings, IpcError> {
    core.answer(|app| async move { Ok(app.settings().get().await?.into()) }).await
}

/// Checks and stores the settings.
#[tauri::command]
#[specta::specta]
pub(crate) async fn update_settings(
    core: State<'_, Core>,
    settings: Settings,
) -> Result<Settings, IpcError> {
    core.answer(|app| async move { Ok(app.settings().update(settings.into()).await?.into()) }).await
}

/// A passphrase on its way to the vault; it never becomes a plain `String` here.
#[derive(Deserialize, Type)]
#[serde(transparent)]
#[specta(inline)]
pub(crate) struct Passphrase(#[specta(type = String)] Secret);

impl From<terraform::Binary> for TerraformBinary {
    fn from(binary: terraform::Binary) -> Self {
        let terraform::Binary { path, product, version } = binary;
        Self { path: path.display().to_string(), product, version }
    }
}

impl From<setting::Settings> for Settings {
    fn from(settings: setting::Settings) -> Self {
        Self {
            theme: settings.theme.into(),
            locale: settings.locale,
            font_size: settings.font_size,
            sample_interval_seconds: settings.sample_interval_seconds,
            terraform_path: settings.terraform_path,
            terraform_cli_config: settings.terraform_cli_config,
            modules_path: settings.modules_path,
            proxy_image: settings.proxy_image,
            hetzner_endpoint: settings.hetzner_endpoint,
        }
    }
}

impl From<Settings> for setting::Settings {
    fn from(settings: Settings) -> Self {
        Self {
            theme: settings.theme.into(),
            locale: settings.locale,
            font_size: settings.font_size,
            sample_interval_seconds: settings.sample_interval_seconds,
            terraform_path: settings.terraform_path,
            terraform_cli_config: settings.terraform_cli_config,
            modules_path: settings.modules_path,
            proxy_image: settings.proxy_image,
            hetzner_endpoint: settings.hetzner_endpoint,
        }
    }
}
