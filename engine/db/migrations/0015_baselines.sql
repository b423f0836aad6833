-- What versions are compared with: profiles of the data they were made from, or of a stretch of production. The
-- content lies among the artifacts; a version's baselines are numbered, and the newest is the one in force.

CREATE TABLE baseline (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    version       INTEGER NOT NULL REFERENCES model_version (id) ON DELETE CASCADE,
    number        INTEGER NOT NULL,
    digest        TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('training', 'data', 'production')),
    source        TEXT NOT NULL,
    rows          INTEGER NOT NULL,
    features      INTEGER NOT NULL,
    predictions   TEXT NOT NULL,
    labels        TEXT NOT NULL,
    start_ms      INTEGER,
    end_ms        INTEGER,
    reason        TEXT NOT NULL,
    created_ms    INTEGER NOT NULL,
    actor         TEXT NOT NULL,
    on_behalf_of  TEXT NOT NULL,
    UNIQUE (version, number)
);
