//! Brings a database file to the version that this program knows.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use refinery::{Migration, Runner};
use rusqlite::{Connection, OptionalExtension};

use crate::error::StoreError;

/// What a database file is for; each purpose has its own line of migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// `flightdeck.db`
    Main,
    /// `workspace.db`
    Workspace,
    /// `metrics.db`
    Metrics,
}

impl Purpose {
    pub(crate) const fn file_name(self) -> &'static str {
        match self {
            Self::Main => "flightdeck.db",
            Self::Workspace => "workspace.db",
            Self::Metrics => "metrics.db",
        }
    }

    /// Name and text of each migration. Never edit one that was released: its
    /// checksum is in every database.
    const fn migrations(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Main => &[("V1__initial", include_str!("../migrations/main/V1__initial.sql"))],
            Self::Workspace => {
                &[("V1__initial", include_str!("../migrations/workspace/V1__initial.sql"))]
            }
            Self::Metrics => {
                &[("V1__initial", include_str!("../migrations/metrics/V1__initial.sql"))]
            }
        }
    }
}

/// Runs the migrations that the database at `path` has not seen.
///
/// Two processes may open the same file at once: a lock file beside it makes
/// the second one wait, and find nothing left to do.
pub(crate) fn migrate(
    conn: &mut Connection,
    path: &Path,
    purpose: Purpose,
) -> Result<(), StoreError> {
    apply(conn, path, purpose.migrations())
}

fn apply(
    conn: &mut Connection,
    path: &Path,
    migrations: &[(&str, &str)],
) -> Result<(), StoreError> {
    let failed = |source| StoreError::Migrate { path: path.to_owned(), source: Box::new(source) };
    let migrations = migrations
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    let known = migrations.iter().map(|m| i64::from(m.version())).max().unwrap_or(0);
    let _lock = lock(path)?;

    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let found = version(conn).map_err(open)?;
    if let Some(found) = found.filter(|found| *found > known) {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known });
    }
    if let Some(found) = found.filter(|found| *found < known) {
        back_up(conn, path, found)?;
    }
    Runner::new(&migrations).set_grouped(true).run(conn).map(drop).map_err(failed)
}

/// Returns the version of the newest migration that the database has seen.
fn version(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    let has_history = conn
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'refinery_schema_history'",
            [],
            |_| Ok(()),
        )
        .optional()?
        .is_some();
    if !has_history {
        return Ok(None);
    }
    conn.query_row("SELECT MAX(version) FROM refinery_schema_history", [], |row| row.get(0))
}

/// Copies the database to `<path>.v<version>.backup`.
///
/// The copy gets its name only when it is whole, so a name never lies.
fn back_up(conn: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    let unfinished = beside(path, ".backup.part");
    let backup = beside(path, &format!(".v{version}.backup"));
    let io = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Io { path, doing, source }
    };
    if unfinished.exists() {
        fs::remove_file(&unfinished).map_err(io("remove", &unfinished))?;
    }
    conn.backup("main", &unfinished, rusqlite::backup::NO_PROGRESS)
        .map_err(|source| StoreError::Open { path: unfinished.clone(), source })?;
    fs::rename(&unfinished, &backup).map_err(io("make", &backup))?;
    tracing::info!(from = version, "Copied `{}` before its migration", path.display());
    Ok(())
}

/// Waits for, and holds, the right to migrate the database at `path`.
fn lock(path: &Path) -> Result<File, StoreError> {
    let path = beside(path, ".lock");
    File::create(&path)
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|source| StoreError::Io { path, doing: "lock", source })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a migration is tried on a bare connection")]
mod tests {
    use super::*;

    const ONE: (&str, &str) = ("V1__one", "CREATE TABLE one (id TEXT PRIMARY KEY) STRICT;");
    const TWO: (&str, &str) = ("V2__two", "DROP TABLE one; CREATE TABLE two (id TEXT) STRICT;");
    const BROKEN: (&str, &str) = ("V2__two", "DROP TABLE one; CREATE TABLE one one;");

    fn tables(conn: &Connection) -> Vec<String> {
        conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name != 'refinery_schema_history'")
            .expect("the schema is readable")
            .query_map([], |row| row.get(0))
            .expect("the schema is readable")
            .collect::<Result<_, _>>()
            .expect("names are text")
    }

    fn database(directory: &tempfile::TempDir) -> (PathBuf, Connection) {
        let path = directory.path().join("some.db");
        let mut conn = Connection::open(&path).expect("the directory is writable");
        apply(&mut conn, &path, &[ONE]).expect("the first migration fits");
        conn.execute("INSERT INTO one (id) VALUES ('kept')", []).expect("the table is there");
        (path, conn)
    }

    #[test]
    fn a_copy_is_kept_before_an_existing_database_changes() {
        let directory = tempfile::tempdir().expect("there is room");
        let (path, mut conn) = database(&directory);

        apply(&mut conn, &path, &[ONE, TWO]).expect("the second migration fits");

        assert_eq!(tables(&conn), ["two"]);
        let backup = Connection::open(beside(&path, ".v1.backup")).expect("the copy is there");
        let kept: String =
            backup.query_row("SELECT id FROM one", [], |row| row.get(0)).expect("as it was");
        assert_eq!(kept, "kept");
        assert!(!beside(&path, ".backup.part").exists(), "nothing half-made is left");
    }

    #[test]
    fn a_new_database_has_nothing_to_copy() {
        let directory = tempfile::tempdir().expect("there is room");

        let (path, _conn) = database(&directory);

        assert!(!beside(&path, ".v0.backup").exists());
    }

    #[test]
    fn a_migration_that_fails_half_way_leaves_nothing_of_itself() {
        let directory = tempfile::tempdir().expect("there is room");
        let (path, mut conn) = database(&directory);

        let error = apply(&mut conn, &path, &[ONE, BROKEN]).expect_err("its SQL is wrong");

        assert!(matches!(error, StoreError::Migrate { .. }), "{error:?}");
        assert_eq!(tables(&conn), ["one"], "the first statement must be taken back too");
        apply(&mut conn, &path, &[ONE, TWO]).expect("a corrected one fits");
    }

    #[test]
    fn an_edited_migration_is_refused() {
        let directory = tempfile::tempdir().expect("there is room");
        let (path, mut conn) = database(&directory);

        let error = apply(&mut conn, &path, &[("V1__one", "CREATE TABLE other (id TEXT) STRICT;")])
            .expect_err("its checksum differs");

        assert!(matches!(error, StoreError::Migrate { .. }), "{error:?}");
    }
}
