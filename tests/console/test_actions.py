from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.events import Key

from console.actions import Action, Danger, Needs, find, key_name, why_not
from console.everywhere import EVERYWHERE
from console.frame import MOST_HINTS, hints
from console.location import Location
from console.registry import GRAMMAR, RESOURCES, make_view
from console.screens.help import help_lines
from console.text import plain
from console.widgets.document import Document
from console.widgets.table import VirtualTable
from engine.core.access import Access, Actor, Role
from engine.core.errors import NotFound

EVERY_VIEW = [make_view(Location(name, "churn/1" if entry.named else "")) for name, entry in RESOURCES.items()]
VIEWS = pytest.mark.parametrize("actions", [view.offered() for view in EVERY_VIEW], ids=list(RESOURCES))


def _access(role: Role = Role.ADMIN, *, read_only: bool = False) -> Access:
    return Access(Actor("ada"), role, read_only=read_only)


def _action(**changes: object) -> Action:
    return Action(**({"name": "act", "key": "a", "label": "act", "run": lambda *_: None} | changes))  # type: ignore[arg-type]


@VIEWS
def test_no_key_means_two_things_in_one_view(actions: Sequence[Action]) -> None:
    everywhere = [action for action in EVERYWHERE if action.name not in YIELDING]
    keys = [action.key for action in (*actions, *everywhere) if action.key]
    assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)


YIELDING = ("undo", "redo", "lineage")
"""What `z`, `Z` and `l` do where a view does not bind them to a way of its own."""


@VIEWS
def test_every_action_is_explained_and_named_once(actions: Sequence[Action]) -> None:
    names = [action.name for action in actions]
    assert len(names) == len(set(names))
    for action in actions:
        assert action.about.endswith("."), action.name
        assert len(action.about) <= 70, action.about


@VIEWS
def test_hints_are_few_and_end_with_help(actions: Sequence[Action]) -> None:
    for filterable in (True, False):
        shown = hints(actions, filterable=filterable)
        assert len(shown) <= MOST_HINTS
        assert shown[-1].key == "?"


@VIEWS
def test_no_destructive_key_lies_beside_an_inspecting_one(actions: Sequence[Action]) -> None:
    """What cannot be undone takes Shift: the same key without it never does so."""
    for action in actions:
        if action.danger is Danger.IRREVERSIBLE:
            assert action.key.isupper(), action.name


def test_help_holds_every_action_of_the_view_every_resource_and_every_verb() -> None:
    for view in EVERY_VIEW:
        text = "\n".join(plain(line.parts) for line in help_lines(view))
        for action in (*view.offered(), *EVERYWHERE):
            assert action.about in text, action.name
        assert all(name in text for name in (*RESOURCES, *GRAMMAR.verbs))


def test_help_names_no_key_twice() -> None:
    """A key that the view has taken for itself does not stand under what every view does."""
    for view in EVERY_VIEW:
        texts = [plain(line.parts) for line in help_lines(view)]
        end = next(place for place, text in enumerate(texts) if text.startswith("Resources"))
        shown = [text[2:].partition("  ")[0] for text in texts[:end] if text.startswith("  ")]
        keys = [key for key in shown if key and not key.startswith(":")]
        assert len(keys) == len(set(keys)), (view, sorted(key for key in keys if keys.count(key) > 1))


def test_letters_of_the_table_and_of_pages_mean_nothing_else() -> None:
    taken = {key for key in (*VirtualTable.KEYS, *Document.KEYS) if len(key) == 1} - {"h", "l"}
    for view in EVERY_VIEW:
        assert not taken & {action.key for action in view.offered()}, view


def test_what_changes_is_off_while_read_only_stale_or_not_allowed() -> None:
    change = _action(danger=Danger.REVERSIBLE, role=Role.OPERATOR)
    assert why_not(change, "x", _access()) is None
    assert "read-only" in (why_not(change, "x", _access(read_only=True)) or "")
    assert "gone" in (why_not(change, "x", _access(), stale="The disk is gone.") or "")
    assert "role operator" in (why_not(change, "x", _access(Role.VIEWER)) or "")


def test_looking_is_always_allowed() -> None:
    look = _action()
    assert why_not(look, "x", _access(Role.VIEWER, read_only=True), stale="The disk is gone.") is None


@pytest.mark.parametrize(("needs", "subject"), [(Needs.ONE, None), (Needs.MANY, ())])
def test_without_a_selection_nothing_is_done(needs: Needs, subject: object) -> None:
    assert why_not(_action(needs=needs), subject, _access()) == "Act: nothing is selected."


def test_a_disabled_action_says_why() -> None:
    assert why_not(_action(enabled=lambda _: "because"), "x", _access()) == "because"


def test_danger_may_depend_on_the_subject() -> None:
    action = _action(danger=lambda subject: Danger.PRODUCTION if subject else Danger.REVERSIBLE)
    assert action.danger_for("in Production") is Danger.PRODUCTION
    assert action.danger_for("") is Danger.REVERSIBLE
    assert action.changes


def test_actions_of_the_view_come_before_those_of_every_view() -> None:
    mine = _action(key="?")
    assert find([mine, *EVERYWHERE], "?") is mine
    assert find(EVERYWHERE, "") is None


@pytest.mark.parametrize(
    ("key", "character", "name"),
    [
        ("question_mark", "?", "?"),
        ("ctrl+p", None, "ctrl-p"),
        ("enter", "\r", "Enter"),
        ("escape", "\x1b", "Esc"),
        ("P", "P", "P"),
        ("space", " ", "space"),
        ("left", None, "left"),
    ],
)
def test_keys_are_named_as_people_write_them(key: str, character: str | None, name: str) -> None:
    assert key_name(Key(key, character)) == name


def test_an_unknown_resource_and_a_missing_name_are_refused() -> None:
    with pytest.raises(NotFound, match="no resource"):
        make_view(Location("nothing"))
    with pytest.raises(NotFound, match="needs a name"):
        make_view(Location("run"))
