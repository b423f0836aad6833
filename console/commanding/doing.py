"""Doing an action, by key or by command, with the care its danger asks for: both go the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field, Needs, why_not
from console.past import why_off
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from console.app import ConsoleApp


def invoke(app: ConsoleApp, action: Action, subject: object = None, typed: Answers | None = None) -> None:
    """Do an action: at once where that is harmless, else after a dialog that says what changes.

    Args:
        app: The application.
        action: The action.
        subject: What to do it to; by default what is selected.
        typed: What a command filled in already, by field name; `None` for a key.
    """
    if subject is None and app.view is not None:
        subject = app.view.subjects() if action.needs is Needs.MANY else app.view.subject()
    if action.each is not None and isinstance(subject, tuple) and len(subject) > 1:
        from console.bulk import invoke_all

        invoke_all(app, action, action.each, subject, typed)
        return
    past = why_off(app.navigator.here)
    reason = why_not(action, subject, app.pasts.present.access, stale=app.stale, past=past)
    if reason is not None:
        app.say(reason, "warn")
        return
    danger = action.danger_for(subject)
    fields = filled(action.ask(subject), typed or {})
    if action.dialog:
        app.hints.during(action, subject, partial(action.run, app, subject, typed or {}))
    elif danger < Danger.PRODUCTION and asks_nothing(action, fields, typed):
        _carry_out(app, action, subject, {field.name: field.value for field in fields})
    else:
        from console.screens.dialogs import Ask

        app.open_dialog(Ask(action, subject, danger, fields), partial(_answered, app, action, subject))


def filled(fields: Sequence[Field], typed: Answers) -> list[Field]:
    """The fields of an action, with what a command filled in already."""
    return [replace(field, value=typed.get(field.name, field.value)) for field in fields]


def asks_nothing(action: Action, fields: Sequence[Field], typed: Answers | None) -> bool:
    """Whether a harmless action is done at once: nothing is left to fill in, and it is not final.

    Args:
        action: The action.
        fields: What it asks for, with what is filled in already.
        typed: What a command filled in; `None` for a key.
    """
    if fields and not (typed and not any(field.problem(field.value) for field in fields)):
        return False
    from console.undoing.sorts import beforehand

    return not beforehand(action)


def _answered(app: ConsoleApp, action: Action, subject: object, answers: Answers | None) -> None:
    if answers is None:
        app.say(f"{action.label.capitalize()}: nothing was changed.", "dim")
    else:
        _carry_out(app, action, subject, answers)


def _carry_out(app: ConsoleApp, action: Action, subject: object, answers: Answers) -> None:
    app.hints.during(action, subject, partial(action.run, app, subject, answers))
    if line := action.twin(subject, answers):
        app.last_shell = line


def take_words(
    fields: Sequence[str], words: Sequence[str], options: Sequence[tuple[str, str | None]], *, free: bool = False
) -> Answers:
    """Fill fields in from a command.

    `--name value` and `name=value` fill in the field of that name. Where there are a key and a value, `team=risk` fills
    in both. Other words fill in the fields that are left, in their order.

    Args:
        fields: Names of the fields, in order.
        words: What stands behind the names of things.
        options: What was given with `--`.
        free: Whether `name=value` may also fill in a field that is known only once the thing has been read.

    Returns:
        The values, by field name.

    Raises:
        InvalidInput: a word is left over, or an option names no field.
    """
    answers: Answers = {}
    for name, value in options:
        if name not in fields:
            raise InvalidInput(f"There is no option --{name}.", hint=_hint(name, fields))
        answers[name] = value or ""
    for word in words:
        name, equals, value = word.partition("=")
        if equals and (name in fields or free):
            answers[name] = value
        elif equals and {"key", "value"} <= set(fields) - set(answers):
            answers |= {"key": name, "value": value}
        else:
            left = next((each for each in fields if each not in answers), None)
            if left is None:
                raise InvalidInput(f"{word} is one word too many.", hint=_hint(word, fields))
            answers[left] = word
    return answers


def _hint(word: str, fields: Sequence[str]) -> str:
    from engine.core.suggest import did_you_mean

    known = [f"--{field}" for field in fields]
    return did_you_mean(f"--{word}", known) or (f"It takes {', '.join(known)}." if known else "It takes no words.")
