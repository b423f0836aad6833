from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput, NotFound
from engine.registry.lineage import MAX_NODES, Edge, EdgeKind, Lineage, NodeKey, NodeKind, walk
from engine.registry.model import Stage
from engine.tracking.model import DatasetInput
from tests.engine.registry.desk import Desk

TRAIN = DatasetInput("clients", "d-train", context="training")
TEST = DatasetInput("holdout", "d-test", context="test")


def dataset(digest: str) -> NodeKey:
    return NodeKey(NodeKind.DATASET, digest)


def run(run_id: str) -> NodeKey:
    return NodeKey(NodeKind.RUN, run_id)


def version(key: str) -> NodeKey:
    return NodeKey(NodeKind.VERSION, key)


def keys(found: Lineage) -> set[NodeKey]:
    return {node.id for node in found.nodes}


@pytest.fixture
def family(desk: Desk) -> tuple[Desk, str, str]:
    """Two runs on the same training data; the first made two versions, the second one of another model."""
    first, second = desk.run(inputs=(TRAIN, TEST)), desk.run(inputs=(TRAIN,))
    desk.models.register("churn", run_id=first)
    desk.models.register("churn", run_id=first)
    desk.models.register("loan", run_id=second)
    return desk, first, second


def test_a_version_comes_from_its_run_and_that_runs_data(family: tuple[Desk, str, str]) -> None:
    desk, first, _ = family
    desk.move(1, Stage.STAGING)
    found = desk.models.lineage("version", "churn/1")
    assert keys(found) == {version("churn/1"), run(first), dataset("d-train"), dataset("d-test")}
    assert set(found.edges) == {
        Edge(run(first), version("churn/1"), EdgeKind.REGISTERED_AS),
        Edge(dataset("d-train"), version("churn/1"), EdgeKind.TRAINED),
        Edge(dataset("d-train"), run(first), EdgeKind.READ_BY),
        Edge(dataset("d-test"), run(first), EdgeKind.READ_BY),
    }
    labels = {node.id: (node.label, node.detail) for node in found.nodes}
    assert labels[version("churn/1")] == ("churn/1", "Staging")
    assert labels[run(first)] == ("trained", "finished")
    assert labels[dataset("d-train")] == ("clients", "")
    assert found.nodes[0].id == found.root == version("churn/1")
    assert not found.truncated


def test_what_came_of_data_is_every_run_and_version(family: tuple[Desk, str, str]) -> None:
    desk, first, second = family
    found = desk.models.lineage("dataset", "d-train")
    assert keys(found) == {
        dataset("d-train"), run(first), run(second), version("churn/1"), version("churn/2"), version("loan/1"),
    }  # fmt: skip
    assert set(found.downstream(run(first))) == {version("churn/1"), version("churn/2")}
    assert set(found.upstream(version("loan/1"))) == {run(second), dataset("d-train")}


def test_a_run_shows_both_sides_but_not_its_datas_other_runs(family: tuple[Desk, str, str]) -> None:
    desk, first, _ = family
    found = desk.models.lineage("run", first)
    assert keys(found) == {run(first), dataset("d-train"), dataset("d-test"), version("churn/1"), version("churn/2")}


def test_a_child_run_leads_back_to_its_parents_data(desk: Desk) -> None:
    parent = desk.run(inputs=(TRAIN,))
    child = desk.run(parent=parent)
    desk.models.register("churn", run_id=child)
    assert keys(desk.models.lineage("version", "churn/1")) == {
        version("churn/1"), run(child), run(parent), dataset("d-train"),
    }  # fmt: skip
    assert version("churn/1") in keys(desk.models.lineage("dataset", "d-train"))


def test_data_named_only_at_registration_is_part_of_the_lineage(desk: Desk) -> None:
    desk.register(data_digest="elsewhere")
    assert dataset("elsewhere") in keys(desk.models.lineage("version", "churn/1"))
    assert keys(desk.models.lineage("dataset", "elsewhere")) == {dataset("elsewhere"), version("churn/1")}


def test_a_run_that_was_deleted_is_still_where_the_version_came_from(family: tuple[Desk, str, str]) -> None:
    desk, first, _ = family
    desk.runs.delete(first)
    assert run(first) in keys(desk.models.lineage("version", "churn/1"))
    assert run(first) in keys(desk.models.lineage("dataset", "d-train"))


def test_a_deleted_version_is_in_no_lineage(family: tuple[Desk, str, str]) -> None:
    desk, first, _ = family
    desk.models.delete_version("churn", 2)
    assert version("churn/2") not in keys(desk.models.lineage("run", first))


def test_hostile_names_of_data_do_not_break_the_search(desk: Desk) -> None:
    digest = "x'y`\"z\x1b[31m%_"
    desk.models.register("churn", run_id=desk.run(inputs=(DatasetInput("[/nope]\x1b", digest),)))
    assert version("churn/1") in keys(desk.models.lineage("dataset", digest))


@pytest.mark.parametrize(
    ("kind", "key"),
    [("version", "churn/9"), ("version", "nothing/1"), ("run", "f" * 32), ("dataset", "nothing"), ("dataset", "")],
)
def test_the_lineage_of_nothing_is_refused(family: tuple[Desk, str, str], kind: str, key: str) -> None:
    with pytest.raises(NotFound):
        family[0].models.lineage(kind, key)


@pytest.mark.parametrize(("kind", "key"), [("model", "churn"), ("version", "churn"), ("version", "churn/x"), ("", "")])
def test_a_question_without_meaning_is_refused(family: tuple[Desk, str, str], kind: str, key: str) -> None:
    with pytest.raises(InvalidInput):
        family[0].models.lineage(kind, key)


nodes = st.integers(0, 7).map(lambda number: run(str(number)))
graphs = st.sets(st.tuples(nodes, nodes), max_size=20)


def reachable(root: NodeKey, pairs: set[tuple[NodeKey, NodeKey]]) -> set[NodeKey]:
    found = {root}
    while True:
        more = {target for source, target in pairs if source in found} - found
        if not more:
            return found
        found |= more


@given(nodes, graphs)
def test_a_walk_ends_on_any_graph_and_finds_ancestors_and_descendants(
    root: NodeKey, pairs: set[tuple[NodeKey, NodeKey]]
) -> None:
    edges = [Edge(source, target, EdgeKind.PARENT_OF) for source, target in pairs]
    found, kept, left_out = walk(
        root,
        lambda key: [edge for edge in edges if edge.target == key],
        lambda key: [edge for edge in edges if edge.source == key],
    )
    above = reachable(root, {(target, source) for source, target in pairs})
    below = reachable(root, pairs)
    assert set(found) == above | below
    assert next(iter(found)) == root
    assert not left_out
    assert kept == {
        edge for edge in edges if {edge.source, edge.target} <= above or {edge.source, edge.target} <= below
    }


def test_a_lineage_without_end_is_cut_and_says_so() -> None:
    def after(key: NodeKey) -> list[Edge]:
        return [Edge(key, run(f"{int(key.key) + 1}"), EdgeKind.PARENT_OF)]

    found, edges, left_out = walk(run("0"), lambda _: (), after)
    assert len(found) == MAX_NODES
    assert len(edges) == MAX_NODES - 1
    assert left_out
