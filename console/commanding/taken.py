"""What keys and words the console has already, and what has them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from console.actions import Action
from console.arranging.actions import LIST_ACTIONS
from console.commanding.catalog import kind_of
from console.commanding.grammar import verbs_by_name
from console.everywhere import EVERYWHERE
from console.registry import GRAMMAR, RESOURCES
from console.resources.resource import Resource
from console.views import View
from console.widgets.document import Document
from console.widgets.table import VirtualTable
from engine.policy.console_model import Taken, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@cache
def taken() -> Taken:
    """Every key and word of the console; imports every screen."""
    keys = {spelled(key.replace("+", "-")): "moving" for table in (VirtualTable, Document) for key in table.KEYS}
    keys |= {"tab": "the next field", "enter": "open", "escape": "out"}
    keys |= _keys(LIST_ACTIONS, "lists") | _keys(EVERYWHERE, "every screen")
    of: dict[str, dict[str, str]] = {}
    for resource, entry in RESOURCES.items():
        module, _, name = entry.place.partition(":")
        found = _keys(_actions(import_module(module), name), resource)
        known = of.setdefault(kind_of(resource), {})
        of[kind_of(resource)] = found | known
    words = {each: "a resource" for entry in GRAMMAR.resources.values() for each in (entry.name, *entry.aliases)}
    words |= {each: "a verb" for verb in verbs_by_name().values() for each in (verb.name, *verb.aliases)}
    return Taken(keys, of, words)


def _keys(actions: Iterable[Action], where: str) -> dict[str, str]:
    return {spelled(action.key): f"{action.label}, in {where}" for action in actions if action.key}


def _actions(module: ModuleType, name: str) -> Iterator[Action]:
    """The actions of a view, or of the lists that a module describes."""
    holder = getattr(module, name)
    if isinstance(holder, type) and issubclass(holder, View):
        yield from holder.actions
        return
    for each in vars(module).values():
        if isinstance(each, Resource):
            yield from each.actions
