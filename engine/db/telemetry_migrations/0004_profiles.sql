-- Profiles of what endpoints were asked: counts by minute, hour and day, each added to as rows come, so that none is
-- ever made from another and late rows are in all three.

CREATE TABLE profile_step (
    endpoint  INTEGER NOT NULL,
    step_s    INTEGER NOT NULL CHECK (step_s IN (60, 3600, 86400)),
    start_s   INTEGER NOT NULL,
    model     TEXT NOT NULL,
    version   INTEGER NOT NULL,
    share     TEXT NOT NULL,
    segment   TEXT NOT NULL,
    layout    TEXT NOT NULL,
    rows      INTEGER NOT NULL,
    profile   BLOB NOT NULL,
    PRIMARY KEY (endpoint, model, version, layout, segment, step_s, start_s, share)
) WITHOUT ROWID;

-- How far predictions have been counted into profiles of one layout, whole and by each column that tells segments apart;
-- written with them, so that none counts twice.
CREATE TABLE profile_progress (
    endpoint   INTEGER NOT NULL,
    model      TEXT NOT NULL,
    version    INTEGER NOT NULL,
    layout     TEXT NOT NULL,
    part       TEXT NOT NULL,
    last_id    INTEGER NOT NULL,
    PRIMARY KEY (endpoint, model, version, layout, part)
) WITHOUT ROWID;
