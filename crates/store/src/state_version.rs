//! Every version of every stack's Terraform state, sealed.

use flightdeck_domain::{id::StackId, stack::StateVersion};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::column::{self, Columns};

/// Adds a version of the stack's state.
///
/// The same version twice is one row: a state may be kept again after a crash.
pub fn insert(
    tx: &Transaction<'_>,
    stack: StackId,
    version: &StateVersion,
    sealed: &[u8],
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO state_version
                (stack_id, serial, lineage, sha256, size, resources, run_id, created_at, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (stack_id, lineage, serial, sha256) DO NOTHING",
    )?
    .execute(params![
        stack.to_string(),
        column::number(version.serial)?,
        version.lineage,
        version.sha256,
        column::number(version.size)?,
        version.resources,
        version.run_id.to_string(),
        column::time(version.created_at),
        sealed,
    ])
    .map(drop)
}

/// Returns the version that was kept last, with its sealed content.
pub fn newest(
    conn: &Connection,
    stack: StackId,
) -> rusqlite::Result<Option<(StateVersion, Vec<u8>)>> {
    conn.prepare_cached(
        "SELECT *
           FROM state_version
          WHERE stack_id = ?1
          ORDER BY number DESC
          LIMIT 1",
    )?
    .query_row([stack.to_string()], |row| Ok((from_row(row)?, row.get("sealed")?)))
    .optional()
}

/// Returns what is known of each version, the newest first.
pub fn list(conn: &Connection, stack: StackId) -> rusqlite::Result<Vec<StateVersion>> {
    conn.prepare_cached(
        "SELECT serial, lineage, sha256, size, resources, run_id, created_at
           FROM state_version
          WHERE stack_id = ?1
          ORDER BY number DESC",
    )?
    .query_map([stack.to_string()], from_row)?
    .collect()
}

/// Returns the version `serial` of `lineage`, with its sealed content.
pub fn by_serial(
    conn: &Connection,
    stack: StackId,
    lineage: &str,
    serial: u64,
) -> rusqlite::Result<Option<(StateVersion, Vec<u8>)>> {
    conn.prepare_cached(
        "SELECT *
           FROM state_version
          WHERE stack_id = ?1 AND lineage = ?2 AND serial = ?3
          ORDER BY number DESC
          LIMIT 1",
    )?
    .query_row(params![stack.to_string(), lineage, column::number(serial)?], |row| {
        Ok((from_row(row)?, row.get("sealed")?))
    })
    .optional()
}

/// Removes versions that are older than `older_than` and not among the newest `keep`.
///
/// The newest version stays whatever `keep` is: without it a stack's servers
/// are nobody's.
pub fn prune(
    tx: &Transaction<'_>,
    stack: StackId,
    keep: u32,
    older_than: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "DELETE FROM state_version
          WHERE stack_id = ?1
            AND created_at < ?3
            AND number NOT IN (SELECT number
                                 FROM state_version
                                WHERE stack_id = ?1
                                ORDER BY number DESC
                                LIMIT ?2)",
    )?
    .execute(params![stack.to_string(), keep.max(1), column::time(older_than)])
    .map(drop)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StateVersion> {
    let columns = Columns::of("state_version", row);
    Ok(StateVersion {
        serial: columns.number("serial")?,
        lineage: columns.get("lineage")?,
        sha256: columns.get("sha256")?,
        size: columns.number("size")?,
        resources: columns.number("resources")?,
        run_id: columns.parsed("run_id")?,
        created_at: columns.time("created_at")?,
    })
}
