"""Finds the neighbours that a lineage is made of: datasets, runs and versions that name each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.core.query import Comparison, Entity, Field, Operator, unparse
from engine.registry import lookup, store
from engine.registry.lineage import MAX_NODES, Edge, EdgeKind, Lineage, Node, NodeKey, NodeKind, walk
from engine.tracking.model import RunDetail, RunQuery

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot
    from engine.registry.model import Version
    from engine.tracking.service import Runs

_MISSING = "missing"


Serving = Callable[["Snapshot", str, int], Iterable[tuple[str, str]]]
"""The endpoints that have a version loaded, each with what it gets: `live`, `canary`, `shadow` or `standby`."""


def served_nowhere(_view: Snapshot, _model: str, _number: int) -> Iterable[tuple[str, str]]:
    """No endpoint has any version."""
    return ()


def trace(view: Snapshot, runs: Runs, kind: str, key: str, serving: Serving = served_nowhere) -> Lineage:
    """Find all that led to a thing, and all that came of it.

    Args:
        view: Where versions are looked up.
        runs: Where runs and their datasets are looked up, inside the same view.
        kind: `dataset`, `run` or `version`.
        key: A dataset's digest, a run's id or a beginning of it, or `churn/7`.
        serving: Finds the endpoints of a version, inside the same view.

    Returns:
        The lineage.

    Raises:
        NotFound: there is no such thing.
        InvalidInput: the kind is none of these, or several runs' ids begin so.
    """
    tracer = _Tracer(view, runs, serving)
    root = tracer.root(kind, key)
    nodes, edges, truncated = walk(root, tracer.before, tracer.after)
    return Lineage(root, tuple(map(tracer.node, nodes)), tuple(sorted(edges)), truncated)


class _Tracer:
    """Looks up each thing once."""

    def __init__(self, view: Snapshot, runs: Runs, serving: Serving) -> None:
        self._view = view
        self._runs = runs
        self._serving = serving
        self._shares: dict[str, str] = {}
        self._found_runs: dict[str, RunDetail | None] = {}
        self._found_versions: dict[str, Version] = {}
        self._dataset_names: dict[str, str] = {}

    def root(self, kind: str, key: str) -> NodeKey:
        if kind == NodeKind.VERSION:
            name, _, number = key.rpartition("/")
            if not number.isascii() or not number.isdigit() or len(number) > 18:
                raise InvalidInput("A version is named by its model and number.", hint="Write it as churn/7.")
            return self._version_key(name, int(number))
        if kind == NodeKind.RUN:
            return NodeKey(NodeKind.RUN, self._runs.get(key).run_id)
        if kind == NodeKind.DATASET:
            root = NodeKey(NodeKind.DATASET, key)
            if not key or next(iter(self.after(root)), None) is None:
                raise NotFound("No run and no version names data of that digest.", hint="Give the whole digest.")
            return root
        raise InvalidInput("Lineage is known of a dataset, a run or a version.", hint="Name one of these kinds.")

    def node(self, key: NodeKey) -> Node:
        if key.kind is NodeKind.VERSION:
            return Node(key, key.key, self._found_versions[key.key].stage.value)
        if key.kind is NodeKind.RUN:
            run = self._run(key.key)
            return Node(key, key.key, _MISSING) if run is None else Node(key, run.name, run.state)
        if key.kind is NodeKind.ENDPOINT:
            return Node(key, key.key, self._shares.get(key.key, ""))
        return Node(key, self._dataset_names.get(key.key, "") or key.key)

    def before(self, key: NodeKey) -> Iterator[Edge]:
        if key.kind is NodeKind.VERSION:
            version = self._found_versions[key.key]
            if version.run_id is not None:
                yield Edge(NodeKey(NodeKind.RUN, version.run_id), key, EdgeKind.REGISTERED_AS)
            if version.data_digest:
                yield Edge(self._dataset(version.data_digest, version.data_name), key, EdgeKind.TRAINED)
        elif key.kind is NodeKind.RUN and (run := self._run(key.key)) is not None:
            for each in run.inputs:
                yield Edge(self._dataset(each.digest, each.name), key, EdgeKind.READ_BY)
            if run.parent_run_id is not None:
                yield Edge(NodeKey(NodeKind.RUN, run.parent_run_id), key, EdgeKind.PARENT_OF)

    def after(self, key: NodeKey) -> Iterator[Edge]:
        if key.kind is NodeKind.DATASET:
            for run_id in self._readers(key.key):
                yield Edge(key, NodeKey(NodeKind.RUN, run_id), EdgeKind.READ_BY)
            for name, number in store.keys_of_data(self._view, key.key):
                version = self._version_key(name, number)
                self._dataset(key.key, self._found_versions[version.key].data_name)
                yield Edge(key, version, EdgeKind.TRAINED)
        elif key.kind is NodeKind.RUN:
            for name, number in store.keys_of_run(self._view, key.key):
                yield Edge(key, self._version_key(name, number), EdgeKind.REGISTERED_AS)
            run = self._run(key.key)
            for child in () if run is None else run.children:
                yield Edge(key, NodeKey(NodeKind.RUN, child), EdgeKind.PARENT_OF)

        elif key.kind is NodeKind.VERSION:
            found = self._found_versions[key.key]
            for name, share in self._serving(self._view, found.model, found.version):
                self._shares[name] = share
                yield Edge(key, NodeKey(NodeKind.ENDPOINT, name), EdgeKind.SERVED_BY)

    def _readers(self, digest: str) -> Iterator[str]:
        asked = unparse(Comparison(Field(Entity.DATASET, "digest"), Operator.EQUAL, digest))
        # One more than is shown, so that the walk notices when some are left out.
        found = self._runs.page(RunQuery(filter=asked, lifecycle="all", limit=MAX_NODES + 1))
        for run in found.items:
            yield run.run_id

    def _dataset(self, digest: str, name: str) -> NodeKey:
        if name:
            self._dataset_names.setdefault(digest, name)
        return NodeKey(NodeKind.DATASET, digest)

    def _version_key(self, name: str, number: int) -> NodeKey:
        version = lookup.version(self._view, name, number)
        self._found_versions[version.key] = version
        return NodeKey(NodeKind.VERSION, version.key)

    def _run(self, run_id: str) -> RunDetail | None:
        if run_id not in self._found_runs:
            try:
                self._found_runs[run_id] = self._runs.get(run_id)
            except NotFound:
                self._found_runs[run_id] = None
        return self._found_runs[run_id]
