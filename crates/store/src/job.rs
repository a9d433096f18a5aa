//! Durable long work: jobs, the journal of their steps, and what steps put out.

use std::collections::HashMap;

use flightdeck_domain::{
    id::{JobId, OrganizationId},
    job::{Failure, Job, JobStatus, LogLine, StepRecord, StepStatus},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};
use serde_json::{Map, Value};

use crate::column::{self, Columns, one_row};

/// A job with what only the engine reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What people see of it.
    pub job: Job,
    /// What its plan is made from.
    pub payload: Value,
    /// What its steps put out, by name.
    pub outputs: Map<String, Value>,
    /// The process that runs it, dead or alive; none where it rests.
    pub owner: Option<String>,
}

/// Writes a new job down, with its steps and outputs.
pub fn insert(tx: &Transaction<'_>, row: &Row) -> rusqlite::Result<()> {
    let job = &row.job;
    tx.prepare_cached(
        "INSERT INTO job
                (id, organization_id, actor_id, kind, target, title, status, payload, failure,
                 cancel_requested, owner, created_at, ended_at, dismissed)
         VALUES (:id, :organization_id, :actor_id, :kind, :target, :title, :status, :payload,
                 :failure, :cancel_requested, :owner, :created_at, :ended_at, :dismissed)",
    )?
    .execute(named_params! {
        ":id": job.id.to_string(),
        ":organization_id": job.organization_id.to_string(),
        ":actor_id": job.actor.to_string(),
        ":kind": job.kind,
        ":target": job.target,
        ":title": job.title,
        ":status": job.status.as_str(),
        ":payload": column::json(&row.payload)?,
        ":failure": column::json_optional(job.failure.as_ref())?,
        ":cancel_requested": job.cancel_requested,
        ":owner": row.owner,
        ":created_at": column::time(job.created_at),
        ":ended_at": column::time_optional(job.ended_at),
        ":dismissed": job.dismissed,
    })?;
    let mut statement = tx.prepare_cached(
        "INSERT INTO job_step (job_id, position, name, status, progress, started_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (position, step) in (0_i64..).zip(&job.steps) {
        statement.execute(params![
            job.id.to_string(),
            position,
            step.name,
            step.status.as_str(),
            step.progress,
            column::time_optional(step.started_at),
            column::time_optional(step.ended_at),
        ])?;
    }
    for (name, value) in &row.outputs {
        set_output(tx, job.id, name, value)?;
    }
    Ok(())
}

/// Returns the job `id` with everything, if there is one.
pub fn by_id(conn: &Connection, id: JobId) -> rusqlite::Result<Option<Row>> {
    let row = conn
        .prepare_cached("SELECT * FROM job WHERE id = ?1")?
        .query_row([id.to_string()], from_row)
        .optional()?;
    match row {
        Some(mut row) => {
            row.job.steps = steps(conn, id)?;
            row.outputs = outputs(conn, id)?;
            Ok(Some(row))
        }
        None => Ok(None),
    }
}

/// Returns the newest 500 jobs, of one organization or of all.
pub fn list(
    conn: &Connection,
    organization: Option<OrganizationId>,
    include_dismissed: bool,
) -> rusqlite::Result<Vec<Job>> {
    let filter = named_params! {
        ":organization": organization.map(|id| id.to_string()),
        ":include_dismissed": include_dismissed,
    };
    let jobs = conn
        .prepare_cached(
            "SELECT *
               FROM job
              WHERE (:organization IS NULL OR organization_id = :organization)
                AND (:include_dismissed OR NOT dismissed)
              ORDER BY created_at DESC, id DESC
              LIMIT 500",
        )?
        .query_map(filter, |row| Ok(from_row(row)?.job))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut steps: HashMap<JobId, Vec<StepRecord>> = HashMap::new();
    let mut statement = conn.prepare_cached(
        "SELECT *
           FROM job_step
          WHERE job_id IN (SELECT id
                             FROM job
                            WHERE (:organization IS NULL OR organization_id = :organization)
                              AND (:include_dismissed OR NOT dismissed)
                            ORDER BY created_at DESC, id DESC
                            LIMIT 500)
          ORDER BY job_id, position",
    )?;
    let rows = statement.query_map(filter, |row| {
        Ok((Columns::of("job_step", row).parsed("job_id")?, step_from_row(row)?))
    })?;
    for row in rows {
        let (job, step) = row?;
        steps.entry(job).or_default().push(step);
    }
    let with_steps = |job: Job| Job { steps: steps.remove(&job.id).unwrap_or_default(), ..job };
    Ok(jobs.into_iter().map(with_steps).collect())
}

/// Returns every job that is not over, the oldest first.
pub fn unfinished(conn: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut rows = conn
        .prepare_cached(
            "SELECT *
               FROM job
              WHERE status IN ('queued', 'running', 'undoing')
              ORDER BY created_at, id",
        )?
        .query_map([], from_row)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for row in &mut rows {
        row.job.steps = steps(conn, row.job.id)?;
        row.outputs = outputs(conn, row.job.id)?;
    }
    Ok(rows)
}

/// Returns the job that is at work on `target`, or about to be, if there is one.
pub fn active_on(conn: &Connection, target: &str) -> rusqlite::Result<Option<Job>> {
    let row = conn
        .prepare_cached(
            "SELECT *
               FROM job
              WHERE target = ?1 AND status IN ('queued', 'running', 'undoing')
              ORDER BY created_at, id
              LIMIT 1",
        )?
        .query_row([target], from_row)
        .optional()?;
    match row {
        Some(Row { job, .. }) => Ok(Some(Job { steps: steps(conn, job.id)?, ..job })),
        None => Ok(None),
    }
}

/// Takes the job for `owner` and says whether it has it now.
///
/// It is had if nobody held it, if `owner` did, or if `dead` says that the
/// holder is no more. Whether the job is over is not asked.
pub fn claim(
    tx: &Transaction<'_>,
    id: JobId,
    owner: &str,
    dead: &dyn Fn(&str) -> bool,
) -> rusqlite::Result<bool> {
    let holder = tx
        .prepare_cached("SELECT owner FROM job WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get::<_, Option<String>>("owner"))
        .optional()?;
    let free = match holder {
        Some(Some(holder)) => holder == owner || dead(&holder),
        Some(None) => true,
        None => false,
    };
    if free {
        tx.prepare_cached("UPDATE job SET owner = ?2 WHERE id = ?1")?
            .execute([id.to_string().as_str(), owner])?;
    }
    Ok(free)
}

/// Gives the job back to whoever claims it next.
pub fn release(tx: &Transaction<'_>, id: JobId) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE job SET owner = NULL WHERE id = ?1")?
        .execute([id.to_string()])
        .and_then(one_row)
}

/// Writes down how the job stands.
pub fn set_status(
    tx: &Transaction<'_>,
    id: JobId,
    status: JobStatus,
    failure: Option<&Failure>,
    ended_at: Option<Timestamp>,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE job
            SET status = ?2, failure = ?3, ended_at = ?4
          WHERE id = ?1",
    )?
    .execute(params![
        id.to_string(),
        status.as_str(),
        column::json_optional(failure)?,
        column::time_optional(ended_at),
    ])
    .and_then(one_row)
}

/// Writes down how one step stands: the journal.
///
/// A step that begins, or begins to be undone, is timed anew.
pub fn set_step(
    tx: &Transaction<'_>,
    id: JobId,
    step: &str,
    status: StepStatus,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let sql = match status {
        StepStatus::Pending => {
            "UPDATE job_step
                SET status = ?3, progress = NULL, started_at = NULL, ended_at = NULL
              WHERE job_id = ?1 AND name = ?2 AND ?4 IS NOT NULL"
        }
        StepStatus::Running | StepStatus::Undoing => {
            "UPDATE job_step
                SET status = ?3, progress = NULL, started_at = ?4, ended_at = NULL
              WHERE job_id = ?1 AND name = ?2"
        }
        StepStatus::Done | StepStatus::Failed | StepStatus::Undone => {
            "UPDATE job_step
                SET status = ?3, progress = NULL, ended_at = ?4
              WHERE job_id = ?1 AND name = ?2"
        }
    };
    tx.prepare_cached(sql)?
        .execute(params![id.to_string(), step, status.as_str(), column::time(now)])
        .and_then(one_row)
}

/// Writes down how far a running step is, from 0 to 1.
pub fn set_step_progress(
    tx: &Transaction<'_>,
    id: JobId,
    step: &str,
    progress: Option<f64>,
) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE job_step SET progress = ?3 WHERE job_id = ?1 AND name = ?2")?
        .execute(params![id.to_string(), step, progress])
        .and_then(one_row)
}

/// Stores what a step put out, in place of what it put out before.
pub fn set_output(
    tx: &Transaction<'_>,
    id: JobId,
    name: &str,
    value: &Value,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO job_output (job_id, name, value)
         VALUES (?1, ?2, ?3)
         ON CONFLICT (job_id, name) DO UPDATE
            SET value = excluded.value",
    )?
    .execute(params![id.to_string(), name, column::json(value)?])
    .map(drop)
}

/// Removes everything that the job's steps put out.
pub fn clear_outputs(tx: &Transaction<'_>, id: JobId) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM job_output WHERE job_id = ?1")?
        .execute([id.to_string()])
        .map(drop)
}

/// Asks the job to stop; whoever runs it looks.
pub fn request_cancel(tx: &Transaction<'_>, id: JobId) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE job SET cancel_requested = 1 WHERE id = ?1")?
        .execute([id.to_string()])
        .and_then(one_row)
}

/// Says whether somebody asked the job to stop.
pub fn is_cancel_requested(conn: &Connection, id: JobId) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT cancel_requested FROM job WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get("cancel_requested"))
        .optional()
        .map(Option::unwrap_or_default)
}

/// Puts the job away: it stays, but out of sight.
pub fn dismiss(tx: &Transaction<'_>, id: JobId) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE job SET dismissed = 1 WHERE id = ?1")?
        .execute([id.to_string()])
        .and_then(one_row)
}

/// Makes the job ready to run again from the first step that is not done.
pub fn reset_for_retry(tx: &Transaction<'_>, id: JobId) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE job
            SET status = 'queued', failure = NULL, cancel_requested = 0, ended_at = NULL,
                dismissed = 0
          WHERE id = ?1",
    )?
    .execute([id.to_string()])
    .and_then(one_row)?;
    tx.prepare_cached(
        "UPDATE job_step
            SET status = 'pending', progress = NULL, started_at = NULL, ended_at = NULL
          WHERE job_id = ?1 AND status != 'done'",
    )?
    .execute([id.to_string()])
    .map(drop)
}

/// Adds a line to the job's log and returns it with its number.
pub fn append_log(
    tx: &Transaction<'_>,
    id: JobId,
    now: Timestamp,
    step: &str,
    text: &str,
) -> rusqlite::Result<LogLine> {
    tx.prepare_cached(
        "INSERT INTO job_log (job_id, number, at, step, text)
         VALUES (?1, (SELECT COALESCE(MAX(number), 0) + 1 FROM job_log WHERE job_id = ?1),
                 ?2, ?3, ?4)
         RETURNING number, at, step, text",
    )?
    .query_row(params![id.to_string(), column::time(now), step, text], line_from_row)
}

/// Returns up to `limit` lines of the job's log that follow line `after`.
pub fn log(conn: &Connection, id: JobId, after: u32, limit: u32) -> rusqlite::Result<Vec<LogLine>> {
    conn.prepare_cached(
        "SELECT number, at, step, text
           FROM job_log
          WHERE job_id = ?1 AND number > ?2
          ORDER BY number
          LIMIT ?3",
    )?
    .query_map(params![id.to_string(), after, limit], line_from_row)?
    .collect()
}

fn steps(conn: &Connection, id: JobId) -> rusqlite::Result<Vec<StepRecord>> {
    conn.prepare_cached("SELECT * FROM job_step WHERE job_id = ?1 ORDER BY position")?
        .query_map([id.to_string()], step_from_row)?
        .collect()
}

fn outputs(conn: &Connection, id: JobId) -> rusqlite::Result<Map<String, Value>> {
    conn.prepare_cached("SELECT name, value FROM job_output WHERE job_id = ?1 ORDER BY name")?
        .query_map([id.to_string()], |row| {
            let columns = Columns::of("job_output", row);
            Ok((columns.get("name")?, columns.json("value")?))
        })?
        .collect()
}

/// Reads all but the steps and outputs, which are rows of their own.
fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let columns = Columns::of("job", row);
    let job = Job {
        id: columns.parsed("id")?,
        organization_id: columns.parsed("organization_id")?,
        actor: columns.parsed("actor_id")?,
        kind: columns.get("kind")?,
        target: columns.get("target")?,
        title: columns.get("title")?,
        status: columns.parsed("status")?,
        steps: Vec::new(),
        failure: columns.json_optional("failure")?,
        cancel_requested: columns.get("cancel_requested")?,
        created_at: columns.time("created_at")?,
        ended_at: columns.time_optional("ended_at")?,
        dismissed: columns.get("dismissed")?,
    };
    let payload = columns.json("payload")?;
    Ok(Row { job, payload, outputs: Map::new(), owner: columns.get("owner")? })
}

fn step_from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<StepRecord> {
    let columns = Columns::of("job_step", row);
    Ok(StepRecord {
        name: columns.get("name")?,
        status: columns.parsed("status")?,
        progress: columns.get("progress")?,
        started_at: columns.time_optional("started_at")?,
        ended_at: columns.time_optional("ended_at")?,
    })
}

fn line_from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<LogLine> {
    let columns = Columns::of("job_log", row);
    Ok(LogLine {
        number: columns.number("number")?,
        at: columns.time("at")?,
        step: columns.get("step")?,
        text: columns.get("text")?,
    })
}
