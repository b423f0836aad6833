-- Traces and their spans: what a program did while it answered one request.

-- `final` is 1 once the program has said itself how the whole went; until then it is read off the spans.
CREATE TABLE trace (
    id                 INTEGER PRIMARY KEY,
    trace_id           TEXT NOT NULL UNIQUE,
    experiment         INTEGER NOT NULL REFERENCES experiment (id),
    name               TEXT NOT NULL DEFAULT '',
    state              TEXT NOT NULL CHECK (state IN ('unspecified', 'in_progress', 'ok', 'error')),
    start_ms           INTEGER NOT NULL,
    end_ms             INTEGER,
    final              INTEGER NOT NULL DEFAULT 0,
    client_request_id  TEXT,
    request            TEXT,
    response           TEXT,
    session            TEXT,
    user               TEXT,
    input_tokens       INTEGER,
    output_tokens      INTEGER,
    total_tokens       INTEGER
);

-- The default list, newest first, of one experiment and of all; and what retention takes away first.
CREATE INDEX trace_in_experiment ON trace (experiment, start_ms DESC, trace_id);
CREATE INDEX trace_listing ON trace (start_ms DESC, trace_id);
CREATE INDEX trace_session ON trace (session, start_ms) WHERE session IS NOT NULL;

-- Ids are the 64 bits of OpenTelemetry's as a signed integer. `content` is one JSON text: attributes, events, links.
-- Rows stand in the order of arrival, so that a batch is written at the end of the table and nowhere else.
CREATE TABLE span (
    id              INTEGER PRIMARY KEY,
    trace           INTEGER NOT NULL,
    span_id         INTEGER NOT NULL,
    parent_id       INTEGER,
    name            TEXT NOT NULL,
    kind            TEXT NOT NULL,
    status          INTEGER NOT NULL,
    status_message  TEXT NOT NULL,
    start_ns        INTEGER NOT NULL,
    end_ns          INTEGER,
    input_tokens    INTEGER,
    output_tokens   INTEGER,
    total_tokens    INTEGER,
    content         TEXT NOT NULL,
    UNIQUE (trace, span_id)
);

-- `number` is the value read as a number where it is one, so that `tags.rows > 8` compares numbers.
CREATE TABLE trace_tag (
    trace   INTEGER NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    number  REAL,
    PRIMARY KEY (trace, key)
) WITHOUT ROWID;

-- What the program said of itself when it made the trace; not changed afterwards.
CREATE TABLE trace_metadata (
    trace   INTEGER NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    number  REAL,
    PRIMARY KEY (trace, key)
) WITHOUT ROWID;

-- What a trace belongs to: runs by id, prompts as `name/version`.
CREATE TABLE trace_link (
    trace   INTEGER NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('run', 'prompt')),
    target  TEXT NOT NULL,
    PRIMARY KEY (trace, kind, target)
) WITHOUT ROWID;

CREATE INDEX trace_link_target ON trace_link (kind, target, trace);

-- What people and programs think of a trace. `value` is JSON; `text` and `number` are it as filters compare it.
CREATE TABLE assessment (
    id             INTEGER PRIMARY KEY,
    assessment_id  TEXT NOT NULL UNIQUE,
    trace          INTEGER NOT NULL,
    span_id        TEXT,
    name           TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('feedback', 'expectation', 'issue')),
    source_type    TEXT NOT NULL,
    source_id      TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL,
    value          TEXT NOT NULL,
    text           TEXT NOT NULL,
    number         REAL,
    error          TEXT,
    rationale      TEXT,
    metadata       TEXT NOT NULL DEFAULT '{}',
    overrides      TEXT,
    valid          INTEGER NOT NULL DEFAULT 1
);

CREATE INDEX assessment_of_trace ON assessment (trace, kind, name);
