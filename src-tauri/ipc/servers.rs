//! Servers, their checks and their metrics.

use flightdeck_app::{Palette, ServerOverview};
use flightdeck_domain::{metrics, server};
use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use tauri::State;

use super::{IpcError, count, parse_id, time};
use crate::core::Core;

super::mirror! {
    /// What a verification looks at, in its order.
    Check of server::Check {
        Connect, HostKey, Authenticate, Facts, Privileges, Resources, Docker,
    }
}

super::mirror! {
    /// How a server stands.
    ServerStatus of server::ServerStatus { Pending, Ready, Failed }
}

/// What a verification found.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckResult {
    check: Check,
    passed: bool,
    detail: String,
    hint: Option<String>,
}

/// A server's pinned key.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostKey {
    algorithm: String,
    fingerprint: String,
}

/// What a server said of itself.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts {
    os: String,
    kernel: String,
    architecture: String,
    cores: u32,
    #[specta(type = Number)]
    memory_bytes: f64,
    #[specta(type = Number)]
    disk_bytes: f64,
    docker: Option<String>,
}

/// A server's load at one moment.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sample {
    server_id: String,
    at: String,
    #[specta(type = Option<Number>)]
    cpu_percent: Option<f64>,
    #[specta(type = Number)]
    load_1: f64,
    cores: u32,
    #[specta(type = Number)]
    memory_total: f64,
    #[specta(type = Number)]
    memory_used: f64,
    #[specta(type = Number)]
    disk_total: f64,
    #[specta(type = Number)]
    disk_used: f64,
    #[specta(type = Option<Number>)]
    disk_read_rate: Option<f64>,
    #[specta(type = Option<Number>)]
    disk_write_rate: Option<f64>,
    #[specta(type = Option<Number>)]
    net_receive_rate: Option<f64>,
    #[specta(type = Option<Number>)]
    net_send_rate: Option<f64>,
    #[specta(type = Number)]
    uptime_seconds: f64,
    containers_running: Option<u32>,
}

/// A server with what is known of it right now.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Server {
    id: String,
    name: String,
    host: String,
    port: u16,
    user: String,
    credential_id: String,
    host_key: Option<HostKey>,
    status: ServerStatus,
    checks: Vec<CheckResult>,
    facts: Option<Facts>,
    stack_id: Option<String>,
    created_at: String,
    latest: Option<Sample>,
    /// None: not asked yet.
    reachable: Option<bool>,
    applications: Vec<String>,
}

/// What registers a server.
#[derive(Debug, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerRequest {
    name: String,
    host: String,
    port: u16,
    user: String,
    credential_id: String,
}

/// A server that was just written down, and the job that verifies it.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registered {
    server: Server,
    job_id: String,
}

/// Lists the servers, by name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_servers(
    core: State<'_, Core>,
    organization_id: String,
) -> Result<Vec<Server>, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let servers = app.servers().list(&ctx).await?;
        Ok(servers.into_iter().map(Server::from).collect())
    })
    .await
}

/// Writes a server down and starts its verification.
#[tauri::command]
#[specta::specta]
pub(crate) async fn register_server(
    core: State<'_, Core>,
    organization_id: String,
    request: ServerRequest,
) -> Result<Registered, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let (server, job_id) = app.servers().register(&ctx, request.parse()?).await?;
        let server = app.servers().get(&ctx, server.id).await?;
        Ok(Registered { server: server.into(), job_id: job_id.to_string() })
    })
    .await
}

/// Changes how a server is reached; it must be verified again.
#[tauri::command]
#[specta::specta]
pub(crate) async fn update_server(
    core: State<'_, Core>,
    organization_id: String,
    server_id: String,
    request: ServerRequest,
) -> Result<Server, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let id = parse_id(&server_id)?;
        app.servers().update(&ctx, id, request.parse()?).await?;
        Ok(app.servers().get(&ctx, id).await?.into())
    })
    .await
}

/// Starts every check again; returns the job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn verify_server(
    core: State<'_, Core>,
    organization_id: String,
    server_id: String,
) -> Result<String, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        Ok(app.servers().verify(&ctx, parse_id(&server_id)?).await?.to_string())
    })
    .await
}

/// Pins the key that the server presents now, if its fingerprint is the given one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn accept_host_key(
    core: State<'_, Core>,
    organization_id: String,
    server_id: String,
    fingerprint: String,
) -> Result<Server, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let id = parse_id(&server_id)?;
        app.servers().accept_host_key(&ctx, id, &fingerprint).await?;
        Ok(app.servers().get(&ctx, id).await?.into())
    })
    .await
}

/// Takes a server out of the inventory; the machine itself is left alone.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_server(
    core: State<'_, Core>,
    organization_id: String,
    server_id: String,
) -> Result<(), IpcError> {
    core.within(organization_id, |app, ctx| async move {
        app.servers().remove(&ctx, parse_id(&server_id)?).await
    })
    .await
}

/// Lists a server's samples of the last `minutes`, oldest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_samples(
    core: State<'_, Core>,
    organization_id: String,
    server_id: String,
    minutes: u32,
) -> Result<Vec<Sample>, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let samples = app.servers().samples(&ctx, parse_id(&server_id)?, minutes).await?;
        Ok(samples.into_iter().map(Sample::from).collect())
    })
    .await
}

/// Draws a server's last `minutes` as an SVG, to be saved or printed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_metrics_chart(
    core: State<'_, Core>,
    organization_id: String,
    server_id: String,
    minutes: u32,
    dark: bool,
) -> Result<String, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let palette = if dark { Palette::Dark } else { Palette::Light };
        app.servers().chart(&ctx, parse_id(&server_id)?, minutes, palette).await
    })
    .await
}

impl ServerRequest {
    fn parse(self) -> flightdeck_app::error::Result<flightdeck_app::ServerRequest> {
        let Self { name, host, port, user, credential_id } = self;
        let credential_id = parse_id(&credential_id)?;
        Ok(flightdeck_app::ServerRequest { name, host, port, user, credential_id })
    }
}

impl From<ServerOverview> for Server {
    fn from(overview: ServerOverview) -> Self {
        let ServerOverview { server, latest, reachable, applications } = overview;
        Self {
            id: server.id.to_string(),
            name: server.name,
            host: server.endpoint.host,
            port: server.endpoint.port,
            user: server.endpoint.user,
            credential_id: server.credential_id.to_string(),
            host_key: server.host_key.map(HostKey::from),
            status: server.status.into(),
            checks: server.checks.into_iter().map(CheckResult::from).collect(),
            facts: server.facts.map(Facts::from),
            stack_id: server.stack_id.map(|id| id.to_string()),
            created_at: time(server.created_at),
            latest: latest.map(Sample::from),
            reachable,
            applications,
        }
    }
}

impl From<server::HostKey> for HostKey {
    fn from(key: server::HostKey) -> Self {
        let server::HostKey { algorithm, fingerprint } = key;
        Self { algorithm, fingerprint }
    }
}

impl From<server::CheckResult> for CheckResult {
    fn from(result: server::CheckResult) -> Self {
        let server::CheckResult { check, passed, detail, hint } = result;
        Self { check: check.into(), passed, detail, hint }
    }
}

impl From<server::Facts> for Facts {
    fn from(facts: server::Facts) -> Self {
        Self {
            os: facts.os,
            kernel: facts.kernel,
            architecture: facts.architecture,
            cores: facts.cores,
            memory_bytes: count(facts.memory_bytes),
            disk_bytes: count(facts.disk_bytes),
            docker: facts.docker,
        }
    }
}

impl From<metrics::Sample> for Sample {
    fn from(sample: metrics::Sample) -> Self {
        Self {
            server_id: sample.server_id.to_string(),
            at: time(sample.at),
            cpu_percent: sample.cpu_percent,
            load_1: sample.load_1,
            cores: sample.cores,
            memory_total: count(sample.memory_total),
            memory_used: count(sample.memory_used),
            disk_total: count(sample.disk_total),
            disk_used: count(sample.disk_used),
            disk_read_rate: sample.disk_read_rate,
            disk_write_rate: sample.disk_write_rate,
            net_receive_rate: sample.net_receive_rate,
            net_send_rate: sample.net_send_rate,
            uptime_seconds: sample.uptime_seconds,
            containers_running: sample.containers_running,
        }
    }
}
