"""The server of this workspace: where it answers, who calls, how fast, what waits, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from console.actions import Action, Answers, Danger, Needs
from console.commanding.shell_words import qd
from console.formats import NONE, age, count, moment, plural
from console.text import Part, table, wrap
from console.views import Page
from console.widgets.charts.spark import sparkline
from console.widgets.document import Line, blank, fields, heading
from engine.core.access import Role
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from engine.processes.model import Refusal, RunningServer, ServerStatus

LOOK_SECONDS = 1.0
"""How often the page looks; the server tells how it does once a second."""

SILENT_MS = 3_000
"""A server that has answered nothing says nothing; from here on its last seconds are told as quiet."""

MOST_FIRST, MOST_FAILURES = 4, 3
"""Kinds of refusal, and failures, that stand above the numbers."""

SERVER_FAULT = 500
"""The least status that says that the server is at fault."""

_WIDEST = 60
_CODE, _ERROR = 24, 300


def _stop(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    app.say("The server answers what it has begun, then ends…", "dim")
    app.act(app.engine.processes.stop_server, lambda found: _stopped(app, found), "qd server stop")


def _stopped(app: ConsoleApp, found: RunningServer) -> None:
    app.say(f"The server at {found.owner.url} has ended. Start it again with: qd server", "good")
    if isinstance(app.view, ServerView):
        app.view.load()


class ServerView(Page["RunningServer | None"]):
    """How the server does."""

    actions = (
        Action(
            "stop",
            "X",
            "stop",
            _stop,
            "Let the server answer what it has begun, then end.",
            danger=Danger.PRODUCTION,
            warning="PROGRAMS THAT LOG WILL FAIL",
            needs=Needs.NOTHING,
            role=Role.OPERATOR,
            consequences=lambda _nothing: ("Programs that log to it will fail until it is started again.",),
            twin=lambda _it, _said: qd("server", "stop"),
        ),
    )

    def on_mount(self) -> None:
        """Read at once, then every second while it is shown."""
        super().on_mount()
        self.set_interval(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        if self.display:
            self.load()

    def fetch(self) -> RunningServer | None:
        """Ask who holds the workspace's lock, and what they said last."""
        return self.deck.engine.processes.server()

    def lines(self, data: RunningServer | None, width: int) -> Sequence[Line]:
        """Where, how much, how fast, what went wrong."""
        if data is None:
            return [
                heading("No server runs on this workspace."),
                blank(),
                Line([(f"  qd --workspace {self.deck.engine.workspace.path} server", "key")]),
                Line([("  starts one; MLflow programs then log to it with", "dim")]),
                Line([("  export MLFLOW_TRACKING_URI=http://127.0.0.1:5000", "strong")]),
            ]
        owner = data.owner
        now_ms = self.deck.engine.clock.now_ms()
        relaxed = owner.durability == "relaxed"
        lines = [
            heading("Server"),
            *fields(
                [
                    ("answers at", (owner.url, "strong")),
                    ("process", (f"{owner.pid} of {owner.user}, version {owner.version}", "")),
                    ("since", (f"{moment(owner.started_ms)}  ({age(owner.started_ms, now_ms)})", "dim")),
                    ("durability", (f"{owner.durability}{_RELAXED if relaxed else ''}", "warn" if relaxed else "good")),
                ]
            ),
        ]
        if data.status is None:
            return [*lines, blank(), Line([("  It has not yet said how it does.", "dim")])]
        status = data.status
        told = _told(status, now_ms, width, unicode=self.deck.unicode)
        return [*lines, *_wrong(status, now_ms, width), *told, *_rest(status.refusals[MOST_FIRST:], now_ms, width)]


_RELAXED = ": a power cut may lose the last seconds"


def _wrong(status: ServerStatus, now_ms: int, width: int) -> list[Line]:
    """What failed and the last that was refused: what an operator comes for, so it stands above the numbers."""
    lines: list[Line] = []
    if status.errors:
        lines += [blank(), heading("Failures", "newest first; the server's log has the rest")]
        lines += [
            Line([(f"  {part}", "bad")])
            for error in status.errors[:MOST_FAILURES]
            for part in list(wrap(clean(error, limit=_ERROR), max(width - 4, 20)))[:2]
        ]
    if status.refusals:
        lines += [blank(), heading("Refused or failed", "the latest first")]
        lines += _refused(status.refusals[:MOST_FIRST], now_ms, width)
    return lines or [blank(), heading("Failures"), Line([("  none", "dim")])]


def _rest(refusals: Sequence[Refusal], now_ms: int, width: int) -> list[Line]:
    """Those for which there was no room above."""
    return [blank(), heading("Refused earlier"), *_refused(refusals, now_ms, width)] if refusals else []


def _refused(refusals: Sequence[Refusal], now_ms: int, width: int) -> list[Line]:
    rows: list[list[Part]] = [
        [
            (f"  {each.status}", "bad" if each.status >= SERVER_FAULT else "warn"),
            (clean(each.code, limit=_CODE) or NONE, ""),
            (plural(each.count, "time"), "strong"),
            (age(each.last_ms, now_ms), "dim"),
            (clean(each.method, limit=_CODE), "dim"),
            (clean(each.path, limit=_ERROR) + ("" if each.known else "  no such path"), ""),
        ]
        for each in refusals
    ]
    return [Line(_cut(row, width - 2)) for row in table(rows)]


def _cut(row: list[Part], width: int) -> list[Part]:
    """A row whose last cell, a path, keeps its end: there it differs from others."""
    room = width - sum(cell_len(text) for text, _ in row[:-1])
    text, look = row[-1][0].rstrip(), row[-1][1]
    if cell_len(text) > room > 1:
        text = "…" + text[-(room - 1) :]
    return [*row[:-1], (text, look)]


def _told(status: ServerStatus, now_ms: int, width: int, *, unicode: bool) -> list[Line]:
    quiet = now_ms - status.updated_ms > SILENT_MS
    seconds = () if quiet else status.requests_by_second
    rate = 0 if quiet or not seconds else seconds[-1]
    curve = sparkline(seconds or (0,), min(_WIDEST, max(width - 24, 10)), floor=0.0, unicode=unicode).rstrip()
    return [
        blank(),
        heading("Requests"),
        *fields(
            [
                ("a second", (f"{count(rate):>6}  {curve}", "strong")),
                ("answered", (count(status.requests), "")),
                ("clients", (count(status.clients), "")),
                ("refused", (f"{count(status.client_errors)}  (4xx)", "warn" if status.client_errors else "dim")),
                *_turned_away(status.turned_away),
                ("failed", (f"{count(status.server_errors)}  (5xx)", "bad" if status.server_errors else "dim")),
                *_slow(status),
                ("latency", (_latency(status.request_p50_ms, status.request_p99_ms), "")),
            ]
        ),
        blank(),
        heading("Writes"),
        *fields(
            [
                ("waiting", (count(status.queue), "warn" if status.queue else "dim")),
                ("kept", (f"{count(status.writes)} in {count(status.commits)} commits", "")),
                ("commit", (_latency(status.commit_p50_ms, status.commit_p99_ms), "")),
            ]
        ),
    ]


def _slow(status: ServerStatus) -> list[tuple[str, Part]]:
    """Said only where it has happened, with what it was the last time."""
    if not status.slow:
        return []
    last = clean(status.slow_last[0], limit=_ERROR) if status.slow_last else ""
    return [("slow", (f"{count(status.slow)}  {last}", "warn"))]


def _turned_away(connections: int) -> list[tuple[str, Part]]:
    """Said only where it has happened."""
    return [("turned away", (f"{count(connections)}  (too many connections)", "warn"))] if connections else []


def _latency(median: float | None, slow: float | None) -> str:
    if median is None or slow is None:
        return NONE
    return f"{median:.1f} ms in the middle, {slow:.1f} ms for one in a hundred"
