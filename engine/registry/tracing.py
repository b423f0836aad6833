"""Finds the neighbours that a lineage is made of: datasets, runs, versions and batches that name each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from engine.core.errors import InvalidInput, NotFound
from engine.core.query import Comparison, Entity, Field, Operator, unparse
from engine.registry import lookup, store
from engine.registry.lineage import MAX_NODES, Batch, Edge, EdgeKind, Lineage, Node, NodeKey, NodeKind, walk
from engine.tracking.model import RunDetail, RunQuery

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot
    from engine.registry.model import Version
    from engine.tracking.service import Runs

_MISSING = "missing"
_LONGEST = 18
"""Digits of a number that SQLite can hold."""


class Beyond(Protocol):
    """What a lineage asks of modules that the registry does not know, inside the same view."""

    def serving(self, view: Snapshot, model: str, number: int) -> Iterable[tuple[str, str]]:
        """The endpoints that have a version loaded, each with what it gets, such as `live` or `standby`."""

    def batch(self, view: Snapshot, number: int) -> Batch | None:
        """The batch of predictions of that number."""

    def batches_by(self, view: Snapshot, model: str, number: int) -> Iterable[Batch]:
        """The batches that a version answered, the newest first, one more than a lineage shows at most."""

    def batches_of(self, view: Snapshot, digest: str) -> Iterable[Batch]:
        """The batches that read a file of that digest, likewise."""


class Nothing:
    """Nobody serves any version, and nothing was predicted in batches."""

    def serving(self, _view: Snapshot, _model: str, _number: int) -> Iterable[tuple[str, str]]:
        """None."""
        return ()

    def batch(self, _view: Snapshot, _number: int) -> Batch | None:
        """None."""
        return None

    def batches_by(self, _view: Snapshot, _model: str, _number: int) -> Iterable[Batch]:
        """None."""
        return ()

    def batches_of(self, _view: Snapshot, _digest: str) -> Iterable[Batch]:
        """None."""
        return ()


def trace(view: Snapshot, runs: Runs, kind: str, key: str, beyond: Beyond | None = None) -> Lineage:
    """Find all that led to a thing, and all that came of it.

    Args:
        view: Where versions are looked up.
        runs: Where runs and their datasets are looked up, inside the same view.
        kind: `dataset`, `run`, `version` or `scoring`.
        key: The digest of a dataset or file, a run's id or a beginning of it, `churn/7`, or a batch's number.
        beyond: What other modules know, inside the same view.

    Returns:
        The lineage.

    Raises:
        NotFound: there is no such thing.
        InvalidInput: the kind is none of these, or several runs' ids begin so.
    """
    tracer = _Tracer(view, runs, beyond or Nothing())
    root = tracer.root(kind, key)
    nodes, edges, truncated = walk(root, tracer.before, tracer.after)
    return Lineage(root, tuple(map(tracer.node, nodes)), tuple(sorted(edges)), truncated)


class _Tracer:
    """Looks up each thing once."""

    def __init__(self, view: Snapshot, runs: Runs, beyond: Beyond) -> None:
        self._view = view
        self._runs = runs
        self._beyond = beyond
        self._batches: dict[str, Batch] = {}
        self._shares: dict[str, str] = {}
        self._found_runs: dict[str, RunDetail | None] = {}
        self._found_versions: dict[str, Version] = {}
        self._dataset_names: dict[str, str] = {}

    def root(self, kind: str, key: str) -> NodeKey:
        if kind == NodeKind.VERSION:
            name, _, number = key.rpartition("/")
            if not number.isascii() or not number.isdigit() or len(number) > _LONGEST:
                raise InvalidInput("A version is named by its model and number.", hint="Write it as churn/7.")
            return self._version_key(name, int(number))
        if kind == NodeKind.RUN:
            return NodeKey(NodeKind.RUN, self._runs.get(key).run_id)
        if kind == NodeKind.DATASET:
            root = NodeKey(NodeKind.DATASET, key)
            if not key or next(iter(self.after(root)), None) is None:
                raise NotFound("No run and no version names data of that digest.", hint="Give the whole digest.")
            return root
        if kind == NodeKind.SCORING:
            return self._batch_root(key)
        raise InvalidInput(
            "Lineage is known of a dataset, a run, a version or a scoring.", hint="Name one of these kinds."
        )

    def _batch_root(self, key: str) -> NodeKey:
        known = key.isascii() and key.isdigit() and len(key) <= _LONGEST
        batch = self._beyond.batch(self._view, int(key)) if known else None
        if batch is None:
            raise NotFound("There are no predictions of that number.", hint="`qd predict list` lists them.")
        return self._batch_key(batch)

    def node(self, key: NodeKey) -> Node:
        if key.kind is NodeKind.VERSION:
            return Node(key, key.key, self._found_versions[key.key].stage.value)
        if key.kind is NodeKind.RUN:
            run = self._run(key.key)
            return Node(key, key.key, _MISSING) if run is None else Node(key, run.name, run.state)
        if key.kind is NodeKind.ENDPOINT:
            return Node(key, key.key, self._shares.get(key.key, ""))
        if key.kind is NodeKind.SCORING:
            return Node(key, self._batches[key.key].output, self._batches[key.key].detail)
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
        elif key.kind is NodeKind.SCORING:
            batch = self._batches[key.key]
            with suppress(NotFound):  # the version was deleted; what it has answered is still there
                yield Edge(self._version_key(batch.model, batch.version), key, EdgeKind.PREDICTED)
            for digest, path in batch.inputs:
                yield Edge(self._dataset(digest, path), key, EdgeKind.READ_BY)

    def after(self, key: NodeKey) -> Iterator[Edge]:
        if key.kind is NodeKind.DATASET:
            yield from self._after_data(key)
        elif key.kind is NodeKind.RUN:
            for name, number in store.keys_of_run(self._view, key.key):
                yield Edge(key, self._version_key(name, number), EdgeKind.REGISTERED_AS)
            run = self._run(key.key)
            for child in () if run is None else run.children:
                yield Edge(key, NodeKey(NodeKind.RUN, child), EdgeKind.PARENT_OF)
        elif key.kind is NodeKind.VERSION:
            found = self._found_versions[key.key]
            for name, share in self._beyond.serving(self._view, found.model, found.version):
                self._shares[name] = share
                yield Edge(key, NodeKey(NodeKind.ENDPOINT, name), EdgeKind.SERVED_BY)
            for batch in self._beyond.batches_by(self._view, found.model, found.version):
                yield Edge(key, self._batch_key(batch), EdgeKind.PREDICTED)

    def _after_data(self, key: NodeKey) -> Iterator[Edge]:
        for run_id in self._readers(key.key):
            yield Edge(key, NodeKey(NodeKind.RUN, run_id), EdgeKind.READ_BY)
        for name, number in store.keys_of_data(self._view, key.key):
            version = self._version_key(name, number)
            self._dataset(key.key, self._found_versions[version.key].data_name)
            yield Edge(key, version, EdgeKind.TRAINED)
        for batch in self._beyond.batches_of(self._view, key.key):
            path = next((path for digest, path in batch.inputs if digest == key.key), "")
            yield Edge(self._dataset(key.key, path), self._batch_key(batch), EdgeKind.READ_BY)

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

    def _batch_key(self, batch: Batch) -> NodeKey:
        self._batches[str(batch.number)] = batch
        return NodeKey(NodeKind.SCORING, str(batch.number))

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
