"""How a lineage reads: one line for each step from dataset to run to version to predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.cells import digest
from engine.cli.diagnostics import narrate
from engine.cli.output import Column, Format, show_record, show_rows

if TYPE_CHECKING:
    from engine.registry.lineage import Edge, Lineage, Node, NodeKey

_KEY = 10


def show_lineage(found: Lineage, fmt: Format) -> None:
    """Print what led to a thing and what came of it.

    Args:
        found: The lineage.
        fmt: How to answer. JSON has nodes and edges; tables have a row an edge.
    """
    if fmt is Format.JSON:
        show_record(found, fmt)
        return
    nodes = {node.id: node for node in found.nodes}
    if fmt is Format.CSV:
        show_rows(found.edges, _CSV_COLUMNS, fmt)
        return
    columns = (
        Column("source", lambda edge: _words(nodes, edge.source), title="from"),
        Column("how", lambda edge: edge.kind.value, title=""),
        Column("target", lambda edge: _words(nodes, edge.target), title="to"),
    )
    show_rows(sorted(found.edges, key=_order), columns, fmt)
    if not found.edges:
        narrate(f"Nothing is known to have led to {_words(nodes, found.root)} or to have come of it.")
    if found.truncated:
        narrate("There is more than can be shown here.")


def _order(edge: Edge) -> tuple[int, Edge]:
    """Datasets before runs before versions, as things happened; endpoints and predictions lead to nothing."""
    return ("dataset", "run", "version").index(edge.source.kind.value), edge


def _words(nodes: dict[NodeKey, Node], key: NodeKey) -> str:
    node = nodes.get(key)
    if key.kind.value in ("version", "endpoint"):
        return f"{key.kind.value} {key.key}" + (f" ({node.detail})" if node is not None and node.detail else "")
    if key.kind.value == "scoring":
        return (
            f"predictions {key.key} in {node.label} ({node.detail})" if node is not None else f"predictions {key.key}"
        )
    short = digest(key.key) if key.kind.value == "dataset" else key.key[:_KEY]
    label = node.label if node is not None and node.label != key.key else ""
    return f"{key.kind.value} {label} {short}".replace("  ", " ")


_CSV_COLUMNS = (
    Column("source_kind", lambda edge: edge.source.kind.value),
    Column("source", lambda edge: edge.source.key),
    Column("edge", lambda edge: edge.kind.value),
    Column("target_kind", lambda edge: edge.target.kind.value),
    Column("target", lambda edge: edge.target.key),
)
