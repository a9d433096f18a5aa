//! People's places in organizations.

use flightdeck_domain::{
    id::{MemberId, OrganizationId, UserId},
    member::Member,
    permission::Role,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::{
    change::{self, Author, SyncedTable},
    column::{self, Columns},
};

/// `member`, in the main database.
pub static TABLE: SyncedTable = SyncedTable { name: "member" };

/// Makes the stored membership be `member`.
pub fn put(tx: &Transaction<'_>, author: &Author, member: &Member) -> rusqlite::Result<()> {
    let fields = [
        ("organization_id", column::text(member.organization_id)),
        ("user_id", column::text(member.user_id)),
        ("role", column::text(member.role)),
        ("created_at", column::time(member.created_at)),
    ];
    change::put(tx, author, &TABLE, &member.id.to_string(), &fields)
}

/// Marks the membership as deleted.
pub fn delete(tx: &Transaction<'_>, author: &Author, id: MemberId) -> rusqlite::Result<()> {
    change::delete(tx, author, &TABLE, &id.to_string())
}

/// Returns the membership `id`, if there is one.
pub fn by_id(conn: &Connection, id: MemberId) -> rusqlite::Result<Option<Member>> {
    conn.prepare_cached("SELECT * FROM member WHERE id = ?1 AND deleted_at IS NULL")?
        .query_row([id.to_string()], from_row)
        .optional()
}

/// Returns every place that `user` has.
pub fn of_user(conn: &Connection, user: UserId) -> rusqlite::Result<Vec<Member>> {
    conn.prepare_cached(
        "SELECT *
           FROM member
          WHERE user_id = ?1 AND deleted_at IS NULL
          ORDER BY id",
    )?
    .query_map([user.to_string()], from_row)?
    .collect()
}

/// Returns everybody who has a place in `organization`.
pub fn of_organization(
    conn: &Connection,
    organization: OrganizationId,
) -> rusqlite::Result<Vec<Member>> {
    conn.prepare_cached(
        "SELECT *
           FROM member
          WHERE organization_id = ?1 AND deleted_at IS NULL
          ORDER BY id",
    )?
    .query_map([organization.to_string()], from_row)?
    .collect()
}

/// Returns the role that `user` has in `organization` itself, if any.
pub fn role(
    conn: &Connection,
    organization: OrganizationId,
    user: UserId,
) -> rusqlite::Result<Option<Role>> {
    conn.prepare_cached(
        "SELECT role
           FROM member
          WHERE organization_id = ?1 AND user_id = ?2 AND deleted_at IS NULL",
    )?
    .query_row([organization.to_string(), user.to_string()], |row| {
        Columns::of("member", row).parsed("role")
    })
    .optional()
}

/// Returns every membership.
pub fn list(conn: &Connection) -> rusqlite::Result<Vec<Member>> {
    conn.prepare_cached("SELECT * FROM member WHERE deleted_at IS NULL ORDER BY id")?
        .query_map([], from_row)?
        .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Member> {
    let columns = Columns::of("member", row);
    Ok(Member {
        id: columns.parsed("id")?,
        organization_id: columns.parsed("organization_id")?,
        user_id: columns.parsed("user_id")?,
        role: columns.parsed("role")?,
        created_at: columns.time("created_at")?,
    })
}
