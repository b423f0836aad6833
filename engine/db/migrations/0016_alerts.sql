-- Alerts: what a monitor found, how it stands, and what happened to it.

CREATE TABLE alert (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor          TEXT NOT NULL,
    key              TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('open', 'acknowledged', 'resolved')),
    severity         INTEGER NOT NULL CHECK (severity BETWEEN 1 AND 3),
    sentence         TEXT NOT NULL,
    next_step        TEXT NOT NULL,
    value            REAL,
    model            TEXT NOT NULL,
    version          INTEGER,
    endpoint         TEXT NOT NULL,
    evidence         TEXT NOT NULL,
    windows          INTEGER NOT NULL,
    window_start_ms  INTEGER NOT NULL,
    window_end_ms    INTEGER NOT NULL,
    opened_ms        INTEGER NOT NULL,
    updated_ms       INTEGER NOT NULL,
    owner            TEXT NOT NULL,
    until_ms         INTEGER,
    escalated        INTEGER NOT NULL CHECK (escalated IN (0, 1)),
    silence          INTEGER REFERENCES silence (id),
    resolved_ms      INTEGER,
    resolved_by      TEXT NOT NULL,
    resolution       TEXT NOT NULL,
    rule             TEXT NOT NULL
);

-- One thing that is watched has one alert at a time: what is found again is told again by the same.
CREATE UNIQUE INDEX alert_active ON alert (monitor, key) WHERE state <> 'resolved';
CREATE INDEX alert_model ON alert (model, id);

-- What the windows said of late, so that a monitor goes on where it stopped.
CREATE TABLE alert_track (
    monitor         TEXT NOT NULL,
    key             TEXT NOT NULL,
    seen            TEXT NOT NULL,
    last_ms         INTEGER NOT NULL,
    quiet_until_ms  INTEGER NOT NULL,
    PRIMARY KEY (monitor, key)
) WITHOUT ROWID;

CREATE TABLE alert_change (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    alert     INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    time_ms   INTEGER NOT NULL,
    change    TEXT NOT NULL,
    actor     TEXT NOT NULL,
    sentence  TEXT NOT NULL,
    severity  INTEGER NOT NULL,
    silenced  INTEGER NOT NULL CHECK (silenced IN (0, 1))
);

CREATE INDEX alert_change_of ON alert_change (alert, id);

CREATE TABLE silence (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor     TEXT NOT NULL,
    key         TEXT NOT NULL,
    model       TEXT NOT NULL,
    endpoint    TEXT NOT NULL,
    reason      TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    until_ms    INTEGER NOT NULL,
    ended_ms    INTEGER,
    ended_by    TEXT NOT NULL
);

CREATE INDEX silence_until ON silence (until_ms);
