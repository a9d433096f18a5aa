//! What servers measured of themselves.

use flightdeck_domain::{id::ServerId, metrics::Sample};
use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, named_params, params};

use crate::column::{self, Columns};

/// Adds a sample, in place of one from the same millisecond.
pub fn insert(tx: &Transaction<'_>, sample: &Sample) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO sample
                (server_id, at, cpu_percent, load_1, cores, memory_total, memory_used, disk_total,
                 disk_used, disk_read_rate, disk_write_rate, net_receive_rate, net_send_rate,
                 uptime_seconds, containers_running)
         VALUES (:server_id, :at, :cpu_percent, :load_1, :cores, :memory_total, :memory_used,
                 :disk_total, :disk_used, :disk_read_rate, :disk_write_rate, :net_receive_rate,
                 :net_send_rate, :uptime_seconds, :containers_running)",
    )?
    .execute(named_params! {
        ":server_id": sample.server_id.to_string(),
        ":at": column::time(sample.at),
        ":cpu_percent": sample.cpu_percent,
        ":load_1": sample.load_1,
        ":cores": sample.cores,
        ":memory_total": column::number(sample.memory_total)?,
        ":memory_used": column::number(sample.memory_used)?,
        ":disk_total": column::number(sample.disk_total)?,
        ":disk_used": column::number(sample.disk_used)?,
        ":disk_read_rate": sample.disk_read_rate,
        ":disk_write_rate": sample.disk_write_rate,
        ":net_receive_rate": sample.net_receive_rate,
        ":net_send_rate": sample.net_send_rate,
        ":uptime_seconds": sample.uptime_seconds,
        ":containers_running": sample.containers_running,
    })
    .map(drop)
}

/// Returns up to `max_points` samples of `server` from `from` on, the oldest first.
///
/// Of more, every n-th is taken, counted from the newest, which is always
/// there. They are samples as they were measured, not means.
pub fn since(
    conn: &Connection,
    server: ServerId,
    from: Timestamp,
    max_points: usize,
) -> rusqlite::Result<Vec<Sample>> {
    let range = params![server.to_string(), column::time(from)];
    let count: u64 = conn
        .prepare_cached("SELECT COUNT(*) AS count FROM sample WHERE server_id = ?1 AND at >= ?2")?
        .query_row(range, |row| Columns::of("sample", row).number("count"))?;
    let max_points = u64::try_from(max_points).unwrap_or(u64::MAX).max(1);
    let nth = count.div_ceil(max_points).max(1);
    conn.prepare_cached(
        "SELECT *
           FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY at DESC) AS place
                   FROM sample
                  WHERE server_id = ?1 AND at >= ?2)
          WHERE (place - 1) % ?3 = 0
          ORDER BY at",
    )?
    .query_map(params![server.to_string(), column::time(from), column::number(nth)?], from_row)?
    .collect()
}

/// Returns the newest sample of every server.
///
/// It steps from server to server through the primary key: samples are many,
/// servers are few.
pub fn latest(conn: &Connection) -> rusqlite::Result<Vec<Sample>> {
    conn.prepare_cached(
        "WITH RECURSIVE server (id) AS (
            SELECT MIN(server_id) FROM sample
             UNION ALL
            SELECT (SELECT MIN(server_id) FROM sample WHERE server_id > server.id)
              FROM server
             WHERE server.id IS NOT NULL
         )
         SELECT sample.*
           FROM server
           JOIN sample
             ON sample.server_id = server.id
            AND sample.at = (SELECT MAX(at) FROM sample WHERE server_id = server.id)
          ORDER BY server.id",
    )?
    .query_map([], from_row)?
    .collect()
}

/// Removes every sample from before `before`.
pub fn prune(tx: &Transaction<'_>, before: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "WITH RECURSIVE server (id) AS (
            SELECT MIN(server_id) FROM sample
             UNION ALL
            SELECT (SELECT MIN(server_id) FROM sample WHERE server_id > server.id)
              FROM server
             WHERE server.id IS NOT NULL
         )
         DELETE FROM sample
          WHERE server_id IN (SELECT id FROM server) AND at < ?1",
    )?
    .execute([column::time(before)])
    .map(drop)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Sample> {
    let columns = Columns::of("sample", row);
    Ok(Sample {
        server_id: columns.parsed("server_id")?,
        at: columns.time("at")?,
        cpu_percent: columns.get("cpu_percent")?,
        load_1: columns.get("load_1")?,
        cores: columns.number("cores")?,
        memory_total: columns.number("memory_total")?,
        memory_used: columns.number("memory_used")?,
        disk_total: columns.number("disk_total")?,
        disk_used: columns.number("disk_used")?,
        disk_read_rate: columns.get("disk_read_rate")?,
        disk_write_rate: columns.get("disk_write_rate")?,
        net_receive_rate: columns.get("net_receive_rate")?,
        net_send_rate: columns.get("net_send_rate")?,
        uptime_seconds: columns.get("uptime_seconds")?,
        containers_running: columns.number_optional("containers_running")?,
    })
}
