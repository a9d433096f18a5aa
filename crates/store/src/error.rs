//! What can go wrong between us and the disk.

use std::{error::Error as StdError, io, path::PathBuf};

use rusqlite::ErrorCode;

/// An operation on a database that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is there but SQLite can't use it, or it can't be made.
    #[error("the database `{}` can't be opened", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A migration failed or a released one was edited; the database is as it was.
    #[error("the database `{}` can't be brought up to date", path.display())]
    Migrate {
        /// Which file.
        path: PathBuf,
        /// What the migration said.
        source: Box<refinery::Error>,
    },
    /// A newer program wrote it; to go on would lose what we don't know about.
    #[error(
        "the database `{}` is at version {found}, this program knows {known}: a newer one wrote it",
        path.display()
    )]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// The version that it is at.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A statement failed; nothing of its transaction is left.
    #[error("could not {doing} the database `{}`", path.display())]
    Sql {
        /// Which file.
        path: PathBuf,
        /// `read` or `write`.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A file or directory can't be made, locked or removed.
    #[error("could not {doing} `{}`", path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// A stored value that no version of this program writes.
    #[error("`{table}.{column}` in `{}` can't be read: {reason}", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// In which table.
        table: &'static str,
        /// In which column.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The database was closed, or the closure panicked.
    #[error("the database `{}` gave no answer: it was closed", path.display())]
    Stopped {
        /// Which file.
        path: PathBuf,
    },
}

impl StoreError {
    /// Says whether the disk is full, or the file may not grow.
    pub fn is_full(&self) -> bool {
        self.sqlite_code() == Some(ErrorCode::DiskFull)
    }

    /// Says whether another process kept the database locked for too long.
    pub fn is_busy(&self) -> bool {
        matches!(self.sqlite_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Says whether a row of that name, slug or number is there already.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql { source, .. } if is_unique_violation(source))
    }

    fn sqlite_code(&self) -> Option<ErrorCode> {
        match self {
            Self::Open { source, .. } | Self::Sql { source, .. } => source.sqlite_error_code(),
            _ => None,
        }
    }

    pub(crate) fn sql(path: PathBuf, doing: &'static str, source: rusqlite::Error) -> Self {
        match Unreadable::within(&source) {
            Some(Unreadable { table, column, reason }) => {
                Self::Corrupt { path, table, column, reason: reason.clone() }
            }
            None => Self::Sql { path, doing, source },
        }
    }
}

/// Says whether `error` is about a row that must be unique and is not.
///
/// For closures of [`try_write`](crate::Database::try_write), which meet SQLite's
/// error before it becomes a [`StoreError`].
pub fn is_unique_violation(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        [rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE, rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY]
            .contains(&error.extended_code)
    })
}

/// A stored value that does not parse, on its way through `rusqlite`.
#[derive(Debug, thiserror::Error)]
#[error("`{table}.{column}`: {reason}")]
pub(crate) struct Unreadable {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) reason: String,
}

impl Unreadable {
    fn within(error: &rusqlite::Error) -> Option<&Self> {
        match error {
            rusqlite::Error::FromSqlConversionFailure(_, _, source) => {
                let source: &(dyn StdError + 'static) = source.as_ref();
                source.downcast_ref()
            }
            _ => None,
        }
    }
}
