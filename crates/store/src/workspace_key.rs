//! The keys that seal workspaces, each wrapped by the key above it.

use std::fmt;

use flightdeck_domain::id::{KeyId, OrganizationId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::column::{self, Columns};

/// One version of one key of one workspace.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Names it for good; sealed values name it.
    pub id: KeyId,
    /// Whose workspace it seals.
    pub organization_id: OrganizationId,
    /// What it seals there.
    pub purpose: String,
    /// Counts up with each rotation.
    pub version: u32,
    /// The key's bytes, sealed by the key above it.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("id", &self.id)
            .field("organization_id", &self.organization_id)
            .field("purpose", &self.purpose)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Adds a key; a version that is there already is an error.
pub fn insert(tx: &Transaction<'_>, key: &Row) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO workspace_key (id, organization_id, purpose, version, wrapped, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        key.id.to_string(),
        key.organization_id.to_string(),
        key.purpose,
        key.version,
        key.wrapped,
        column::time(key.created_at),
    ])
    .map(drop)
}

/// Returns the key `id`, if there is one.
pub fn by_id(conn: &Connection, id: KeyId) -> rusqlite::Result<Option<Row>> {
    conn.prepare_cached("SELECT * FROM workspace_key WHERE id = ?1")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns every key of every workspace.
pub fn all(conn: &Connection) -> rusqlite::Result<Vec<Row>> {
    conn.prepare_cached(
        "SELECT *
           FROM workspace_key
          ORDER BY organization_id, purpose, version",
    )?
    .query_map([], from_row)?
    .collect()
}

/// Returns every key of `organization`, by purpose, the oldest first.
pub fn of_organization(
    conn: &Connection,
    organization: OrganizationId,
) -> rusqlite::Result<Vec<Row>> {
    conn.prepare_cached(
        "SELECT *
           FROM workspace_key
          WHERE organization_id = ?1
          ORDER BY purpose, version",
    )?
    .query_map([organization.to_string()], from_row)?
    .collect()
}

/// Returns the key that new values for `purpose` are sealed with, if there is one.
pub fn newest(
    conn: &Connection,
    organization: OrganizationId,
    purpose: &str,
) -> rusqlite::Result<Option<Row>> {
    conn.prepare_cached(
        "SELECT *
           FROM workspace_key
          WHERE organization_id = ?1 AND purpose = ?2
          ORDER BY version DESC
          LIMIT 1",
    )?
    .query_row(params![organization.to_string(), purpose], from_row)
    .optional()
}

/// Removes every key of `organization`: what they sealed can't be read any more.
pub fn delete_of_organization(
    tx: &Transaction<'_>,
    organization: OrganizationId,
) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM workspace_key WHERE organization_id = ?1")?
        .execute([organization.to_string()])
        .map(drop)
}

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let columns = Columns::of("workspace_key", row);
    Ok(Row {
        id: columns.parsed("id")?,
        organization_id: columns.parsed("organization_id")?,
        purpose: columns.get("purpose")?,
        version: columns.number("version")?,
        wrapped: columns.get("wrapped")?,
        created_at: columns.time("created_at")?,
    })
}
