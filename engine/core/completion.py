"""What could come next in a half-typed command; pure, so that the console asks at every key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.core.command import Grammar

MOST = 50
"""At most how many completions are offered."""

_SETTINGS = (
    ("sort:", "order by"),
    ("cols:", "columns"),
    ("group:", "group by"),
    ("since:", "from a time on"),
    ("@", "at a past time"),
)
_SINCE = ("1h", "6h", "1d", "7d", "30d")
_AT = ("now", "1h", "1d", "yesterday", "today")


@dataclass(frozen=True, slots=True)
class Names:
    """What there is in the workspace, by resource.

    Args:
        objects: What a view of the resource can be narrowed to by name.
        columns: Keys of columns, metrics and parameters that can be shown, compared and sorted by.
        values: What keys and options can be, such as the states of a run; by name of the key or option, or by verb and
            option with a space between them where the verb knows better.
        things: What verbs can be done to, where that is something else than `objects`.
    """

    objects: Mapping[str, Sequence[str]] = field(default_factory=dict)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    things: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """One way to go on.

    Args:
        text: Replaces what stands from `start` to `end`; quoted as the grammar wants.
        start: Offset of the first replaced character, from 0.
        end: Offset after the last one.
        summary: What it is.
    """

    text: str
    start: int
    end: int
    summary: str = ""


def complete(text: str, cursor: int, grammar: Grammar, names: Names) -> tuple[Completion, ...]:
    """Offer what the word under the cursor could become.

    Args:
        text: The line so far.
        cursor: Offset of the cursor in it, from 0.
        grammar: The words there are.
        names: The things there are; names that hold control characters are not offered.

    Returns:
        At most `MOST`: those that begin with the word, then those that contain it, each in the order given.
    """
    before = text[:cursor]
    head = before.split()
    word = head.pop() if head and not before[-1].isspace() else ""
    if head and head[0] in ("qd", "quarterdeck"):
        head.pop(0)
    candidates = _candidates(head, word, grammar, names) if head else _first_words(grammar)
    start = len(before) - len(word)
    chosen = _chosen(word, candidates)
    return tuple(Completion(new, start, len(before), summary) for new, summary in chosen if new != word)


def _first_words(grammar: Grammar) -> Iterator[tuple[str, str]]:
    yield from ((words.name, words.summary) for words in grammar.resources.values())
    yield from ((words.name, words.summary) for words in grammar.verbs.values())


def _candidates(head: list[str], word: str, grammar: Grammar, names: Names) -> Iterable[tuple[str, str]]:
    first, *rest = head
    resource, verb = grammar.resource(first), grammar.verb(first)
    following = grammar.resource(next(iter(rest), ""))
    if verb is not None and (resource is None or following in grammar.verbs[verb].resources):
        return _for_action(verb, rest, word, grammar, names)
    if resource is None:
        return ()
    verb = grammar.verb(next(iter(rest), ""))
    if verb is not None and resource in grammar.verbs[verb].resources:
        return _for_action(verb, [resource, *rest[1:]], word, grammar, names)
    return _for_view(resource, rest, word, grammar, names)


def _for_action(verb: str, head: list[str], word: str, grammar: Grammar, names: Names) -> Iterator[tuple[str, str]]:
    """Go on after a verb; `head` holds the words after it, the resource first if it is given."""
    words = grammar.verbs[verb]
    named = next((each for each in map(grammar.resource, head[:1]) if each in words.resources), None)
    asked = head[-1] if head else ""
    if asked.startswith("--") and asked[2:] in words.options_for(str(named or words.usual)):
        yield from _values(verb, asked[2:], names)
        return
    if named is None:
        places = words.takes.get("", ())
        said = sum(not each.startswith("--") for each in head)
        yield from _values(verb, places[said], names) if said < len(places) else ()
        yield from ((each, grammar.resources[each].summary) for each in words.resources)
        if len(words.resources) > 1 and not words.usual:
            return
    resource = named or words.usual or next(iter(words.resources), "")
    if word.startswith("--") and "=" in word:
        lead, _, _ = word.partition("=")
        yield from ((f"{lead}={value}", lead[2:]) for value, _ in _values(verb, lead[2:], names))
        return
    if not any(each.startswith("--") for each in head):
        yield from _quoted(names.things.get(resource, names.objects.get(resource, ())), resource)
    given = {each.partition("=")[0] for each in head}
    for option in (*words.options_for(resource), *words.flags):
        if f"--{option}" not in given:
            yield f"--{option}", f"option of {verb}"


def _values(verb: str, option: str, names: Names) -> Iterator[tuple[str, str]]:
    """What an option of a verb can be."""
    return _quoted(names.values.get(f"{verb} {option}", names.values.get(option, ())), option)


def _for_view(resource: str, head: list[str], word: str, grammar: Grammar, names: Names) -> Iterator[tuple[str, str]]:
    columns = names.columns.get(resource, ())
    if word.startswith("@"):
        yield from ((f"@{name}", "another workspace") for name in grammar.environments)
    for prefix, values in (("since:", _SINCE), ("@", _AT)):
        if word.startswith(prefix):
            yield from ((prefix + value, "time") for value in values)
            return
    if word.startswith(("sort:", "cols:", "group:")):
        yield from _listed(word, columns)
        return
    if "=" in word:
        key, _, _ = word.partition("=")
        yield from ((f"{key}={value}", key) for value, _ in _quoted(names.values.get(key, ()), ""))
        return
    if not head:
        for verb in grammar.verbs.values():
            if resource in verb.resources:
                yield verb.name, verb.summary
        yield from _quoted(names.objects.get(resource, ()), resource)
    yield from _SETTINGS
    if word:
        yield from _asked(word, columns)


def _asked(word: str, columns: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Keys to compare, behind the sign and the prefix that were typed: `-cfg.l` goes on as `-cfg.lr`."""
    from engine.core.query.source import ENTITIES

    sign = word[0] if word[0] in "-!" else ""
    prefix, dot, _ = word[len(sign) :].partition(".")
    lead = f"{prefix}." if dot and prefix.lower() in ENTITIES else ""
    if not sign and not lead:
        yield from _quoted(columns, "column")
        return
    for column, _ in _quoted([name for name in columns if not name.startswith("-")], ""):
        yield (f"{sign}{lead}{column}" if column[0] != "'" else f"'{sign}{lead}{column[1:]}"), "column"


def _listed(word: str, columns: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Go on with the last key of `sort:`, `cols:` or `group:`."""
    lead, colon, keys = word.partition(":")
    done, comma, last = keys.rpartition(",")
    sign = "-" if last.startswith("-") else ""
    for column, summary in _quoted(columns, "column"):
        yield f"{lead}{colon}{done}{comma}{sign}{column}", summary


def _quoted(names: Sequence[str], summary: str) -> Iterator[tuple[str, str]]:
    """Names as they can be typed; what cannot be shown as it is cannot be typed either."""
    from shlex import quote

    from engine.core.text import clean

    for name in names:
        if name and clean(name) == name:
            yield (f"-- {quote(name)}" if name.startswith("-") else quote(name)), summary


def _chosen(word: str, candidates: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    wanted = word.lower()
    begin: dict[str, str] = {}
    contain: dict[str, str] = {}
    for new, summary in candidates:
        folded = new.lower().lstrip("'")
        if folded.startswith(wanted):
            begin.setdefault(new, summary)
        elif wanted in folded:
            contain.setdefault(new, summary)
        if len(begin) >= MOST:
            break
    return [*begin.items(), *((new, what) for new, what in contain.items() if new not in begin)][:MOST]
