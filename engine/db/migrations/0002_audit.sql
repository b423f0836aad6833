-- The audit log: append-only records under an RFC 6962 Merkle tree. `leaf_hash` covers every other column of its row.

CREATE TABLE audit (
    seq           INTEGER PRIMARY KEY,
    time_ms       INTEGER NOT NULL,
    actor         TEXT NOT NULL,
    origin        TEXT NOT NULL,
    via           TEXT NOT NULL,
    on_behalf_of  TEXT NOT NULL,
    verb          TEXT NOT NULL,
    kind          TEXT NOT NULL,
    key           TEXT NOT NULL,
    before        TEXT,
    after         TEXT,
    reason        TEXT NOT NULL,
    leaf_hash     BLOB NOT NULL
);

-- Both end in seq, the row id, without naming it.
CREATE INDEX audit_object ON audit (kind, key);
CREATE INDEX audit_time ON audit (time_ms);

-- Hashes of the perfect subtrees of level 1 and above; level 0 is audit.leaf_hash. Proofs read O(log n) of them.
CREATE TABLE audit_node (
    level  INTEGER NOT NULL,
    idx    INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (level, idx)
) WITHOUT ROWID;

-- The size of the tree and the hashes along its right edge, which the next record needs. A log whose last records were
-- removed is shorter than this says.
CREATE TABLE audit_head (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    size  INTEGER NOT NULL,
    edge  BLOB NOT NULL
);
INSERT INTO audit_head (id, size, edge) VALUES (1, 0, x'');

-- A seat belt against mistakes. Whoever can write the file can drop a trigger; the tree is what finds them out.
CREATE TRIGGER audit_in_order BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT size + 1 FROM audit_head)
BEGIN SELECT RAISE(ABORT, 'the audit log grows at its end only'); END;

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_node_new BEFORE INSERT ON audit_node
WHEN EXISTS (SELECT 1 FROM audit_node WHERE level = NEW.level AND idx = NEW.idx)
BEGIN SELECT RAISE(ABORT, 'the audit tree is append-only'); END;

CREATE TRIGGER audit_node_never_changes BEFORE UPDATE ON audit_node
BEGIN SELECT RAISE(ABORT, 'the audit tree is append-only'); END;

CREATE TRIGGER audit_node_never_shrinks BEFORE DELETE ON audit_node
BEGIN SELECT RAISE(ABORT, 'the audit tree is append-only'); END;

CREATE TRIGGER audit_head_single BEFORE INSERT ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit tree has one head'); END;

CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head
WHEN NEW.size IS NOT OLD.size + 1
BEGIN SELECT RAISE(ABORT, 'the audit tree grows by one'); END;

CREATE TRIGGER audit_head_never_shrinks BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit tree has one head'); END;
