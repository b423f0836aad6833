-- What free words are looked for in beside names: users are few, and ids that are no hex digits are rarer still, so
-- that a word is compared with these few instead of in every row.
CREATE INDEX run_by_user ON run (user);
CREATE INDEX run_odd_id ON run (run_id) WHERE run_id GLOB '*[^0-9a-f]*';
