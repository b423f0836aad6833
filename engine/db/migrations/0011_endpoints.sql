-- What should serve, and who has said that it does.

CREATE TABLE endpoint (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL UNIQUE,
    model        INTEGER NOT NULL REFERENCES model (id),
    description  TEXT NOT NULL,
    owner        TEXT NOT NULL,
    key          TEXT NOT NULL,
    salt         TEXT NOT NULL,
    capture      REAL NOT NULL CHECK (capture BETWEEN 0 AND 1),
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL,
    created_by   TEXT NOT NULL
);

CREATE INDEX endpoint_model ON endpoint (model);

CREATE TABLE endpoint_tag (
    endpoint  INTEGER NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    key       TEXT NOT NULL,
    value     TEXT NOT NULL,
    number    REAL,
    PRIMARY KEY (endpoint, key)
) WITHOUT ROWID;

-- A version made ready to serve, by the digest of its bytes: the same bytes are made ready once.
CREATE TABLE build (
    digest       TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    interface    TEXT NOT NULL,
    file_digest  TEXT NOT NULL,
    file_format  TEXT NOT NULL,
    parity       TEXT NOT NULL,
    size_bytes   INTEGER NOT NULL,
    built_ms     INTEGER NOT NULL
);

-- What was deployed once stays known by its number when its version is deleted.
CREATE TABLE deployment (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint    INTEGER NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    version     INTEGER REFERENCES model_version (id) ON DELETE SET NULL,
    number      INTEGER NOT NULL,
    digest      TEXT NOT NULL REFERENCES build (digest),
    ended       TEXT NOT NULL DEFAULT '',
    paused      TEXT NOT NULL DEFAULT '',
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL,
    created_by  TEXT NOT NULL
);

CREATE INDEX deployment_endpoint ON deployment (endpoint, id);
CREATE INDEX deployment_version ON deployment (version);

-- Only ever added to.
CREATE TABLE generation (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint      INTEGER NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    number        INTEGER NOT NULL,
    routes        TEXT NOT NULL,
    killed        INTEGER NOT NULL CHECK (killed IN (0, 1)),
    cause         TEXT NOT NULL,
    reason        TEXT NOT NULL,
    actor         TEXT NOT NULL,
    on_behalf_of  TEXT NOT NULL,
    request       INTEGER REFERENCES approval_request (id) ON DELETE SET NULL,
    time_ms       INTEGER NOT NULL,
    UNIQUE (endpoint, number)
);

CREATE TABLE acknowledgement (
    endpoint    INTEGER NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    plane       TEXT NOT NULL,
    generation  INTEGER NOT NULL,
    problem     TEXT NOT NULL,
    time_ms     INTEGER NOT NULL,
    PRIMARY KEY (endpoint, plane)
) WITHOUT ROWID;

-- Approvers' word that the pickle in a version's bytes may be loaded.
CREATE TABLE allowance (
    digest        TEXT PRIMARY KEY,
    actor         TEXT NOT NULL,
    on_behalf_of  TEXT NOT NULL,
    reason        TEXT NOT NULL,
    time_ms       INTEGER NOT NULL
);
