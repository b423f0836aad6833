"""Predictions in lineages: from the version and from the files to what was written, and back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from console.screens.lineage import key_of
from engine.core.errors import NotFound
from engine.registry.lineage import Edge, EdgeKind, Lineage, NodeKey, NodeKind
from engine.scoring.model import OnError
from tests.console.driver import LARGE, console
from tests.engine.scoring.bench import Bench, frame, write
from tests.engine.scoring.test_command import qd


def data(path: Path) -> NodeKey:
    return NodeKey(NodeKind.DATASET, hashlib.sha256(path.read_bytes()).hexdigest())


def told(found: Lineage, key: NodeKey) -> tuple[str, str]:
    return next((node.label, node.detail) for node in found.nodes if node.id == key)


@pytest.fixture
def scored(bench: Bench, tmp_path: Path) -> tuple[Path, NodeKey, Path]:
    """A file of these rows alone, the batch that read it, and where it wrote."""
    file = write(tmp_path / "clients.csv", frame(10, seed=abs(hash(str(tmp_path))) % 10**6))
    done = bench.score(tmp_path / "out", file)
    return file, NodeKey(NodeKind.SCORING, str(done.id)), tmp_path / "out"


def test_predictions_come_from_their_version_and_files(bench: Bench, scored: tuple[Path, NodeKey, Path]) -> None:
    file, batch, output = scored
    found = bench.engine.models.lineage("scoring", batch.key)
    assert found.root == batch
    version = NodeKey(NodeKind.VERSION, "churn/1")
    assert set(found.upstream(batch)) == {version, data(file)}
    assert Edge(version, batch, EdgeKind.PREDICTED) in found.edges
    assert Edge(data(file), batch, EdgeKind.READ_BY) in found.edges
    assert told(found, batch) == (str(output), "finished, 10 rows")
    assert told(found, data(file)) == (str(file), "")
    assert any(node.id.kind is NodeKind.RUN for node in found.nodes), "its version's own past is part of it"


def test_a_version_leads_to_its_predictions(bench: Bench, scored: tuple[Path, NodeKey, Path]) -> None:
    _, batch, _ = scored
    found = bench.engine.models.lineage("version", "churn/1")
    assert batch in found.downstream(found.root)
    assert batch not in {edge.source for edge in found.edges}
    other = bench.engine.models.lineage("version", "mixed/1")
    assert batch not in {node.id for node in other.nodes}


def test_a_file_leads_to_what_was_predicted_with_it(bench: Bench, scored: tuple[Path, NodeKey, Path]) -> None:
    file, batch, _ = scored
    found = bench.engine.models.lineage("dataset", data(file).key)
    assert found.downstream(found.root) == (batch,)
    assert told(found, found.root) == (str(file), "")
    with pytest.raises(NotFound, match="names data of that digest"):
        bench.engine.models.lineage("dataset", "0" * 64)


def test_a_batch_that_failed_is_told_with_how_it_stands(bench: Bench, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b,c,d\n1,2,3,x\n")
    bench.score(tmp_path / "out", bad, on_error=OnError.SKIP)
    number = bench.engine.scoring.page(limit=1).items[0].id
    found = bench.engine.models.lineage("scoring", str(number))
    assert told(found, found.root)[1] == "finished, 1 rows"


@pytest.mark.parametrize("key", ["0", "999999", "-1", "x", "", "1e3", "9" * 30, "\u0663"])
def test_a_batch_that_is_not_there_is_not_found(bench: Bench, key: str) -> None:
    with pytest.raises(NotFound, match="no predictions of that number"):
        bench.engine.models.lineage("scoring", key)


def test_predictions_outlive_their_version(bench: Bench, tmp_path: Path) -> None:
    bench.register(bench.churn, "gone")
    file = write(tmp_path / "in.csv", frame(5))
    done = bench.score(tmp_path / "out", file, reference="gone/1")
    bench.engine.models.delete_version("gone", 1, reason="no need")
    found = bench.engine.models.lineage("scoring", str(done.id))
    assert found.upstream(found.root) == (data(file),)


def test_the_command_line_shows_it_in_both_directions(bench: Bench, scored: tuple[Path, NodeKey, Path]) -> None:
    file, batch, output = scored
    shown = json.loads(qd(bench, "lineage", batch.key, "--json").stdout)
    assert shown["root"] == {"kind": "scoring", "key": batch.key}
    assert {edge["kind"] for edge in shown["edges"]} >= {"predicted", "read by"}
    by_file = qd(bench, "lineage", "--file", file).stdout
    assert f"predictions {batch.key}" in by_file
    assert str(output)[:20] in by_file.replace("\n", "")
    assert qd(bench, "lineage").returncode == 2
    assert qd(bench, "lineage", 10**6).returncode == 1


@pytest.mark.parametrize(("name", "kind"), [("#3", "scoring"), ("churn/3", "version"), ("#x", "dataset")])
def test_a_number_with_a_hash_names_predictions(name: str, kind: str) -> None:
    assert key_of(name).kind == kind


async def test_the_lineage_screen_leads_from_version_to_predictions_and_on_to_their_files(
    bench: Bench, scored: tuple[Path, NodeKey, Path]
) -> None:
    file, batch, output = scored
    async with console(bench.engine, f"lineage #{batch.key}", LARGE) as shown:
        await shown.expect("Came from")
        await shown.expect_line("version", "churn/1")
        await shown.expect_line("dataset", str(file)[:30])
        await shown.expect_line("scoring", str(output)[:30], "finished, 10 rows", f"#{batch.key}")
        await shown.press("G", "enter")
        await shown.expect_line("scored in", str(output)[:30], f"#{batch.key}")
        await shown.press("G", "l")
        await shown.expect_line("version", "churn/1")
