-- What lets a version move, and what moved: gate reports as evidence, requests for approval with every word said on
-- them, and the promotions that relied on both. Rows are never deleted on their own; they go with their model.

CREATE TABLE gate_report (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    version        INTEGER NOT NULL REFERENCES model_version (id) ON DELETE CASCADE,
    target         TEXT NOT NULL,
    digest         TEXT NOT NULL,
    policy_digest  TEXT NOT NULL,
    baseline       TEXT NOT NULL,
    passed         INTEGER NOT NULL CHECK (passed IN (0, 1)),
    actor          TEXT NOT NULL,
    time_ms        INTEGER NOT NULL
);

CREATE INDEX gate_report_latest ON gate_report (version, target, id);

CREATE TABLE gate_result (
    report     INTEGER NOT NULL REFERENCES gate_report (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    gate       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('pass', 'fail', 'error')),
    value      REAL,
    threshold  REAL,
    margin     REAL,
    unit       TEXT NOT NULL,
    message    TEXT NOT NULL,
    evidence   TEXT NOT NULL,
    PRIMARY KEY (report, position)
) WITHOUT ROWID;

-- `closed` is NULL while the request can be decided on or used; whether it is approved, expired or stale by then is
-- computed from the decisions, the clock and the policy of the moment, never stored where it could grow old.
CREATE TABLE approval_request (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    version       INTEGER NOT NULL REFERENCES model_version (id) ON DELETE CASCADE,
    target        TEXT NOT NULL,
    override      INTEGER NOT NULL CHECK (override IN (0, 1)),
    digest        TEXT NOT NULL,
    demands       TEXT NOT NULL,
    production    TEXT NOT NULL,
    report        INTEGER NOT NULL REFERENCES gate_report (id) ON DELETE CASCADE,
    requested_by  TEXT NOT NULL,
    on_behalf_of  TEXT NOT NULL,
    reason        TEXT NOT NULL,
    created_ms    INTEGER NOT NULL,
    expires_ms    INTEGER NOT NULL,
    closed        TEXT CHECK (closed IN ('rejected', 'withdrawn', 'used', 'expired', 'stale')),
    problem       TEXT NOT NULL DEFAULT '',
    promotion     INTEGER
);

CREATE UNIQUE INDEX approval_request_one ON approval_request (version, target, override) WHERE closed IS NULL;
CREATE INDEX approval_request_closed ON approval_request (closed, id);

CREATE TABLE approval_decision (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    request       INTEGER NOT NULL REFERENCES approval_request (id) ON DELETE CASCADE,
    verdict       TEXT NOT NULL CHECK (verdict IN ('approve', 'reject', 'revoke')),
    actor         TEXT NOT NULL,
    on_behalf_of  TEXT NOT NULL,
    reason        TEXT NOT NULL,
    time_ms       INTEGER NOT NULL
);

CREATE INDEX approval_decision_request ON approval_decision (request, id);

-- Versions stand here by their number, which is never given again, so that the history outlives a deleted version.
CREATE TABLE promotion (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    model               INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
    version             INTEGER NOT NULL,
    kind                TEXT NOT NULL CHECK (kind IN ('promote', 'override', 'rollback', 'rollout')),
    from_stage          TEXT NOT NULL,
    to_stage            TEXT NOT NULL,
    digest              TEXT NOT NULL,
    report              INTEGER REFERENCES gate_report (id) ON DELETE SET NULL,
    request             INTEGER UNIQUE REFERENCES approval_request (id) ON DELETE SET NULL,
    overridden          TEXT NOT NULL,
    rolled_back_from    INTEGER,
    changes_production  INTEGER NOT NULL CHECK (changes_production IN (0, 1)),
    reason              TEXT NOT NULL,
    actor               TEXT NOT NULL,
    on_behalf_of        TEXT NOT NULL,
    time_ms             INTEGER NOT NULL
);

CREATE INDEX promotion_history ON promotion (model, id);
CREATE INDEX promotion_production ON promotion (model, id) WHERE changes_production = 1;

-- The versions that made room.
CREATE TABLE promotion_move (
    promotion   INTEGER NOT NULL REFERENCES promotion (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    from_stage  TEXT NOT NULL,
    to_stage    TEXT NOT NULL,
    PRIMARY KEY (promotion, version)
) WITHOUT ROWID;
