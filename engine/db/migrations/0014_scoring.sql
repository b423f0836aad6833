-- Batch predictions: what read which files with which version, and where the answers lie.

CREATE TABLE scoring (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    version       INTEGER REFERENCES model_version (id) ON DELETE SET NULL,
    model         TEXT NOT NULL,
    number        INTEGER NOT NULL,
    digest        TEXT NOT NULL,
    runtime       TEXT NOT NULL,
    inputs        TEXT NOT NULL,
    input_files   INTEGER NOT NULL,
    output        TEXT NOT NULL,
    format        TEXT NOT NULL,
    rows          INTEGER NOT NULL,
    refused       INTEGER NOT NULL,
    parts         INTEGER NOT NULL,
    parts_done    INTEGER NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'failed', 'finished')),
    problem       TEXT NOT NULL,
    actor         TEXT NOT NULL,
    on_behalf_of  TEXT NOT NULL,
    began_ms      INTEGER NOT NULL,
    ended_ms      INTEGER
);

CREATE INDEX scoring_version ON scoring (version, id);
