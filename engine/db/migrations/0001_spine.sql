-- What every module stands on: what the workspace is, which changes it has had, and the ring of events.

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

-- A trimmed ring: it says what changed, never how; the reader looks up the rest. AUTOINCREMENT so that a cursor
-- held by a live screen never meets a number twice.
CREATE TABLE event (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms     INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    change      TEXT NOT NULL,
    key         TEXT NOT NULL,
    row_id      INTEGER
);
