//! The tenant tree.

use flightdeck_domain::{id::OrganizationId, organization::Organization};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::{
    change::{self, Author, SyncedTable},
    column::{self, Columns},
};

/// `organization`, in the main database.
pub static TABLE: SyncedTable = SyncedTable { name: "organization" };

/// Makes the stored organization be `organization`.
pub fn put(
    tx: &Transaction<'_>,
    author: &Author,
    organization: &Organization,
) -> rusqlite::Result<()> {
    let fields = [
        ("name", column::text(&organization.name)),
        ("slug", column::text(&organization.slug)),
        ("kind", column::text(organization.kind)),
        ("parent_id", column::text_optional(organization.parent_id)),
        ("level", column::number(organization.level.into())?),
        ("color", column::text(&organization.color)),
        ("created_at", column::time(organization.created_at)),
        ("archived_at", column::time_optional(organization.archived_at)),
    ];
    change::put(tx, author, &TABLE, &organization.id.to_string(), &fields)
}

/// Marks the organization as deleted.
pub fn delete(tx: &Transaction<'_>, author: &Author, id: OrganizationId) -> rusqlite::Result<()> {
    change::delete(tx, author, &TABLE, &id.to_string())
}

/// Returns the organization `id`, if there is one.
pub fn by_id(conn: &Connection, id: OrganizationId) -> rusqlite::Result<Option<Organization>> {
    conn.prepare_cached("SELECT * FROM organization WHERE id = ?1 AND deleted_at IS NULL")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns the organization that the command line calls `slug`, if there is one.
pub fn by_slug(conn: &Connection, slug: &str) -> rusqlite::Result<Option<Organization>> {
    conn.prepare_cached("SELECT * FROM organization WHERE slug = ?1 AND deleted_at IS NULL")?
        .query_row([slug], from_row)
        .optional()
}

/// Returns what stands directly below `id`, by name.
pub fn children(conn: &Connection, id: OrganizationId) -> rusqlite::Result<Vec<Organization>> {
    conn.prepare_cached(
        "SELECT *
           FROM organization
          WHERE parent_id = ?1 AND deleted_at IS NULL
          ORDER BY name COLLATE NOCASE, id",
    )?
    .query_map([id.to_string()], from_row)?
    .collect()
}

/// Returns every organization, archived ones too, from the roots down, by name.
pub fn list(conn: &Connection) -> rusqlite::Result<Vec<Organization>> {
    conn.prepare_cached(
        "SELECT *
           FROM organization
          WHERE deleted_at IS NULL
          ORDER BY level, name COLLATE NOCASE, id",
    )?
    .query_map([], from_row)?
    .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Organization> {
    let columns = Columns::of("organization", row);
    Ok(Organization {
        id: columns.parsed("id")?,
        name: columns.get("name")?,
        slug: columns.get("slug")?,
        kind: columns.parsed("kind")?,
        parent_id: columns.parsed_optional("parent_id")?,
        level: columns.number("level")?,
        color: columns.get("color")?,
        created_at: columns.time("created_at")?,
        archived_at: columns.time_optional("archived_at")?,
    })
}
