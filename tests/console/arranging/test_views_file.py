from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.arranging.arrangement import Arrangement
from console.arranging.keeping import SavedView
from console.arranging.last_used import LastUsed
from console.arranging.views_file import ViewsFile
from engine.core.errors import InvalidInput

VIEW = SavedView(
    "churn",
    "metrics.auc>0.9",
    "-metrics.auc",
    ("metrics.auc",),
    Arrangement(("b", "a"), widths={"a b": 9}),
    "params.lr",
)

HUMAN = """\
# mine
[runs.best]   # the good ones
filter = 'metrics.auc>0.5'   # single quotes are mine
sort = "-metrics.auc"

# for Monday
[models."by owner"]
sort = "owner"
"""


def test_a_view_is_kept_and_found_again(tmp_path: Path) -> None:
    file = ViewsFile(tmp_path / "config")
    assert file.views() == {}
    file.put("runs", "best ones", VIEW)
    assert ViewsFile(tmp_path / "config").views() == {("runs", "best ones"): VIEW}
    assert '[runs."best ones"]' in (tmp_path / "config" / "views.toml").read_text().replace('"runs"', "runs")


@pytest.mark.parametrize(("resource", "name"), [("runs", "best"), ("models", "by owner"), ("runs", "other")])
def test_what_people_wrote_about_other_views_stays_as_they_wrote_it(tmp_path: Path, resource: str, name: str) -> None:
    path = tmp_path / "views.toml"
    path.write_text(HUMAN)
    ViewsFile(tmp_path).put(resource, name, VIEW)
    text, views = path.read_text(), ViewsFile(tmp_path).views()
    assert views[resource, name] == VIEW
    assert len(views) == (3 if name == "other" else 2)
    assert "# for Monday\n" in text
    if (resource, name) != ("runs", "best"):
        assert "filter = 'metrics.auc>0.5'   # single quotes are mine\n" in text
    if name != "by owner":
        assert views["models", "by owner"].sort == "owner"


@pytest.mark.parametrize(
    "text",
    [
        "[runs]\nbest = { sort = 'a' }\nother = { sort = 'b' }\n",
        "runs.best.sort = 'a'\nruns.other.sort = 'b'\n",
        '[runs.best]\nfilter = """\n[runs.x]\n"""\n[runs.other]\nsort = "b"\n',
    ],
)
def test_forms_that_lines_do_not_tell_lose_no_view(tmp_path: Path, text: str) -> None:
    (tmp_path / "views.toml").write_text(text)
    before = ViewsFile(tmp_path).views()
    ViewsFile(tmp_path).put("runs", "best", VIEW)
    assert ViewsFile(tmp_path).views() == {**before, ("runs", "best"): VIEW}


@pytest.mark.parametrize("broken", [b"[runs.best\nsort = 1", b"\xff\xfe", b"a = ", b"[runs.a]\n[runs.a]\n"])
def test_a_broken_file_is_named_and_never_written_over(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "views.toml"
    path.write_bytes(broken)
    for act in (ViewsFile(tmp_path).views, lambda: ViewsFile(tmp_path).put("runs", "best", VIEW)):
        with pytest.raises(InvalidInput, match=r"views\.toml"):
            act()
    assert path.read_bytes() == broken


def test_many_consoles_at_once_lose_no_view(tmp_path: Path) -> None:
    def put(number: int) -> None:
        ViewsFile(tmp_path).put("runs", f"view {number}", SavedView(sort=f"metrics.m{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(24)))
    views = ViewsFile(tmp_path).views()
    assert {name: view.sort for (_, name), view in views.items()} == {f"view {n}": f"metrics.m{n}" for n in range(24)}


TEXTS = st.text(max_size=12)


@given(st.lists(st.tuples(TEXTS, TEXTS, st.builds(SavedView, of=TEXTS, filter=TEXTS, sort=TEXTS)), max_size=5))
def test_any_names_and_texts_are_kept(kept: list[tuple[str, str, SavedView]]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        expected = {}
        for resource, name, view in kept:
            ViewsFile(Path(folder)).put(resource, name, view)
            expected[resource, name] = view
        assert ViewsFile(Path(folder)).views() == expected
        if kept:
            tomllib.loads((Path(folder) / "views.toml").read_text())


def test_the_arrangement_last_used_is_remembered_by_resource_without_its_filter(tmp_path: Path) -> None:
    memory = LastUsed(tmp_path / "state")
    assert memory.of("runs") == SavedView()
    memory.keep("runs", VIEW)
    memory.keep("models", SavedView(sort="owner"))
    assert LastUsed(tmp_path / "state").of("runs") == VIEW.usual
    assert memory.of("models").sort == "owner"


@pytest.mark.parametrize("broken", ["", "{", "[]", "7", '{"runs": 7}', "\0", "[" * 100_000])
def test_a_broken_memory_is_no_memory(tmp_path: Path, broken: str) -> None:
    (tmp_path / "arrangements.json").write_text(broken)
    assert LastUsed(tmp_path).of("runs") == SavedView()
    LastUsed(tmp_path).keep("runs", VIEW)
    assert LastUsed(tmp_path).of("runs") == VIEW.usual


def test_a_memory_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    LastUsed(tmp_path / "state").keep("runs", VIEW)
    assert LastUsed(tmp_path / "state").of("runs") == SavedView()
