-- Long metric histories, summed up a block of steps at a time, so that a chart reads thousands of rows, not millions.

-- The metrics of runs that are long: a block has 2 ^ shift steps; those below `until` are summed up, the rest is not.
-- A block of the next level is made of eight of the level below.
CREATE TABLE curve (
    run    INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    shift  INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;

-- `numbers` counts the points that are not NaN, `total` adds them up; `low` and `high` are 'NaN' where there are none.
CREATE TABLE metric_block (
    run         INTEGER NOT NULL,
    key         INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    block       INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    numbers     INTEGER NOT NULL,
    low         REAL NOT NULL,
    high        REAL NOT NULL,
    total       REAL,
    first_step  INTEGER NOT NULL,
    first       REAL NOT NULL,
    last        REAL NOT NULL,
    begin_ms    INTEGER NOT NULL,
    end_ms      INTEGER NOT NULL,
    PRIMARY KEY (run, key, level, block)
) WITHOUT ROWID;

INSERT INTO curve (run, key, shift, until)
SELECT run, key, shift, greatest >> shift FROM (
    SELECT run, key, greatest, (
        SELECT min(value) FROM json_each('[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,
            29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62]')
        WHERE (1 << value) * 1.0 * points >= 64.0 * (greatest * 1.0 - least * 1.0 + 1.0)
    ) AS shift FROM (
        SELECT run, key, count(*) AS points, min(step) AS least, max(step) AS greatest
        FROM metric GROUP BY run, key HAVING count(*) >= 4096
    )
);

INSERT INTO metric_block
SELECT run, key, 0, block, points,
       iif(typeof(high) = 'text', (SELECT count(*) FROM metric f WHERE f.run = b.run AND f.key = b.key AND f.step >= b.begin AND f.step <= b.end
                                   AND value <= 9e999), points), low,
       iif(typeof(high) = 'text', ifnull((SELECT max(value) FROM metric f WHERE f.run = b.run AND f.key = b.key AND f.step >= b.begin AND f.step <= b.end
                                   AND value <= 9e999), 'NaN'), high), total,
       (SELECT step FROM metric f WHERE f.run = b.run AND f.key = b.key AND f.step >= b.begin AND f.step <= b.end
        ORDER BY step LIMIT 1),
       (SELECT value FROM metric f WHERE f.run = b.run AND f.key = b.key AND f.step >= b.begin AND f.step <= b.end
        ORDER BY step, time_ms, value LIMIT 1),
       (SELECT value FROM metric f WHERE f.run = b.run AND f.key = b.key AND f.step >= b.begin AND f.step <= b.end
        ORDER BY step DESC, time_ms DESC, value DESC LIMIT 1),
       begin_ms, end_ms
FROM (
    SELECT m.run AS run, m.key AS key, m.step >> c.shift AS block, (m.step >> c.shift) << c.shift AS begin,
           ((m.step >> c.shift) << c.shift) + (1 << c.shift) - 1 AS end, count(*) AS points, min(m.value) AS low,
           max(m.value) AS high, sum(m.value) AS total, min(m.time_ms) AS begin_ms, max(m.time_ms) AS end_ms
    FROM curve c JOIN metric m ON m.run = c.run AND m.key = c.key AND m.step < c.until << c.shift
    GROUP BY m.run, m.key, m.step >> c.shift
) b;

INSERT INTO metric_block
SELECT run, key, 1, block, points, numbers, low, ifnull(high, 'NaN'), total, least,
       (SELECT first FROM metric_block f WHERE f.run = b.run AND f.key = b.key AND f.level = 0 AND f.block = b.begin),
       (SELECT last FROM metric_block l WHERE l.run = b.run AND l.key = b.key AND l.level = 0 AND l.block = b.end),
       begin_ms, end_ms
FROM (
    SELECT m.run AS run, m.key AS key, m.block >> 3 AS block, sum(m.count) AS points, sum(m.numbers) AS numbers,
           min(m.low) AS low, max(iif(m.high <= 9e999, m.high, NULL)) AS high, sum(m.total) AS total,
           min(m.first_step) AS least, min(m.block) AS begin, max(m.block) AS end,
           min(m.begin_ms) AS begin_ms, max(m.end_ms) AS end_ms
    FROM curve c JOIN metric_block m ON m.run = c.run AND m.key = c.key AND m.level = 0
        AND m.block < (c.until >> 3) << 3
    GROUP BY m.run, m.key, m.block >> 3
) b;

INSERT INTO metric_block
SELECT run, key, 2, block, points, numbers, low, ifnull(high, 'NaN'), total, least,
       (SELECT first FROM metric_block f WHERE f.run = b.run AND f.key = b.key AND f.level = 1 AND f.block = b.begin),
       (SELECT last FROM metric_block l WHERE l.run = b.run AND l.key = b.key AND l.level = 1 AND l.block = b.end),
       begin_ms, end_ms
FROM (
    SELECT m.run AS run, m.key AS key, m.block >> 3 AS block, sum(m.count) AS points, sum(m.numbers) AS numbers,
           min(m.low) AS low, max(iif(m.high <= 9e999, m.high, NULL)) AS high, sum(m.total) AS total,
           min(m.first_step) AS least, min(m.block) AS begin, max(m.block) AS end,
           min(m.begin_ms) AS begin_ms, max(m.end_ms) AS end_ms
    FROM curve c JOIN metric_block m ON m.run = c.run AND m.key = c.key AND m.level = 1
        AND m.block < (c.until >> 6) << 3
    GROUP BY m.run, m.key, m.block >> 3
) b;
