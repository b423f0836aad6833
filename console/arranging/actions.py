"""What can be done with every list: sort, filter and lay out its columns, mark its rows, hold them still, keep it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from console.actions import Action, Answers, Field, Needs
from console.arranging.arrangement import Arrangement
from console.arranging.grouping import GROUP_ACTIONS
from console.arranging.orders import Order, sorted_by, write_orders
from console.arranging.orders import further as with_further
from console.arranging.terms import GREATEST_FIRST
from console.exporting.actions import EXPORT_ACTIONS

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.screens.list import ListView

MOST_MARKED = 5_000
"""Rows that can be marked at once: what is done to them is done to each."""

STEP = 2
"""Cells that a column is widened or narrowed by."""

Run = Callable[["ConsoleApp", Any, Answers], None]


def _on_list(act: Callable[[ListView[Any]], None]) -> Run:
    """An action's run from what is done with the list that is shown."""

    def run(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
        from console.screens.list import ListView

        if isinstance(app.view, ListView):
            act(app.view)

    return run


# --- order


def sort_by_column(view: ListView[Any], *, further: bool = False) -> None:
    """Sort by the column under the cursor, or turn that round.

    Args:
        view: The list.
        further: Keep the orders in force and add this one.
    """
    shown = view.columns.here
    if shown is None or not shown.sort:
        view.deck.say("This column cannot be sorted by.", "dim")
        return
    first = Order(shown.sort, view.columns.kind(shown) in GREATEST_FIRST)
    _sort(view, first, add=further and bool(view.location.sort))


def _sort(view: ListView[Any], first: Order, *, add: bool) -> None:
    orders = view.columns.orders(view.location)
    orders = with_further(orders, first) if add else sorted_by(orders, first)
    view.go(replace(view.location, sort=write_orders(orders)))


def _sort_neighbour(view: ListView[Any], step: int) -> None:
    """Sort by a neighbour of the column in force, in the same direction; the column cursor goes there."""
    shown = [each for each in view.columns.shown if each.sort]
    if not shown:
        return
    keys, orders = [each.sort for each in shown], view.columns.orders(view.location)
    now = orders[0] if orders else Order("")
    place = (keys.index(now.key) + step) % len(keys) if now.key in keys else 0
    view.table.go_to_column(shown[place].column.name)
    view.go(replace(view.location, sort=write_orders([Order(keys[place], now.descending)])))


# --- columns


def _with_column(act: Callable[[ListView[Any], str], Arrangement]) -> Run:
    """An action's run from how the column under the cursor changes the arrangement."""

    def change(view: ListView[Any]) -> None:
        if (shown := view.columns.here) is not None:
            view.lay_out(act(view, shown.column.name))

    return _on_list(change)


def _widen(view: ListView[Any], name: str, by: int) -> Arrangement:
    return view.columns.arrangement.resize(name, view.table.width_of(name) + by)


def _hide(view: ListView[Any], name: str) -> Arrangement:
    if len(view.columns.shown) == 1:
        view.deck.say("The last column stays. ctrl-o brings others back.", "dim")
        return view.columns.arrangement
    shown = view.columns.here
    view.deck.say(f"Hidden: {shown.column.title if shown else name}. ctrl-o brings it back.", "dim")
    return view.columns.arrangement.hide(name)


def _choose(view: ListView[Any]) -> None:
    from console.screens.columns import choose_columns

    choose_columns(view.deck, view)


# --- marks


def _mark_stretch(view: ListView[Any]) -> None:
    keys = view.grouping.spread(view.table.stretch())
    if not keys:
        view.deck.say("Mark a row with space first, then go to the other end of the range.", "dim")
    elif _not_too_many(view, len(keys)):
        view.mark(list(keys))


def _mark_all(view: ListView[Any]) -> None:
    marks, things = view.marks, view.grouping.things
    if marks and len(marks) >= len(things) and marks.issuperset(things):
        view.table.set_marks(marks.difference(things))
    elif _not_too_many(view, len(things)):
        view.mark(list(things))


def _not_too_many(view: ListView[Any], count: int) -> bool:
    if count <= MOST_MARKED:
        return True
    view.deck.say(f"At most {MOST_MARKED:,} rows can be marked, these are {count:,}: filter them first.", "warn")
    return False


# --- keeping


def _save(app: ConsoleApp, _subject: Any, answers: Answers) -> None:
    from console.arranging.saved import save_view

    save_view(app, answers["name"])


def _filter_column(view: ListView[Any]) -> None:
    from console.arranging.column_filter import filter_column

    filter_column(view)


def _action(name: str, key: str, run: Run, about: str) -> Action:
    return Action(name, key, name.replace("-", " "), run, about, needs=Needs.NOTHING, hint=False)


LIST_ACTIONS: tuple[Action, ...] = (
    _action("sort", "o", _on_list(sort_by_column), "Sort by the column under the cursor; again turns it round."),
    _action(
        "sort-further",
        "O",
        _on_list(lambda view: sort_by_column(view, further=True)),
        "Add it as a further order; again turns it round, then takes it away.",
    ),
    _action("sort-left", "<", _on_list(lambda view: _sort_neighbour(view, -1)), "Sort by the column before."),
    _action("sort-right", ">", _on_list(lambda view: _sort_neighbour(view, 1)), "Sort by the next column."),
    _action("filter-column", "=", _on_list(_filter_column), "Filter by the column under the cursor; Tab completes."),
    _action("columns", "ctrl-o", _on_list(_choose), "Choose columns: show, hide, order, pin; as usual again."),
    _action(
        "pin",
        "#",
        _with_column(lambda view, name: view.columns.arrangement.pin(name)),
        "Pin the column at the left, or let it go.",
    ),
    _action("widen", "+", _with_column(lambda view, name: _widen(view, name, STEP)), "Widen the column."),
    _action("narrow", "_", _with_column(lambda view, name: _widen(view, name, -STEP)), "Narrow the column."),
    _action(
        "move-left",
        "(",
        _with_column(lambda view, name: view.columns.arrangement.move(name, -1, view.columns.names)),
        "Move the column to the left.",
    ),
    _action(
        "move-right",
        ")",
        _with_column(lambda view, name: view.columns.arrangement.move(name, 1, view.columns.names)),
        "Move the column to the right.",
    ),
    _action("hide", "\\", _with_column(_hide), "Hide the column."),
    _action("mark-range", '"', _on_list(_mark_stretch), "Mark from the row marked last to the cursor."),
    _action("mark-all", "*", _on_list(_mark_all), "Mark all that the filter leaves, or none."),
    _action(
        "aggregates",
        "&",
        _on_list(
            lambda view: view.lay_out(replace(view.columns.arrangement, footer=not view.columns.arrangement.footer))
        ),
        "Sum up below: count, min, mean, max of all rows or the marked.",
    ),
    *GROUP_ACTIONS,
    _action("freeze", "f", _on_list(lambda view: view.freeze()), "Hold the rows still, and let go."),
    Action(
        "save-view",
        "ctrl-s",
        "save view",
        _save,
        "Keep filter, orders and columns under a name, for :view NAME.",
        needs=Needs.NOTHING,
        ask=lambda _subject: (Field("name", "name"),),
        hint=False,
    ),
    *EXPORT_ACTIONS,
)
"""In the order help lists them."""
