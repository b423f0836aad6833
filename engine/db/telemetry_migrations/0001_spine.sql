-- What every database of a workspace has, then what endpoints were asked and answered.

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
