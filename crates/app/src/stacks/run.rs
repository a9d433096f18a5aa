//! The steps that run Terraform: plan, and apply of exactly that plan.

use std::sync::Arc;

use async_trait::async_trait;
use flightdeck_domain::{
    id::{RunId, StackId},
    stack::{
        Action, Operation, PlannedChange, ResourceProgress, ResourceState, Run, RunStatus, Stack,
        StackStatus,
    },
};
use flightdeck_store::{run as run_table, state_version};
use flightdeck_vault::keys::Purpose;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::listener::{RunListener, Said, open_state, store_progress};
use crate::{
    App, Desk,
    error::{Code, Error, Result},
    jobs::{Step, StepContext},
    port::terraform::{Deadlines, Outcome, Request, Sensitive, Work},
};

/// How many state versions stay, however old they are.
const KEEP_STATES: u32 = 30;

/// How long state versions stay, however many there are.
const KEEP_STATES_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(90 * 24);

/// The job that plans.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) stack_id: StackId,
    pub(crate) run_id: RunId,
    pub(crate) destroy: bool,
}

/// The job that applies a plan somebody approved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Apply {
    pub(crate) stack_id: StackId,
    pub(crate) plan_run_id: RunId,
    pub(crate) run_id: RunId,
    pub(crate) destroy: bool,
}

/// Makes a plan and leaves it waiting for somebody's yes.
pub(crate) struct PlanStep(pub(crate) Plan);

#[async_trait]
impl Step for PlanStep {
    fn name(&self) -> String {
        "plan".to_owned()
    }

    fn stops_itself(&self) -> bool {
        true
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        let Plan { stack_id, run_id, destroy } = self.0;
        let stack = ctx.app.stack(&ctx.desk, stack_id).await?;
        // One plan at a time waits for a yes: the newest.
        ctx.app.discard_plans(&ctx.desk, stack_id).await?;
        ctx.app.set_stack_status(&ctx.desk, stack_id, StackStatus::Planning).await?;
        let operation = if destroy { Operation::PlanDestroy } else { Operation::Plan };
        let running = Running { ctx, stack: &stack };
        let outcome =
            running.terraform((run_id, operation), Work::Plan { destroy }, Vec::new()).await?;
        let plan = outcome
            .plan
            .ok_or_else(|| Error::new(Code::Internal, "terraform planned and left no plan"))?;
        let place = plan_place(run_id);
        let sealed = ctx.app.seal(&ctx.desk, Purpose::State, place, plan.expose())?;
        let changes = outcome.changes.len();
        ctx.desk.db.write(move |tx| run_table::put_plan(tx, run_id, &sealed)).await?;
        ctx.app.set_stack_status(&ctx.desk, stack_id, StackStatus::AwaitingApproval).await?;
        ctx.log(format!("{changes} changes planned; they wait for approval")).await;
        Ok(json!({ "changes": changes }))
    }
}

/// Applies an approved plan, or finishes an apply that was interrupted.
pub(crate) struct ApplyStep(pub(crate) Apply);

#[async_trait]
impl Step for ApplyStep {
    fn name(&self) -> String {
        if self.0.destroy { "destroy" } else { "apply" }.to_owned()
    }

    fn stops_itself(&self) -> bool {
        true
    }

    fn is_kept(&self) -> bool {
        true
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        let Apply { stack_id, plan_run_id, run_id, destroy } = self.0;
        let stack = ctx.app.stack(&ctx.desk, stack_id).await?;
        let (status, operation) = if destroy {
            (StackStatus::Destroying, Operation::Destroy)
        } else {
            (StackStatus::Applying, Operation::Apply)
        };
        ctx.app.set_stack_status(&ctx.desk, stack_id, status).await?;
        ctx.desk.db.write(move |tx| run_table::set_decided(tx, plan_run_id)).await?;
        let approved = ctx
            .desk
            .db
            .read(move |conn| {
                let was_begun = run_table::by_id(conn, run_id)?.is_some();
                let plan = run_table::plan(conn, plan_run_id)?;
                Ok((run_table::by_id(conn, plan_run_id)?, plan, was_begun))
            })
            .await?;
        let (Some(approved), sealed, was_begun) = approved else {
            return Err(stale("the approved plan is gone"));
        };
        let running = Running { ctx, stack: &stack };
        let first = match sealed {
            Some(sealed) => {
                let place = plan_place(plan_run_id);
                let opened = ctx.app.open(&ctx.desk, Purpose::State, place, &sealed)?;
                let plan = Sensitive::new(opened.to_vec());
                let changes = pending(&approved.changes);
                running.terraform((run_id, operation), Work::Apply { plan }, changes).await
            }
            // It was applied, and a kill came before the journal knew.
            None => Err(stale("the approved plan was applied already")),
        };
        let outcome = match first {
            // Only what an earlier attempt left undone may be planned anew.
            Err(error) if error.code == Code::PlanStale && was_begun => {
                ctx.log("the state moved on since the plan was made; planning again").await;
                running.finish_the_rest((run_id, operation), &approved, destroy).await?
            }
            other => other?,
        };
        let old = ctx.app.now() - KEEP_STATES_FOR;
        ctx.desk
            .db
            .write(move |tx| {
                run_table::take_plan(tx, plan_run_id)?;
                state_version::prune(tx, stack_id, KEEP_STATES, old)
            })
            .await?;
        Ok(json!({ "servers": outcome.outputs.as_ref().and_then(servers_output) }))
    }
}

/// Says whether the rest of an interrupted apply is something that was approved.
///
/// Where a resource was to be made, nothing stood before: whatever stands there
/// now is half of what this apply made, and may be mended or made anew. Half of
/// a replacement may also be that the old one is still to go.
fn was_approved(change: &PlannedChange, approved: &[PlannedChange]) -> bool {
    approved.iter().any(|wanted| {
        wanted.address == change.address
            && (wanted.action == change.action
                || match wanted.action {
                    Action::Create => matches!(change.action, Action::Update | Action::Replace),
                    Action::Replace => {
                        matches!(change.action, Action::Create | Action::Update | Action::Delete)
                    }
                    _ => false,
                })
    })
}

/// The `servers` output: addresses and names, nothing secret.
fn servers_output(outputs: &Map<String, Value>) -> Option<Value> {
    let servers = outputs.get("servers")?;
    Some(servers.get("value").unwrap_or(servers).clone())
}

fn pending(changes: &[PlannedChange]) -> Vec<ResourceProgress> {
    changes
        .iter()
        .map(|change| ResourceProgress {
            address: change.address.clone(),
            action: change.action,
            state: ResourceState::Pending,
            elapsed_seconds: 0,
            resource_id: None,
        })
        .collect()
}

fn plan_place(run_id: RunId) -> (&'static str, String, &'static str) {
    ("run_plan", run_id.to_string(), "sealed")
}

fn stale(message: &str) -> Error {
    Error::new(Code::PlanStale, message).hint("plan again, look at the changes, and approve those")
}

struct Running<'a> {
    ctx: &'a StepContext,
    stack: &'a Stack,
}

impl Running<'_> {
    /// Plans anew after an interruption, and applies it if it holds nothing that
    /// was not approved.
    async fn finish_the_rest(
        &self,
        run: (RunId, Operation),
        approved: &Run,
        destroy: bool,
    ) -> Result<Outcome> {
        let outcome = self.terraform(run, Work::Plan { destroy }, Vec::new()).await?;
        let beyond: Vec<&str> = outcome
            .changes
            .iter()
            .filter(|change| !was_approved(change, &approved.changes))
            .map(|change| change.address.as_str())
            .collect();
        if !beyond.is_empty() {
            return Err(stale(&format!(
                "the rest of the plan would also change {}, which nobody approved",
                beyond.join(", ")
            )));
        }
        let plan = outcome
            .plan
            .ok_or_else(|| Error::new(Code::Internal, "terraform planned and left no plan"))?;
        self.terraform(run, Work::Apply { plan }, pending(&outcome.changes)).await
    }

    /// Runs Terraform once, and keeps everything that it says and writes.
    async fn terraform(
        &self,
        (run_id, operation): (RunId, Operation),
        work: Work,
        planned: Vec<ResourceProgress>,
    ) -> Result<Outcome> {
        let (app, desk, stack) = (&self.ctx.app, &self.ctx.desk, self.stack);
        let run = Run {
            id: run_id,
            stack_id: stack.id,
            job_id: self.ctx.job_id,
            operation,
            status: RunStatus::Running,
            changes: Vec::new(),
            resources: planned.clone(),
            diagnostics: Vec::new(),
            started_at: app.now(),
            ended_at: None,
        };
        // A run that another one cut off may have a newer state on its disk.
        app.stacks().recover_stack(stack.id, self.ctx.stop.clone()).await?;
        let is_apply = matches!(work, Work::Apply { .. });
        let request = self.request(run_id, work).await?;
        put_run(desk, run.clone()).await?;
        app.announce_stack(desk, stack.id);

        let (lines, mut said) = mpsc::unbounded_channel();
        let listener = Arc::new(RunListener::new(
            app.clone(),
            desk.clone(),
            (stack.id, run_id),
            planned,
            lines,
        ));
        let stop = self.ctx.stop.clone();
        let terraform = app.ports().terraform.clone();
        let terraform = terraform.run(request, listener.clone(), stop);
        tokio::pin!(terraform);
        let result = loop {
            tokio::select! {
                result = &mut terraform => break result,
                Some(said) = said.recv() => self.pass_on(said, &listener, run_id).await,
            }
        };
        while let Ok(said) = said.try_recv() {
            self.pass_on(said, &listener, run_id).await;
        }
        let (status, error) = match &result {
            Ok(outcome) if outcome.success => (RunStatus::Succeeded, None),
            Ok(outcome) if outcome.stopped => (
                RunStatus::Cancelled,
                Some(
                    Error::new(Code::Cancelled, "it was cancelled")
                        .hint("retry the job to go on with it"),
                ),
            ),
            Ok(outcome) => (RunStatus::Failed, Some(said_no(outcome))),
            Err(_) => (RunStatus::Failed, None),
        };
        let mut ended = Run { status, ended_at: Some(app.now()), ..run };
        if let Ok(outcome) = &result {
            ended.changes.clone_from(&outcome.changes);
            ended.diagnostics.clone_from(&outcome.diagnostics);
            for diagnostic in &mut ended.diagnostics {
                diagnostic.summary = app.redact(&diagnostic.summary);
                diagnostic.detail = app.redact(&diagnostic.detail);
            }
        }
        for diagnostic in &ended.diagnostics {
            for line in diagnostic.detail.lines().filter(|line| !line.trim().is_empty()) {
                self.ctx.log(format!("  {line}")).await;
            }
        }
        ended.resources = listener.resources();
        if is_apply {
            ended.changes = ended
                .resources
                .iter()
                .map(|resource| PlannedChange {
                    address: resource.address.clone(),
                    resource_type: resource_type(&resource.address),
                    action: resource.action,
                })
                .collect();
        }
        put_run(desk, ended).await?;
        app.announce_stack(desk, stack.id);
        match (result, error) {
            (Ok(outcome), None) => Ok(outcome),
            (_, Some(error)) => Err(error),
            (Err(error), None) => Err(error.into()),
        }
    }

    /// Tells people what was said. Terraform goes on whether or not that works.
    async fn pass_on(&self, said: Said, listener: &RunListener, run_id: RunId) {
        match said {
            Said::Line(line) => self.ctx.log(line).await,
            Said::Progress(fraction) => {
                let resources = listener.resources();
                if let Err(error) = store_progress(&self.ctx.desk, run_id, resources).await {
                    self.ctx.app.report(&error, "A run's progress could not be stored");
                }
                self.ctx.progress(fraction).await;
                self.ctx.app.announce_stack(&self.ctx.desk, self.stack.id);
            }
        }
    }

    async fn request(&self, run_id: RunId, work: Work) -> Result<Request> {
        let (app, desk, stack) = (&self.ctx.app, &self.ctx.desk, self.stack);
        let settings = app.settings().get().await?;
        let binary = app.settings().find_terraform().await?;
        let modules = app.settings().modules_directory().await?;
        let module = modules.join(&stack.module);
        if !module.join("main.tf").is_file() {
            return Err(Error::new(
                Code::NotFound,
                format!("there is no module `{}` in `{}`", stack.module, modules.display()),
            )
            .hint("set the path of the modules in the settings"));
        }
        let token = app.secret(desk, stack.credential_id, "token").await?;
        Ok(Request {
            run_id,
            stack_id: stack.id,
            binary,
            module,
            variables: variables(app, desk, stack).await?,
            credentials: vec![("HCLOUD_TOKEN".to_owned(), token)],
            cli_config: (!settings.terraform_cli_config.is_empty())
                .then(|| settings.terraform_cli_config.into()),
            plugin_cache: app.directory().join("plugin-cache"),
            state: newest_state(app, desk, stack.id).await?,
            work,
            deadlines: Deadlines::default(),
        })
    }
}

async fn put_run(desk: &Desk, run: Run) -> Result<()> {
    desk.db
        .write(move |tx| match run_table::by_id(tx, run.id)? {
            Some(_) => run_table::update(tx, &run),
            None => run_table::insert(tx, &run),
        })
        .await?;
    Ok(())
}

async fn newest_state(app: &App, desk: &Desk, stack_id: StackId) -> Result<Option<Sensitive>> {
    let newest = desk.db.read(move |conn| state_version::newest(conn, stack_id)).await?;
    newest.map(|(version, sealed)| open_state(app, desk, stack_id, &version, &sealed)).transpose()
}

/// The inputs that all modules share.
async fn variables(app: &App, desk: &Desk, stack: &Stack) -> Result<Map<String, Value>> {
    let ssh = app.credential(desk, stack.ssh_credential_id).await?;
    let public_key = ssh.public_fields.get("public_key").cloned().unwrap_or_default();
    let organization = desk.organization_id;
    let values = json!({
        "name": stack.name,
        "region": stack.inputs.region,
        "size": stack.inputs.size,
        "image": stack.inputs.image,
        "server_count": stack.inputs.server_count,
        "ssh_public_keys": [public_key],
        "tags": { "workspace": organization.short(), "stack": stack.id.to_string() },
    });
    match values {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// `hcloud_server` of `module.web["a.b"].hcloud_server.this[0]`.
fn resource_type(address: &str) -> String {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut part = String::new();
    for c in address.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ if depth == 0 => part.push(c),
            _ => {}
        }
    }
    parts.pop().unwrap_or_default()
}

/// Turns Terraform's complaints into one sentence and the next step.
fn said_no(outcome: &Outcome) -> Error {
    let first = outcome.diagnostics.iter().find(|diagnostic| diagnostic.is_error);
    let Some(first) = first else {
        return Error::new(
            Code::TerraformFailed,
            "terraform ended with an error and gave no reason",
        )
        .hint("look at the run's log");
    };
    let text = format!("{} {}", first.summary, first.detail).to_lowercase();
    let headline = first.summary.trim().trim_end_matches('.');
    let message = match telling_line(&first.detail) {
        Some(detail) if !detail.eq_ignore_ascii_case(headline) => format!("{headline}: {detail}"),
        _ => headline.to_owned(),
    };
    if text.contains("saved plan is stale") {
        return stale("the world changed since the plan was made");
    }
    let refused = ["unauthorized", "unable to authenticate", "invalid token", "forbidden"];
    if refused.iter().any(|word| text.contains(word)) {
        return Error::new(
            Code::CredentialRefused,
            format!("the provider refuses the credential: {message}"),
        )
        .hint("make a new token in the provider's console and put it in as a new credential");
    }
    let hint = if text.contains("failed to query available provider packages")
        || text.contains("failed to install provider")
    {
        "check the network, or set a Terraform CLI configuration with a mirror in the settings"
    } else if text.contains("location") || text.contains("region") || text.contains("datacenter") {
        "choose another region in the stack's inputs, then plan again"
    } else if text.contains("image") {
        "choose another image in the stack's inputs, then plan again"
    } else if text.contains("limit") || text.contains("quota") || text.contains("unavailable") {
        "ask the provider for a higher limit, or choose another size or region"
    } else {
        "look at the run's complaints and log, mend the cause, then plan again; \
         what was built so far is kept in the state"
    };
    Error::new(Code::TerraformFailed, message).hint(hint)
}

/// The line of a complaint's detail that says something: providers like to
/// begin with one that only repeats that there was an error.
fn telling_line(detail: &str) -> Option<String> {
    let lines = || detail.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines()
        .find(|line| !line.to_lowercase().contains("unexpected error"))
        .or_else(|| lines().next())?;
    Some(line.trim_end_matches('.').chars().take(240).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_only_says_error_is_passed_over() {
        let detail = "An unexpected error was encountered.\n\nserver limit reached (limit).\n";

        assert_eq!(telling_line(detail).as_deref(), Some("server limit reached (limit)"));
    }

    #[test]
    fn half_of_a_new_resource_may_be_made_anew_and_nothing_else_may_go() {
        let change = |address: &str, action| PlannedChange {
            address: address.to_owned(),
            resource_type: "hcloud_server".to_owned(),
            action,
        };
        let approved = [
            change("new", Action::Create),
            change("changed", Action::Update),
            change("anew", Action::Replace),
        ];

        assert!(was_approved(&change("new", Action::Replace), &approved));
        assert!(was_approved(&change("new", Action::Update), &approved));
        assert!(!was_approved(&change("new", Action::Delete), &approved));
        assert!(was_approved(&change("anew", Action::Delete), &approved));
        assert!(was_approved(&change("changed", Action::Update), &approved));
        assert!(!was_approved(&change("changed", Action::Replace), &approved));
        assert!(!was_approved(&change("other", Action::Delete), &approved));
    }

    #[test]
    fn a_type_is_found_in_any_address() {
        for (address, wanted) in [
            ("hcloud_server.this[0]", "hcloud_server"),
            (r#"module.web["a.b"].hcloud_firewall.this"#, "hcloud_firewall"),
        ] {
            assert_eq!(resource_type(address), wanted);
        }
    }
}
