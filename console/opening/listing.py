"""The files of a run, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.formats import size
from console.opening.kinds import Kind, kind_of
from console.text import Part, table
from console.widgets.document import Line, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.artifacts.model import Artifact

_LOOKS = {Kind.TEXT: "link", Kind.IMAGE: "link", Kind.PAGE: "link"}


def artifact_lines(artifacts: Sequence[Artifact]) -> list[Line]:
    """Path, type, size and digest of each file; what Enter opens is marked as a link.

    Args:
        artifacts: The files.
    """
    if not artifacts:
        return [heading("Artifacts"), Line([("  none; run.log_artifact(path) keeps a file", "dim")])]
    rows: list[list[Part]] = []
    for each in artifacts:
        kind = kind_of(each.path)
        look = _LOOKS.get(kind, "name")
        rows.append(
            [(f"  {each.path}", look), (kind.value, "dim"), (size(each.size_bytes), ""), (each.digest[:16], "dim")]
        )
    total = size(sum(each.size_bytes for each in artifacts))
    lines = [heading("Artifacts", f"{len(artifacts)} files, {total}; Enter opens")]
    return lines + [
        Line(row, each.path, each.path) for row, each in zip(table(rows, right=frozenset({2})), artifacts, strict=True)
    ]
