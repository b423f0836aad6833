-- Endpoints that somebody else serves, and how they are probed. What probes found is telemetry.

CREATE TABLE external_endpoint (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    name             TEXT NOT NULL UNIQUE,
    url              TEXT NOT NULL,
    protocol         TEXT NOT NULL CHECK (protocol IN ('v2', 'mlflow', 'http')),
    model            TEXT NOT NULL,
    interval_ms      INTEGER NOT NULL CHECK (interval_ms > 0),
    timeout_ms       INTEGER NOT NULL CHECK (timeout_ms > 0),
    expected_status  INTEGER NOT NULL,
    headers          TEXT NOT NULL,
    description      TEXT NOT NULL,
    owner            TEXT NOT NULL,
    tags             TEXT NOT NULL,
    created_ms       INTEGER NOT NULL,
    updated_ms       INTEGER NOT NULL,
    created_by       TEXT NOT NULL
);
