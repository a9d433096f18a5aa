//! Terraform stacks.

use flightdeck_domain::{id::StackId, stack::Stack};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::{
    change::{self, Author, SyncedTable},
    column::{self, Columns},
};

/// `stack`, in a workspace's database.
pub static TABLE: SyncedTable = SyncedTable { name: "stack" };

/// Makes the stored stack be `stack`.
pub fn put(tx: &Transaction<'_>, author: &Author, stack: &Stack) -> rusqlite::Result<()> {
    let fields = [
        ("name", column::text(&stack.name)),
        ("module", column::text(&stack.module)),
        ("credential_id", column::text(stack.credential_id)),
        ("ssh_credential_id", column::text(stack.ssh_credential_id)),
        ("inputs", column::json(&stack.inputs)?),
        ("status", column::text(stack.status)),
        ("created_at", column::time(stack.created_at)),
    ];
    change::put(tx, author, &TABLE, &stack.id.to_string(), &fields)
}

/// Marks the stack as deleted; its runs and states stay.
pub fn delete(tx: &Transaction<'_>, author: &Author, id: StackId) -> rusqlite::Result<()> {
    change::delete(tx, author, &TABLE, &id.to_string())
}

/// Returns the stack `id`, if there is one.
pub fn by_id(conn: &Connection, id: StackId) -> rusqlite::Result<Option<Stack>> {
    conn.prepare_cached("SELECT * FROM stack WHERE id = ?1 AND deleted_at IS NULL")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns the stack that people call `name`, if there is one.
pub fn by_name(conn: &Connection, name: &str) -> rusqlite::Result<Option<Stack>> {
    conn.prepare_cached("SELECT * FROM stack WHERE name = ?1 AND deleted_at IS NULL")?
        .query_row([name], from_row)
        .optional()
}

/// Returns every stack, by name.
pub fn list(conn: &Connection) -> rusqlite::Result<Vec<Stack>> {
    conn.prepare_cached(
        "SELECT *
           FROM stack
          WHERE deleted_at IS NULL
          ORDER BY name COLLATE NOCASE, id",
    )?
    .query_map([], from_row)?
    .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Stack> {
    let columns = Columns::of("stack", row);
    Ok(Stack {
        id: columns.parsed("id")?,
        name: columns.get("name")?,
        module: columns.get("module")?,
        credential_id: columns.parsed("credential_id")?,
        ssh_credential_id: columns.parsed("ssh_credential_id")?,
        inputs: columns.json("inputs")?,
        status: columns.parsed("status")?,
        created_at: columns.time("created_at")?,
    })
}
