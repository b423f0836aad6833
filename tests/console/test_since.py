"""`since:` holds in every list, or is refused: it is never passed over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from console.registry import GRAMMAR, RESOURCES, make_view
from console.resources.memory import MemorySource
from console.resources.runs import RunSource
from console.resources.since import TIMES
from console.screens.list import ListView
from engine.core.clock import ManualClock
from engine.core.command import View, parse_command
from engine.core.errors import InvalidInput
from engine.registry.model import Stage
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import GUARDED, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def aged(tmp_path: Path) -> Iterator[World]:
    """A workspace whose first things are a day old, and one that is new."""
    clock = ManualClock()
    made = World(tmp_path, GUARDED, clock)
    made.engine.models.create("old")
    made.promote(made.version())
    second = made.version(auc=0.95)
    made.engine.approvals.request(second.model, second.version, to=Stage.PRODUCTION, reason="better auc")
    clock.advance(86_400_000)
    made.engine.models.create("new")
    yield made
    made.close()


def _source(words: str) -> tuple[MemorySource[Any] | None, View]:
    place = parse_command(words, GRAMMAR)
    assert isinstance(place, View)
    shown = make_view(place)
    found = shown.resource.source if isinstance(shown, ListView) else None
    return (found if isinstance(found, MemorySource) else None), place


NAMES = {"predictions": "churn", "prompt-versions": "greeting"}


def _read_whole() -> list[str]:
    return [each for each in RESOURCES if _source(f"{each} {NAMES.get(each, 'x')}")[0] is not None]


@pytest.mark.parametrize("resource", _read_whole())
def test_every_list_that_is_read_whole_knows_its_time(world: World, resource: str) -> None:
    source, place = _source(f"{resource} {NAMES.get(resource, '')} since:1h")
    assert source is not None
    assert not source._chosen(world.engine, [], place)  # noqa: SLF001 - the rule alone: nothing needs to be there


@pytest.mark.parametrize(("words", "now", "then"), [("models", 1, 3), ("versions", 0, 2), ("approvals", 0, 2)])
def test_only_what_is_young_enough_is_shown(aged: World, words: str, now: int, then: int) -> None:
    for since, count in (("1h", now), ("2d", then), ("'1h ago'", now), ("'2d ago'", then)):
        source, place = _source(f"{words} since:{since}")
        assert source is not None
        assert len(source.whole(aged.engine, place).keys) == count


def test_a_time_of_two_words_is_one_time(aged: World) -> None:
    asked = [parse_command(f"runs since:{since}", GRAMMAR) for since in ("2d", "'2d ago'")]
    first, second = (RunSource().query(aged.engine, place) for place in asked if isinstance(place, View))
    assert first == second


def test_a_list_without_a_time_refuses(aged: World, monkeypatch: pytest.MonkeyPatch) -> None:
    source, place = _source("models since:1h")
    assert source is not None
    monkeypatch.delitem(TIMES, "models")
    with pytest.raises(InvalidInput, match="no time"):
        source.whole(aged.engine, place)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_screen_shows_what_is_young_enough(aged: World, size: tuple[int, int]) -> None:
    async with console(aged.engine, "models since:1h", size) as deck:
        await deck.expect("new", "1 model")
        assert "old" not in deck.text()


async def test_the_earliest_time_is_named_and_esc_takes_it_away(aged: World) -> None:
    async with console(aged.engine, "models since:1h") as deck:
        await deck.expect("since:1h", "1 model")
    async with console(aged.engine, "versions since:1h") as deck:
        await deck.expect("No version matches since:1h", "Esc takes the filter away")
        await deck.press("escape")
        await deck.expect("churn/1")
        assert "since:" not in deck.text()
