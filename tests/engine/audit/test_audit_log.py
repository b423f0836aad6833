from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.audit.model import (
    EMPTY_HEAD,
    AuditEntry,
    AuditFilter,
    TreeHead,
    Verification,
    format_head,
    parse_head,
)
from engine.audit.service import MAX_REASON, AuditLog, record
from engine.core.access import Actor
from engine.core.clock import ManualClock
from engine.core.errors import InvalidInput, NotFound
from engine.core.paging import encode_token
from engine.db.database import Database

Fill = Callable[[int], None]

START_MS = 1_760_000_000_000
LINE = f"qd-audit-1 1234 {'5d' * 32} 2026-11-03T09:00:00.250Z"


def write(database: Database, actor: Actor | None = None, **fields: Any) -> AuditEntry:
    given = {"verb": "promote", "kind": "version", "key": "churn/7", "before": None, "after": None, **fields}
    with database.transaction(actor or Actor("ann")) as tx:
        return record(tx, **given)


def test_a_record_tells_who_did_what_when_and_why(database: Database, log: AuditLog) -> None:
    actor = Actor("root", origin="ssh:203.0.113.7", via="console", on_behalf_of="ann")
    written = write(database, actor, before={"stage": "Staging"}, after={"stage": "Production"}, reason="better recall")
    assert log.entry(1) == written
    assert written == AuditEntry(
        seq=1,
        time_ms=START_MS,
        actor="root",
        origin="ssh:203.0.113.7",
        via="console",
        on_behalf_of="ann",
        verb="promote",
        kind="version",
        key="churn/7",
        before={"stage": "Staging"},
        after={"stage": "Production"},
        reason="better recall",
    )


def test_states_read_back_as_the_record_returned_them(database: Database, log: AuditLog) -> None:
    hostile = {
        "auc": math.nan,
        "tags": ("a", "b"),
        "é\x1b[0m": "[/nope]\udcff",
        "whole": 2.0,
        "none": None,
        "empty": {},
    }
    written = write(database, before={}, after=hostile)
    assert log.entry(1) == written
    assert written.before == {}
    assert written.after == {**hostile, "auc": "NaN", "tags": ["a", "b"], "whole": 2}
    assert log.verify().ok


def test_a_record_is_undone_with_the_transaction_it_describes(database: Database, log: AuditLog, fill: Fill) -> None:
    fill(3)
    before = log.head()

    def interrupted() -> None:
        with database.transaction(Actor("ann")) as tx:
            record(tx, verb="delete", kind="run", key="a", before={}, after=None)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        interrupted()
    assert log.head() == before
    assert log.verify(before).ok
    assert write(database).seq == 4


def test_several_records_of_one_transaction_stand_in_order(database: Database, log: AuditLog) -> None:
    with database.transaction(Actor("ann")) as tx:
        for key in "abc":
            record(tx, verb="tag", kind="run", key=key, before=None, after={"key": key})
    assert [(entry.seq, entry.key) for entry in log.page().items] == [(3, "c"), (2, "b"), (1, "a")]
    assert log.verify().ok


def test_a_record_is_news_for_live_screens(database: Database) -> None:
    feed = database.feed()
    write(database)
    changes = feed.poll()
    feed.close()
    assert changes is not None
    assert [(event.kind, event.change, event.key, event.row_id) for event in changes.events] == [
        ("audit", "recorded", "1", 1)
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": "\udcff"},
        {"reason": "nul\0nul"},
        {"reason": "x" * (MAX_REASON + 1)},
        {"key": "a\ud800"},
        {"after": {"x": object()}},
        {"before": {1: 2}},
    ],
)
def test_what_cannot_be_stored_is_refused_and_nothing_is_written(
    database: Database, log: AuditLog, fields: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        write(database, **fields)
    assert log.head().size == 0


@pytest.mark.parametrize("seq", [0, -1, 4, 2**80])
def test_an_unknown_record_is_not_found(log: AuditLog, fill: Fill, seq: int) -> None:
    fill(3)
    for ask in (log.entry, log.inclusion):
        with pytest.raises(NotFound, match="the log has 1 to 3"):
            ask(seq)


def test_an_empty_log_says_that_it_is_empty(log: AuditLog) -> None:
    with pytest.raises(NotFound, match="the log is empty"):
        log.entry(1)
    assert log.page().items == ()
    assert log.head() == TreeHead(0, EMPTY_HEAD.root_hash, START_MS)
    assert log.verify(EMPTY_HEAD) == Verification(ok=True, size=0, head=log.head(), first_bad=None, problem="")
    assert not log.verify(TreeHead(0, bytes(32), 0)).ok


@pytest.mark.parametrize("limit", [1, 2, 7, 20, 21])
def test_pages_list_every_record_once_newest_first(log: AuditLog, fill: Fill, limit: int) -> None:
    fill(20)
    seen: list[int] = []
    token = None
    while True:
        page = log.page(limit=limit, page_token=token)
        assert len(page.items) <= limit
        seen += [entry.seq for entry in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert seen == list(range(20, 0, -1))


def test_a_page_continues_where_it_was_when_records_are_added(log: AuditLog, fill: Fill) -> None:
    fill(5)
    first = log.page(limit=2)
    fill(3)
    second = log.page(limit=2, page_token=first.next_page_token)
    assert [entry.seq for entry in (*first.items, *second.items)] == [5, 4, 3, 2]


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (AuditFilter(actor="bob"), lambda entry: entry.actor == "bob"),
        (AuditFilter(verb="promote"), lambda entry: entry.verb == "promote"),
        (AuditFilter(kind="run"), lambda _: False),
        (AuditFilter(kind="version", key="churn/2"), lambda entry: entry.key == "churn/2"),
        (AuditFilter(since_ms=START_MS + 4_000), lambda entry: entry.seq >= 5),
        (AuditFilter(until_ms=START_MS + 4_000), lambda entry: entry.seq <= 5),
        (
            AuditFilter(actor="ann", verb="tag", since_ms=START_MS + 1, until_ms=START_MS + 15_000),
            lambda entry: entry.actor == "ann" and entry.verb == "tag" and 2 <= entry.seq <= 16,
        ),
    ],
)
def test_filters_agree_with_looking_at_every_record(
    log: AuditLog, fill: Fill, where: AuditFilter, wanted: Callable[[AuditEntry], bool]
) -> None:
    fill(24)
    everything = log.page().items
    assert log.page(where).items == tuple(entry for entry in everything if wanted(entry))


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_limits_out_of_range_are_refused(log: AuditLog, limit: int) -> None:
    with pytest.raises(InvalidInput, match="from 1 to 10000"):
        log.page(limit=limit)


@pytest.mark.parametrize("position", ["7", [7], None, True, 0, -3, 2**63])
def test_tokens_of_other_lists_are_refused(log: AuditLog, position: object) -> None:
    with pytest.raises(InvalidInput, match="page token"):
        log.page(page_token=encode_token(position))


def test_history_of_an_object_ends_at_the_asked_moment(log: AuditLog, fill: Fill) -> None:
    fill(12)
    history = log.entries_for("version", "churn/1", START_MS + 8_000)
    assert [entry.seq for entry in history] == [1, 5, 9]
    assert log.entries_for("version", "churn/1", START_MS + 7_999) == history[:2]
    assert log.entries_for("version", "churn/9", START_MS + 8_000) == ()
    assert log.entries_for("version", "churn/1", START_MS - 1) == ()


@pytest.mark.parametrize("size", [1, 2, 3, 11, 16, 21])
def test_proofs_hold_against_the_heads_they_are_for_and_no_others(log: AuditLog, fill: Fill, size: int) -> None:
    heads = [log.head()]
    for _ in range(size):
        fill(1)
        heads.append(log.head())
    now = heads[-1]
    for seq in range(1, size + 1):
        proof = log.inclusion(seq)
        assert proof.holds(now)
        assert not proof.holds(heads[-2])
        assert not proof.holds(TreeHead(now.size, bytes(32), 0))
    for old in heads:
        consistency = log.consistency(old.size)
        assert consistency.holds(old, now)
        assert not consistency.holds(TreeHead(old.size, bytes(32), 0), now)
        assert not consistency.holds(heads[(old.size + 1) % len(heads)], now)


@pytest.mark.parametrize("old_size", [-1, 4, 2**70])
def test_consistency_with_a_log_longer_than_this_one_is_refused(log: AuditLog, fill: Fill, old_size: int) -> None:
    fill(3)
    with pytest.raises(InvalidInput, match="it has 3 now"):
        log.consistency(old_size)


def test_verification_reports_its_progress(database: Database, log: AuditLog) -> None:
    with database.transaction(Actor("ann")) as tx:
        for number in range(2_100):
            record(tx, verb="tag", kind="run", key=str(number), before=None, after=None)
    steps: list[tuple[int, int]] = []
    assert log.verify(log.head(), lambda done, of: steps.append((done, of))).ok
    assert steps == [(1_000, 2_100), (2_000, 2_100), (2_100, 2_100)]


def test_verification_sees_one_instant_while_others_write(database: Database, log: AuditLog, fill: Fill) -> None:
    fill(1_500)
    found = log.verify(progress=lambda done, _: fill(1) if done == 1_000 else None)
    assert (found.ok, found.size) == (True, 1_500)
    assert log.head().size == 1_501


def test_writers_in_several_processes_make_one_log(database: Database, log: AuditLog) -> None:
    program = (
        "import sys, pathlib\n"
        "from engine.audit.service import record\n"
        "from engine.core.access import Actor\n"
        "from engine.db.database import Database\n"
        "database = Database(pathlib.Path(sys.argv[1]))\n"
        "for number in range(25):\n"
        "    with database.transaction(Actor(sys.argv[2])) as tx:\n"
        "        record(tx, verb='tag', kind='run', key=str(number), before=None, after={'n': number})\n"
    )
    root = Path(__file__).parents[3]
    writers = [
        subprocess.Popen([sys.executable, "-c", program, database.path, f"writer-{number}"], cwd=root)
        for number in range(4)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    found = log.verify(log.head())
    assert (found.ok, found.size) == (True, 100)
    for number in range(4):
        keys = [entry.key for entry in log.page(AuditFilter(actor=f"writer-{number}")).items]
        assert keys == [str(number) for number in reversed(range(25))]


def test_a_head_is_one_line_that_reads_back(log: AuditLog, fill: Fill, clock: ManualClock) -> None:
    fill(5)
    clock.advance(7)
    head = log.head()
    line = format_head(head)
    assert line == f"qd-audit-1 5 {head.root_hash.hex()} 2025-10-09T08:53:25.007Z"
    assert parse_head(line) == head
    assert parse_head(f"  {line.replace(' ', '   ')}\n") == head


def test_a_line_reads_back_and_writes_again() -> None:
    assert parse_head(LINE) == TreeHead(1234, b"\x5d" * 32, 1_793_696_400_250)
    assert format_head(parse_head(LINE)) == LINE


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "four fields"),
        (LINE + " more", "four fields"),
        (LINE.replace("qd-audit-1", "qd-audit-2"), "begin with qd-audit-1"),
        (LINE.replace("1234", "-1"), "number of records"),
        (LINE.replace("1234", "01234"), "number of records"),
        (LINE.replace("1234", "१२३४"), "number of records"),
        (LINE.replace("1234", "9" * 19), "number of records"),
        (LINE.replace("5d", "5D"), "64 lower-case hex"),
        (LINE.replace("5d5d", "5d", 1), "64 lower-case hex"),
        (LINE.replace("Z", "+00:00"), "must be a time"),
        (LINE.replace("2026-11-03", "2026-13-03"), "must be a time"),
        (LINE.replace("09:00", "29:00"), "must be a time"),
    ],
)
def test_lines_that_are_no_heads_are_refused_with_the_field(line: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        parse_head(line)
    assert "qd audit head" in caught.value.hint
