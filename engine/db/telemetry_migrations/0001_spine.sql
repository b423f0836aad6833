-- What every database of a workspace has, then what endpoints were asked and answered.

CREATE TABLE workspace (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    uuid        TEXT NOT NULL,
    created_ms  INTEGER NOT NULL
);

CREATE TABLE schema_migration (
    version     INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    applied_ms  INTEGER NOT NULL
);

-- Sums over seconds, minutes and hours: every report is added to all three, so that none is ever made from another.
CREATE TABLE traffic (
    endpoint       INTEGER NOT NULL,
    step_s         INTEGER NOT NULL CHECK (step_s IN (1, 60, 3600)),
    start_s        INTEGER NOT NULL,
    deployment     INTEGER NOT NULL,
    generation     INTEGER NOT NULL,
    share          TEXT NOT NULL,
    requests       INTEGER NOT NULL,
    errors         INTEGER NOT NULL,
    refused        INTEGER NOT NULL,
    latency        BLOB NOT NULL,
    latency_us     INTEGER NOT NULL,
    unmirrored     INTEGER NOT NULL,
    compared       INTEGER NOT NULL,
    agreed         INTEGER NOT NULL,
    delta          REAL NOT NULL,
    delta_squares  REAL NOT NULL,
    PRIMARY KEY (endpoint, step_s, start_s, deployment, generation, share)
) WITHOUT ROWID;

CREATE TABLE column_set (
    id     INTEGER PRIMARY KEY,
    names  TEXT NOT NULL UNIQUE
);

-- What many predictions have in common.
CREATE TABLE origin (
    id          INTEGER PRIMARY KEY,
    endpoint    INTEGER NOT NULL,
    deployment  INTEGER NOT NULL,
    generation  INTEGER NOT NULL,
    share       TEXT NOT NULL,
    model       TEXT NOT NULL,
    version     INTEGER NOT NULL,
    columns     INTEGER NOT NULL REFERENCES column_set (id),
    UNIQUE (endpoint, deployment, generation, share, model, version, columns)
);

CREATE TABLE prediction (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id  TEXT NOT NULL,
    origin      INTEGER NOT NULL REFERENCES origin (id),
    endpoint    INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    latency_us  INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    inputs      BLOB NOT NULL,
    outputs     BLOB NOT NULL
);

CREATE INDEX prediction_request ON prediction (request_id);
CREATE INDEX prediction_time ON prediction (endpoint, time_ms, id);

-- A second truth about the same request does not replace the first: both are kept, with their times.
CREATE TABLE label (
    id           INTEGER PRIMARY KEY,
    request_id   TEXT NOT NULL,
    value        TEXT NOT NULL,
    stated_ms    INTEGER NOT NULL,
    received_ms  INTEGER NOT NULL,
    source       TEXT NOT NULL,
    UNIQUE (request_id, value, stated_ms)
);

CREATE INDEX label_received ON label (received_ms);

CREATE TABLE capture_count (
    endpoint    INTEGER NOT NULL,
    deployment  INTEGER NOT NULL,
    sent        INTEGER NOT NULL,
    stored      INTEGER NOT NULL,
    dropped     INTEGER NOT NULL,
    PRIMARY KEY (endpoint, deployment),
    CHECK (sent = stored + dropped)
) WITHOUT ROWID;

-- How far each spool file has been stored; written with what was stored, so that nothing is stored twice.
CREATE TABLE spool_offset (
    file    BLOB PRIMARY KEY,
    frames  INTEGER NOT NULL
) WITHOUT ROWID;
