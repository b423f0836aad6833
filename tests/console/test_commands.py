"""The command line of the console: words half typed, and the shell's word for what is shown."""

from __future__ import annotations

import pytest

from console.commands import completed
from tests.console.driver import console
from tests.console.world import World


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("aud", "audit"),
        (" aud  since:2h", "audit  since:2h"),
        ("roll churn", "rollback churn"),
        ("inb", "approvals"),
        ("r", "r"),
        ("run", "run"),
        ("pro churn 1", "pro churn 1"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_a_word_that_can_end_in_one_way_only_is_that_word(typed: str, meant: str) -> None:
    assert completed(typed) == meant


async def test_enter_takes_the_only_completion(world: World) -> None:
    world.version()
    async with console(world.engine) as deck:
        await deck.press("colon")
        await deck.type("aud")
        await deck.press("enter")
        await deck.expect("OBJECT", "WHY")
