//! What happened, by whom, to what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AuditEventId, OrganizationId, UserId};

/// How an audited act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Success,
    /// The rights did not suffice.
    Denied,
    /// It was tried and failed.
    Failure,
}

/// One line of the audit log. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEvent {
    /// Names the event.
    pub id: AuditEventId,
    /// When.
    pub at: Timestamp,
    /// Who; none for the program itself (resume after a crash).
    pub actor: Option<UserId>,
    /// In which organization; none for acts on the installation.
    pub organization_id: Option<OrganizationId>,
    /// What, as `resource.verb` (`credential.create`, `stack.apply`).
    pub action: String,
    /// On what: an id, or a name where there is no id.
    pub target: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Facts worth keeping, as JSON, without secrets.
    pub details: serde_json::Value,
}
