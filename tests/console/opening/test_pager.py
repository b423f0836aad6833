"""Artifacts as the operator opens them: logs in the pager with search, the rest saved or refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.opening.pager import Found
from console.opening.reading import MOST_TEXT, text_of
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import World

LOG = "\n".join(
    f"epoch {epoch} loss {1 / (epoch + 1):.4f}" + (" NaN Error" if epoch % 40 == 7 else "") for epoch in range(200)
)
sizes = pytest.mark.parametrize("size", [SMALL, LARGE])


def logged(world: World, *files: tuple[str, bytes]) -> str:
    with world.engine.runs.start("logs", "logged", system_metrics_s=0) as run:
        for path, data in files:
            run.log_bytes(data, path)
    return run.id


async def opened(deck: Console, path: str) -> None:
    await deck.press("3")
    await deck.expect_line("Artifacts", "Enter opens")
    await deck.until(lambda: path in deck.text(), path)
    await deck.press("enter")


@sizes
async def test_a_log_is_read_and_searched(world: World, size: tuple[int, int]) -> None:
    run = logged(world, ("train.log", LOG.encode()))
    async with console(world.engine, f"run {run}", size) as deck:
        await opened(deck, "train.log")
        await deck.expect("train.log  200 lines", "epoch 0 loss 1.0000")
        await deck.press("slash")
        await deck.type("error")
        await deck.press("enter")
        await deck.expect("error  1 of 5", "epoch 7 ")
        await deck.press("n")
        await deck.expect("2 of 5", "epoch 47 ")
        await deck.press("N", "N")
        await deck.expect("5 of 5", "epoch 167 ")
        await deck.press("G")
        await deck.expect("epoch 199 ")
        await deck.press("slash")
        await deck.type("nowhere")
        await deck.press("enter")
        await deck.expect("nowhere  nothing found")
        await deck.press("slash", "escape")
        await deck.expect("search")
        await deck.press("escape")
        await deck.expect_line("train.log", "text")


async def test_of_a_log_too_long_to_be_shown_the_end_comes_first(world: World) -> None:
    line = b"x" * 4_095 + b"\n"
    run = logged(world, ("long.log", line * 1_100 + b"the very end\n"))
    async with console(world.engine, f"run {run}", LARGE) as deck:
        await opened(deck, "long.log")
        await deck.expect("the very end", "the last 4,194,304 of 4,505,613 bytes")


async def test_files_are_listed_with_type_and_size(world: World) -> None:
    run = logged(world, ("a.log", b"x"), ("b.png", b"y" * 2048), ("c.skops", b"z"), ("\u202eevil.txt", b"e"))
    async with console(world.engine, f"run {run}") as deck:
        await deck.press("3")
        await deck.expect_line("a.log", "text", "1 B")
        await deck.expect_line("b.png", "image")
        await deck.expect_line("c.skops", "model")
        assert "\u202e" not in deck.text()


@pytest.mark.parametrize(
    ("path", "data", "told"),
    [
        ("a.png", b"#!/bin/sh\nrm -rf /", "is not what its name says"),
        ("a.bin", b"\0\1\2", "is binary"),
        ("a.desktop", b"[Desktop Entry]\0", "is binary"),
    ],
)
async def test_what_cannot_be_shown_says_how_to_save_it(world: World, path: str, data: bytes, told: str) -> None:
    run = logged(world, (path, data))
    async with console(world.engine, f"run {run}") as deck:
        await opened(deck, path)
        await deck.expect(told, "qd runs artifacts get")


async def test_without_a_display_a_picture_is_saved_and_the_place_said(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QD_OPENER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    (tmp_path / "t").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 30
    run = logged(world, ("plots/roc.png", png))
    async with console(world.engine, f"run {run}", LARGE) as deck:
        await opened(deck, "roc.png")
        await deck.expect("Saved to", "no display")
    (copy,) = (tmp_path / "t").rglob("*.png")
    assert copy.read_bytes() == png


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", ("",)),
        (b"a\nb\n", ("a", "b")),
        (b"a\r\nb", ("a", "b")),
        (b"10%\r50%\r100%\n", ("100%",)),
        (b"\x1b[31mred\x1b[0m", ("red",)),
        (b"a\tb", ("a       b",)),
        ("naïve \u202e".encode(), ("naïve ·",)),
        (b"\xff", ("\ufffd",)),
        (b"\x1b]0;title\x07x", ("·x",)),
    ],
)
def test_lines_are_as_a_terminal_would_leave_them_but_harmless(data: bytes, lines: tuple[str, ...]) -> None:
    assert text_of(data, len(data)).lines == lines


def test_of_a_long_log_the_end_is_shown() -> None:
    text = text_of(b"cut in the middle\nwhole\nlast\n", MOST_TEXT * 2)
    assert text.lines == ("whole", "last")
    assert "the last 29 of 8,388,608 bytes" in text.note


@given(st.lists(st.text("abA", max_size=6), max_size=12), st.text("abA", min_size=1, max_size=2), st.integers(-1, 12))
def test_search_goes_round_through_every_line_that_holds_it(lines: list[str], text: str, start: int) -> None:
    found = Found(lines, text)
    folded = text == text.lower()
    expected = [place for place, line in enumerate(lines) if text in (line.lower() if folded else line)]
    assert found.places == expected
    forward, backward = found.after(start), found.before(start)
    assert forward == next((place for place in expected if place > start), expected[0] if expected else None)
    assert backward == next((place for place in expected[::-1] if place < start), expected[-1] if expected else None)
    for line in lines:
        assert "".join(part for part, _ in found.parts(line)) == line
        assert sum(look == "selected" for _, look in found.parts(line)) == (line.lower() if folded else line).count(
            text
        )
