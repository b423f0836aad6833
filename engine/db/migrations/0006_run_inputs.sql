-- What a run read and made: more of its datasets, and the models it logged or read.

-- `profile` describes a dataset; the first one told of a (name, digest) is kept.
ALTER TABLE dataset ADD COLUMN profile TEXT NOT NULL DEFAULT '';

-- Where data came from, in the words of its type. The same data may come to two runs from two places.
CREATE TABLE data_source (
    id        INTEGER PRIMARY KEY,
    digest    TEXT NOT NULL UNIQUE,
    type      TEXT NOT NULL,
    location  TEXT NOT NULL
);

ALTER TABLE run_dataset ADD COLUMN source INTEGER REFERENCES data_source (id);

-- Tags of one use of a dataset, besides its context.
CREATE TABLE run_dataset_tag (
    run      INTEGER NOT NULL REFERENCES run (id),
    dataset  INTEGER NOT NULL REFERENCES dataset (id),
    context  TEXT NOT NULL,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (run, dataset, context, key)
) WITHOUT ROWID;

-- Models by their public id, for a run may name one that is not here. The first step told of a model is kept.
CREATE TABLE run_model (
    run       INTEGER NOT NULL REFERENCES run (id),
    kind      TEXT NOT NULL CHECK (kind IN ('input', 'output')),
    model_id  TEXT NOT NULL,
    step      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, kind, model_id)
) WITHOUT ROWID;

CREATE INDEX run_model_users ON run_model (model_id, run);
