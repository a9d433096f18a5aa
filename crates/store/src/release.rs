//! Immutable versions of applications.

use flightdeck_domain::{
    application::Release,
    id::{ApplicationId, ReleaseId},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::column::{self, Columns, one_row};

/// Writes a new release down; a number that is there already is an error.
pub fn insert(tx: &Transaction<'_>, release: &Release) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO release
                (id, application_id, number, image, digest, configuration, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        release.id.to_string(),
        release.application_id.to_string(),
        release.number,
        release.image.as_str(),
        release.digest,
        column::json(&release.configuration)?,
        column::time(release.created_at),
    ])
    .map(drop)
}

/// Stores which image the registry answered with: the one thing learned later.
pub fn set_digest(tx: &Transaction<'_>, id: ReleaseId, digest: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE release SET digest = ?2 WHERE id = ?1")?
        .execute([id.to_string().as_str(), digest])
        .and_then(one_row)
}

/// Returns the number that the application's next release has.
pub fn next_number(conn: &Connection, application: ApplicationId) -> rusqlite::Result<u32> {
    conn.prepare_cached(
        "SELECT COALESCE(MAX(number), 0) + 1 AS number
           FROM release
          WHERE application_id = ?1",
    )?
    .query_row([application.to_string()], |row| Columns::of("release", row).number("number"))
}

/// Returns the release `id`, if there is one.
pub fn by_id(conn: &Connection, id: ReleaseId) -> rusqlite::Result<Option<Release>> {
    conn.prepare_cached("SELECT * FROM release WHERE id = ?1")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns every release of `application`, the newest first.
pub fn of_application(
    conn: &Connection,
    application: ApplicationId,
) -> rusqlite::Result<Vec<Release>> {
    conn.prepare_cached("SELECT * FROM release WHERE application_id = ?1 ORDER BY number DESC")?
        .query_map([application.to_string()], from_row)?
        .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Release> {
    let columns = Columns::of("release", row);
    Ok(Release {
        id: columns.parsed("id")?,
        application_id: columns.parsed("application_id")?,
        number: columns.number("number")?,
        image: columns.word("image")?,
        digest: columns.get("digest")?,
        configuration: columns.json("configuration")?,
        created_at: columns.time("created_at")?,
    })
}
