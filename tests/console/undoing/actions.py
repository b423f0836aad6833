"""Every action of the console, read from its modules."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import console
from console.actions import Action


def every_action() -> Iterator[Action]:
    """Actions that stand in a module, in a tuple, or on a view or resource; some several times."""
    for found in walk_packages(console.__path__, "console."):
        if not found.name.endswith("__main__"):
            for value in vars(import_module(found.name)).values():
                yield from _actions(value)


def _actions(value: object) -> Iterator[Action]:
    if isinstance(value, Action):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _actions(each)
    elif isinstance(held := getattr(value, "actions", None), tuple | list):
        yield from _actions(held)
