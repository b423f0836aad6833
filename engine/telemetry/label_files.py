"""Reading labels from CSV files of any length, row by row."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound, QuarterdeckError
from engine.core.text import clean
from engine.core.timetext import parse_time
from engine.telemetry.label_rules import id_problem, time_problem, value_of, value_problem, value_text

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engine.telemetry.label_store import LabelRow

    Progress = Callable[[int, int], None]

TOLD = 20
"""Wrong rows that are named."""

_TELL_LINES = 10_000
_MAX_LINE = 1 << 20


def check_file(path: Path, progress: Progress | None) -> tuple[os.stat_result, int]:
    """Look at every row.

    Args:
        path: The file.
        progress: Told bytes done and bytes in all.

    Returns:
        What tells whether the file was changed since, and how many rows it has.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it cannot be read, or rows are wrong.
    """
    name = clean(path.name, limit=100)
    try:
        seen = path.stat()
        wrong: list[str] = []
        rows = bad = 0
        for row in label_rows(path, progress):
            rows += 1
            if isinstance(row, str):
                bad += 1
                if len(wrong) < TOLD:
                    wrong.append(row)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {name}.") from error
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror or error}.") from error
    if bad:
        raise InvalidInput(
            f"{bad} of {rows} rows of {name} are wrong, the first on {wrong[0]}. Nothing was stored.",
            hint="Correct them and import the file again.",
            details={"wrong": bad, "rows": rows, "lines": wrong},
        )
    return seen, rows


def label_rows(path: Path, progress: Progress | None = None) -> Iterator[LabelRow | str]:
    """The rows of a file; a text for one that is wrong, which says where and why.

    Args:
        path: The file.
        progress: Told bytes done and bytes in all.

    Raises:
        OSError: it cannot be read.
        InvalidInput: it has not the columns it must have.
    """
    reader = csv.reader(_lines(path, progress), strict=True)
    try:
        head = [each.strip().lstrip("\ufeff").lower() for each in next(reader, [])]
    except csv.Error as error:
        raise _not_labels(path) from error
    if len(set(head)) != len(head) or not {"request_id", "label"} <= set(head):
        raise _not_labels(path)
    places = head.index("request_id"), head.index("label"), head.index("time") if "time" in head else None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"line {line}: {error}"
            continue
        if cells:
            yield _row(line, cells, len(head), places)


def _row(line: int, cells: list[str], width: int, places: tuple[int, int, int | None]) -> LabelRow | str:
    if len(cells) != width:
        return f"line {line}: it has {len(cells)} cells, not {width}"
    at_id, at_label, at_time = places
    request_id, value = cells[at_id].strip(), value_of(cells[at_label].strip())
    time_ms = _time(cells[at_time].strip()) if at_time is not None else None
    problem = id_problem(request_id) or value_problem(value) or time_problem(time_ms)
    return f"line {line}: it {problem}" if problem else (request_id, value_text(value), time_ms or 0)


def _time(cell: str) -> int | None:
    """Milliseconds since the epoch; -1, which is refused, for what is no time."""
    if not cell:
        return None
    if cell.isdecimal() and cell.isascii():
        return int(cell[:20])
    try:
        return parse_time(cell, None)
    except QuarterdeckError:
        return -1


def _lines(path: Path, progress: Progress | None) -> Iterator[str]:
    """Lines as text; what is no UTF-8 becomes lone surrogates, which no label may have."""
    done = 0
    with path.open("rb") as stream:
        total = path.stat().st_size
        number = 0
        while line := stream.readline(_MAX_LINE):
            done += len(line)
            number += 1
            if progress is not None and number % _TELL_LINES == 0:
                progress(done, total)
            yield line.decode("utf-8", errors="surrogateescape")
    if progress is not None:
        progress(done, total)


def _not_labels(path: Path) -> InvalidInput:
    return InvalidInput(
        f"{clean(path.name, limit=100)} has not the columns request_id and label.",
        hint="Its first line must name them, such as request_id,label,time.",
    )
