//! Stacks: defined, planned, approved, applied, destroyed.

mod listener;
mod recovery;
mod run;
mod servers_of;

use flightdeck_domain::{
    credential::Provider,
    id::{CredentialId, JobId, RunId, ServerId, StackId},
    permission::Permission,
    stack::{
        self, Action, Operation, Run, RunStatus, Stack, StackInputs, StackStatus, StateVersion,
    },
};
use flightdeck_store::{run as run_table, server, stack as table, state_version};
use serde::Serialize;

pub(crate) use self::{
    run::{Apply, ApplyStep, Plan, PlanStep},
    servers_of::{ForgetStep, RegisterStep, VerifyAllStep},
};
use crate::{
    App, Ctx, Desk,
    error::{Code, Error, Result},
    event::{Event, Topic},
    port::terraform::TerraformError,
    work::Work,
};

/// What defines a stack.
#[derive(Debug, Clone)]
pub struct StackRequest {
    /// What to call it.
    pub name: String,
    /// The module in `terraform-modules/`.
    pub module: String,
    /// The cloud credential it spends.
    pub credential_id: CredentialId,
    /// The SSH key that its servers are opened with.
    pub ssh_credential_id: CredentialId,
    /// What to build.
    pub inputs: StackInputs,
}

/// A stack with what is known of it right now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackOverview {
    /// The stack.
    #[serde(flatten)]
    pub stack: Stack,
    /// Its newest run.
    pub latest_run: Option<RunOverview>,
    /// Its registered servers: id and name.
    pub servers: Vec<(ServerId, String)>,
}

/// A run, and whether somebody still has to decide on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunOverview {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Whether its plan was applied or discarded.
    pub decided: bool,
}

/// A stack with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackDetail {
    /// The stack.
    pub stack: StackOverview,
    /// Its runs, newest first.
    pub runs: Vec<RunOverview>,
    /// Its state versions, newest first.
    pub state_versions: Vec<StateVersion>,
}

/// The use cases of stacks.
pub struct Stacks<'a>(pub(crate) &'a App);

impl Stacks<'_> {
    /// Lists the stacks, by name.
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<StackOverview>> {
        let desk = self.0.authorize(ctx, Permission::StackRead).await?;
        Ok(desk
            .db
            .read(|conn| {
                table::list(conn)?.into_iter().map(|stack| overview(conn, stack)).collect()
            })
            .await?)
    }

    /// Returns a stack with its runs and state versions.
    pub async fn get(&self, ctx: &Ctx, id: StackId) -> Result<StackDetail> {
        let desk = self.0.authorize(ctx, Permission::StackRead).await?;
        let stack = self.0.stack(&desk, id).await?;
        Ok(desk
            .db
            .read(move |conn| {
                let mut runs = Vec::new();
                for run in run_table::of_stack(conn, id, 50)? {
                    let decided = run_table::decided(conn, run.id)?;
                    runs.push(RunOverview { run, decided });
                }
                Ok(StackDetail {
                    stack: overview(conn, stack)?,
                    runs,
                    state_versions: state_version::list(conn, id)?,
                })
            })
            .await?)
    }

    /// Defines a stack. Nothing is built yet.
    pub async fn create(&self, ctx: &Ctx, request: StackRequest) -> Result<Stack> {
        let desk = self.0.authorize(ctx, Permission::StackWrite).await?;
        let name = stack::stack_name(&request.name).map_err(|error| Error::invalid(&error))?;
        request.inputs.check().map_err(|error| Error::invalid(&error))?;
        let wanted = name.clone();
        if desk.db.read(move |conn| table::by_name(conn, &wanted)).await?.is_some() {
            return Err(Error::new(
                Code::AlreadyExists,
                format!("there is a stack `{name}` already"),
            )
            .hint("choose another name"));
        }
        let credential = self.0.credential(&desk, request.credential_id).await?;
        if credential.provider.module() != Some(request.module.as_str()) {
            return Err(Error::new(
                Code::InvalidInput,
                format!("`{}` can't be spent by the module `{}`", credential.name, request.module),
            )
            .hint("choose a credential of the module's provider"));
        }
        let ssh = self.0.credential(&desk, request.ssh_credential_id).await?;
        if ssh.provider != Provider::SshKey {
            return Err(Error::new(Code::InvalidInput, format!("`{}` is no SSH key", ssh.name))
                .hint("choose or generate an SSH key"));
        }
        let stack = Stack {
            id: StackId::new(),
            name,
            module: request.module,
            credential_id: request.credential_id,
            ssh_credential_id: request.ssh_credential_id,
            inputs: request.inputs,
            status: StackStatus::Pending,
            created_at: self.0.now(),
        };
        self.0.put_stack(&desk, stack.clone()).await?;
        self.0.audit(ctx, "stack.create", stack.id).await?;
        Ok(stack)
    }

    /// Changes what a stack is to build. A plan that waits is discarded.
    pub async fn update(&self, ctx: &Ctx, id: StackId, inputs: StackInputs) -> Result<Stack> {
        let desk = self.0.authorize(ctx, Permission::StackWrite).await?;
        inputs.check().map_err(|error| Error::invalid(&error))?;
        let mut stack = self.0.idle_stack(&desk, id).await?;
        stack.inputs = inputs;
        // A plan may wait in any status: a later one may have failed.
        self.0.discard_plans(&desk, id).await?;
        if stack.status == StackStatus::AwaitingApproval {
            stack.status = self.0.resting_status(&desk, id).await?;
        }
        self.0.put_stack(&desk, stack.clone()).await?;
        self.0.audit(ctx, "stack.update", id).await?;
        Ok(stack)
    }

    /// Starts a plan: what an apply, or a destroy, would change.
    pub async fn plan(&self, ctx: &Ctx, id: StackId, destroy: bool) -> Result<JobId> {
        let desk = self.0.authorize(ctx, Permission::StackWrite).await?;
        let stack = self.0.idle_stack(&desk, id).await?;
        if destroy && matches!(stack.status, StackStatus::Pending | StackStatus::Destroyed) {
            return Err(Error::new(Code::WrongState, "the stack has built nothing")
                .hint("delete it instead"));
        }
        if destroy {
            self.refuse_while_placed(&desk, id).await?;
        }
        // Told now and not in the job, so that nobody waits to learn it.
        self.0.settings().find_terraform().await?;
        let title = if destroy {
            format!("Plan to destroy {}", stack.name)
        } else {
            format!("Plan {}", stack.name)
        };
        let work = Work::Plan(Plan { stack_id: id, run_id: RunId::new(), destroy });
        let job_id = self.0.jobs().start(&desk, title, work).await?;
        self.0.audit(ctx, "stack.plan", id).await?;
        Ok(job_id)
    }

    /// Approves a plan and applies exactly that.
    ///
    /// A plan that destroys wants the stack's name as well: by this call alone
    /// nobody takes machines away by accident.
    pub async fn apply(
        &self,
        ctx: &Ctx,
        id: StackId,
        plan_run_id: RunId,
        confirm_name: Option<&str>,
    ) -> Result<JobId> {
        let desk = self.0.authorize(ctx, Permission::StackApply).await?;
        let stack = self.0.idle_stack(&desk, id).await?;
        let plan = self.waiting_plan(&desk, id, plan_run_id).await?;
        let destroy = plan.operation == Operation::PlanDestroy;
        if destroy {
            if confirm_name.map(str::trim) != Some(stack.name.as_str()) {
                return Err(Error::new(
                    Code::InvalidInput,
                    "the name that was typed is not the stack's",
                )
                .hint(format!("type `{}` to destroy it", stack.name)));
            }
            self.refuse_while_placed(&desk, id).await?;
        } else {
            self.refuse_taking_placed(&desk, &plan).await?;
        }
        self.0.settings().find_terraform().await?;
        let title = if destroy {
            format!("Destroy {}", stack.name)
        } else {
            format!("Apply {}", stack.name)
        };
        let work = Work::Apply(Apply { stack_id: id, plan_run_id, run_id: RunId::new(), destroy });
        let job_id = self.0.jobs().start(&desk, title, work).await?;
        self.0.audit(ctx, if destroy { "stack.destroy" } else { "stack.apply" }, id).await?;
        Ok(job_id)
    }

    /// Puts a plan away.
    pub async fn discard(&self, ctx: &Ctx, id: StackId, plan_run_id: RunId) -> Result<Stack> {
        let desk = self.0.authorize(ctx, Permission::StackWrite).await?;
        let mut stack = self.0.idle_stack(&desk, id).await?;
        self.waiting_plan(&desk, id, plan_run_id).await?;
        self.0.discard_plans(&desk, id).await?;
        stack.status = self.0.resting_status(&desk, id).await?;
        self.0.put_stack(&desk, stack.clone()).await?;
        self.0.audit(ctx, "stack.discard_plan", id).await?;
        Ok(stack)
    }

    /// Deletes the definition of a stack that has nothing built.
    pub async fn delete(&self, ctx: &Ctx, id: StackId) -> Result<()> {
        let desk = self.0.authorize(ctx, Permission::StackWrite).await?;
        let stack = self.0.idle_stack(&desk, id).await?;
        let newest = desk.db.read(move |conn| state_version::newest(conn, id)).await?;
        let built = newest.map_or(0, |(version, _)| version.resources);
        if built > 0 {
            return Err(Error::new(
                Code::InUse,
                format!("`{}` still has {built} resources at the provider", stack.name),
            )
            .hint("destroy the stack first"));
        }
        let author = self.0.author(Some(ctx.user_id));
        desk.db.write(move |tx| table::delete(tx, &author, id)).await?;
        self.0.audit(ctx, "stack.delete", id).await?;
        self.0.announce_stack(&desk, id);
        Ok(())
    }

    async fn refuse_while_placed(&self, desk: &Desk, id: StackId) -> Result<()> {
        let servers = desk.db.read(move |conn| server::of_stack(conn, id)).await?;
        let ids: Vec<ServerId> = servers.iter().map(|server| server.id).collect();
        self.0.refuse_while_placed(desk, &ids).await
    }

    /// Refuses a plan that takes a server away that applications are placed on.
    async fn refuse_taking_placed(&self, desk: &Desk, plan: &Run) -> Result<()> {
        let taken: Vec<&str> = plan
            .changes
            .iter()
            .filter(|change| matches!(change.action, Action::Delete | Action::Replace))
            .filter(|change| change.resource_type.ends_with("_server"))
            .map(|change| change.address.as_str())
            .collect();
        if taken.is_empty() {
            return Ok(());
        }
        let stack_id = plan.stack_id;
        let servers = desk.db.read(move |conn| server::of_stack(conn, stack_id)).await?;
        // An address that has no name in it may be any of the stack's servers.
        let is_taken = |name: &str| {
            let named = format!("[\"{name}\"]");
            taken.iter().any(|address| address.ends_with(&named) || !address.ends_with("\"]"))
        };
        let ids: Vec<ServerId> =
            servers.iter().filter(|server| is_taken(&server.name)).map(|s| s.id).collect();
        self.0.refuse_while_placed(desk, &ids).await
    }

    async fn waiting_plan(&self, desk: &Desk, id: StackId, run_id: RunId) -> Result<Run> {
        let found = desk
            .db
            .read(move |conn| {
                let run = run_table::by_id(conn, run_id)?.filter(|run| run.stack_id == id);
                Ok((run, run_table::decided(conn, run_id)?))
            })
            .await?;
        let (Some(run), decided) = found else {
            return Err(Error::not_found("plan", run_id));
        };
        let is_plan = matches!(run.operation, Operation::Plan | Operation::PlanDestroy);
        if !is_plan || run.status != RunStatus::Succeeded {
            return Err(Error::new(Code::WrongState, "that run left no plan to decide on"));
        }
        if decided {
            return Err(Error::new(Code::PlanStale, "that plan was applied or discarded already")
                .hint("plan again"));
        }
        Ok(run)
    }
}

fn overview(
    conn: &flightdeck_store::Connection,
    stack: Stack,
) -> flightdeck_store::SqlResult<StackOverview> {
    let latest_run = match run_table::latest(conn, stack.id)? {
        Some(run) => {
            let decided = run_table::decided(conn, run.id)?;
            Some(RunOverview { run, decided })
        }
        None => None,
    };
    let servers = server::of_stack(conn, stack.id)?;
    let servers = servers.into_iter().map(|server| (server.id, server.name)).collect();
    Ok(StackOverview { stack, latest_run, servers })
}

impl App {
    /// Finds a stack of this workspace.
    pub(crate) async fn stack(&self, desk: &Desk, id: StackId) -> Result<Stack> {
        desk.db
            .read(move |conn| table::by_id(conn, id))
            .await?
            .ok_or_else(|| Error::not_found("stack", id))
    }

    /// Finds a stack that no run is at work on.
    async fn idle_stack(&self, desk: &Desk, id: StackId) -> Result<Stack> {
        let stack = self.stack(desk, id).await?;
        let target = id.to_string();
        let active = self
            .store()
            .main()
            .read(move |conn| flightdeck_store::job::active_on(conn, &target))
            .await?;
        match active {
            Some(job) => Err(Error::new(
                Code::Busy,
                format!("`{}` is still at work on this stack", job.title),
            )
            .hint("wait for it, or cancel it")),
            None => Ok(stack),
        }
    }

    pub(crate) async fn put_stack(&self, desk: &Desk, stack: Stack) -> Result<()> {
        let (author, id) = (self.author(Some(desk.actor)), stack.id);
        desk.db.write(move |tx| table::put(tx, &author, &stack)).await?;
        self.announce_stack(desk, id);
        Ok(())
    }

    pub(crate) async fn set_stack_status(
        &self,
        desk: &Desk,
        id: StackId,
        status: StackStatus,
    ) -> Result<()> {
        let mut stack = self.stack(desk, id).await?;
        stack.status = status;
        self.put_stack(desk, stack).await
    }

    /// Where a stack stands when nothing waits: by what its state holds.
    pub(crate) async fn resting_status(&self, desk: &Desk, id: StackId) -> Result<StackStatus> {
        let newest = desk.db.read(move |conn| state_version::newest(conn, id)).await?;
        Ok(match newest {
            None => StackStatus::Pending,
            Some((version, _)) if version.resources == 0 => StackStatus::Destroyed,
            Some(_) => StackStatus::Completed,
        })
    }

    /// Puts every waiting plan away.
    ///
    /// A plan that failed is left alone: its job may be retried, and then it waits.
    async fn discard_plans(&self, desk: &Desk, id: StackId) -> Result<()> {
        desk.db
            .write(move |tx| {
                for run in run_table::of_stack(tx, id, 50)? {
                    let is_plan = matches!(run.operation, Operation::Plan | Operation::PlanDestroy);
                    let waits = is_plan && run.status == RunStatus::Succeeded;
                    if waits && !run_table::decided(tx, run.id)? {
                        run_table::set_decided(tx, run.id)?;
                        run_table::take_plan(tx, run.id)?;
                    }
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    pub(crate) fn announce_stack(&self, desk: &Desk, id: StackId) {
        self.publish(Event::Changed {
            organization_id: Some(desk.organization_id),
            topic: Topic::Stacks,
            id: Some(id.to_string()),
        });
    }
}

impl From<TerraformError> for Error {
    fn from(error: TerraformError) -> Self {
        let message = error.to_string();
        let (code, hint) = match &error {
            TerraformError::Missing { .. } => (
                Code::TerraformMissing,
                "install OpenTofu or Terraform 1.5 or newer, or set its path in the settings",
            ),
            TerraformError::TooOld { .. } => (
                Code::TerraformTooOld,
                "install a newer OpenTofu or Terraform, or set the path of one in the settings",
            ),
            TerraformError::Broken { .. } => (
                Code::TerraformMissing,
                "run it by hand to see what is wrong, or set another path in the settings",
            ),
            TerraformError::Directory { .. } => {
                (Code::Storage, "check that the disk has space and that you may write there")
            }
            TerraformError::Deadline { .. } => {
                (Code::TerraformFailed, "check the provider's status page, then plan again")
            }
            TerraformError::StateNotKept { .. } => {
                (Code::Storage, "free disk space, then plan again; what was built so far is kept")
            }
        };
        Self::new(code, message).hint(hint).cause(error)
    }
}
