//! Machines that we reach over SSH.

use flightdeck_domain::{
    id::{ServerId, StackId},
    server::{Endpoint, Server},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::{
    change::{self, Author, SyncedTable},
    column::{self, Columns},
};

/// `server`, in a workspace's database.
pub static TABLE: SyncedTable = SyncedTable { name: "server" };

/// Makes the stored server be `server`.
pub fn put(tx: &Transaction<'_>, author: &Author, server: &Server) -> rusqlite::Result<()> {
    let fields = [
        ("name", column::text(&server.name)),
        ("host", column::text(&server.endpoint.host)),
        ("port", column::number(server.endpoint.port.into())?),
        ("login", column::text(&server.endpoint.user)),
        ("credential_id", column::text(server.credential_id)),
        ("host_key", column::json_optional(server.host_key.as_ref())?),
        ("status", column::text(server.status.as_str())),
        ("checks", column::json(&server.checks)?),
        ("facts", column::json_optional(server.facts.as_ref())?),
        ("stack_id", column::text_optional(server.stack_id)),
        ("created_at", column::time(server.created_at)),
    ];
    change::put(tx, author, &TABLE, &server.id.to_string(), &fields)
}

/// Marks the server as deleted.
pub fn delete(tx: &Transaction<'_>, author: &Author, id: ServerId) -> rusqlite::Result<()> {
    change::delete(tx, author, &TABLE, &id.to_string())
}

/// Returns the server `id`, if there is one.
pub fn by_id(conn: &Connection, id: ServerId) -> rusqlite::Result<Option<Server>> {
    conn.prepare_cached("SELECT * FROM server WHERE id = ?1 AND deleted_at IS NULL")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns the server that people call `name`, if there is one.
pub fn by_name(conn: &Connection, name: &str) -> rusqlite::Result<Option<Server>> {
    conn.prepare_cached("SELECT * FROM server WHERE name = ?1 AND deleted_at IS NULL")?
        .query_row([name], from_row)
        .optional()
}

/// Returns the servers that `stack` made, by name.
pub fn of_stack(conn: &Connection, stack: StackId) -> rusqlite::Result<Vec<Server>> {
    conn.prepare_cached(
        "SELECT *
           FROM server
          WHERE stack_id = ?1 AND deleted_at IS NULL
          ORDER BY name COLLATE NOCASE, id",
    )?
    .query_map([stack.to_string()], from_row)?
    .collect()
}

/// Returns every server, by name.
pub fn list(conn: &Connection) -> rusqlite::Result<Vec<Server>> {
    conn.prepare_cached(
        "SELECT *
           FROM server
          WHERE deleted_at IS NULL
          ORDER BY name COLLATE NOCASE, id",
    )?
    .query_map([], from_row)?
    .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Server> {
    let columns = Columns::of("server", row);
    Ok(Server {
        id: columns.parsed("id")?,
        name: columns.get("name")?,
        endpoint: Endpoint {
            host: columns.get("host")?,
            port: columns.number("port")?,
            user: columns.get("login")?,
        },
        credential_id: columns.parsed("credential_id")?,
        host_key: columns.json_optional("host_key")?,
        status: columns.parsed("status")?,
        checks: columns.json("checks")?,
        facts: columns.json_optional("facts")?,
        stack_id: columns.parsed_optional("stack_id")?,
        created_at: columns.time("created_at")?,
    })
}
