"""Traces and prompts on the screen: lists, the tree of spans, versions and their difference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.access import Role
from engine.prompts.model import NewPrompt
from engine.traces.content import encode
from engine.traces.model import NewSpan, SpanBatch, SpanStatus, TraceFacts, TraceState
from engine.tracking.logged_model_model import LoggedModelStatus, NewLoggedModel
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import World

MS = 1_000_000


def trace_id(number: int) -> str:
    return f"tr-{number:032x}"


def span(trace: int, number: int, parent: int | None, name: str, took: tuple[int, int], failed: str = "") -> NewSpan:
    status = SpanStatus.ERROR if failed else SpanStatus.OK
    began, ended = took
    content = encode({"attributes": {"question": "why", "depth": number}})
    return NewSpan(
        trace_id(trace), number, parent, name, "LLM", status, failed, began * MS, ended * MS, 10, 20, 30, content
    )


def record(world: World, number: int, name: str, *, failed: str = "") -> None:
    spans = [
        span(number, 1, None, name, (1_000, 1_900)),
        span(number, 2, 1, "retrieve", (1_010, 1_200)),
        span(number, 3, 1, "generate", (1_210, 1_890), failed),
        span(number, 4, 3, "call model", (1_220, 1_880)),
    ]
    state = TraceState.ERROR if failed else TraceState.OK
    facts = TraceFacts(
        1_000, 1_900, name, state, request='{"q": "why is churn up"}', response="because", has_tokens=True
    )
    opened = world.as_("anna", Role.ADMIN)
    opened.experiments.ensure_default()
    opened.traces.record(SpanBatch(spans, {trace_id(number): facts}), 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "workspace")
    yield made
    made.close()


async def test_an_empty_list_says_how_traces_come(world: World) -> None:
    async with console(world.as_("anna"), "traces") as screen:
        await screen.expect("No traces yet", "@mlflow.trace")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_trace_opens_as_a_tree_of_spans(world: World, size: tuple[int, int]) -> None:
    record(world, 1, "answer", failed="rate limit")
    async with console(world.as_("anna"), "traces", size) as screen:
        await screen.expect_line("answer", "error")
        await screen.press("enter")
        await screen.expect(trace_id(1), "why is churn up")
        await screen.press("G")
        await screen.expect("├─retrieve", "└─generate", "  └─call model", "rate limit")


async def test_traces_are_filtered_in_sql_and_found_by_words(world: World) -> None:
    record(world, 1, "answer")
    record(world, 2, "summarise", failed="rate limit")
    async with console(world.as_("anna"), "traces") as screen:
        await screen.expect("answer", "summarise")
        await screen.press("/")
        await screen.type("state=error")
        await screen.press("enter")
        await screen.expect_gone("answer")
        await screen.expect("summarise")


async def test_a_new_trace_appears_and_is_only_announced_to_who_moved(world: World) -> None:
    record(world, 1, "answer")
    async with console(world.as_("anna"), "traces") as screen:
        await screen.expect("answer")
        record(world, 2, "summarise")
        await screen.expect("summarise", "2 traces")
        await screen.press("G")
        record(world, 3, "translate")
        await screen.expect("1 new")
        assert "translate" not in screen.text()


async def test_a_span_shows_all_that_it_says(world: World) -> None:
    record(world, 1, "answer")
    async with console(world.as_("anna"), f"trace {trace_id(1)}", LARGE) as screen:
        await screen.expect("retrieve")
        await screen.press("G", "enter")
        await screen.expect('"question"', '"depth"')


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_span_says_how_it_went_in_a_word(world: World, size: tuple[int, int]) -> None:
    record(world, 1, "answer", failed="rate limit")
    async with console(world.as_("anna"), f"trace {trace_id(1)}", size) as screen:
        await screen.expect("generate")
        await screen.press("G", "enter")
        await screen.expect_line('"status": "')
        assert any(f'"status": "{word}"' in screen.line('"status"') for word in ("ok", "error", "unset"))


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("where", "command"), [("prompts", "qd prompts register"), ("traces", "qd server"), ("server", "qd --workspace")]
)
async def test_an_empty_screen_names_the_command_that_fills_it(
    world: World, where: str, command: str, size: tuple[int, int]
) -> None:
    async with console(world.as_("anna"), where, size) as screen:
        await screen.expect(command)
        assert screen.line(": command").endswith("? help")  # whole, nothing cut


async def test_deleting_a_trace_asks_for_the_beginning_of_its_id(world: World) -> None:
    record(world, 1, "answer")
    opened = world.as_("anna", Role.OPERATOR)
    async with console(opened, "traces", LARGE) as screen:
        await screen.expect("answer")
        await screen.press("D")
        await screen.expect("type 00000000")
        await screen.type("00000000")
        await screen.press("enter", "y")
        await screen.expect("No traces yet")
    assert opened.traces.count() == 0


def register(world: World, template: str, message: str = "") -> None:
    world.as_("anna", Role.ADMIN).prompts.register("greeting", NewPrompt(template, commit_message=message))


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_prompt_opens_its_versions_and_their_templates(world: World, size: tuple[int, int]) -> None:
    world.as_("anna", Role.ADMIN).prompts.create("greeting")
    register(world, "Hello {{name}}")
    register(world, "Hello {{name}}\nBe brief.", "shorter answers")
    async with console(world.as_("anna"), "prompts", size) as screen:
        await screen.expect_line("greeting", "2")
        await screen.press("enter")
        await screen.expect("greeting/2", "greeting/1")
        await screen.press("enter")
        await screen.expect("Template", "Hello {{name}}")


async def test_two_marked_versions_are_compared_line_by_line(world: World) -> None:
    world.as_("anna", Role.ADMIN).prompts.create("greeting")
    register(world, "Hello {{name}}\nBe kind.")
    register(world, "Hello {{name}}\nBe brief.")
    async with console(world.as_("anna"), "prompt-versions greeting") as screen:
        await screen.expect("greeting/2", "greeting/1")
        await screen.press("space", "j", "space", "x")
        await screen.expect("- Be kind.", "+ Be brief.", "  Hello {{name}}")


async def test_an_alias_is_given_from_the_list(world: World) -> None:
    opened = world.as_("anna", Role.OPERATOR)
    world.as_("root", Role.ADMIN).prompts.create("greeting")
    register(world, "Hello")
    async with console(opened, "prompt-versions greeting") as screen:
        await screen.expect("greeting/1")
        await screen.press("A")
        await screen.type("champion")
        await screen.press("enter", "y")
        await screen.expect("@champion")
    assert opened.prompts.get("greeting").aliases == {"champion": 1}


@pytest.mark.parametrize("name", ["greeting", "greeting/x", "greeting/9"])
async def test_a_prompt_that_is_not_there_is_said_in_words(world: World, name: str) -> None:
    world.as_("anna", Role.ADMIN).prompts.create("greeting")
    async with console(world.as_("anna"), f"prompt {name}") as screen:
        await screen.until(lambda: "greeting" in screen.text() and "raceback" not in screen.text(), "a message")


async def test_a_run_shows_the_models_it_logged(world: World) -> None:
    opened = world.as_("anna", Role.ADMIN)
    with opened.runs.start("churn", "trainer", capture=False) as run:
        made = opened.logged_models.create(
            NewLoggedModel(opened.experiments.get("churn").id, "forest", run_id=run.id, params={"depth": "3"})
        )
        opened.logged_models.set_status(made.model_id, LoggedModelStatus.READY)
    async with console(world.as_("anna"), f"run {run.id}", LARGE) as screen:
        await screen.press("3")
        await screen.expect("Logged models")
        await screen.expect_line("forest", "made", "ready", made.model_id)
