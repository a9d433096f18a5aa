-- Times are unix milliseconds, ids are prefixed text, lists and maps are JSON.
-- Rows of synced tables may arrive in any order, so they hold no foreign keys
-- to each other; what one row owns alone is tied to it.

CREATE TABLE device (
    id      TEXT    NOT NULL PRIMARY KEY,
    is_this INTEGER NOT NULL CHECK (is_this IN (0, 1))
) STRICT;

CREATE UNIQUE INDEX device_is_this ON device (is_this) WHERE is_this = 1;

CREATE TABLE clock (
    only    INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    millis  INTEGER NOT NULL,
    counter INTEGER NOT NULL
) STRICT;

CREATE TABLE change (
    number     INTEGER NOT NULL PRIMARY KEY,
    stamp      TEXT    NOT NULL,
    table_name TEXT    NOT NULL,
    row_id     TEXT    NOT NULL,
    field      TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    actor_id   TEXT,
    device_id  TEXT    NOT NULL
) STRICT;

CREATE INDEX change_of_row ON change (table_name, row_id, number);
CREATE INDEX change_by_stamp ON change (stamp);

CREATE TABLE organization (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    slug        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    parent_id   TEXT,
    level       INTEGER NOT NULL,
    color       TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    archived_at INTEGER,
    deleted_at  INTEGER
) STRICT;

CREATE UNIQUE INDEX organization_slug ON organization (slug) WHERE deleted_at IS NULL;
CREATE INDEX organization_parent ON organization (parent_id);

CREATE TABLE user (
    id   TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE member (
    id              TEXT    NOT NULL PRIMARY KEY,
    organization_id TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    role            TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    deleted_at      INTEGER
) STRICT;

CREATE UNIQUE INDEX member_once ON member (organization_id, user_id) WHERE deleted_at IS NULL;
CREATE INDEX member_user ON member (user_id);

CREATE TABLE setting (
    key        TEXT    NOT NULL PRIMARY KEY,
    value      TEXT    NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE workspace_key (
    id              TEXT    NOT NULL PRIMARY KEY,
    organization_id TEXT    NOT NULL,
    purpose         TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    wrapped         BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (organization_id, purpose, version)
) STRICT;

CREATE TABLE job (
    id               TEXT    NOT NULL PRIMARY KEY,
    organization_id  TEXT    NOT NULL,
    actor_id         TEXT    NOT NULL,
    kind             TEXT    NOT NULL,
    target           TEXT    NOT NULL,
    title            TEXT    NOT NULL,
    status           TEXT    NOT NULL,
    payload          TEXT    NOT NULL,
    failure          TEXT,
    cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
    owner            TEXT,
    created_at       INTEGER NOT NULL,
    ended_at         INTEGER,
    dismissed        INTEGER NOT NULL CHECK (dismissed IN (0, 1))
) STRICT;

CREATE INDEX job_newest ON job (created_at DESC, id DESC);
CREATE INDEX job_target ON job (target);
CREATE INDEX job_unfinished ON job (created_at, id)
 WHERE status IN ('queued', 'running', 'undoing');

CREATE TABLE job_step (
    job_id     TEXT    NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    progress   REAL,
    started_at INTEGER,
    ended_at   INTEGER,
    PRIMARY KEY (job_id, position),
    UNIQUE (job_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_output (
    job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (job_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_log (
    job_id TEXT    NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    step   TEXT    NOT NULL,
    text   TEXT    NOT NULL,
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
    name  TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL
) STRICT;

CREATE TABLE audit_event (
    id              TEXT    NOT NULL PRIMARY KEY,
    at              INTEGER NOT NULL,
    actor_id        TEXT,
    organization_id TEXT,
    action          TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    outcome         TEXT    NOT NULL,
    details         TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_event_newest ON audit_event (at DESC, id DESC);
CREATE INDEX audit_event_organization ON audit_event (organization_id, at DESC, id DESC);
