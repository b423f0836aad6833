-- Experiments, runs and what they log. Text ids and keys map to integers once, so that a metric point costs few bytes.

CREATE TABLE experiment (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL,
    deleted_ms  INTEGER
);

CREATE TABLE experiment_tag (
    experiment  INTEGER NOT NULL REFERENCES experiment (id),
    key         TEXT NOT NULL,
    value       TEXT NOT NULL,
    PRIMARY KEY (experiment, key)
) WITHOUT ROWID;

-- A run is deleted together with its experiment when both carry the same deleted_ms; restoring brings those back.
CREATE TABLE run (
    id           INTEGER PRIMARY KEY,
    run_id       TEXT NOT NULL UNIQUE,
    experiment   INTEGER NOT NULL REFERENCES experiment (id),
    name         TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'killed', 'scheduled')),
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER,
    heartbeat_ms INTEGER,
    deleted_ms   INTEGER,
    user         TEXT NOT NULL,
    parent       INTEGER REFERENCES run (id),
    note         TEXT NOT NULL DEFAULT ''
);

-- The default list (newest first) and the name filter are answered from the index alone.
CREATE INDEX run_listing ON run (start_ms DESC, run_id, deleted_ms, experiment, status, name);
CREATE INDEX run_in_experiment ON run (experiment, start_ms DESC, run_id, deleted_ms);
CREATE INDEX run_children ON run (parent) WHERE parent IS NOT NULL;
CREATE INDEX run_alive ON run (heartbeat_ms) WHERE status = 'running';

-- Keys of metrics, params and tags; `runs` counts the runs that have one, so that listing columns never reads runs.
CREATE TABLE run_key (
    id    INTEGER PRIMARY KEY,
    kind  TEXT NOT NULL CHECK (kind IN ('metric', 'param', 'tag')),
    name  TEXT NOT NULL,
    runs  INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, name)
);

-- NaN is the text 'NaN' (SQLite turns NaN into NULL); text sorts after every number. The whole row is the key: an
-- exact duplicate is stored once. No foreign keys here: two lookups a point would be paid for nothing.
CREATE TABLE metric (
    run      INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    step     INTEGER NOT NULL,
    time_ms  INTEGER NOT NULL,
    value    REAL NOT NULL,
    PRIMARY KEY (run, key, step, time_ms, value)
) WITHOUT ROWID;

-- The point with the greatest (step, time_ms, value) of each run and key: what tables show and searches ask.
CREATE TABLE latest_metric (
    run      INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    value    REAL NOT NULL,
    step     INTEGER NOT NULL,
    time_ms  INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;

CREATE INDEX latest_metric_by_value ON latest_metric (key, value, run);

-- `number` is the value read as a number where it is one, so that `params.depth > 8` compares numbers.
CREATE TABLE param (
    run     INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    value   TEXT NOT NULL,
    number  REAL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;

-- `number` rides along so that a whole key can be asked from the index.
CREATE INDEX param_by_value ON param (key, value, run, number);

CREATE TABLE tag (
    run     INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    value   TEXT NOT NULL,
    number  REAL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;

CREATE INDEX tag_by_value ON tag (key, value, run, number);

CREATE TRIGGER latest_metric_counts AFTER INSERT ON latest_metric
BEGIN
    UPDATE run_key SET runs = runs + 1 WHERE id = NEW.key;
END;

CREATE TRIGGER param_counts AFTER INSERT ON param
BEGIN
    UPDATE run_key SET runs = runs + 1 WHERE id = NEW.key;
END;

CREATE TRIGGER tag_counts AFTER INSERT ON tag
BEGIN
    UPDATE run_key SET runs = runs + 1 WHERE id = NEW.key;
END;

CREATE TRIGGER tag_uncounts AFTER DELETE ON tag
BEGIN
    UPDATE run_key SET runs = runs - 1 WHERE id = OLD.key;
END;

CREATE TABLE dataset (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    digest  TEXT NOT NULL,
    schema  TEXT NOT NULL,
    rows    INTEGER,
    UNIQUE (name, digest)
);

CREATE INDEX dataset_by_digest ON dataset (digest);

CREATE TABLE run_dataset (
    run      INTEGER NOT NULL REFERENCES run (id),
    dataset  INTEGER NOT NULL REFERENCES dataset (id),
    context  TEXT NOT NULL,
    PRIMARY KEY (run, dataset, context)
) WITHOUT ROWID;

CREATE INDEX run_dataset_users ON run_dataset (dataset, run);

CREATE TABLE artifact (
    run         INTEGER NOT NULL REFERENCES run (id),
    path        TEXT NOT NULL,
    digest      TEXT NOT NULL,
    size_bytes  INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    PRIMARY KEY (run, path)
) WITHOUT ROWID;

-- Runs of one environment share its package list.
CREATE TABLE package_set (
    id        INTEGER PRIMARY KEY,
    digest    TEXT NOT NULL UNIQUE,
    packages  TEXT NOT NULL
);

CREATE TABLE run_environment (
    run           INTEGER PRIMARY KEY REFERENCES run (id),
    git_commit    TEXT,
    git_dirty     INTEGER,
    python        TEXT NOT NULL,
    packages      INTEGER REFERENCES package_set (id),
    seed          INTEGER,
    host          TEXT NOT NULL,
    command_line  TEXT NOT NULL,
    pid           INTEGER NOT NULL
);
