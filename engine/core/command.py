"""The one command grammar: the console's `:` line, the palette and the shell read and write the same words.

    resource [name] [/word …] [key<op>value …] [@env] [sort:key,…] [cols:key,…] [group:key] [since:age] [@time]
    verb resource name [argument …] [--option value …]     (also: resource verb name …, as the shell writes it)

Words are quoted as in a shell. What resources and verbs there are comes in as data.
"""

from __future__ import annotations

import re
from dataclasses import field, replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from engine.core.errors import FilterSyntaxError, InvalidInput
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_LENGTH = 20_000
"""Longest command, in characters."""


@frozen
class ResourceWords:
    """A kind of thing that can be looked at.

    Args:
        name: Plural noun, as the shell writes it.
        aliases: Shorter names.
        summary: What it is, for completion.
    """

    name: str
    aliases: tuple[str, ...] = ()
    summary: str = ""


@frozen
class VerbWords:
    """Something that can be done.

    Args:
        name: The verb, as the shell writes it.
        resources: Names of the resources it can be done to; empty for commands of the console itself.
        options: Names of the options that take a value, without dashes.
        flags: Names of the options that take none.
        aliases: Shorter names.
        summary: What it does, for completion.
        usual: The resource meant when none is named; empty when it must be.
        bare: Whether it can be done without a resource, too.
        takes: Options by resource, where they differ; those of other resources are `options`.
    """

    name: str
    resources: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    summary: str = ""
    usual: str = ""
    bare: bool = False
    takes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def options_for(self, resource: str) -> tuple[str, ...]:
        """The options that take a value where it is done to a resource."""
        return self.takes.get(resource, self.options)


@frozen
class Grammar:
    """All the words there are.

    Args:
        resources: By name.
        verbs: By name.
        environments: Names of other workspaces, which `@name` opens.
    """

    resources: Mapping[str, ResourceWords]
    verbs: Mapping[str, VerbWords] = field(default_factory=dict)
    environments: tuple[str, ...] = ()

    def resource(self, word: str) -> str | None:
        """The name of the resource called `word`, by name or alias."""
        return _find(self.resources, word)

    def verb(self, word: str) -> str | None:
        """The name of the verb called `word`, by name or alias."""
        return _find(self.verbs, word)


def _find(known: Mapping[str, ResourceWords] | Mapping[str, VerbWords], word: str) -> str | None:
    if word in known:
        return word
    return next((name for name, words in known.items() if word in words.aliases), None)


@frozen
class View:
    """Look at something.

    Args:
        resource: Its name in the grammar.
        name: One thing of it; empty for the list.
        terms: Terms of a quick filter (`" ".join(terms)` is what `parse_quick` reads).
        sort: As `parse_quick_order` reads it; empty for the usual order.
        columns: Keys of the columns to show; empty for the usual ones.
        since: The earliest time to show, as `parse_time` reads it; empty for all.
        at: The moment to look at, as `parse_moment` reads it; empty for now.
        env: The workspace to look into, by its name in the grammar; empty for the present one.
        group: Key of the column whose values the rows are grouped by; empty for none.
    """

    resource: str
    name: str = ""
    terms: tuple[str, ...] = ()
    sort: str = ""
    columns: tuple[str, ...] = ()
    since: str = ""
    at: str = ""
    env: str = ""
    group: str = ""


@frozen
class Action:
    """Do something.

    Args:
        verb: Its name in the grammar.
        resource: What kind of thing it is done to; empty for commands of the console itself.
        arguments: The thing's name and what else the verb takes.
        options: Pairs of option and value, in the order given; the value of a flag is `None`.
    """

    verb: str
    resource: str = ""
    arguments: tuple[str, ...] = ()
    options: tuple[tuple[str, str | None], ...] = ()


Command: TypeAlias = View | Action


class _Piece(NamedTuple):
    """One shell word: its value, where it stands, and its value without quotes if it is a predicate that keeps them."""

    value: str
    start: int
    bare: str = ""

    @property
    def word(self) -> str:
        """The word as a shell would hand it over."""
        return self.bare or self.value


# Bare, 'single', "double", `back-ticked` and \escaped runs, as a shell joins them. Possessive: text may be hostile.
_SHELL = r"""(?:'[^']*+'|"(?:[^"\\]++|\\.)*+"|`[^`]*+`|\\.|[^\s'"`\\]++)++"""
_RUN = r"""'(?P<single>[^']*+)'|"(?P<double>(?:[^"\\]++|\\.)*+)"|\\(?P<escaped>.)|(?P<bare>`[^`]*+`|[^\s'"`\\]++)"""
_DOUBLE_ESCAPE = r'\\(["\\$`])'


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL)


def _error(text: str, offset: int, problem: str, hint: str = "") -> FilterSyntaxError:
    from engine.core.text import clean

    details = {"column": offset + 1, "text": clean(text, limit=500)}
    message = f"Column {offset + 1}: {clean(problem, limit=300)}"
    return FilterSyntaxError(message, hint=clean(hint, limit=600), details=details)


def _split(text: str) -> Iterator[_Piece]:
    """Cut a line into shell words; a predicate keeps its quotes, for the filter language to read."""
    offset = 0
    while offset < len(text):
        if text[offset].isspace():
            offset += 1
            continue
        found = _pattern(_SHELL).match(text, offset)
        end = found.end() if found else offset
        if found is None or not (end == len(text) or text[end].isspace()):
            raise _error(text, end, "a quote is never closed, or a \\ ends the line.", "Close the quote.")
        raw = found.group()
        bare = _unquote(raw)
        yield _Piece(raw, offset, bare) if _keeps_quotes(raw) else _Piece(bare, offset)
        offset = end


def _keeps_quotes(raw: str) -> bool:
    if raw[0] in "'\"\\" or not any(mark in raw for mark in "=<>~"):
        return False
    from engine.core.query.quick import is_predicate

    return is_predicate(raw)


def _unquote(raw: str) -> str:
    return "".join(map(_unquote_run, _pattern(_RUN).finditer(raw)))


def _unquote_run(run: re.Match[str]) -> str:
    if run["double"] is not None:
        return _pattern(_DOUBLE_ESCAPE).sub(r"\1", run["double"])
    return run["single"] or run["escaped"] or run["bare"] or ""


def _cut(words: Sequence[str]) -> Iterator[_Piece]:
    """Words that a shell already cut, placed as if joined by spaces."""
    offset = 0
    for word in words:
        yield _Piece(word, offset)
        offset += len(word) + 1


def parse_command(line: str | Sequence[str], grammar: Grammar, *, here: str = "") -> Command:
    """Parse a command.

    Args:
        line: As typed after `:`, or the words that a shell already cut. A leading `qd` is skipped; after `qd console`
            comes a view, even of something called like a verb. After `--` names may begin with anything.
        grammar: The words there are.
        here: The resource on the screen: a verb that names none and nothing else is done to what is selected there.

    Returns:
        What to look at or what to do, with aliases resolved.

    Raises:
        FilterSyntaxError: nothing was typed, an unknown word, a missing or extra one, a wrong time, or a quote
            never closed; `details["column"]` says where, from 1, counting a cut line as joined by spaces.
    """
    return _Reader(line, grammar, here).command()


class _Reader:
    """A place in the words of one line."""

    def __init__(self, line: str | Sequence[str], grammar: Grammar, here: str) -> None:
        self._grammar = grammar
        self._here = here
        self._text = line if isinstance(line, str) else " ".join(line)
        if len(self._text) > MAX_LENGTH:
            problem = f"the command has more than {MAX_LENGTH} characters."
            raise _error(self._text, MAX_LENGTH, problem, "Shorten it.")
        self._pieces = list(_split(line) if isinstance(line, str) else _cut(line))
        self._next = 0
        self._next += self.peek() in ("qd", "quarterdeck")
        self._views_only = self.peek() == "console"
        self._next += self._views_only

    def peek(self) -> str:
        """The word to be read next; empty at the end."""
        return self._pieces[self._next].value if self._next < len(self._pieces) else ""

    def take(self) -> _Piece:
        """Read one word."""
        piece = self._pieces[self._next]
        self._next += 1
        return piece

    def rest(self) -> Iterator[_Piece]:
        """Read all that is left, word by word."""
        while self._next < len(self._pieces):
            yield self.take()

    def error(self, piece: _Piece | None, problem: str, hint: str = "") -> FilterSyntaxError:
        """The error for a problem with a word; `None` is the end."""
        return _error(self._text, piece.start if piece else len(self._text), problem, hint)

    def command(self) -> Command:
        """Read all of it."""
        resources = ", ".join(self._grammar.resources)
        if not self.peek():
            raise self.error(None, "expected a resource or a verb.", f"Resources are {resources}.")
        first = self.take()
        resource = self._grammar.resource(first.value)
        if self._views_only:
            if resource is None:
                raise self.error(first, f"there is no resource {first.value!r}.", self._suggest(first.value, ()))
            return self._view(resource)
        verb = self._grammar.verb(first.value)
        if verb is not None and (resource is None or self._goes_on(verb)):
            return self._action(verb, self._object_of(verb))
        if resource is None:
            hint = self._suggest(first.value, self._grammar.verbs.values())
            raise self.error(first, f"there is no resource or verb {first.value!r}.", hint)
        verb = self._grammar.verb(self.peek())
        if verb is not None and resource in self._grammar.verbs[verb].resources:
            self.take()
            return self._action(verb, resource)
        return self._view(resource)

    def _goes_on(self, verb: str) -> bool:
        """Whether what follows is something a verb is done to: its first word may be a resource's as well."""
        following = self._grammar.resource(self.peek())
        return following is not None and following in self._grammar.verbs[verb].resources

    def _suggest(self, word: str, verbs: Iterable[VerbWords]) -> str:
        from engine.core.suggest import did_you_mean

        words: list[ResourceWords | VerbWords] = [*self._grammar.resources.values(), *verbs]
        known = [each for one in words for each in (one.name, *one.aliases)]
        return did_you_mean(word, known) or f"Resources are {', '.join(self._grammar.resources)}."

    def _object_of(self, verb: str) -> str:
        """Read what a verb is done to; one of the only resource, or of the usual one, need not name it."""
        words = self._grammar.verbs[verb]
        resource = self._grammar.resource(self.peek())
        if resource is not None and resource in words.resources:
            self.take()
            return resource
        alone = not self.peek() or self.peek().startswith("--")
        if self._here in words.resources and (alone or not (words.usual or words.bare)):
            return self._here
        if words.bare:
            return ""
        if words.usual or len(words.resources) <= 1:
            return words.usual or next(iter(words.resources), "")
        from engine.core.suggest import did_you_mean

        hint = did_you_mean(self.peek(), words.resources) or f"It works on {', '.join(words.resources)}."
        raise self.error(self.take() if self.peek() else None, f"expected what to {verb}.", hint)

    def _view(self, resource: str) -> View:
        view = View(resource)
        for piece in self.rest():
            word = piece.value
            if word in ("", "/"):  # a filter of which nothing is typed yet
                continue
            if word == "--" and not view.name:
                view = replace(view, name=next((each.value for each in self.rest()), ""))
            elif (setting := _setting(word)) is not None:
                view = self._set(view, piece, *setting)
            elif (term := _term(word)) is not None:
                view = replace(view, terms=(*view.terms, term))
            elif not view.name:
                view = replace(view, name=word)
            else:
                hint = "Write /word to filter, key>value to compare, sort:key, cols:key, group:key, since:2h or @time."
                raise self.error(piece, f"{word!r} is one word too many.", hint)
        return view

    def _set(self, view: View, piece: _Piece, name: str, value: str) -> View:
        """Apply one of `sort:`, `cols:`, `group:`, `since:` and `@`."""
        if not value:
            raise self.error(piece, f"expected a value after {piece.value}.")
        if name == "columns":
            return replace(view, columns=tuple(key for key in value.split(",") if key))
        if name == "sort":
            return replace(view, sort=value)
        if name == "group":
            return replace(view, group=value)
        if name == "at" and value in self._grammar.environments:
            return replace(view, env=value)
        from engine.core.moment import parse_moment
        from engine.core.timetext import parse_time

        try:
            (parse_moment if name == "at" else parse_time)(value, 0)
        except InvalidInput as error:
            raise self.error(piece, error.message, self._near_environment(name, value) or error.hint) from error
        return replace(view, since=value) if name == "since" else replace(view, at=value)

    def _near_environment(self, name: str, value: str) -> str:
        from engine.core.suggest import nearest

        found = nearest(value, self._grammar.environments, limit=1) if name == "at" else ()
        return f"Did you mean @{found[0]}?" if found else ""

    def _action(self, verb: str, resource: str) -> Action:
        words = self._grammar.verbs[verb]
        arguments: list[str] = []
        options: list[tuple[str, str | None]] = []
        for piece in self.rest():
            if piece.value == "--":
                arguments += (rest.word for rest in self.rest())
            elif piece.value.startswith("--"):
                options.append(self._option(words, resource, piece))
            else:
                arguments.append(piece.word)
        return Action(verb, resource, tuple(arguments), tuple(options))

    def _option(self, words: VerbWords, resource: str, piece: _Piece) -> tuple[str, str | None]:
        name, equals, value = piece.word[2:].partition("=")
        if name in words.flags and not equals:
            return (name, None)
        options = words.options_for(resource)
        if name not in options:
            from engine.core.suggest import did_you_mean

            known = [f"--{each}" for each in (*options, *words.flags)]
            hint = did_you_mean(f"--{name}", known) or f"Options are {', '.join(known) or 'none'}."
            raise self.error(piece, f"{words.name} has no option --{name}.", hint)
        if equals:
            return (name, value)
        for follows in self.rest():
            return (name, follows.word)
        raise self.error(None, f"expected a value after --{name}.")


def _setting(word: str) -> tuple[str, str] | None:
    """The setting and its value, if the word is one."""
    for prefix, name in _SETTINGS:
        if word.startswith(prefix):
            return (name, word.removeprefix(prefix))
    return None


_SETTINGS = (("sort:", "sort"), ("cols:", "columns"), ("group:", "group"), ("since:", "since"), ("@", "at"))


def _term(word: str) -> str | None:
    """The word as a term of a quick filter, if it is one."""
    if word == "/" or not (word.startswith("-") or any(mark in word for mark in "/=<>~:")):
        return None
    from engine.core.query.quick import as_term, is_expression, is_negation, is_predicate, is_within

    if is_expression(word) or is_predicate(word) or is_negation(word) or is_within(word):
        return as_term(word)
    return as_term(word[1:]) if word[0] == "/" else None


def unparse_command(command: Command) -> str:
    """Write a command as a line for the shell.

    Args:
        command: What to look at or do.

    Returns:
        `qd console …` for a view, `qd <resource> <verb> …` for an action, quoted for a POSIX shell; names that begin
        with `-` stand behind `--`. `parse_command` reads its words as an equal command.
    """
    from shlex import join

    return join(_view_words(command) if isinstance(command, View) else _action_words(command))


def _view_words(view: View) -> list[str]:
    from engine.core.query.quick import is_expression, is_predicate

    words = ["qd", "console", view.resource]
    if plain := _is_plain(view.name):
        words.append(view.name)
    words += (term if is_expression(term) or is_predicate(term) else f"/{term}" for term in view.terms)
    for prefix, value in (
        ("sort:", view.sort),
        ("cols:", ",".join(view.columns)),
        ("group:", view.group),
        ("since:", view.since),
        ("@", view.env),
        ("@", view.at),
    ):
        if value:
            words.append(prefix + value)
    return words if plain or not view.name else [*words, "--", view.name]


def _is_plain(name: str) -> bool:
    """Whether a name can be read as nothing else."""
    special = name in ("", "/") or name.startswith("-")
    return not special and _setting(name) is None and _term(name) is None


def _action_words(action: Action) -> list[str]:
    words = ["qd", *filter(None, (action.resource,)), action.verb]
    for name, value in action.options:
        if value is None:
            words.append(f"--{name}")
        else:
            words += (f"--{name}={value}",) if value.startswith("-") else (f"--{name}", value)
    bare = not action.resource and action.arguments  # what could be read as the resource it is done to
    if bare or any(argument.startswith("-") for argument in action.arguments):
        words.append("--")
    return [*words, *action.arguments]
