//! People on this device.

use flightdeck_domain::{id::UserId, member::User};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::column::Columns;

/// Makes the stored person be `user`.
pub fn put(tx: &Transaction<'_>, user: &User) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO user (id, name)
         VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE
            SET name = excluded.name",
    )?
    .execute(params![user.id.to_string(), user.name])
    .map(drop)
}

/// Returns the person `id`, if there is one.
pub fn by_id(conn: &Connection, id: UserId) -> rusqlite::Result<Option<User>> {
    conn.prepare_cached("SELECT * FROM user WHERE id = ?1")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns whom this device knew first: its owner.
pub fn first(conn: &Connection) -> rusqlite::Result<Option<User>> {
    conn.prepare_cached("SELECT * FROM user ORDER BY id LIMIT 1")?
        .query_row([], from_row)
        .optional()
}

/// Returns everybody, by name.
pub fn list(conn: &Connection) -> rusqlite::Result<Vec<User>> {
    conn.prepare_cached("SELECT * FROM user ORDER BY name COLLATE NOCASE, id")?
        .query_map([], from_row)?
        .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<User> {
    let columns = Columns::of("user", row);
    Ok(User { id: columns.parsed("id")?, name: columns.get("name")? })
}
