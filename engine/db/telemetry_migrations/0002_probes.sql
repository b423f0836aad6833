-- What was found at endpoints that somebody else serves: each probe, and sums over hours that are kept longer.

CREATE TABLE probe (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint        INTEGER NOT NULL,
    time_ms         INTEGER NOT NULL,
    ok              INTEGER NOT NULL CHECK (ok IN (0, 1)),
    status          INTEGER,
    latency_us      INTEGER,
    problem         TEXT NOT NULL,
    tls_expires_ms  INTEGER,
    facts           TEXT NOT NULL
);

CREATE INDEX probe_endpoint ON probe (endpoint, id);
CREATE INDEX probe_time ON probe (time_ms);

CREATE TABLE probe_hour (
    endpoint        INTEGER NOT NULL,
    start_ms        INTEGER NOT NULL,
    probes          INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    timed           INTEGER NOT NULL,
    latency_us      INTEGER NOT NULL,
    max_latency_us  INTEGER NOT NULL,
    PRIMARY KEY (endpoint, start_ms)
) WITHOUT ROWID;

CREATE INDEX probe_hour_start ON probe_hour (start_ms);
