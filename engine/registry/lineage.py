"""Where a version came from and what came of a dataset: dataset -> run -> version -> predictions, both ways."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

MAX_NODES = 1_000
"""Most things one lineage shows."""


class NodeKind(StrEnum):
    """What a node of a lineage is."""

    DATASET = "dataset"
    RUN = "run"
    VERSION = "version"
    ENDPOINT = "endpoint"
    SCORING = "scoring"


class EdgeKind(StrEnum):
    """How one thing led to another."""

    READ_BY = "read by"
    PARENT_OF = "parent of"
    REGISTERED_AS = "registered as"
    TRAINED = "trained"
    SERVED_BY = "served by"
    PREDICTED = "predicted"
    """A version answered the rows of a batch."""


@dataclass(frozen=True, slots=True, order=True)
class NodeKey:
    """What identifies a node.

    Args:
        kind: What it is.
        key: A dataset's or file's digest, a run's id, `churn/7`, an endpoint's name, or a batch's number.
    """

    kind: NodeKind
    key: str


@dataclass(frozen=True, slots=True)
class Node:
    """One thing of a lineage.

    Args:
        id: What identifies it.
        label: Its name for people: a dataset's name, a file's path, a run's name, `churn/7`, the folder of a batch.
        detail: Its state: a run's status, a version's stage, what an endpoint gives the version, how a batch stands;
            empty for a dataset, `missing` when only its key is known.
    """

    id: NodeKey
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One thing led to another.

    Args:
        source: The earlier one.
        target: The later one.
        kind: How.
    """

    source: NodeKey
    target: NodeKey
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class Lineage:
    """What led to one thing, and what came of it.

    Args:
        root: The thing asked about.
        nodes: It, all that led to it and all that came of it; the root first, then by distance.
        edges: What connects them, each once.
        truncated: True when there was more than `MAX_NODES` things.
    """

    root: NodeKey
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    truncated: bool = False

    def upstream(self, node: NodeKey) -> tuple[NodeKey, ...]:
        """What directly led to a node."""
        return tuple(edge.source for edge in self.edges if edge.target == node)

    def downstream(self, node: NodeKey) -> tuple[NodeKey, ...]:
        """What directly came of a node."""
        return tuple(edge.target for edge in self.edges if edge.source == node)


@dataclass(frozen=True, slots=True)
class Batch:
    """Files that a version has answered, as a lineage knows them.

    Args:
        number: The batch's number.
        model: The model's name.
        version: The version's number.
        inputs: Digest and path of each file that was read.
        output: The folder the answers are in.
        detail: How it stands, such as `finished, 1,000 rows`.
    """

    number: int
    model: str
    version: int
    inputs: tuple[tuple[str, str], ...]
    output: str
    detail: str


Neighbours = Callable[[NodeKey], Iterable[Edge]]
"""The edges that lead to a node, or those that leave it."""


def walk(root: NodeKey, before: Neighbours, after: Neighbours) -> tuple[dict[NodeKey, None], set[Edge], bool]:
    """Collect all that leads to a thing and all that follows from it.

    The two directions are walked apart: what else came of an ancestor is not part of a thing's lineage. Each thing is
    visited once, so that cycles end.

    Args:
        root: Where to begin.
        before: The edges that lead to a node.
        after: The edges that leave a node.

    Returns:
        The nodes by distance, the edges between them, and whether some were left out.
    """
    nodes: dict[NodeKey, None] = {root: None}
    edges: set[Edge] = set()
    left_out = False
    for neighbours in (before, after):
        seen, waiting = {root}, deque([root])
        while waiting:
            here = waiting.popleft()
            for edge in neighbours(here):
                there = edge.source if edge.target == here else edge.target
                if there not in nodes and len(nodes) >= MAX_NODES:
                    left_out = True
                    continue
                nodes.setdefault(there)
                edges.add(edge)
                if there not in seen:
                    seen.add(there)
                    waiting.append(there)
    return nodes, edges, left_out
