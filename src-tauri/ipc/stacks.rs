//! Stacks: defined, planned, approved, applied, destroyed.

use flightdeck_app::{RunOverview, StackOverview};
use flightdeck_domain::stack;
use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;
use tauri::State;

use super::{IpcError, count, parse_id, time};
use crate::core::Core;

super::mirror! {
    /// How a stack stands.
    StackStatus of stack::StackStatus {
        Pending, Planning, AwaitingApproval, Applying, Verifying, Completed, Failed,
        Destroying, Destroyed, Cancelled,
    }
}

super::mirror! {
    /// What a run does.
    Operation of stack::Operation { Plan, Apply, PlanDestroy, Destroy }
}

super::mirror! {
    /// How a run stands.
    RunStatus of stack::RunStatus { Running, Succeeded, Failed, Cancelled, Interrupted }
}

super::mirror! {
    /// What happens to a resource.
    Action of stack::Action { Create, Update, Replace, Delete, Read, NoOp }
}

super::mirror! {
    /// How far a resource is.
    ResourceState of stack::ResourceState { Pending, Running, Done, Failed }
}

/// What a stack is to build.
#[derive(Debug, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackInputs {
    region: String,
    size: String,
    image: String,
    server_count: u16,
}

/// A stack with what is known of it right now.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stack {
    id: String,
    name: String,
    module: String,
    credential_id: String,
    ssh_credential_id: String,
    inputs: StackInputs,
    status: StackStatus,
    created_at: String,
    latest_run: Option<Run>,
    servers: Vec<StackServer>,
}

/// A registered server of a stack.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackServer {
    id: String,
    name: String,
}

/// One run of Terraform.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    id: String,
    stack_id: String,
    job_id: String,
    operation: Operation,
    status: RunStatus,
    changes: Vec<PlannedChange>,
    resources: Vec<ResourceProgress>,
    diagnostics: Vec<Diagnostic>,
    started_at: String,
    ended_at: Option<String>,
    /// Whether its plan was applied or discarded.
    decided: bool,
}

/// What a plan would do to one resource.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedChange {
    address: String,
    resource_type: String,
    action: Action,
}

/// How far an apply is with one resource.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceProgress {
    address: String,
    action: Action,
    state: ResourceState,
    elapsed_seconds: u32,
    resource_id: Option<String>,
}

/// What Terraform complained of.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diagnostic {
    is_error: bool,
    summary: String,
    detail: String,
    place: Option<String>,
}

/// One kept state; its content stays sealed.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StateVersion {
    #[specta(type = Number)]
    serial: f64,
    lineage: String,
    sha256: String,
    #[specta(type = Number)]
    size: f64,
    resources: u32,
    run_id: String,
    created_at: String,
}

/// A stack with its history, newest first.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackDetail {
    stack: Stack,
    runs: Vec<Run>,
    state_versions: Vec<StateVersion>,
}

/// What defines a stack.
#[derive(Debug, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackRequest {
    name: String,
    module: String,
    credential_id: String,
    ssh_credential_id: String,
    inputs: StackInputs,
}

/// Lists the stacks, by name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_stacks(
    core: State<'_, Core>,
    organization_id: String,
) -> Result<Vec<Stack>, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let stacks = app.stacks().list(&ctx).await?;
        Ok(stacks.into_iter().map(Stack::from).collect())
    })
    .await
}

/// Returns a stack with its runs and state versions.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_stack(
    core: State<'_, Core>,
    organization_id: String,
    stack_id: String,
) -> Result<StackDetail, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        Ok(app.stacks().get(&ctx, parse_id(&stack_id)?).await?.into())
    })
    .await
}

/// Defines a stack; nothing is built yet.
#[tauri::command]
#[specta::specta]
pub(crate) async fn create_stack(
    core: State<'_, Core>,
    organization_id: String,
    request: StackRequest,
) -> Result<Stack, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let stack = app.stacks().create(&ctx, request.parse()?).await?;
        Ok(app.stacks().get(&ctx, stack.id).await?.stack.into())
    })
    .await
}

/// Changes what a stack is to build; a plan that waits is discarded.
#[tauri::command]
#[specta::specta]
pub(crate) async fn update_stack(
    core: State<'_, Core>,
    organization_id: String,
    stack_id: String,
    inputs: StackInputs,
) -> Result<Stack, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let id = parse_id(&stack_id)?;
        app.stacks().update(&ctx, id, inputs.into()).await?;
        Ok(app.stacks().get(&ctx, id).await?.stack.into())
    })
    .await
}

/// Starts a plan of what an apply, or a destroy, would change; returns the job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn plan_stack(
    core: State<'_, Core>,
    organization_id: String,
    stack_id: String,
    destroy: bool,
) -> Result<String, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        Ok(app.stacks().plan(&ctx, parse_id(&stack_id)?, destroy).await?.to_string())
    })
    .await
}

/// Approves a plan and applies exactly that; returns the job.
///
/// A plan that destroys wants the stack's name as well.
#[tauri::command]
#[specta::specta]
pub(crate) async fn apply_plan(
    core: State<'_, Core>,
    organization_id: String,
    stack_id: String,
    run_id: String,
    confirm_name: Option<String>,
) -> Result<String, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let (id, run_id) = (parse_id(&stack_id)?, parse_id(&run_id)?);
        Ok(app.stacks().apply(&ctx, id, run_id, confirm_name.as_deref()).await?.to_string())
    })
    .await
}

/// Puts a plan away.
#[tauri::command]
#[specta::specta]
pub(crate) async fn discard_plan(
    core: State<'_, Core>,
    organization_id: String,
    stack_id: String,
    run_id: String,
) -> Result<Stack, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        let id = parse_id(&stack_id)?;
        app.stacks().discard(&ctx, id, parse_id(&run_id)?).await?;
        Ok(app.stacks().get(&ctx, id).await?.stack.into())
    })
    .await
}

/// Deletes the definition of a stack that has nothing built.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_stack(
    core: State<'_, Core>,
    organization_id: String,
    stack_id: String,
) -> Result<(), IpcError> {
    core.within(organization_id, |app, ctx| async move {
        app.stacks().delete(&ctx, parse_id(&stack_id)?).await
    })
    .await
}

impl StackRequest {
    fn parse(self) -> flightdeck_app::error::Result<flightdeck_app::StackRequest> {
        Ok(flightdeck_app::StackRequest {
            name: self.name,
            module: self.module,
            credential_id: parse_id(&self.credential_id)?,
            ssh_credential_id: parse_id(&self.ssh_credential_id)?,
            inputs: self.inputs.into(),
        })
    }
}

impl From<StackInputs> for stack::StackInputs {
    fn from(inputs: StackInputs) -> Self {
        let StackInputs { region, size, image, server_count } = inputs;
        Self { region, size, image, server_count }
    }
}

impl From<stack::StackInputs> for StackInputs {
    fn from(inputs: stack::StackInputs) -> Self {
        let stack::StackInputs { region, size, image, server_count } = inputs;
        Self { region, size, image, server_count }
    }
}

impl From<StackOverview> for Stack {
    fn from(overview: StackOverview) -> Self {
        let StackOverview { stack, latest_run, servers } = overview;
        Self {
            id: stack.id.to_string(),
            name: stack.name,
            module: stack.module,
            credential_id: stack.credential_id.to_string(),
            ssh_credential_id: stack.ssh_credential_id.to_string(),
            inputs: stack.inputs.into(),
            status: stack.status.into(),
            created_at: time(stack.created_at),
            latest_run: latest_run.map(Run::from),
            servers: servers
                .into_iter()
                .map(|(id, name)| StackServer { id: id.to_string(), name })
                .collect(),
        }
    }
}

impl From<RunOverview> for Run {
    fn from(overview: RunOverview) -> Self {
        let RunOverview { run, decided } = overview;
        Self {
            id: run.id.to_string(),
            stack_id: run.stack_id.to_string(),
            job_id: run.job_id.to_string(),
            operation: run.operation.into(),
            status: run.status.into(),
            changes: run.changes.into_iter().map(PlannedChange::from).collect(),
            resources: run.resources.into_iter().map(ResourceProgress::from).collect(),
            diagnostics: run.diagnostics.into_iter().map(Diagnostic::from).collect(),
            started_at: time(run.started_at),
            ended_at: run.ended_at.map(time),
            decided,
        }
    }
}

impl From<stack::PlannedChange> for PlannedChange {
    fn from(change: stack::PlannedChange) -> Self {
        let stack::PlannedChange { address, resource_type, action } = change;
        Self { address, resource_type, action: action.into() }
    }
}

impl From<stack::ResourceProgress> for ResourceProgress {
    fn from(progress: stack::ResourceProgress) -> Self {
        let stack::ResourceProgress { address, action, state, elapsed_seconds, resource_id } =
            progress;
        let (action, state) = (action.into(), state.into());
        Self { address, action, state, elapsed_seconds, resource_id }
    }
}

impl From<stack::Diagnostic> for Diagnostic {
    fn from(diagnostic: stack::Diagnostic) -> Self {
        let stack::Diagnostic { is_error, summary, detail, place } = diagnostic;
        Self { is_error, summary, detail, place }
    }
}

impl From<stack::StateVersion> for StateVersion {
    fn from(version: stack::StateVersion) -> Self {
        Self {
            serial: count(version.serial),
            lineage: version.lineage,
            sha256: version.sha256,
            size: count(version.size),
            resources: version.resources,
            run_id: version.run_id.to_string(),
            created_at: time(version.created_at),
        }
    }
}

impl From<flightdeck_app::StackDetail> for StackDetail {
    fn from(detail: flightdeck_app::StackDetail) -> Self {
        let flightdeck_app::StackDetail { stack, runs, state_versions } = detail;
        Self {
            stack: stack.into(),
            runs: runs.into_iter().map(Run::from).collect(),
            state_versions: state_versions.into_iter().map(StateVersion::from).collect(),
        }
    }
}
