//! Deployable things.

use flightdeck_domain::{
    application::Application,
    id::{ApplicationId, ServerId},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::{
    change::{self, Author, SyncedTable},
    column::{self, Columns},
};

/// `application`, in a workspace's database.
pub static TABLE: SyncedTable = SyncedTable { name: "application" };

/// Makes the stored application be `application`.
pub fn put(
    tx: &Transaction<'_>,
    author: &Author,
    application: &Application,
) -> rusqlite::Result<()> {
    let fields = [
        ("name", column::text(&application.name)),
        ("image", column::text(&application.image)),
        ("domain", column::text_optional(application.domain.as_ref())),
        ("servers", column::json(&application.servers)?),
        ("registry_credential_id", column::text_optional(application.registry_credential_id)),
        ("configuration", column::json(&application.configuration)?),
        ("current_release_id", column::text_optional(application.current_release_id)),
        ("created_at", column::time(application.created_at)),
    ];
    change::put(tx, author, &TABLE, &application.id.to_string(), &fields)
}

/// Marks the application as deleted; its releases and deployments stay.
pub fn delete(tx: &Transaction<'_>, author: &Author, id: ApplicationId) -> rusqlite::Result<()> {
    change::delete(tx, author, &TABLE, &id.to_string())
}

/// Returns the application `id`, if there is one.
pub fn by_id(conn: &Connection, id: ApplicationId) -> rusqlite::Result<Option<Application>> {
    conn.prepare_cached("SELECT * FROM application WHERE id = ?1 AND deleted_at IS NULL")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns the application that people call `name`, if there is one.
pub fn by_name(conn: &Connection, name: &str) -> rusqlite::Result<Option<Application>> {
    conn.prepare_cached("SELECT * FROM application WHERE name = ?1 AND deleted_at IS NULL")?
        .query_row([name], from_row)
        .optional()
}

/// Returns the applications that run on `server`, by name.
pub fn on_server(conn: &Connection, server: ServerId) -> rusqlite::Result<Vec<Application>> {
    conn.prepare_cached(
        "SELECT *
           FROM application
          WHERE deleted_at IS NULL
            AND EXISTS (SELECT 1 FROM json_each(servers) WHERE json_each.value = ?1)
          ORDER BY name COLLATE NOCASE, id",
    )?
    .query_map([server.to_string()], from_row)?
    .collect()
}

/// Returns every application, by name.
pub fn list(conn: &Connection) -> rusqlite::Result<Vec<Application>> {
    conn.prepare_cached(
        "SELECT *
           FROM application
          WHERE deleted_at IS NULL
          ORDER BY name COLLATE NOCASE, id",
    )?
    .query_map([], from_row)?
    .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Application> {
    let columns = Columns::of("application", row);
    Ok(Application {
        id: columns.parsed("id")?,
        name: columns.get("name")?,
        image: columns.word("image")?,
        domain: columns.get("domain")?,
        servers: columns.json("servers")?,
        registry_credential_id: columns.parsed_optional("registry_credential_id")?,
        configuration: columns.json("configuration")?,
        current_release_id: columns.parsed_optional("current_release_id")?,
        created_at: columns.time("created_at")?,
    })
}
