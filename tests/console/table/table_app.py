"""An app of nothing but a table, and what a person would read on its screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on

from console.terminal.app import TerminalApp
from console.widgets.table import Cell, Column, Key, Row, VirtualTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.message import Message

COLUMNS = (
    Column("name", "NAME", width=12, minimum=8, priority=9),
    Column("status", "STATUS", width=10),
    Column("auc", "AUC", width=8, align="right"),
    Column("note", "NOTE", width=20, weight=1),
)


def row(key: Key, note: str = "") -> Row:
    return (Cell(f"run-{key}"), Cell("ok", "ok"), Cell(f"{int(key) % 100 / 100:.2f}", "number"), Cell(note))


class TableApp(TerminalApp[None]):
    """Answers every request at once unless told to wait; remembers every message."""

    CSS = "Screen { background: ansi_default; }"

    def __init__(self, keys: Sequence[Key], columns: Sequence[Column] = COLUMNS, *, answering: bool = True) -> None:
        super().__init__(ansi_color=True)
        self.table = VirtualTable(columns)
        self.first_keys = keys
        self.answering = answering
        self.asked: list[tuple[Key, ...]] = []
        self.messages: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.set_keys(self.first_keys)
        self.table.focus()

    @on(VirtualTable.RowsNeeded)
    def answer(self, event: VirtualTable.RowsNeeded) -> None:
        self.asked.append(event.keys)
        if self.answering:
            event.table.put_rows({key: row(key) for key in event.keys})

    @on(VirtualTable.RowHighlighted)
    @on(VirtualTable.RowSelected)
    @on(VirtualTable.MarksChanged)
    @on(VirtualTable.SortRequested)
    def remember(self, event: VirtualTable.Event) -> None:
        self.messages.append(event)

    def last(self, kind: type[VirtualTable.Event]) -> VirtualTable.Event | None:
        return next((message for message in reversed(self.messages) if isinstance(message, kind)), None)

    def lines(self) -> list[str]:
        """The screen's text, as composed."""
        return [strip.text for strip in self.screen._compositor.render_strips()]  # noqa: SLF001 - what is shown, exactly

    def names(self) -> list[str]:
        """The first word of each row in view; "" where a row is still blank or there is none."""
        return [(line.lstrip(" ●").split() or [""])[0] for line in self.lines()[1:]]
