-- Prompts and their versions. A name belongs to a prompt or to a model, never to both; times are milliseconds since the
-- epoch, and a version's template never changes once it is stored.

CREATE TABLE prompt (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL UNIQUE,
    description  TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL
);

-- The last number given out under a name; it outlives versions and prompts.
CREATE TABLE prompt_counter (
    name  TEXT PRIMARY KEY,
    last  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE prompt_tag (
    prompt  INTEGER NOT NULL REFERENCES prompt (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    number  REAL,
    PRIMARY KEY (prompt, key)
) WITHOUT ROWID;

-- `template` is the text, or the messages of a chat as JSON; what a model is asked to answer in, and with which
-- settings, is JSON as it was given, or empty.
CREATE TABLE prompt_version (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    prompt           INTEGER NOT NULL REFERENCES prompt (id) ON DELETE CASCADE,
    number           INTEGER NOT NULL,
    kind             TEXT NOT NULL CHECK (kind IN ('text', 'chat')),
    template         TEXT NOT NULL,
    response_format  TEXT NOT NULL,
    model_config     TEXT NOT NULL,
    commit_message   TEXT NOT NULL,
    created_ms       INTEGER NOT NULL,
    updated_ms       INTEGER NOT NULL,
    created_by       TEXT NOT NULL,
    UNIQUE (prompt, number)
);

CREATE TABLE prompt_version_tag (
    version  INTEGER NOT NULL REFERENCES prompt_version (id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    number   REAL,
    PRIMARY KEY (version, key)
) WITHOUT ROWID;

CREATE TABLE prompt_alias (
    prompt   INTEGER NOT NULL REFERENCES prompt (id) ON DELETE CASCADE,
    alias    TEXT NOT NULL,
    version  INTEGER NOT NULL REFERENCES prompt_version (id) ON DELETE CASCADE,
    PRIMARY KEY (prompt, alias)
) WITHOUT ROWID;

CREATE INDEX prompt_alias_version ON prompt_alias (version);

-- Where the run is shown that made a version, when that is not here; said by whoever registered it.
ALTER TABLE model_version ADD COLUMN run_link TEXT NOT NULL DEFAULT '';
