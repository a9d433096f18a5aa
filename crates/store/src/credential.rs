//! Credentials: what may be shown in one table, what is sealed in another.

use std::collections::BTreeMap;

use flightdeck_domain::{credential::Credential, id::CredentialId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, types::Value};

use crate::{
    change::{self, Author, SyncedTable},
    column::{self, Columns},
};

/// `credential`, in a workspace's database.
pub static TABLE: SyncedTable = SyncedTable { name: "credential" };

/// Makes the stored credential be `credential`, but for its secrets and last use.
///
/// When it was used last is a fact of this device: [`touch_used`] stores it.
pub fn put(tx: &Transaction<'_>, author: &Author, credential: &Credential) -> rusqlite::Result<()> {
    let fields = [
        ("name", column::text(&credential.name)),
        ("provider", column::text(credential.provider)),
        ("fingerprint", column::text(&credential.fingerprint)),
        ("public_fields", column::json(&credential.public_fields)?),
        ("status", column::json(&credential.status)?),
        ("created_at", column::time(credential.created_at)),
    ];
    change::put(tx, author, &TABLE, &credential.id.to_string(), &fields)
}

/// Marks the credential as deleted, and removes its secrets for real.
pub fn delete(tx: &Transaction<'_>, author: &Author, id: CredentialId) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM credential_secret WHERE credential_id = ?1")?
        .execute([id.to_string()])?;
    change::delete(tx, author, &TABLE, &id.to_string())
}

/// Stores the `sealed` value of one field; the record says only that it was set.
pub fn put_secret(
    tx: &Transaction<'_>,
    author: &Author,
    id: CredentialId,
    field: &str,
    sealed: &[u8],
) -> rusqlite::Result<()> {
    let sealed = Value::Blob(sealed.to_owned());
    tx.prepare_cached(
        "INSERT INTO credential_secret (credential_id, field, sealed)
         VALUES (?1, ?2, ?3)
         ON CONFLICT (credential_id, field) DO UPDATE
            SET sealed = excluded.sealed",
    )?
    .execute(params![id.to_string(), field, sealed])?;
    let field = format!("secret.{field}");
    change::record(tx, author, &TABLE, &id.to_string(), [(field.as_str(), &sealed)])
}

/// Returns the sealed value of one field, if it was filled in.
pub fn secret(
    conn: &Connection,
    id: CredentialId,
    field: &str,
) -> rusqlite::Result<Option<Vec<u8>>> {
    conn.prepare_cached(
        "SELECT sealed
           FROM credential_secret
          WHERE credential_id = ?1 AND field = ?2",
    )?
    .query_row([id.to_string().as_str(), field], |row| row.get("sealed"))
    .optional()
}

/// Returns the sealed values of all fields that were filled in, by name.
pub fn secrets(conn: &Connection, id: CredentialId) -> rusqlite::Result<BTreeMap<String, Vec<u8>>> {
    conn.prepare_cached("SELECT field, sealed FROM credential_secret WHERE credential_id = ?1")?
        .query_map([id.to_string()], |row| Ok((row.get("field")?, row.get("sealed")?)))?
        .collect()
}

/// Stores that a run or a connection used the credential.
pub fn touch_used(tx: &Transaction<'_>, id: CredentialId, now: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO credential_use (credential_id, last_used_at)
         VALUES (?1, ?2)
         ON CONFLICT (credential_id) DO UPDATE
            SET last_used_at = excluded.last_used_at",
    )?
    .execute(params![id.to_string(), column::time(now)])
    .map(drop)
}

/// Returns the credential `id`, if there is one.
pub fn by_id(conn: &Connection, id: CredentialId) -> rusqlite::Result<Option<Credential>> {
    conn.prepare_cached(
        "SELECT credential.*, last_used_at
           FROM credential
           LEFT JOIN credential_use ON credential_id = id
          WHERE id = ?1 AND deleted_at IS NULL",
    )?
    .query_row([id.to_string()], from_row)
    .optional()
}

/// Returns the credential that people call `name`, if there is one.
pub fn by_name(conn: &Connection, name: &str) -> rusqlite::Result<Option<Credential>> {
    conn.prepare_cached(
        "SELECT credential.*, last_used_at
           FROM credential
           LEFT JOIN credential_use ON credential_id = id
          WHERE name = ?1 AND deleted_at IS NULL",
    )?
    .query_row([name], from_row)
    .optional()
}

/// Returns every credential, by name.
pub fn list(conn: &Connection) -> rusqlite::Result<Vec<Credential>> {
    conn.prepare_cached(
        "SELECT credential.*, last_used_at
           FROM credential
           LEFT JOIN credential_use ON credential_id = id
          WHERE deleted_at IS NULL
          ORDER BY name COLLATE NOCASE, id",
    )?
    .query_map([], from_row)?
    .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Credential> {
    let columns = Columns::of("credential", row);
    Ok(Credential {
        id: columns.parsed("id")?,
        name: columns.get("name")?,
        provider: columns.parsed("provider")?,
        fingerprint: columns.get("fingerprint")?,
        public_fields: columns.json("public_fields")?,
        status: columns.json("status")?,
        created_at: columns.time("created_at")?,
        last_used_at: columns.time_optional("last_used_at")?,
    })
}
