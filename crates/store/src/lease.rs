//! Rights that one process holds at a time.

use rusqlite::{Connection, OptionalExtension, Transaction};

/// Takes the lease `name` for `owner` and says whether it has it now.
///
/// It is had if nobody held it, if `owner` did, or if `dead` says that the
/// holder is no more.
pub fn take(
    tx: &Transaction<'_>,
    name: &str,
    owner: &str,
    dead: &dyn Fn(&str) -> bool,
) -> rusqlite::Result<bool> {
    if let Some(holder) = holder(tx, name)?
        && holder != owner
        && !dead(&holder)
    {
        return Ok(false);
    }
    tx.prepare_cached(
        "INSERT INTO lease (name, owner)
         VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE
            SET owner = excluded.owner",
    )?
    .execute([name, owner])?;
    Ok(true)
}

/// Returns who holds the lease `name`, dead or alive.
pub fn holder(conn: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    conn.prepare_cached("SELECT owner FROM lease WHERE name = ?1")?
        .query_row([name], |row| row.get("owner"))
        .optional()
}

/// Gives the lease `name` back, if `owner` holds it.
pub fn release(tx: &Transaction<'_>, name: &str, owner: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM lease WHERE name = ?1 AND owner = ?2")?
        .execute([name, owner])
        .map(drop)
}
