//! SQLite: one file per table, migrations, change log, metrics.
