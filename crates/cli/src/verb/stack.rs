//! What Terraform builds: defined, planned, approved, applied, destroyed.

use clap::{Args, Subcommand};
use flightdeck_app::{Ctx, RunOverview, StackDetail, StackRequest};
use flightdeck_domain::{
    id::{RunId, StackId},
    stack::{Operation, Run, RunStatus, StackInputs},
};
use serde_json::json;

use crate::{
    answer::Answer,
    arguments::{Confirmation, Waiting},
    failure::{Failure, Result},
    progress,
    session::Session,
    terminal::Terminal,
};

mod text;

/// What can be done with stacks.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the stacks
    List,
    /// Show one stack with its runs and state versions
    Show {
        /// Its name or id
        stack: String,
    },
    /// Define a stack; nothing is built yet
    Create {
        /// What to call it; part of host names
        name: String,
        /// The cloud credential it spends: name or id
        #[arg(long, value_name = "CREDENTIAL")]
        credential: String,
        /// The SSH key its servers are opened with: name or id
        #[arg(long, value_name = "CREDENTIAL")]
        ssh_key: String,
        /// The module in `terraform-modules/`
        #[arg(long, value_name = "MODULE", default_value = "hetzner")]
        module: String,
        /// The provider's region (`fsn1`)
        #[arg(long, value_name = "REGION")]
        region: String,
        /// The provider's server type (`cx22`)
        #[arg(long, value_name = "SIZE")]
        size: String,
        /// The provider's image (`debian-12`)
        #[arg(long, value_name = "SYSTEM")]
        image: String,
        /// How many servers, 1 to 50
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        count: u16,
    },
    /// Change what a stack is to build; a plan that waits is discarded
    Update {
        /// Its name or id
        stack: String,
        #[command(flatten)]
        inputs: Inputs,
    },
    /// Say what an apply, or a destroy, would change
    Plan {
        /// Its name or id
        stack: String,
        /// Plan to take everything away
        #[arg(long)]
        destroy: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Apply the plan that waits, or plan, ask and apply
    Apply {
        /// Its name or id
        stack: String,
        /// Apply exactly this plan
        #[arg(long, value_name = "RUN")]
        plan: Option<RunId>,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Put the plan that waits away
    Discard {
        /// Its name or id
        stack: String,
    },
    /// Plan to take everything away, ask for the stack's name, and do it
    Destroy {
        /// Its name or id
        stack: String,
        /// The stack's name, typed as a confirmation
        #[arg(long, value_name = "NAME")]
        confirm_name: Option<String>,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Delete the definition of a stack that has nothing built
    Delete {
        /// Its name or id
        stack: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// What a stack is to build, as far as it changes.
#[derive(Debug, Args)]
pub(crate) struct Inputs {
    /// The provider's region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The provider's server type
    #[arg(long, value_name = "SIZE")]
    size: Option<String>,
    /// The provider's image
    #[arg(long, value_name = "SYSTEM")]
    image: Option<String>,
    /// How many servers, 1 to 50
    #[arg(long, value_name = "COUNT")]
    count: Option<u16>,
}

/// Calls a verb.
pub(crate) async fn run(session: &Session, verb: Verb) -> Result<Answer> {
    let stacks = session.app().stacks();
    let ctx = session.ctx().await?;
    match verb {
        Verb::List => {
            let list = stacks.list(&ctx).await?;
            Answer::new(&list, text::list(&list))
        }
        Verb::Show { stack } => {
            let id = session.stack(&ctx, &stack).await?;
            let detail = stacks.get(&ctx, id).await?;
            let text = text::detail(&detail);
            Answer::new(&detail, text)
        }
        Verb::Create { name, credential, ssh_key, module, region, size, image, count } => {
            let request = StackRequest {
                name,
                module,
                credential_id: session.credential(&ctx, &credential).await?,
                ssh_credential_id: session.credential(&ctx, &ssh_key).await?,
                inputs: StackInputs { region, size, image, server_count: count },
            };
            let made = stacks.create(&ctx, request).await?;
            let text = format!(
                "`{}` is defined; nothing is built yet\nnext: `flightdeck stack plan {}`\n",
                made.name, made.name
            );
            Answer::new(&made, text)
        }
        Verb::Update { stack, inputs } => {
            let id = session.stack(&ctx, &stack).await?;
            let old = stacks.get(&ctx, id).await?.stack.stack.inputs;
            let inputs = StackInputs {
                region: inputs.region.unwrap_or(old.region),
                size: inputs.size.unwrap_or(old.size),
                image: inputs.image.unwrap_or(old.image),
                server_count: inputs.count.unwrap_or(old.server_count),
            };
            let changed = stacks.update(&ctx, id, inputs).await?;
            let text =
                format!("`{0}` is changed\nnext: `flightdeck stack plan {0}`\n", changed.name);
            Answer::new(&changed, text)
        }
        Verb::Plan { stack, destroy, waiting } => {
            let id = session.stack(&ctx, &stack).await?;
            session.carry_out(waiting);
            planned(session, &ctx, id, destroy, waiting).await
        }
        Verb::Apply { stack, plan, confirmation, waiting } => {
            let id = session.stack(&ctx, &stack).await?;
            let plan = match plan {
                Some(run) => the_run(session, &ctx, id, run).await?,
                None => plan_to_apply(session, &ctx, id, waiting).await?,
            };
            // The core asks for a destroy's name; `stack destroy` is the way to give it.
            if plan.operation == Operation::PlanDestroy {
                return Err(Failure::invalid("that plan takes everything away")
                    .hint(format!("use `flightdeck stack destroy {stack}`, or discard the plan")));
            }
            approve(session, &plan, confirmation, "Apply these changes?")?;
            session.carry_out(waiting);
            let job_id = stacks.apply(&ctx, id, plan.id, None).await?;
            applied(session, &ctx, id, job_id, waiting).await
        }
        Verb::Discard { stack } => {
            let id = session.stack(&ctx, &stack).await?;
            let detail = stacks.get(&ctx, id).await?;
            // Who may not discard is told so, and not whether there is a plan.
            let plan = waiting_plan(&detail, None).map_or_else(RunId::new, |run| run.id);
            let changed = stacks.discard(&ctx, id, plan).await?;
            Answer::new(&changed, format!("the plan of `{}` is discarded\n", changed.name))
        }
        Verb::Destroy { stack, confirm_name, confirmation, waiting } => {
            let id = session.stack(&ctx, &stack).await?;
            destroy(session, &ctx, id, (confirm_name, confirmation), waiting).await
        }
        Verb::Delete { stack, confirmation } => {
            let id = session.stack(&ctx, &stack).await?;
            let question = format!("Delete the definition of `{stack}`?");
            session.terminal.confirm(&question, confirmation.yes)?;
            stacks.delete(&ctx, id).await?;
            Answer::new(&json!({ "deleted": id }), format!("`{stack}` is deleted\n"))
        }
    }
}

async fn planned(
    session: &Session,
    ctx: &Ctx,
    id: StackId,
    destroy: bool,
    waiting: Waiting,
) -> Result<Answer> {
    let stacks = session.app().stacks();
    let job_id = stacks.plan(ctx, id, destroy).await?;
    let job = progress::of(session, ctx, job_id, waiting.no_wait).await?;
    let detail = stacks.get(ctx, id).await?;
    let name = &detail.stack.stack.name;
    let plan = waiting_plan(&detail, Some(destroy)).cloned();
    let text = match &plan {
        Some(plan) if !waiting.no_wait => {
            let verb = if destroy { "destroy" } else { "apply" };
            format!("{}next: `flightdeck stack {verb} {name}`\n", text::changes(plan))
        }
        _ => format!("`{}` is written down as {}\n", job.title, job.id),
    };
    Answer::new(&json!({ "job": job, "plan": plan.filter(|_| !waiting.no_wait) }), text)
}

/// The plan that waits, or a new one.
async fn plan_to_apply(session: &Session, ctx: &Ctx, id: StackId, waiting: Waiting) -> Result<Run> {
    let stacks = session.app().stacks();
    let detail = stacks.get(ctx, id).await?;
    if let Some(plan) = waiting_plan(&detail, None) {
        return Ok(plan.clone());
    }
    if waiting.no_wait {
        return Err(Failure::usage("there is no plan to apply without waiting for it")
            .hint("run `flightdeck stack plan` first"));
    }
    new_plan(session, ctx, id, false).await
}

/// Plans and waits for it.
async fn new_plan(session: &Session, ctx: &Ctx, id: StackId, destroy: bool) -> Result<Run> {
    let stacks = session.app().stacks();
    let job_id = stacks.plan(ctx, id, destroy).await?;
    progress::of(session, ctx, job_id, false).await?;
    let detail = stacks.get(ctx, id).await?;
    waiting_plan(&detail, Some(destroy))
        .cloned()
        .ok_or_else(|| Failure::internal("the plan is gone that was just made"))
}

/// A run of the stack by its id.
async fn the_run(session: &Session, ctx: &Ctx, id: StackId, run: RunId) -> Result<Run> {
    let detail = session.app().stacks().get(ctx, id).await?;
    let found = detail.runs.into_iter().find(|known| known.run.id == run);
    let found = found.ok_or_else(|| flightdeck_app::error::Error::not_found("plan", run))?;
    Ok(found.run)
}

/// Shows what would change and asks for a yes.
fn approve(
    session: &Session,
    plan: &Run,
    confirmation: Confirmation,
    question: &str,
) -> Result<()> {
    if !confirmation.yes {
        Terminal::note(&text::changes(plan));
    }
    session.terminal.confirm(question, confirmation.yes)
}

async fn applied(
    session: &Session,
    ctx: &Ctx,
    id: StackId,
    job_id: flightdeck_domain::id::JobId,
    waiting: Waiting,
) -> Result<Answer> {
    let job = progress::of(session, ctx, job_id, waiting.no_wait).await?;
    let detail = session.app().stacks().get(ctx, id).await?;
    let text = if waiting.no_wait {
        format!("`{}` is written down as {}\n", job.title, job.id)
    } else {
        text::detail(&detail)
    };
    Answer::new(&json!({ "job": job, "stack": detail.stack }), text)
}

async fn destroy(
    session: &Session,
    ctx: &Ctx,
    id: StackId,
    (confirm_name, confirmation): (Option<String>, Confirmation),
    waiting: Waiting,
) -> Result<Answer> {
    let stacks = session.app().stacks();
    let detail = stacks.get(ctx, id).await?;
    let plan = match waiting_plan(&detail, Some(true)) {
        Some(plan) => plan.clone(),
        None => new_plan(session, ctx, id, true).await?,
    };
    approve(session, &plan, confirmation, "Take all of this away?")?;
    let question = format!("Type `{}` to destroy it", detail.stack.stack.name);
    let typed = session.terminal.typed_name(&question, confirm_name)?;
    session.carry_out(waiting);
    let job_id = stacks.apply(ctx, id, plan.id, Some(&typed)).await?;
    applied(session, ctx, id, job_id, waiting).await
}

/// The newest plan that somebody still has to decide on: a destroy, not one, or any.
fn waiting_plan(detail: &StackDetail, destroy: Option<bool>) -> Option<&Run> {
    let waits = |overview: &&RunOverview| {
        let run = &overview.run;
        let wanted = match run.operation {
            Operation::Plan => destroy != Some(true),
            Operation::PlanDestroy => destroy != Some(false),
            Operation::Apply | Operation::Destroy => false,
        };
        wanted && !overview.decided && run.status == RunStatus::Succeeded
    };
    detail.runs.iter().find(waits).map(|overview| &overview.run)
}
