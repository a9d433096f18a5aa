//! Writing down what people did.

use std::fmt::Display;

use flightdeck_domain::{
    audit::{AuditEvent, Outcome},
    id::{AuditEventId, JobId, OrganizationId, UserId},
    job::JobStatus,
    permission::Permission,
};
use flightdeck_store::{audit_event, job};
use serde_json::{Value, json};

use crate::{App, Ctx, error::Result};

impl App {
    /// Writes down an act that was done.
    pub(crate) async fn audit(
        &self,
        ctx: &Ctx,
        action: &'static str,
        target: impl Display,
    ) -> Result<()> {
        let who = (Some(ctx.user_id), Some(ctx.organization_id));
        self.append(who, action, target.to_string(), Outcome::Success, Value::Null).await
    }

    /// Writes down an act that was done, with facts about it.
    pub(crate) async fn audit_with(
        &self,
        ctx: &Ctx,
        action: &'static str,
        target: impl Display,
        details: Value,
    ) -> Result<()> {
        let who = (Some(ctx.user_id), Some(ctx.organization_id));
        self.append(who, action, target.to_string(), Outcome::Success, details).await
    }

    /// Writes down an act on the installation.
    pub(crate) async fn audit_installation(
        &self,
        actor: Option<UserId>,
        action: &'static str,
        target: impl Display,
        outcome: Outcome,
    ) -> Result<()> {
        self.append((actor, None), action, target.to_string(), outcome, Value::Null).await
    }

    /// Writes down that somebody lacked a permission.
    pub(crate) async fn audit_denied(&self, ctx: &Ctx, permission: Permission) -> Result<()> {
        let who = (Some(ctx.user_id), Some(ctx.organization_id));
        let target = permission.to_string();
        self.append(who, "permission.check", target, Outcome::Denied, Value::Null).await
    }

    /// Writes down how a job ended.
    pub(crate) async fn audit_job_end(&self, job_id: JobId) -> Result<()> {
        let row = self.store().main().read(move |conn| job::by_id(conn, job_id)).await?;
        let Some(job) = row.map(|row| row.job) else { return Ok(()) };
        let outcome =
            if job.status == JobStatus::Succeeded { Outcome::Success } else { Outcome::Failure };
        let details = json!({
            "kind": job.kind,
            "status": job.status,
            "target": job.target,
            "code": job.failure.map(|failure| failure.code),
        });
        let who = (Some(job.actor), Some(job.organization_id));
        self.append(who, "job.end", job_id.to_string(), outcome, details).await
    }

    async fn append(
        &self,
        (actor, organization_id): (Option<UserId>, Option<OrganizationId>),
        action: &'static str,
        target: String,
        outcome: Outcome,
        details: Value,
    ) -> Result<()> {
        let event = AuditEvent {
            id: AuditEventId::new(),
            at: self.now(),
            actor,
            organization_id,
            action: action.to_owned(),
            target,
            outcome,
            details,
        };
        Ok(self.store().main().write(move |tx| audit_event::append(tx, &event)).await?)
    }
}
