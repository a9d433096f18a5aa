//! Choices that people make once, as JSON by key.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::column;

/// Returns the JSON that is stored under `key`, if any.
pub fn get(conn: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    conn.prepare_cached("SELECT value FROM setting WHERE key = ?1")?
        .query_row([key], |row| row.get("value"))
        .optional()
}

/// Stores the JSON `value` under `key`.
pub fn set(tx: &Transaction<'_>, key: &str, value: &str, now: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO setting (key, value, updated_at)
         VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE
            SET value = excluded.value, updated_at = excluded.updated_at",
    )?
    .execute(params![key, value, column::time(now)])
    .map(drop)
}
