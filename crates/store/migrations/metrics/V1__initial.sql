-- One row each few seconds and server: clustered by what charts ask for.

CREATE TABLE sample (
    server_id          TEXT    NOT NULL,
    at                 INTEGER NOT NULL,
    cpu_percent        REAL,
    load_1             REAL    NOT NULL,
    cores              INTEGER NOT NULL,
    memory_total       INTEGER NOT NULL,
    memory_used        INTEGER NOT NULL,
    disk_total         INTEGER NOT NULL,
    disk_used          INTEGER NOT NULL,
    disk_read_rate     REAL,
    disk_write_rate    REAL,
    net_receive_rate   REAL,
    net_send_rate      REAL,
    uptime_seconds     REAL    NOT NULL,
    containers_running INTEGER,
    PRIMARY KEY (server_id, at)
) STRICT, WITHOUT ROWID;
