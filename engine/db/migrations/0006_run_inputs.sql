-- What a run read and made: more of its datasets, and the models it logged or read.

-- `source` says where the data came from, in the words of `source_type`; `profile` describes it. The first ones told of
-- a (name, digest) are kept.
ALTER TABLE dataset ADD COLUMN source_type TEXT NOT NULL DEFAULT '';
ALTER TABLE dataset ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE dataset ADD COLUMN profile TEXT NOT NULL DEFAULT '';

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
