"""Ten thousand random edits of a stored log, by forgers of growing diligence; a kept head finds every one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from engine.audit.merkle import RightEdge, leaf_hash
from engine.audit.model import Columns, TreeHead, Verification, leaf_data
from engine.audit.verification import Row, StoredLog, verify_log

EDITS_PER_SEED = 1_000
SEEDS = range(12)

TEXTS = ("", "ann", "bob", "promote", "churn/7", '{"stage":"Production"}', '{"stage": "Production"}', "null", "é\x00")
VALUES = (*TEXTS, None, 0, 1, -1, 1.5, 2**62, b"", b"ann", float("inf"))
LAST_COLUMN = 11


@dataclass
class Forged:
    """A log as stored, in a forger's hands."""

    rows: list[Row]
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    size: int | None = 0
    edge: bytes = b""

    def rehash_leaf(self, place: int) -> None:
        columns, _ = self.rows[place]
        self.rows[place] = (columns, leaf_hash(leaf_data(columns)))

    def renumber(self) -> None:
        self.rows = [
            (with_column(columns, 0, number), leaf) for number, (columns, leaf) in enumerate(self.rows, start=1)
        ]

    def rebuild(self) -> None:
        """Number the rows anew and recompute every hash there is."""
        self.renumber()
        edge = RightEdge()
        self.nodes = {}
        for place in range(len(self.rows)):
            self.rehash_leaf(place)
            completed = edge.append(self.rows[place][1])
            self.nodes.update({(level, index): value for level, index, value in completed})
        self.size, self.edge = edge.size, edge.pack()

    def head(self) -> TreeHead:
        edge = RightEdge.unpack(self.size or 0, self.edge)
        assert edge is not None
        return TreeHead(edge.size, edge.root(), 0)

    def verify(self, kept: TreeHead | None = None) -> Verification:
        def nodes(level: int) -> Iterator[tuple[int, bytes]]:
            return iter(sorted((index, value) for (at, index), value in self.nodes.items() if at == level))

        rows = sorted(self.rows, key=lambda row: row[0][0])
        return verify_log(StoredLog(rows, nodes, len(self.nodes), self.size, self.edge), now_ms=0, kept=kept)


def with_column(columns: Columns, at: int, value: object) -> Columns:
    changed: list[object] = list(columns)
    changed[at] = value
    return tuple(changed)  # type: ignore[return-value]  # a forger may store any type


def record(rng: random.Random, seq: int) -> Row:
    state = rng.choice((None, f'{{"version":{rng.randrange(9)}}}'))
    texts = [rng.choice(("ann", "bob", "promote", "", "é")) for _ in range(7)]
    columns: Sequence[object] = (seq, 1_000 * seq + rng.randrange(9), *texts, state, state, rng.choice(("", "why")))
    return tuple(columns), b""  # type: ignore[return-value]  # twelve columns, counted in the model


def genuine(rng: random.Random, size: int) -> Forged:
    log = Forged([record(rng, seq) for seq in range(1, size + 1)])
    log.rebuild()
    return log


def change_cell(log: Forged, rng: random.Random, place: int) -> None:
    """Change one column other than seq to a value that is really different, type included."""
    columns, leaf = log.rows[place]
    at = rng.randrange(1, LAST_COLUMN + 1)
    old = columns[at]
    value = rng.choice([value for value in VALUES if (type(value), value) != (type(old), old)])
    log.rows[place] = (with_column(columns, at, value), leaf)


def change_text(log: Forged, rng: random.Random, place: int) -> None:
    """Change one column as a careful forger would: the result is a well-formed record."""
    columns, leaf = log.rows[place]
    at = rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 10, 11))
    log.rows[place] = (
        with_column(columns, at, rng.choice([text for text in TEXTS if text != columns[at]])),
        leaf,
    )


Edit = Callable[[Forged, random.Random, int], int | None]
"""Edits the log near a place; returns the number that verification must name from the rows alone, if they tell it."""


def cell(log: Forged, rng: random.Random, place: int) -> int | None:
    change_cell(log, rng, place)
    return place + 1


def hash_of_a_record(log: Forged, rng: random.Random, place: int) -> int | None:
    log.rows[place] = (log.rows[place][0], rng.choice((rng.randbytes(32), b"", log.rows[place][1][:31])))
    return place + 1


def contents_swapped(log: Forged, rng: random.Random, place: int) -> int | None:
    other = (place + rng.randrange(1, len(log.rows))) % len(log.rows)
    (here, here_leaf), (there, there_leaf) = log.rows[place], log.rows[other]
    log.rows[place] = (with_column(there, 0, here[0]), there_leaf)
    log.rows[other] = (with_column(here, 0, there[0]), here_leaf)
    return min(place, other) + 1


def deleted(log: Forged, rng: random.Random, place: int) -> int | None:
    del log.rows[place]
    return place + 1


def deleted_and_renumbered(log: Forged, rng: random.Random, place: int) -> int | None:
    del log.rows[place]
    log.renumber()
    return place + 1


def truncated(log: Forged, rng: random.Random, place: int) -> int | None:
    del log.rows[place:]
    return place + 1


def put_in_between(log: Forged, rng: random.Random, place: int) -> int | None:
    log.rows.insert(place, record(rng, 0))
    log.renumber()
    log.rehash_leaf(place)
    return place + 1


def put_in_before_the_first(log: Forged, rng: random.Random, place: int) -> int | None:
    log.rows.insert(0, record(rng, -place))
    return -place


def put_in_after_the_last(log: Forged, rng: random.Random, place: int) -> int | None:
    log.rows.append(record(rng, len(log.rows) + 1 + place))
    log.rehash_leaf(-1)
    return len(log.rows)


def rehashed_leaf(log: Forged, rng: random.Random, place: int) -> int | None:
    change_text(log, rng, place)
    log.rehash_leaf(place)
    return None


def subtree(log: Forged, rng: random.Random, place: int) -> int | None:
    key = rng.choice(sorted(log.nodes))
    if rng.random() < 0.5:
        del log.nodes[key]
    else:
        log.nodes[key] = rng.randbytes(32)
    return None


def foreign_subtree(log: Forged, rng: random.Random, place: int) -> int | None:
    log.nodes[rng.choice(((1, -1), (1, len(log.rows)), (0, 0), (40, 0)))] = rng.randbytes(32)
    return None


def stored_head(log: Forged, rng: random.Random, place: int) -> int | None:
    log.size, log.edge = rng.choice(
        ((None, log.edge), (log.size, rng.randbytes(len(log.edge))), (log.size, b""), (place, log.edge), (-1, b""))
    )
    return None


CARELESS: tuple[Edit, ...] = (
    cell,
    hash_of_a_record,
    contents_swapped,
    deleted,
    deleted_and_renumbered,
    truncated,
    put_in_between,
    put_in_before_the_first,
    put_in_after_the_last,
    rehashed_leaf,
    subtree,
    foreign_subtree,
    stored_head,
)


def edited(rng: random.Random, log: Forged, place: int) -> None:
    change_text(log, rng, place)


def dropped(rng: random.Random, log: Forged, place: int) -> None:
    del log.rows[place]


def cut_off(rng: random.Random, log: Forged, place: int) -> None:
    del log.rows[place:]


def added(rng: random.Random, log: Forged, place: int) -> None:
    log.rows.insert(place, (with_column(record(rng, 0)[0], 11, "slipped in"), b""))


def moved(rng: random.Random, log: Forged, place: int) -> None:
    log.rows.insert((place + rng.randrange(1, len(log.rows))) % len(log.rows), log.rows.pop(place))
    change_text(log, rng, place)  # so that two records of equal content do not make it no edit at all


DILIGENT = (edited, dropped, cut_off, added, moved)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_careless_edit_is_found_and_the_first_bad_record_named(seed: int) -> None:
    rng = random.Random(seed)
    for number in range(EDITS_PER_SEED):
        log = genuine(rng, rng.randrange(2, 24))
        kept, place = log.head(), rng.randrange(len(log.rows))
        edit = CARELESS[number % len(CARELESS)]
        named = edit(log, rng, place)
        # A well-formed record in another's place fits itself: only a neighbour's hash tells of it.
        slack = 1 if edit is put_in_between else 0
        for found in (log.verify(kept), log.verify()):
            assert not found.ok, (edit.__name__, place)
            assert found.problem
            if named is not None:
                assert found.first_bad is not None, (edit.__name__, place)
                assert abs(found.first_bad - named) <= slack, (edit.__name__, place, found)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_edit_with_all_hashes_recomputed_is_found_against_a_kept_head(seed: int) -> None:
    rng = random.Random(~seed)
    for number in range(EDITS_PER_SEED):
        log = genuine(rng, rng.randrange(2, 24))
        heads = [genuine_prefix.head() for genuine_prefix in prefixes(log)]
        place = rng.randrange(len(log.rows))
        edit = DILIGENT[number % len(DILIGENT)]
        untouched = list(log.rows)
        edit(rng, log, place)
        log.rebuild()
        assert log.verify().ok, "the rows alone cannot tell"
        for kept in heads:
            covered = untouched[: kept.size] != log.rows[: kept.size]
            assert log.verify(kept).ok != covered, (edit.__name__, place, kept.size)


def prefixes(log: Forged) -> Iterator[Forged]:
    """The log as it was when a head may have been kept: half-way, and now."""
    for size in (len(log.rows) // 2, len(log.rows)):
        prefix = Forged(log.rows[:size])
        prefix.rebuild()
        yield prefix


@pytest.mark.parametrize("size", range(40))
def test_an_honest_log_agrees_with_every_head_ever_kept(size: int) -> None:
    log = genuine(random.Random(size), size)
    for kept_size in range(size + 1):
        prefix = Forged(log.rows[:kept_size])
        prefix.rebuild()
        found = log.verify(prefix.head())
        assert found == Verification(ok=True, size=size, head=log.head(), first_bad=None, problem="")


@pytest.mark.parametrize("size", [1, 2, 5, 8, 17])
def test_a_recomputed_leaf_is_narrowed_to_the_smallest_stored_subtree_around_it(size: int) -> None:
    rng = random.Random(size)
    for place in range(size):
        log = genuine(rng, size)
        rehashed_leaf(log, rng, place)
        found = log.verify()
        alone = place == size - 1 and size % 2 == 1
        assert found.first_bad == (place + 1 if alone else place // 2 * 2 + 1)
        assert f"{found.first_bad}" in found.problem
        assert alone or f"to {place // 2 * 2 + 2} " in found.problem
