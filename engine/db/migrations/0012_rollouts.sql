-- Rollouts: a version on its way to all of the traffic, step by step, and what each step showed.

CREATE TABLE rollout (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint       INTEGER NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    candidate      INTEGER NOT NULL REFERENCES deployment (id) ON DELETE CASCADE,
    live           INTEGER NOT NULL REFERENCES deployment (id) ON DELETE CASCADE,
    policy         TEXT NOT NULL,
    promotes       INTEGER NOT NULL CHECK (promotes IN (0, 1)),
    state          TEXT NOT NULL CHECK (state IN ('running', 'paused', 'passed', 'failed', 'aborted')),
    step           INTEGER NOT NULL,
    generation     INTEGER NOT NULL,
    step_since_ms  INTEGER,
    evidence       TEXT NOT NULL,
    note           TEXT NOT NULL,
    reason         TEXT NOT NULL,
    actor          TEXT NOT NULL,
    on_behalf_of   TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL,
    ended_ms       INTEGER
);

-- One at a time: two candidates at once would be compared with each other's company.
CREATE UNIQUE INDEX rollout_open ON rollout (endpoint) WHERE ended_ms IS NULL;
CREATE INDEX rollout_endpoint ON rollout (endpoint, id);

-- What was decided when, and on which numbers; only ever added to.
CREATE TABLE rollout_verdict (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout   INTEGER NOT NULL REFERENCES rollout (id) ON DELETE CASCADE,
    step      INTEGER NOT NULL,
    verdict   TEXT NOT NULL,
    sentence  TEXT NOT NULL,
    evidence  TEXT NOT NULL,
    time_ms   INTEGER NOT NULL
);

CREATE INDEX rollout_verdict_of ON rollout_verdict (rollout, id);
