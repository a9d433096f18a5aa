//! The one way to write a synced table, and the record it leaves.

use flightdeck_domain::id::{DeviceId, UserId};
use jiff::Timestamp;
use rusqlite::{
    Connection, OptionalExtension, Row, Transaction, params, params_from_iter, types::Value,
};

use crate::{
    column::{self, Columns},
    stamp::{self, Stamp},
};

/// Who writes, on which device, when.
#[derive(Debug, Clone)]
pub struct Author {
    /// The person; none for the program itself.
    pub actor: Option<UserId>,
    /// This installation.
    pub device: DeviceId,
    /// The wall clock's time.
    pub now: Timestamp,
}

/// A table whose rows travel between devices.
///
/// It has a text column `id` and a column `deleted_at`: a row that is gone
/// stays as a mark that other devices can learn from.
#[derive(Debug)]
pub struct SyncedTable {
    /// Its name in the database.
    pub name: &'static str,
}

/// One field of one row that somebody set.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// When, in the order that all devices share.
    pub stamp: Stamp,
    /// In which table.
    pub table: String,
    /// In which row.
    pub row: String,
    /// Which field.
    pub field: String,
    /// To what; `{"sealed": true}` where the value is for nobody to see.
    pub value: serde_json::Value,
    /// Who; none for the program itself.
    pub actor: Option<UserId>,
    /// On which device.
    pub device: DeviceId,
}

const DELETED_AT: &str = "deleted_at";

/// Makes the row `id` have these `fields`, and records each that it changes.
///
/// A row that was deleted comes back. A put that changes nothing writes
/// nothing, not even a stamp.
pub fn put(
    tx: &Transaction<'_>,
    author: &Author,
    table: &'static SyncedTable,
    id: &str,
    fields: &[(&'static str, Value)],
) -> rusqlite::Result<()> {
    let before = current(tx, table, id, fields)?;
    let alive = (DELETED_AT, Value::Null);
    let after = fields.iter().chain([&alive]);
    let changed: Vec<&(&'static str, Value)> = match &before {
        Some(before) => {
            after.zip(before).filter(|(new, old)| new.1 != **old).map(|(new, _)| new).collect()
        }
        None => after.filter(|(_, value)| *value != Value::Null).collect(),
    };
    match before {
        Some(_) if changed.is_empty() => return Ok(()),
        Some(_) => update(tx, table, id, &changed)?,
        None => insert(tx, table, id, &changed)?,
    }
    record(tx, author, table, id, changed.into_iter().map(|(field, value)| (*field, value)))
}

/// Marks the row `id` as deleted, and records that; does nothing where it is so.
pub fn delete(
    tx: &Transaction<'_>,
    author: &Author,
    table: &'static SyncedTable,
    id: &str,
) -> rusqlite::Result<()> {
    let deleted_at = column::time(author.now);
    let sql =
        format!("UPDATE {} SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL", table.name);
    match tx.prepare_cached(&sql)?.execute(params![id, deleted_at])? {
        0 => Ok(()),
        _ => record(tx, author, table, id, [(DELETED_AT, &deleted_at)]),
    }
}

/// Returns what happened to the row `id`, the oldest change first.
pub fn of_row(
    conn: &Connection,
    table: &'static SyncedTable,
    id: &str,
) -> rusqlite::Result<Vec<Change>> {
    conn.prepare_cached(
        "SELECT stamp, table_name, row_id, field, value, actor_id, device_id
           FROM change
          WHERE table_name = ?1 AND row_id = ?2
          ORDER BY number",
    )?
    .query_map(params![table.name, id], from_row)?
    .collect()
}

/// Appends one change for each of `fields`, all with the same stamp.
pub(crate) fn record<'f>(
    tx: &Transaction<'_>,
    author: &Author,
    table: &'static SyncedTable,
    id: &str,
    fields: impl IntoIterator<Item = (&'f str, &'f Value)>,
) -> rusqlite::Result<()> {
    let stamp = stamp::next(tx, author.now, author.device)?.to_string();
    let actor = column::text_optional(author.actor);
    let device = author.device.to_string();
    let mut statement = tx.prepare_cached(
        "INSERT INTO change (stamp, table_name, row_id, field, value, actor_id, device_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (field, value) in fields {
        let value = shown(value).to_string();
        statement.execute(params![stamp, table.name, id, field, value, actor, device])?;
    }
    Ok(())
}

/// Returns the stored values of `fields` and of `deleted_at`, if the row exists.
fn current(
    tx: &Transaction<'_>,
    table: &SyncedTable,
    id: &str,
    fields: &[(&'static str, Value)],
) -> rusqlite::Result<Option<Vec<Value>>> {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).chain([DELETED_AT]).collect();
    let sql = format!("SELECT {} FROM {} WHERE id = ?1", names.join(", "), table.name);
    tx.prepare_cached(&sql)?
        .query_row([id], |row| (0..names.len()).map(|index| row.get(index)).collect())
        .optional()
}

fn insert(
    tx: &Transaction<'_>,
    table: &SyncedTable,
    id: &str,
    fields: &[&(&'static str, Value)],
) -> rusqlite::Result<()> {
    let names: Vec<&str> = ["id"].into_iter().chain(fields.iter().map(|f| f.0)).collect();
    let places: Vec<String> = (1..=names.len()).map(|place| format!("?{place}")).collect();
    let sql =
        format!("INSERT INTO {} ({}) VALUES ({})", table.name, names.join(", "), places.join(", "));
    let id = Value::Text(id.to_owned());
    let values = [&id].into_iter().chain(fields.iter().map(|field| &field.1));
    tx.prepare_cached(&sql)?.execute(params_from_iter(values)).map(drop)
}

fn update(
    tx: &Transaction<'_>,
    table: &SyncedTable,
    id: &str,
    fields: &[&(&'static str, Value)],
) -> rusqlite::Result<()> {
    let sets: Vec<String> =
        fields.iter().zip(2..).map(|(field, place)| format!("{} = ?{place}", field.0)).collect();
    let sql = format!("UPDATE {} SET {} WHERE id = ?1", table.name, sets.join(", "));
    let id = Value::Text(id.to_owned());
    let values = [&id].into_iter().chain(fields.iter().map(|field| &field.1));
    tx.prepare_cached(&sql)?.execute(params_from_iter(values)).map(drop)
}

/// The value as the record shows it: bytes are sealed, so only that they are there.
fn shown(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(integer) => (*integer).into(),
        Value::Real(real) => (*real).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Blob(_) => serde_json::json!({ "sealed": true }),
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Change> {
    let columns = Columns::of("change", row);
    Ok(Change {
        stamp: columns.parsed("stamp")?,
        table: columns.get("table_name")?,
        row: columns.get("row_id")?,
        field: columns.get("field")?,
        value: columns.json("value")?,
        actor: columns.parsed_optional("actor_id")?,
        device: columns.parsed("device_id")?,
    })
}
