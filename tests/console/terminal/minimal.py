"""The smallest Textual app with a table, on Textual's own driver and widget: what the console is compared with."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable

ROWS = 60


class Minimal(App[None]):
    """As many rows as the workspace of the test has runs."""

    def compose(self) -> ComposeResult:
        yield DataTable[str](cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("NAME", "EXPERIMENT", "STATE", "AGE", "AUC", "LOSS")
        for number in range(ROWS):
            table.add_row(
                f"run-{number:02}", "churn", "finished", "1h", f"{number / 100:.3f}", f"{1 - number / 100:.3f}"
            )


if __name__ == "__main__":
    Minimal().run()
