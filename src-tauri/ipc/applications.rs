//! Applications: defined, deployed, rolled back, removed.

use std::collections::BTreeMap;

use flightdeck_app::error::Error;
use flightdeck_domain::application;
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::State;

use super::{IpcError, parse_id, time};
use crate::{core::Core, window::Browser};

super::mirror! {
    /// How traffic moves from one release to the next.
    Strategy of application::Strategy { Standard }
}

super::mirror! {
    /// How a deployment stands.
    DeploymentStatus of application::DeploymentStatus { Running, Succeeded, RolledBack, Failed }
}

/// How a container shows that it does its work.
#[derive(Debug, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HealthCheck {
    path: String,
    timeout_seconds: u16,
    interval_seconds: u16,
    start_period_seconds: u16,
    success_threshold: u16,
    failure_threshold: u16,
}

/// What a release is made with.
#[derive(Debug, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Configuration {
    port: u16,
    health_check: HealthCheck,
    environment: BTreeMap<String, String>,
    stop_grace_seconds: u16,
}

/// One immutable version of an application.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Release {
    id: String,
    number: u32,
    image: String,
    digest: Option<String>,
    configuration: Configuration,
    created_at: String,
}

/// Moving an application from one release to another.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployment {
    id: String,
    release_id: String,
    previous_release_id: Option<String>,
    job_id: String,
    strategy: Strategy,
    status: DeploymentStatus,
    reason: Option<String>,
    started_at: String,
    ended_at: Option<String>,
}

/// An application on one server.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApplicationServer {
    id: String,
    name: String,
    address: String,
}

/// An application with what is known of it right now.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Application {
    id: String,
    name: String,
    image: String,
    domain: Option<String>,
    servers: Vec<ApplicationServer>,
    registry_credential_id: Option<String>,
    configuration: Configuration,
    current_release: Option<Release>,
    created_at: String,
    latest_deployment: Option<Deployment>,
}

/// An application with its history, newest first.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApplicationDetail {
    application: Application,
    releases: Vec<Release>,
    deployments: Vec<Deployment>,
}

/// What defines an application.
#[derive(Debug, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApplicationRequest {
    name: String,
    image: String,
    domain: Option<String>,
    server_ids: Vec<String>,
    registry_credential_id: Option<String>,
    configuration: Configuration,
}

/// Lists the applications, by name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_applications(
    core: State<'_, Core>,
    organization_id: String,
) -> Result<Vec<Application>, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let details = app.applications().list(&ctx).await?;
        Ok(details.into_iter().map(|detail| ApplicationDetail::from(detail).application).collect())
    })
    .await
}

/// Returns an application with its releases and deployments.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_application(
    core: State<'_, Core>,
    organization_id: String,
    application_id: String,
) -> Result<ApplicationDetail, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        Ok(app.applications().get(&ctx, parse_id(&application_id)?).await?.into())
    })
    .await
}

/// Defines an application; nothing runs yet.
#[tauri::command]
#[specta::specta]
pub(crate) async fn create_application(
    core: State<'_, Core>,
    organization_id: String,
    request: ApplicationRequest,
) -> Result<Application, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let application = app.applications().create(&ctx, request.parse()?).await?;
        let detail = app.applications().get(&ctx, application.id).await?;
        Ok(ApplicationDetail::from(detail).application)
    })
    .await
}

/// Changes what the next release is made with.
#[tauri::command]
#[specta::specta]
pub(crate) async fn update_application(
    core: State<'_, Core>,
    organization_id: String,
    application_id: String,
    request: ApplicationRequest,
) -> Result<Application, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let id = parse_id(&application_id)?;
        app.applications().update(&ctx, id, request.parse()?).await?;
        let detail = app.applications().get(&ctx, id).await?;
        Ok(ApplicationDetail::from(detail).application)
    })
    .await
}

/// Makes a release of `image` and moves the application to it; returns the job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn deploy_application(
    core: State<'_, Core>,
    organization_id: String,
    application_id: String,
    image: String,
) -> Result<String, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let id = parse_id(&application_id)?;
        Ok(app.applications().deploy(&ctx, id, &image).await?.to_string())
    })
    .await
}

/// Moves the application back to an earlier release; returns the job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn roll_back_application(
    core: State<'_, Core>,
    organization_id: String,
    application_id: String,
    release_id: String,
) -> Result<String, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let (id, release_id) = (parse_id(&application_id)?, parse_id(&release_id)?);
        Ok(app.applications().roll_back(&ctx, id, release_id).await?.to_string())
    })
    .await
}

/// Takes the application off its servers, then forgets it; returns the job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_application(
    core: State<'_, Core>,
    organization_id: String,
    application_id: String,
    confirm_name: String,
) -> Result<String, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let id = parse_id(&application_id)?;
        Ok(app.applications().remove(&ctx, id, &confirm_name).await?.to_string())
    })
    .await
}

/// Returns the last lines that the application's container said on a server.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_container_log(
    core: State<'_, Core>,
    organization_id: String,
    application_id: String,
    server_id: String,
    lines: u32,
) -> Result<String, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let (id, server_id) = (parse_id(&application_id)?, parse_id(&server_id)?);
        app.applications().container_log(&ctx, id, server_id, lines).await
    })
    .await
}

/// Shows an application on one of its servers in the system's browser.
///
/// The window names the application, not the address: it can't be made to open
/// anything else.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_address(
    core: State<'_, Core>,
    browser: State<'_, Browser>,
    organization_id: String,
    application_id: String,
    server_id: String,
) -> Result<(), IpcError> {
    let browser = browser.inner().clone();
    core.within(organization_id, |app, ctx| async move {
        let detail = app.applications().get(&ctx, parse_id(&application_id)?).await?;
        let server_id = parse_id(&server_id)?;
        let placement = detail.placements.iter().find(|place| place.server_id == server_id);
        let placement =
            placement.ok_or_else(|| Error::not_found("server of this application", server_id))?;
        browser.open(&placement.address)
    })
    .await
}

impl ApplicationRequest {
    fn parse(self) -> flightdeck_app::error::Result<flightdeck_app::ApplicationRequest> {
        let servers = self.server_ids.iter().map(|id| parse_id(id)).collect::<Result<_, _>>()?;
        let registry = self.registry_credential_id.as_deref().map(parse_id).transpose()?;
        Ok(flightdeck_app::ApplicationRequest {
            name: self.name,
            image: self.image,
            domain: self.domain,
            servers,
            registry_credential_id: registry,
            configuration: self.configuration.into(),
        })
    }
}

impl From<application::HealthCheck> for HealthCheck {
    fn from(check: application::HealthCheck) -> Self {
        Self {
            path: check.path,
            timeout_seconds: check.timeout_seconds,
            interval_seconds: check.interval_seconds,
            start_period_seconds: check.start_period_seconds,
            success_threshold: check.success_threshold,
            failure_threshold: check.failure_threshold,
        }
    }
}

impl From<HealthCheck> for application::HealthCheck {
    fn from(check: HealthCheck) -> Self {
        Self {
            path: check.path,
            timeout_seconds: check.timeout_seconds,
            interval_seconds: check.interval_seconds,
            start_period_seconds: check.start_period_seconds,
            success_threshold: check.success_threshold,
            failure_threshold: check.failure_threshold,
        }
    }
}

impl From<application::Configuration> for Configuration {
    fn from(configuration: application::Configuration) -> Self {
        let application::Configuration { port, health_check, environment, stop_grace_seconds } =
            configuration;
        Self { port, health_check: health_check.into(), environment, stop_grace_seconds }
    }
}

impl From<Configuration> for application::Configuration {
    fn from(configuration: Configuration) -> Self {
        let Configuration { port, health_check, environment, stop_grace_seconds } = configuration;
        Self { port, health_check: health_check.into(), environment, stop_grace_seconds }
    }
}

impl From<application::Release> for Release {
    fn from(release: application::Release) -> Self {
        Self {
            id: release.id.to_string(),
            number: release.number,
            image: release.image.to_string(),
            digest: release.digest,
            configuration: release.configuration.into(),
            created_at: time(release.created_at),
        }
    }
}

impl From<application::Deployment> for Deployment {
    fn from(deployment: application::Deployment) -> Self {
        Self {
            id: deployment.id.to_string(),
            release_id: deployment.release_id.to_string(),
            previous_release_id: deployment.previous_release_id.map(|id| id.to_string()),
            job_id: deployment.job_id.to_string(),
            strategy: deployment.strategy.into(),
            status: deployment.status.into(),
            reason: deployment.reason,
            started_at: time(deployment.started_at),
            ended_at: deployment.ended_at.map(time),
        }
    }
}

impl From<flightdeck_app::Placement> for ApplicationServer {
    fn from(placement: flightdeck_app::Placement) -> Self {
        let flightdeck_app::Placement { server_id, server_name, address } = placement;
        Self { id: server_id.to_string(), name: server_name, address }
    }
}

impl From<flightdeck_app::ApplicationDetail> for ApplicationDetail {
    fn from(detail: flightdeck_app::ApplicationDetail) -> Self {
        let flightdeck_app::ApplicationDetail {
            application,
            placements,
            current_release,
            releases,
            deployments,
        } = detail;
        let registry = application.registry_credential_id;
        let application = Application {
            id: application.id.to_string(),
            name: application.name,
            image: application.image.to_string(),
            domain: application.domain,
            servers: placements.into_iter().map(ApplicationServer::from).collect(),
            registry_credential_id: registry.map(|id| id.to_string()),
            configuration: application.configuration.into(),
            current_release: current_release.map(Release::from),
            created_at: time(application.created_at),
            latest_deployment: deployments.first().cloned().map(Deployment::from),
        };
        Self {
            application,
            releases: releases.into_iter().map(Release::from).collect(),
            deployments: deployments.into_iter().map(Deployment::from).collect(),
        }
    }
}
