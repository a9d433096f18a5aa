-- Times are unix milliseconds, ids are prefixed text, lists and maps are JSON.
-- Rows of synced tables may arrive in any order, so they hold no foreign keys
-- to each other; what one row owns alone is tied to it.

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

CREATE TABLE credential (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    provider      TEXT    NOT NULL,
    fingerprint   TEXT    NOT NULL,
    public_fields TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    deleted_at    INTEGER
) STRICT;

CREATE UNIQUE INDEX credential_name ON credential (name) WHERE deleted_at IS NULL;

CREATE TABLE credential_secret (
    credential_id TEXT NOT NULL REFERENCES credential (id),
    field         TEXT NOT NULL,
    sealed        BLOB NOT NULL,
    PRIMARY KEY (credential_id, field)
) STRICT;

-- Apart from `credential`, because a use is a fact of this device: it is not
-- synced and leaves no change behind.
CREATE TABLE credential_use (
    credential_id TEXT    NOT NULL PRIMARY KEY REFERENCES credential (id),
    last_used_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE server (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    host          TEXT    NOT NULL,
    port          INTEGER NOT NULL,
    login         TEXT    NOT NULL,
    credential_id TEXT    NOT NULL,
    host_key      TEXT,
    status        TEXT    NOT NULL,
    checks        TEXT    NOT NULL,
    facts         TEXT,
    stack_id      TEXT,
    created_at    INTEGER NOT NULL,
    deleted_at    INTEGER
) STRICT;

CREATE UNIQUE INDEX server_name ON server (name) WHERE deleted_at IS NULL;
CREATE INDEX server_stack ON server (stack_id);

CREATE TABLE stack (
    id                TEXT    NOT NULL PRIMARY KEY,
    name              TEXT    NOT NULL,
    module            TEXT    NOT NULL,
    credential_id     TEXT    NOT NULL,
    ssh_credential_id TEXT    NOT NULL,
    inputs            TEXT    NOT NULL,
    status            TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    deleted_at        INTEGER
) STRICT;

CREATE UNIQUE INDEX stack_name ON stack (name) WHERE deleted_at IS NULL;

CREATE TABLE run (
    id          TEXT    NOT NULL PRIMARY KEY,
    stack_id    TEXT    NOT NULL REFERENCES stack (id),
    job_id      TEXT    NOT NULL,
    operation   TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    changes     TEXT    NOT NULL,
    resources   TEXT    NOT NULL,
    diagnostics TEXT    NOT NULL,
    is_decided  INTEGER NOT NULL DEFAULT 0 CHECK (is_decided IN (0, 1)),
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER
) STRICT;

CREATE INDEX run_of_stack ON run (stack_id, started_at DESC, id DESC);
CREATE INDEX run_unfinished ON run (started_at, id) WHERE status = 'running';

-- Apart from `run`, so that listing runs never reads a sealed plan.
CREATE TABLE run_plan (
    run_id TEXT NOT NULL PRIMARY KEY REFERENCES run (id),
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE state_version (
    number     INTEGER NOT NULL PRIMARY KEY,
    stack_id   TEXT    NOT NULL REFERENCES stack (id),
    serial     INTEGER NOT NULL,
    lineage    TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    resources  INTEGER NOT NULL,
    run_id     TEXT    NOT NULL REFERENCES run (id),
    created_at INTEGER NOT NULL,
    sealed     BLOB    NOT NULL,
    UNIQUE (stack_id, lineage, serial, sha256)
) STRICT;

CREATE INDEX state_version_newest ON state_version (stack_id, number DESC);

CREATE TABLE application (
    id                     TEXT    NOT NULL PRIMARY KEY,
    name                   TEXT    NOT NULL,
    image                  TEXT    NOT NULL,
    domain                 TEXT,
    servers                TEXT    NOT NULL,
    registry_credential_id TEXT,
    configuration          TEXT    NOT NULL,
    current_release_id     TEXT,
    created_at             INTEGER NOT NULL,
    deleted_at             INTEGER
) STRICT;

CREATE UNIQUE INDEX application_name ON application (name) WHERE deleted_at IS NULL;

CREATE TABLE release (
    id             TEXT    NOT NULL PRIMARY KEY,
    application_id TEXT    NOT NULL REFERENCES application (id),
    number         INTEGER NOT NULL,
    image          TEXT    NOT NULL,
    digest         TEXT,
    configuration  TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    UNIQUE (application_id, number)
) STRICT;

CREATE TABLE deployment (
    id                  TEXT    NOT NULL PRIMARY KEY,
    application_id      TEXT    NOT NULL REFERENCES application (id),
    release_id          TEXT    NOT NULL REFERENCES release (id),
    previous_release_id TEXT    REFERENCES release (id),
    job_id              TEXT    NOT NULL,
    strategy            TEXT    NOT NULL,
    status              TEXT    NOT NULL,
    reason              TEXT,
    started_at          INTEGER NOT NULL,
    ended_at            INTEGER
) STRICT;

CREATE INDEX deployment_of_application ON deployment (application_id, started_at DESC, id DESC);
