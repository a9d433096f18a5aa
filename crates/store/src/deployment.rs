//! Moves of applications from one release to another.

use flightdeck_domain::{
    application::{Deployment, DeploymentStatus},
    id::{ApplicationId, DeploymentId},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::column::{self, Columns, one_row};

/// Writes a new deployment down.
pub fn insert(tx: &Transaction<'_>, deployment: &Deployment) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO deployment
                (id, application_id, release_id, previous_release_id, job_id, strategy, status,
                 reason, started_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        deployment.id.to_string(),
        deployment.application_id.to_string(),
        deployment.release_id.to_string(),
        column::text_optional(deployment.previous_release_id),
        deployment.job_id.to_string(),
        column::word(&deployment.strategy)?,
        deployment.status.as_str(),
        deployment.reason,
        column::time(deployment.started_at),
        column::time_optional(deployment.ended_at),
    ])
    .map(drop)
}

/// Writes down how the deployment ended, or that it goes on: a retry has no end yet.
pub fn finish(
    tx: &Transaction<'_>,
    id: DeploymentId,
    status: DeploymentStatus,
    reason: Option<&str>,
    ended_at: Option<Timestamp>,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE deployment
            SET status = ?2, reason = ?3, ended_at = ?4
          WHERE id = ?1",
    )?
    .execute(params![id.to_string(), status.as_str(), reason, column::time_optional(ended_at)])
    .and_then(one_row)
}

/// Returns the deployment `id`, if there is one.
pub fn by_id(conn: &Connection, id: DeploymentId) -> rusqlite::Result<Option<Deployment>> {
    conn.prepare_cached("SELECT * FROM deployment WHERE id = ?1")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns the newest `limit` deployments of `application`, the newest first.
pub fn of_application(
    conn: &Connection,
    application: ApplicationId,
    limit: u32,
) -> rusqlite::Result<Vec<Deployment>> {
    conn.prepare_cached(
        "SELECT *
           FROM deployment
          WHERE application_id = ?1
          ORDER BY started_at DESC, id DESC
          LIMIT ?2",
    )?
    .query_map(params![application.to_string(), limit], from_row)?
    .collect()
}

/// Returns the deployments that are shown as running.
pub fn running(conn: &Connection) -> rusqlite::Result<Vec<Deployment>> {
    conn.prepare_cached("SELECT * FROM deployment WHERE status = ?1")?
        .query_map([DeploymentStatus::Running.as_str()], from_row)?
        .collect()
}

/// Returns the newest deployment of `application`, if there is one.
pub fn latest(
    conn: &Connection,
    application: ApplicationId,
) -> rusqlite::Result<Option<Deployment>> {
    Ok(of_application(conn, application, 1)?.pop())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Deployment> {
    let columns = Columns::of("deployment", row);
    Ok(Deployment {
        id: columns.parsed("id")?,
        application_id: columns.parsed("application_id")?,
        release_id: columns.parsed("release_id")?,
        previous_release_id: columns.parsed_optional("previous_release_id")?,
        job_id: columns.parsed("job_id")?,
        strategy: columns.word("strategy")?,
        status: columns.parsed("status")?,
        reason: columns.get("reason")?,
        started_at: columns.time("started_at")?,
        ended_at: columns.time_optional("ended_at")?,
    })
}
