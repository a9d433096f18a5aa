//! Terraform operations on stacks, and the plans that wait for a yes.

use flightdeck_domain::{
    id::{RunId, StackId},
    stack::Run,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::column::{self, Columns, one_row};

/// Writes a new run down.
pub fn insert(tx: &Transaction<'_>, run: &Run) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO run
                (id, stack_id, job_id, operation, status, changes, resources, diagnostics,
                 started_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        run.id.to_string(),
        run.stack_id.to_string(),
        run.job_id.to_string(),
        run.operation.as_str(),
        run.status.as_str(),
        column::json(&run.changes)?,
        column::json(&run.resources)?,
        column::json(&run.diagnostics)?,
        column::time(run.started_at),
        column::time_optional(run.ended_at),
    ])
    .map(drop)
}

/// Writes down how the run went on; of what it is, nothing changes.
pub fn update(tx: &Transaction<'_>, run: &Run) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE run
            SET status = ?2, changes = ?3, resources = ?4, diagnostics = ?5, ended_at = ?6
          WHERE id = ?1",
    )?
    .execute(params![
        run.id.to_string(),
        run.status.as_str(),
        column::json(&run.changes)?,
        column::json(&run.resources)?,
        column::json(&run.diagnostics)?,
        column::time_optional(run.ended_at),
    ])
    .and_then(one_row)
}

/// Returns the run `id`, if there is one.
pub fn by_id(conn: &Connection, id: RunId) -> rusqlite::Result<Option<Run>> {
    conn.prepare_cached("SELECT * FROM run WHERE id = ?1")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns the newest `limit` runs on `stack`, the newest first.
pub fn of_stack(conn: &Connection, stack: StackId, limit: u32) -> rusqlite::Result<Vec<Run>> {
    conn.prepare_cached(
        "SELECT *
           FROM run
          WHERE stack_id = ?1
          ORDER BY started_at DESC, id DESC
          LIMIT ?2",
    )?
    .query_map(params![stack.to_string(), limit], from_row)?
    .collect()
}

/// Returns the newest run on `stack`, if there is one.
pub fn latest(conn: &Connection, stack: StackId) -> rusqlite::Result<Option<Run>> {
    Ok(of_stack(conn, stack, 1)?.pop())
}

/// Returns every run that Terraform is at work on, or was when we ended.
pub fn unfinished(conn: &Connection) -> rusqlite::Result<Vec<Run>> {
    conn.prepare_cached("SELECT * FROM run WHERE status = 'running' ORDER BY started_at, id")?
        .query_map([], from_row)?
        .collect()
}

/// Stores the `sealed` plan of a run, in place of one it had.
pub fn put_plan(tx: &Transaction<'_>, run: RunId, sealed: &[u8]) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO run_plan (run_id, sealed)
         VALUES (?1, ?2)
         ON CONFLICT (run_id) DO UPDATE
            SET sealed = excluded.sealed",
    )?
    .execute(params![run.to_string(), sealed])
    .map(drop)
}

/// Returns the sealed plan of a run, if it has one.
pub fn plan(conn: &Connection, run: RunId) -> rusqlite::Result<Option<Vec<u8>>> {
    conn.prepare_cached("SELECT sealed FROM run_plan WHERE run_id = ?1")?
        .query_row([run.to_string()], |row| row.get("sealed"))
        .optional()
}

/// Removes the plan of a run: it was spent, or nobody may spend it any more.
pub fn take_plan(tx: &Transaction<'_>, run: RunId) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM run_plan WHERE run_id = ?1")?
        .execute([run.to_string()])
        .map(drop)
}

/// Says whether somebody said yes or no to the run's plan.
pub fn decided(conn: &Connection, run: RunId) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT is_decided FROM run WHERE id = ?1")?
        .query_row([run.to_string()], |row| row.get("is_decided"))
        .optional()
        .map(Option::unwrap_or_default)
}

/// Writes down that somebody said yes or no to the run's plan.
pub fn set_decided(tx: &Transaction<'_>, run: RunId) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE run SET is_decided = 1 WHERE id = ?1")?
        .execute([run.to_string()])
        .and_then(one_row)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Run> {
    let columns = Columns::of("run", row);
    Ok(Run {
        id: columns.parsed("id")?,
        stack_id: columns.parsed("stack_id")?,
        job_id: columns.parsed("job_id")?,
        operation: columns.parsed("operation")?,
        status: columns.parsed("status")?,
        changes: columns.json("changes")?,
        resources: columns.json("resources")?,
        diagnostics: columns.json("diagnostics")?,
        started_at: columns.time("started_at")?,
        ended_at: columns.time_optional("ended_at")?,
    })
}
