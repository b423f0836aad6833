-- Who may call the server, and whom it calls. Times are milliseconds since the epoch.

-- A token is kept as its SHA-256 alone; the row outlives its revocation, for the audit log speaks of it by its id.
CREATE TABLE token (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL,
    user          TEXT NOT NULL,
    scope         TEXT NOT NULL CHECK (scope IN ('viewer', 'writer', 'operator', 'approver', 'admin')),
    digest        BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    created_ms    INTEGER NOT NULL,
    created_by    TEXT NOT NULL,
    expires_ms    INTEGER,
    revoked_ms    INTEGER,
    last_used_ms  INTEGER
);

-- The secret stands as it is: it signs, so it must be readable; the database is its owner's alone.
CREATE TABLE webhook (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id   TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    description  TEXT NOT NULL,
    url          TEXT NOT NULL,
    events       TEXT NOT NULL,
    secret       TEXT NOT NULL,
    active       INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_ms   INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    updated_ms   INTEGER NOT NULL
);

-- Each row is one message to one webhook, until it is delivered or given up. `due_ms` is when to try (again).
CREATE TABLE webhook_delivery (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id  TEXT NOT NULL UNIQUE,
    webhook      INTEGER NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event        TEXT NOT NULL,
    payload      TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts     INTEGER NOT NULL,
    due_ms       INTEGER NOT NULL,
    status       INTEGER,
    problem      TEXT NOT NULL
);

CREATE INDEX webhook_delivery_due ON webhook_delivery (due_ms) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_listing ON webhook_delivery (webhook, id);

-- How far messages have been made of what happened: the last audit record looked at.
CREATE TABLE webhook_progress (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL
);
