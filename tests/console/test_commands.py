"""The command line of the console: words half typed, and the shell's word for what is shown."""

from __future__ import annotations

import pytest

from console.commands import completed
from console.registry import GRAMMAR
from console.shell import in_workspace, shell_of
from engine.core.command import View, parse_command
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
        ("state 5m ago", "state @5m"),
        ("stat churn @1h30m ago", "state churn @1h30m"),
        ("runs /ago", "runs /ago"),
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


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("runs", "qd runs list"),
        ("runs auc>0.9", "qd runs list --filter 'metrics.auc > 0.9'"),
        ("runs churn sort:-auc", "qd runs list --experiment churn --order-by 'metrics.auc DESC'"),
        ("versions churn stage=staging", "qd versions list churn --filter \"stage = 'staging'\""),
        ("models", "qd models list"),
        ("history churn", "qd models history churn"),
        ("audit since:2h", "qd audit list --since 2h"),
        ("pulse", "qd console pulse"),
        ("models /word", "qd console models /word"),
        ("runs nothing>1", "qd console runs 'nothing>1'"),
        ("runs cols:auc,run_name", "qd runs list --columns metrics.auc"),
        ("versions @#5", "qd console versions '@#5'"),
        ("versions @2026-11-03T09:00 stage=staging", "qd console versions stage=staging @2026-11-03T09:00"),
        ("state churn @2026-11-03T09:00", "qd versions list churn --at 2026-11-03T09:00"),
        ("models owner=ada @#5", "qd models list --filter \"owner = 'ada'\" --at '#5'"),
        ("alerts state=open sort:-opened", "qd alerts list --all --filter \"state = 'open'\" --order-by 'opened DESC'"),
        ("traces state=error", "qd traces list --filter \"state = 'error'\""),
        ("predictions churn /word", "qd console predictions churn /word"),
        ("audit sort:seq", "qd console audit sort:seq"),
        ("approvals", "qd approvals list --state all"),
        ("results churn", "qd monitors results churn"),
        ("lineage churn/1", "qd lineage version/churn/1"),
        ("jobs", "qd jobs list"),
        ("job 3", "qd jobs show 3"),
    ],
)
def test_a_view_has_a_twin_in_the_shell(world: World, typed: str, line: str) -> None:
    world.version()
    place = parse_command(typed, GRAMMAR)
    assert isinstance(place, View)
    assert shell_of(world.engine, place) == line


def test_the_command_names_the_workspace_that_was_named() -> None:
    assert in_workspace("qd runs list", "my work") == "qd --workspace 'my work' runs list"
    assert in_workspace("qd runs list", "") == "qd runs list"
