//! Installations: data directories that share rows.

use flightdeck_domain::id::DeviceId;
use rusqlite::{OptionalExtension, Transaction};

use crate::column::{self, Columns};

/// Returns the id of this installation, which gets one the first time.
pub(crate) fn this(tx: &Transaction<'_>) -> rusqlite::Result<DeviceId> {
    let known = tx
        .query_row("SELECT id FROM device WHERE is_this = 1", [], |row| {
            Columns::of("device", row).parsed("id")
        })
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    let id = DeviceId::new();
    tx.execute("INSERT INTO device (id, is_this) VALUES (?1, 1)", [column::text(id)])?;
    Ok(id)
}
