-- Monitors: what they look at, how far they have come, what they found, and who may look.

CREATE TABLE monitor (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    source      TEXT NOT NULL CHECK (source IN ('file', 'command')),
    settings    TEXT NOT NULL,
    paused      TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    last_ms     INTEGER,
    next_ms     INTEGER,
    verdict     TEXT NOT NULL,
    sentence    TEXT NOT NULL,
    problem     TEXT NOT NULL
);

-- How far it has come, and what its tests remember; kept together with what they found.
CREATE TABLE monitor_memory (
    monitor  INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    part     TEXT NOT NULL,
    content  BLOB NOT NULL,
    PRIMARY KEY (monitor, part)
) WITHOUT ROWID;

-- Who looks. The fence grows with every new holder; what an earlier one still wants to write is refused by it.
CREATE TABLE monitor_lease (
    monitor     INTEGER PRIMARY KEY REFERENCES monitor (id) ON DELETE CASCADE,
    owner       TEXT NOT NULL,
    fence       INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL
);

CREATE TABLE monitor_result (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor          INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    kind             TEXT NOT NULL CHECK (kind IN ('drift', 'quality', 'performance', 'concept')),
    window_start_ms  INTEGER NOT NULL,
    window_end_ms    INTEGER NOT NULL,
    first_id         INTEGER NOT NULL,
    last_id          INTEGER NOT NULL,
    file             TEXT NOT NULL,
    model            TEXT NOT NULL,
    version          INTEGER,
    endpoint         TEXT NOT NULL,
    share            TEXT NOT NULL,
    revision         INTEGER NOT NULL,
    verdict          TEXT NOT NULL CHECK (verdict IN ('ok', 'drift', 'waiting', 'failed')),
    sentence         TEXT NOT NULL,
    next_step        TEXT NOT NULL,
    value            REAL,
    rows             INTEGER NOT NULL,
    report           TEXT NOT NULL,
    paged            TEXT NOT NULL,
    fence            INTEGER NOT NULL,
    made_ms          INTEGER NOT NULL,
    newest           INTEGER NOT NULL CHECK (newest IN (0, 1))
);

-- A window is looked at once in each revision, whoever looks.
CREATE UNIQUE INDEX monitor_result_window ON monitor_result
    (monitor, kind, window_start_ms, window_end_ms, file, model, ifnull(version, 0), endpoint, share, revision);
CREATE INDEX monitor_result_time ON monitor_result (monitor, window_end_ms, id);
CREATE INDEX monitor_result_model ON monitor_result (model, window_end_ms);

-- Performance as it was known at each time: revisions stand beside what was thought first.
CREATE TABLE performance_point (
    result    INTEGER NOT NULL REFERENCES monitor_result (id) ON DELETE CASCADE,
    basis     TEXT NOT NULL CHECK (basis IN ('estimated', 'realised')),
    metric    TEXT NOT NULL,
    value     REAL,
    error     REAL,
    rows      INTEGER NOT NULL,
    PRIMARY KEY (result, basis, metric)
) WITHOUT ROWID;
