-- Registered models and their versions. A version owns a copy of everything it was judged by (files, metrics,
-- parameters), so that nothing that happens to its run afterwards changes what was approved.

CREATE TABLE model (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL UNIQUE,
    description  TEXT NOT NULL,
    owner        TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL
);

-- The last number given out under a name. It outlives versions and models, so that `churn/7` never names two things.
CREATE TABLE version_counter (
    name  TEXT PRIMARY KEY,
    last  INTEGER NOT NULL
) WITHOUT ROWID;

-- `number` is the value read as a number where it is one, so that `tags.rows > 8` compares numbers.
CREATE TABLE model_tag (
    model   INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    number  REAL,
    PRIMARY KEY (model, key)
) WITHOUT ROWID;

CREATE TABLE model_version (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    model          INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
    number         INTEGER NOT NULL,
    stage          TEXT NOT NULL CHECK (stage IN ('Registered', 'Staging', 'Production', 'Archived')),
    stage_ms       INTEGER NOT NULL,
    run_id         TEXT,
    artifact_path  TEXT NOT NULL,
    digest         TEXT NOT NULL,
    size_bytes     INTEGER NOT NULL,
    flavor         TEXT NOT NULL,
    format         TEXT NOT NULL,
    signature      TEXT,
    data_name      TEXT NOT NULL,
    data_digest    TEXT NOT NULL,
    owner          TEXT NOT NULL,
    description    TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL,
    created_by     TEXT NOT NULL,
    UNIQUE (model, number)
);

CREATE INDEX model_version_stage ON model_version (stage, model, number);
CREATE INDEX model_version_run ON model_version (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX model_version_data ON model_version (data_digest) WHERE data_digest <> '';

CREATE TABLE version_file (
    version     INTEGER NOT NULL REFERENCES model_version (id) ON DELETE CASCADE,
    path        TEXT NOT NULL,
    digest      TEXT NOT NULL,
    size_bytes  INTEGER NOT NULL,
    PRIMARY KEY (version, path)
) WITHOUT ROWID;

CREATE INDEX version_file_digest ON version_file (digest);

-- NaN is the text 'NaN' (SQLite turns NaN into NULL); text sorts after every number.
CREATE TABLE version_metric (
    version  INTEGER NOT NULL REFERENCES model_version (id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    value    REAL NOT NULL,
    PRIMARY KEY (version, key)
) WITHOUT ROWID;

CREATE TABLE version_param (
    version  INTEGER NOT NULL REFERENCES model_version (id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    number   REAL,
    PRIMARY KEY (version, key)
) WITHOUT ROWID;

CREATE TABLE version_tag (
    version  INTEGER NOT NULL REFERENCES model_version (id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    number   REAL,
    PRIMARY KEY (version, key)
) WITHOUT ROWID;

CREATE TABLE model_alias (
    model    INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
    alias    TEXT NOT NULL,
    version  INTEGER NOT NULL REFERENCES model_version (id) ON DELETE CASCADE,
    PRIMARY KEY (model, alias)
) WITHOUT ROWID;

CREATE INDEX model_alias_version ON model_alias (version);
