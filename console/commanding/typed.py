"""From a typed command to what it does: the same actions as by key, on things that are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers, Needs
from console.commanding.catalog import KINDS, Kind, actions_of, kind_of
from console.commanding.doing import invoke, take_words
from console.commanding.grammar import fields_of
from console.everywhere import EVERYWHERE
from console.location import Location, identity, is_number
from engine.core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from engine.api import Engine
    from engine.core.command import Action as Deed

PLANNED = {"promote": "", "archive": "archived", "rollback": "rollback"}
"""Verbs on versions and models that open a plan, and where it leads; empty where `--to` says so."""


def do(app: ConsoleApp, deed: Deed) -> None:
    """Do what a command asks for; what would have to be asked by key is asked here too.

    Args:
        app: The application.
        deed: The command.

    Raises:
        QuarterdeckError: it names nothing that could be done, or a word has no meaning.
    """
    resource = kind_of(deed.resource)
    if deed.verb in app.custom.settings.commands:
        _start(app, deed)
    elif deed.verb in PLANNED and resource in ("models", "versions") and deed.arguments:
        _plan(app, deed)
    elif not resource:
        _do_here(app, deed, _meant_here(app, deed))
    else:
        _do_to(app, deed, resource, actions_of(resource).get(deed.verb) or _offered(app, deed.verb))


def _start(app: ConsoleApp, deed: Deed) -> None:
    """Start a program of `quarterdeck.toml`."""
    command = app.custom.settings.commands[deed.verb]
    names, words = (deed.arguments[:1], deed.arguments[1:]) if command.resources else ((), deed.arguments)
    typed = take_words([each.name for each in command.inputs], words, deed.options)
    app.custom.start(deed.verb, names, typed)


def _offered(app: ConsoleApp, verb: str) -> Action | None:
    return next((action for action in app.offered() if action.name == verb), None)


def _everywhere(verb: str) -> Action | None:
    return next((action for action in EVERYWHERE if action.name == verb), None)


def _meant_here(app: ConsoleApp, deed: Deed) -> Action | None:
    """What the view on the screen offers by that name, else what every view does."""
    offered, everywhere = _offered(app, deed.verb), _everywhere(deed.verb)
    if everywhere is not None and "record" in everywhere.takes and deed.arguments and is_number(deed.arguments[0]):
        return everywhere
    return meant(offered, everywhere)


def meant(offered: Action | None, everywhere: Action | None) -> Action | None:
    """Which of two actions of one name a bare word means: that of the view, where it is the same thing seen closer.

    So `undo` takes your newest change back on every screen, as messages promise, and not the routes of the endpoint
    that happens to be shown; those are `undo endpoint churn`.

    Args:
        offered: What the view offers by that name.
        everywhere: What every view does by that name.
    """
    if offered is None or everywhere is None:
        return offered or everywhere
    return offered if offered.takes == everywhere.takes else everywhere


def _do_here(app: ConsoleApp, deed: Deed, action: Action | None) -> None:
    """Do what needs no name."""
    if action is None:
        raise InvalidInput(f"{deed.verb} means nothing on this screen.", hint="? lists what can be done here.")
    typed = take_words(fields_of(action), deed.arguments, deed.options, free=action.dialog)
    invoke(app, action, None, typed)


def _do_to(app: ConsoleApp, deed: Deed, resource: str, action: Action | None) -> None:
    if action is None:
        raise InvalidInput(f"{deed.verb} cannot be done to {resource} from here.", hint=f":{resource} shows them.")
    kind = KINDS[resource]
    names, words = named(action, kind, deed.arguments)
    typed = take_words(fields_of(action), words, deed.options, free=action.dialog)
    if action.needs is Needs.NOTHING:
        invoke(app, action, None, typed)
    elif names and kind.read is not None:
        _do_to_named(app, (action, resource), names, typed)
    elif names:
        do_there(app, Location(resource, names[0]), action.name, typed)
    else:
        _do_to_selected(app, deed, resource, typed)


def _do_to_selected(app: ConsoleApp, deed: Deed, resource: str, typed: Answers) -> None:
    here = app.view is not None and kind_of(app.view.location.resource) == resource
    name = actions_of(resource)[deed.verb].name if deed.verb in actions_of(resource) else deed.verb
    action = _offered(app, name)
    if not here or action is None:
        raise InvalidInput(f"Say which: {deed.verb} {resource} NAME.", hint=f":{resource} lists them.")
    invoke(app, action, None, typed)


def named(action: Action, kind: Kind, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell names of things from words that fill in fields; a word like `team=risk` ends the names.

    Args:
        action: What is done to them.
        kind: What they are.
        words: All that stands behind the resource.

    Returns:
        The names, and the rest.
    """
    if action.needs is Needs.NOTHING:
        return [], list(words)
    end = next((place for place, word in enumerate(words) if "=" in word), len(words))
    if kind.numbered and end > 1 and "/" not in words[0] and words[1].isdigit():
        words = [f"{words[0]}/{words[1]}", *words[2:]]
        end -= 1
    if action.needs is Needs.ONE:
        end = min(end, 1)
    return list(words[:end]), list(words[end:])


def _do_to_named(app: ConsoleApp, what: tuple[Action, str], names: Sequence[str], typed: Answers) -> None:
    action, resource = what

    def came(things: tuple[object, ...]) -> None:
        try:
            invoke(app, action, things if action.needs is Needs.MANY else things[0], typed)
        except InvalidInput as error:
            app.fail(error)

    app.read("command.subject", lambda: tuple(read_named(app.engine, resource, name) for name in names), came)


def read_named(engine: Engine, resource: str, name: str) -> object:
    """Read a thing by its name. Runs in a worker thread.

    Args:
        engine: The open workspace.
        resource: A name in `KINDS` whose things can be read.
        name: The thing's name, number or the beginning of its id.

    Raises:
        NotFound: there is none; the hint names the nearest one.
        QuarterdeckError: it cannot be read.
    """
    read = KINDS[resource].read
    if read is None:
        raise NotFound(f"{resource} are not read by name.", hint=f"Type `:{resource} {name}`.")
    try:
        return read(engine, name)
    except NotFound as error:
        from console.commanding.names import names_of
        from engine.core.suggest import did_you_mean

        near = did_you_mean(name, names_of(engine, resource))
        raise NotFound(error.message, hint=near or error.hint, details=error.details) from error


def words_for(
    action: Action, subject: object, words: Sequence[str], options: Sequence[tuple[str, str | None]]
) -> Answers:
    """What an action would be answered by a command: what it said, and for the rest what stands there at first.

    Args:
        action: The action.
        subject: What it is done to.
        words: What stands behind the names.
        options: What was given with `--`.

    Raises:
        InvalidInput: a word has no meaning.
    """
    typed = take_words(fields_of(action), words, options, free=action.dialog)
    return {**{field.name: field.value for field in action.ask(subject)}, **typed}


def _plan(app: ConsoleApp, deed: Deed) -> None:
    """Open the plan that a command asks for; with a reason, ask for the word at once."""
    options = dict(deed.options)
    place = promotion_of(deed)
    if reason := options.get("reason"):
        do_there(app, place, "promote", {"reason": reason})
    else:
        app.jump(place)


def promotion_of(deed: Deed) -> Location:
    """The plan a command asks for: `promote churn 7 --to production`, `archive churn/3`, `rollback churn`.

    Raises:
        InvalidInput: the model or the version is missing.
    """
    to = PLANNED[deed.verb] or dict(deed.options).get("to") or "production"
    words = [part for word in deed.arguments for part in word.split("/")]
    if to == "rollback":
        if len(words) != 1:
            raise InvalidInput("rollback takes a model.", hint="Type `:rollback churn`.")
        return Location("promotion", f"{words[0]}/rollback")
    if len(words) != 2 or not words[1].isdigit():
        raise InvalidInput(f"{deed.verb} takes a model and a version.", hint=f"Type `:{deed.verb} churn 7`.")
    return Location("promotion", f"{words[0]}/{words[1]}/{to.lower()}")


def do_there(app: ConsoleApp, place: Location, name: str, typed: Answers) -> None:
    """Go to a view and, once it shows its thing, do one of its actions; given up when the operator goes elsewhere.

    Args:
        app: The application.
        place: The view.
        name: The action's name.
        typed: What is filled in already.
    """

    def arrived() -> bool:
        view = app.view
        if view is None or identity(view.location) != identity(place):
            return True
        action = _offered(app, name)
        if action is None or view.subject() is None:
            return False
        invoke(app, action, None, typed)
        return True

    app.jump(place)
    app.wait_for(arrived)
