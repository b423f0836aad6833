"""The words of the command line: the resources, what can be done to each, and what this screen and its owner add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from console.actions import Action
from console.commanding.catalog import KINDS, SINGULAR, actions_of
from console.commanding.unknown import Unknown
from console.everywhere import EVERYWHERE
from console.registry import GRAMMAR
from engine.core.command import Grammar, VerbWords

if TYPE_CHECKING:
    from console.app import ConsoleApp


def fields_of(action: Action) -> tuple[str, ...]:
    """The names of what an action has filled in, in order; those of its own dialog are declared."""
    return action.takes or tuple(field.name for field in action.ask(Unknown()))


@cache
def verbs_by_name() -> Mapping[str, VerbWords]:
    """Every verb that is done to things by their names; imports every resource."""
    found: dict[str, VerbWords] = dict(GRAMMAR.verbs)
    for resource in KINDS:
        for verb, action in actions_of(resource).items():
            known = found.get(verb) or VerbWords(verb, summary=action.about)
            found[verb] = _with(known, resource, action)
    for action in EVERYWHERE:
        known = found.get(action.name) or VerbWords(action.name, summary=action.about)
        found[action.name] = replace(known, bare=True, takes={**known.takes, "": fields_of(action)})
    return found


def is_ready() -> bool:
    """Whether the verbs are known already, so that asking for them costs nothing."""
    return verbs_by_name.cache_info().currsize > 0


def _with(known: VerbWords, resource: str, action: Action) -> VerbWords:
    """A verb that is done to one more resource."""
    options = (*known.options_for(resource), *fields_of(action))
    names = [resource, *(name for name, listed in SINGULAR.items() if listed == resource)]
    added = {name: tuple(dict.fromkeys(options)) for name in names}
    return replace(
        known,
        resources=tuple(dict.fromkeys((*known.resources, *names))),
        takes={**known.takes, **added},
        summary=known.summary if resource in known.resources or not known.resources else "",
    )


def grammar_of(app: ConsoleApp) -> Grammar:
    """All words that mean something now: also what only the view on the screen offers."""
    verbs = dict(verbs_by_name())
    for action in app.offered():
        known = verbs.get(action.name) or VerbWords(action.name, summary=action.about)
        verbs[action.name] = replace(known, bare=True)
        if "" not in known.takes:
            verbs[action.name] = replace(verbs[action.name], takes={**known.takes, "": fields_of(action)})
    environments = tuple(app.custom.settings.environments)
    return Grammar(GRAMMAR.resources, verbs | app.custom.verbs(), environments)


def words_of(verbs: Iterable[VerbWords]) -> list[str]:
    """The names and shorter names of verbs."""
    return [each for words in verbs for each in (words.name, *words.aliases)]
