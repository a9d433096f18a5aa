//! Every kind of job there is: its record, its steps, its permission.

use flightdeck_domain::{
    id::ServerId,
    job::{Failure, Job, JobStatus},
    permission::Permission,
    stack::StackStatus,
};
use serde::{Deserialize, Serialize};

use crate::{
    App, Desk,
    applications::{Deploy, Remove},
    error::{Code, Result},
    jobs::{Jobs, Step, StepContext},
    servers::{Verify, VerifyStep},
    stacks::{Apply, ApplyStep, ForgetStep, Plan, PlanStep, RegisterStep, VerifyAllStep},
};

impl Jobs<'_> {
    /// Says whether [`Jobs::undo`] knows how to take such a job back.
    ///
    /// It may still refuse, in words: there is nothing before a first release.
    pub fn can_be_undone(job: &Job) -> bool {
        job.kind == "application.deploy" && job.status == JobStatus::Succeeded
    }
}

/// What a job's record says it does.
///
/// The steps follow from the record alone, so that a job resumes after a kill
/// with the plan it began with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(crate) enum Work {
    /// Verifies one server.
    #[serde(rename = "server.verify")]
    Verify(Verify),
    /// Plans a stack.
    #[serde(rename = "stack.plan")]
    Plan(Plan),
    /// Applies, or destroys by, an approved plan.
    #[serde(rename = "stack.apply")]
    Apply(Apply),
    /// Moves an application to a release.
    #[serde(rename = "application.deploy")]
    Deploy(Deploy),
    /// Takes an application off its servers.
    #[serde(rename = "application.remove")]
    Remove(Remove),
}

impl Work {
    /// The kind, as the window and the command line name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Verify(_) => "server.verify",
            Self::Plan(_) => "stack.plan",
            Self::Apply(_) => "stack.apply",
            Self::Deploy(_) => "application.deploy",
            Self::Remove(_) => "application.remove",
        }
    }

    /// What it works on; one job at a time may work on the same thing.
    pub(crate) fn target(&self) -> String {
        match self {
            Self::Verify(work) => work.server_id.to_string(),
            Self::Plan(work) => work.stack_id.to_string(),
            Self::Apply(work) => work.stack_id.to_string(),
            Self::Deploy(work) => work.application_id.to_string(),
            Self::Remove(work) => work.application_id.to_string(),
        }
    }

    /// The servers whose proxy it changes, with their names.
    pub(crate) fn proxied_servers(&self) -> &[(ServerId, String)] {
        match self {
            Self::Deploy(work) => &work.servers,
            Self::Remove(work) => &work.servers,
            Self::Verify(_) | Self::Plan(_) | Self::Apply(_) => &[],
        }
    }

    /// What starting, stopping or repeating it takes.
    pub(crate) fn permission(&self) -> Permission {
        match self {
            Self::Verify(_) => Permission::ServerWrite,
            Self::Plan(_) => Permission::StackWrite,
            Self::Apply(_) => Permission::StackApply,
            Self::Deploy(_) => Permission::DeploymentRun,
            Self::Remove(_) => Permission::ApplicationWrite,
        }
    }

    /// Its plan.
    pub(crate) fn steps(&self) -> Vec<Box<dyn Step>> {
        match self {
            Self::Verify(work) => vec![Box::new(VerifyStep(work.clone()))],
            Self::Plan(work) => vec![Box::new(PlanStep(work.clone()))],
            Self::Apply(work) if work.destroy => {
                vec![Box::new(ApplyStep(work.clone())), Box::new(ForgetStep(work.clone()))]
            }
            Self::Apply(work) => vec![
                Box::new(ApplyStep(work.clone())),
                Box::new(RegisterStep(work.clone())),
                Box::new(VerifyAllStep(work.clone())),
            ],
            Self::Deploy(work) => work.steps(),
            Self::Remove(work) => work.steps(),
        }
    }

    /// Leaves what it worked on in a state that says the truth.
    pub(crate) async fn ended_badly(
        &self,
        ctx: &StepContext,
        failure: Option<&Failure>,
        undone: bool,
    ) -> Result<()> {
        let cancelled = failure.is_some_and(|f| f.code == Code::Cancelled.as_str());
        match self {
            Self::Plan(Plan { stack_id, .. }) | Self::Apply(Apply { stack_id, .. }) => {
                let status = if cancelled { StackStatus::Cancelled } else { StackStatus::Failed };
                ctx.app.set_stack_status(&ctx.desk, *stack_id, status).await
            }
            Self::Deploy(work) => work.ended_badly(ctx, failure, undone).await,
            Self::Verify(_) | Self::Remove(_) => Ok(()),
        }
    }

    /// Refuses another try that would come too late.
    pub(crate) async fn before_retry(&self, app: &App, desk: &Desk) -> Result<()> {
        match self {
            Self::Deploy(work) => work.before_retry(app, desk).await,
            _ => Ok(()),
        }
    }

    /// Shows what it works on as being at work again.
    pub(crate) async fn retried(&self, app: &App, desk: &Desk) -> Result<()> {
        match self {
            Self::Deploy(work) => work.retried(app, desk).await,
            _ => Ok(()),
        }
    }
}
