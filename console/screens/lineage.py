"""Where something came from and what came of it: dataset, run, version, predictions; each line a way in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.location import Location
from console.text import Part
from console.views import Page
from console.widgets.document import Line, blank, heading
from engine.registry.lineage import Lineage, Node, NodeKey, NodeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.app import ConsoleApp

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_BATCH = re.compile(r"#([0-9]+)")
_LOOKS = {
    NodeKind.DATASET: "link",
    NodeKind.RUN: "running",
    NodeKind.VERSION: "production",
    NodeKind.ENDPOINT: "production",
    NodeKind.SCORING: "name",
}
DEEPEST = 12
"""Levels drawn in either direction."""


def kind_of(name: str) -> NodeKind:
    """What a name names: `churn/7` a version, 32 hex digits a run, `#3` predictions, else the digest of data."""
    if _BATCH.fullmatch(name):
        return NodeKind.SCORING
    if _RUN_ID.fullmatch(name):
        return NodeKind.RUN
    model, slash, number = name.rpartition("/")
    return NodeKind.VERSION if slash and model and number.isdigit() else NodeKind.DATASET


def _open(app: ConsoleApp, node: Node, _answers: Answers) -> None:
    without_page = node.id.kind in (NodeKind.DATASET, NodeKind.SCORING)
    app.enter(_lineage_of(node) if without_page else Location(node.id.kind.value, node.id.key))


def _follow(app: ConsoleApp, node: Node, _answers: Answers) -> None:
    app.enter(_lineage_of(node))


def _lineage_of(node: Node) -> Location:
    return Location("lineage", f"#{node.id.key}" if node.id.kind is NodeKind.SCORING else node.id.key)


def _no_endpoint(node: Node) -> str | None:
    return "Its lineage is that of its versions." if node.id.kind is NodeKind.ENDPOINT else None


class LineageView(Page[Lineage]):
    """The lineage of what the location names."""

    kinds = frozenset({"version", "run", "scoring", "endpoint"})
    actions = (
        Action("open", "Enter", "open", _open, "Open the run or version."),
        Action("lineage", "l", "lineage", _follow, "The lineage of the thing under the cursor.", enabled=_no_endpoint),
    )

    def fetch(self) -> Lineage:
        """The graph.

        Raises:
            NotFound: there is no such thing.
        """
        name = self.location.name
        return self.deck.engine.models.lineage(kind_of(name).value, name.removeprefix("#"))

    def lines(self, data: Lineage, width: int) -> Sequence[Line]:
        """Upstream above, the thing itself, downstream below."""
        del width
        nodes = {node.id: node for node in data.nodes}
        lines = [heading("Came from")]
        before = _tree(data.root, data.upstream, nodes, "up")
        lines += before or [Line([("  nothing known", "dim")])]
        lines += [blank(), heading("This")]
        lines.append(Line(_parts(nodes[data.root], 0), "root", nodes[data.root]))
        lines += [blank(), heading("Became")]
        after = _tree(data.root, data.downstream, nodes, "down")
        lines += after or [Line([("  nothing yet", "dim")])]
        if data.truncated:
            lines.append(Line([("  there is more than can be shown", "warn")]))
        return lines


def _tree(
    root: NodeKey, neighbours: Callable[[NodeKey], tuple[NodeKey, ...]], nodes: dict[NodeKey, Node], side: str
) -> list[Line]:
    """Everything reached from a node in one direction, each thing once, indented by distance."""
    lines: list[Line] = []
    seen = {root}
    stack = [(key, 0) for key in reversed(neighbours(root))]
    while stack:
        key, depth = stack.pop()
        if key in seen or key not in nodes:
            continue
        seen.add(key)
        lines.append(Line(_parts(nodes[key], depth), f"{side}.{key.kind}.{key.key}", nodes[key]))
        if depth < DEEPEST:
            stack += [(each, depth + 1) for each in reversed(neighbours(key))]
    return lines


def _parts(node: Node, depth: int) -> list[Part]:
    key = {NodeKind.VERSION: "", NodeKind.SCORING: f"  #{node.id.key}"}.get(node.id.kind, f"  {node.id.key[:16]}")
    return [
        ("  " + "   " * depth + "└─ ", "dim"),
        (f"{node.id.kind.value} ", "dim"),
        (node.label, _LOOKS[node.id.kind]),
        (f"  {node.detail}", ""),
        (key, "dim"),
    ]
