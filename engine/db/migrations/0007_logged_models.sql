-- Logged models: what training leaves behind before anybody registers it. Times are milliseconds since the epoch.

-- `run` is the run that made it; models logged outside a run have none.
CREATE TABLE logged_model (
    id              INTEGER PRIMARY KEY,
    model_id        TEXT NOT NULL UNIQUE,
    experiment      INTEGER NOT NULL REFERENCES experiment (id),
    run             INTEGER REFERENCES run (id),
    name            TEXT NOT NULL,
    model_type      TEXT NOT NULL DEFAULT '',
    status          TEXT NOT NULL CHECK (status IN ('pending', 'ready', 'failed')),
    status_message  TEXT NOT NULL DEFAULT '',
    created_ms      INTEGER NOT NULL,
    updated_ms      INTEGER NOT NULL,
    deleted_ms      INTEGER
);

CREATE INDEX logged_model_listing ON logged_model (experiment, created_ms DESC, model_id);
CREATE INDEX logged_model_run ON logged_model (run) WHERE run IS NOT NULL;

-- `number` is the value read as a number where it is one, so that `params.depth > 8` compares numbers.
CREATE TABLE logged_model_param (
    model   INTEGER NOT NULL REFERENCES logged_model (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    number  REAL,
    PRIMARY KEY (model, key)
) WITHOUT ROWID;

CREATE TABLE logged_model_tag (
    model   INTEGER NOT NULL REFERENCES logged_model (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    number  REAL,
    PRIMARY KEY (model, key)
) WITHOUT ROWID;

-- What runs measured of a model, on which data; no data is two empty texts. NaN is the text 'NaN'. The whole row is
-- the key: an exact duplicate is stored once.
CREATE TABLE logged_model_metric (
    model        INTEGER NOT NULL REFERENCES logged_model (id) ON DELETE CASCADE,
    key          TEXT NOT NULL,
    data_name    TEXT NOT NULL,
    data_digest  TEXT NOT NULL,
    step         INTEGER NOT NULL,
    time_ms      INTEGER NOT NULL,
    value        REAL NOT NULL,
    run          INTEGER NOT NULL REFERENCES run (id),
    PRIMARY KEY (model, key, data_name, data_digest, step, time_ms, value, run)
) WITHOUT ROWID;

CREATE TABLE logged_model_file (
    model       INTEGER NOT NULL REFERENCES logged_model (id) ON DELETE CASCADE,
    path        TEXT NOT NULL,
    digest      TEXT NOT NULL,
    size_bytes  INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    PRIMARY KEY (model, path)
) WITHOUT ROWID;

CREATE INDEX logged_model_file_digest ON logged_model_file (digest);

-- Files that come in parts, until they are whole, given up or expired; the parts' bytes lie beside the objects.
CREATE TABLE upload (
    id          INTEGER PRIMARY KEY,
    upload_id   TEXT NOT NULL UNIQUE,
    path        TEXT NOT NULL,
    actor       TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL
);

CREATE TABLE upload_part (
    upload      INTEGER NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    size_bytes  INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;

-- Where a version's files were taken from, in the words of whoever registered it, and the logged model among them.
ALTER TABLE model_version ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE model_version ADD COLUMN model_id TEXT;

CREATE INDEX model_version_logged_model ON model_version (model_id) WHERE model_id IS NOT NULL;
