"""A console of nothing but the table, over made-up rows: what the benches and the pty tests drive.

python -m tests.bench.pty.demo [--rows N] [--live CELLS@HZ] [--late]

Keys beside the table's: q quits, x crashes, s hangs, e lends the terminal
to another program until Enter.
"""

from __future__ import annotations

import gc

gc.disable()  # as the console's own entry does: see console.terminal

import argparse  # noqa: E402 - after gc.disable, which is to come before every import
import subprocess  # noqa: E402
import time  # noqa: E402
from array import array  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

from textual import on  # noqa: E402
from textual.widgets import Static  # noqa: E402

from console.terminal.app import TerminalApp, TerminalScreen  # noqa: E402
from console.terminal.run import run_app  # noqa: E402
from console.widgets.table import Cell, Column, Row, VirtualTable  # noqa: E402

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Key

COLUMNS = (
    Column("name", "NAME", width=22, minimum=12, weight=1, priority=9),
    Column("status", "STATUS", width=9, minimum=8, priority=8),
    Column("model", "MODEL", width=14, priority=3),
    Column("auc", "AUC", width=8, align="right", role="number", priority=7),
    Column("loss", "LOSS", width=8, align="right", role="number", priority=6),
    Column("age", "AGE", width=5, align="right", role="dim", priority=5),
    Column("user", "USER", width=10, priority=2),
    Column("source", "SOURCE", width=20, priority=1),
)
STATUSES = (Cell("finished", "ok"), Cell("failed", "bad"), Cell("running", "accent"), Cell("finished", "ok"))
FAMILIES = ("forest", "gradient-boost", "linear", "mlp")
USERS = ("ada", "grace", "katherine", "mary")


def row(key: int, tick: int = 0) -> Row:
    """The cells of a row; with `tick` the three that change live."""
    seed = key * 2_654_435_761 + tick * 40_503
    return (
        Cell(f"run-{key:06d}-{FAMILIES[key % 4][:6]}"),
        STATUSES[key % 4],
        Cell(FAMILIES[key % 4]),
        Cell(f"0.{seed % 10_000:04d}"),
        Cell(f"{seed % 7_919 / 1_000:.4f}"),
        Cell(f"{(key + tick) % 60}s"),
        Cell(USERS[key // 4 % 4]),
        Cell(f"train_{key % 17}.py"),
    )


class Demo(TerminalApp[None]):
    """The table and a line with the cursor's place."""

    CSS = "Screen { layout: vertical; background: ansi_default; } Static { height: 1; background: ansi_default; }"

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(ansi_color=True)
        self.options = options
        self.tick = 0

    def get_default_screen(self) -> TerminalScreen[object]:
        return TerminalScreen(id="_default")

    def compose(self) -> ComposeResult:
        yield Static("demo  live", markup=False)
        yield VirtualTable(COLUMNS)
        yield Static("", id="place", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(VirtualTable)
        table.set_keys(array("q", range(self.options.rows)))
        if self.options.live:
            self.cells, _, hertz = self.options.live.partition("@")
            self.set_interval(1 / float(hertz), self.live)

    def live(self) -> None:
        """Change some cells: as many whole rows of three as are in view, or a single row."""
        self.tick += 1
        table = self.query_one(VirtualTable)
        keys = table.visible_keys if self.cells == "page" else table.visible_keys[:1]
        table.update_rows({key: row(int(key), self.tick) for key in keys})

    @on(VirtualTable.RowsNeeded)
    def read(self, event: VirtualTable.RowsNeeded) -> None:
        rows = {key: row(int(key)) for key in event.keys}
        if self.options.late:
            self.set_timer(0.2, lambda: event.table.put_rows(rows))
        else:
            event.table.put_rows(rows)

    @on(VirtualTable.RowHighlighted)
    def show_place(self, event: VirtualTable.RowHighlighted) -> None:
        self.query_one("#place", Static).update(f"{event.index + 1}/{event.table.row_count}", layout=False)

    def on_key(self, event: Key) -> None:
        if event.key == "q":
            self.exit()
        elif event.key == "x":
            raise ValueError("asked to\x1b[31m crash")
        elif event.key == "e":
            with self.suspend():
                subprocess.run(["sh", "-c", "echo outside; read _"], check=False)
        elif event.key == "s":
            while True:
                time.sleep(0.1)


def main() -> int:
    """Run the demo on this terminal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--live", default="", help="page@4: every row in view at 4 Hz; row@1: one row at 1 Hz")
    parser.add_argument("--late", action="store_true", help="rows take 200 ms to come")
    return run_app(Demo(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
