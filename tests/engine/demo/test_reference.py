"""The demo's models carry rows that they were trained on, and are built with them."""

from __future__ import annotations

import gzip

from engine.demo.data import load_tasks
from engine.demo.training import MOST_REFERENCE_ROWS, reference_rows


def test_reference_rows_are_few_the_same_each_time_and_hold_the_labels() -> None:
    for task in load_tasks():
        data = reference_rows(task)
        assert data == reference_rows(task)
        head, *lines = gzip.decompress(data).decode().splitlines()
        assert head.split(",") == [*task.features, task.label]
        assert len(lines) == min(MOST_REFERENCE_ROWS, len(task.train))
