//! What happened, by whom, to what. Lines are only ever added.

use flightdeck_domain::{audit::AuditEvent, id::OrganizationId};
use rusqlite::{Connection, Row, Transaction, params};

use crate::column::{self, Columns};

/// Adds a line.
pub fn append(tx: &Transaction<'_>, event: &AuditEvent) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO audit_event
                (id, at, actor_id, organization_id, action, target, outcome, details)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        event.id.to_string(),
        column::time(event.at),
        column::text_optional(event.actor),
        column::text_optional(event.organization_id),
        event.action,
        event.target,
        column::word(&event.outcome)?,
        column::json(&event.details)?,
    ])
    .map(drop)
}

/// Returns the newest `limit` lines, of one organization or of all.
pub fn list(
    conn: &Connection,
    organization: Option<OrganizationId>,
    limit: u32,
) -> rusqlite::Result<Vec<AuditEvent>> {
    match organization {
        Some(organization) => conn
            .prepare_cached(
                "SELECT *
                   FROM audit_event
                  WHERE organization_id = ?1
                  ORDER BY at DESC, id DESC
                  LIMIT ?2",
            )?
            .query_map(params![organization.to_string(), limit], from_row)?
            .collect(),
        None => conn
            .prepare_cached("SELECT * FROM audit_event ORDER BY at DESC, id DESC LIMIT ?1")?
            .query_map([limit], from_row)?
            .collect(),
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<AuditEvent> {
    let columns = Columns::of("audit_event", row);
    Ok(AuditEvent {
        id: columns.parsed("id")?,
        at: columns.time("at")?,
        actor: columns.parsed_optional("actor_id")?,
        organization_id: columns.parsed_optional("organization_id")?,
        action: columns.get("action")?,
        target: columns.get("target")?,
        outcome: columns.word("outcome")?,
        details: columns.json("details")?,
    })
}
