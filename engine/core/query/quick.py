"""What is typed after `/` in the console: free words and typed predicates, mixed.

    churn !test /v[0-9]+/ auc>0.9 cfg.lr>=1e-3 -note:debug status=failed,killed name~loan lr=1e-4..1e-2 start_time>2d

A bare key is an attribute, else a metric, else a parameter; `metrics.` (`summary.`), `params.` (`cfg.`, `config.`),
`tags.` and `attributes.` say which. What is logged as text compares as a number where the value is one.

- `key=a,b` is one of these; `key!=a,b` none of them, and there. `key=low..high` includes both ends; one may be open.
- `key:value` and `key~value` contain the value; of a number, `key:value` means equal.
- `!term` or `-term` does not hold, also where there is no such key.
- `"two words"`, `note:"two words"`: quotes keep spaces, commas, dashes and colons what they are.

A word with a colon whose beginning is no key is a word, unless a key is nearly called so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import InvalidInput
from engine.core.query.explosive import why_explosive
from engine.core.query.lexer import Token
from engine.core.query.predicates import WITHIN, Asked, Item, predicate
from engine.core.query.source import ENTITIES, Source
from engine.core.query.tree import And, Comparison, Entity, Field, Filter, Not, Operator, Or, OrderBy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from engine.core.query.schema import Schema

MAX_PATTERN = 200
"""Longest regular expression, in characters."""

_KEY = r"""(?!/)(?:[\w.\-+/:@$#%]++(?:`(?:[^`]++|``)++`|"(?:[^"]++|"")++")?|`(?:[^`]++|``)++`|"(?:[^"]++|"")++")"""
_ITEM = r"""(?:"(?:[^"]++|"")*+"|'(?:[^']++|'')*+'|[^\s,"'][^\s,]*+)"""
_ITEMS = rf"{_ITEM}(?:,{_ITEM})*+"
_TERM = (
    r"(?P<regex>/(?:[^/\\]|\\.)++/(?!\S))"
    rf"|(?P<key>{_KEY})\s*+(?P<operator>!=|<=|>=|=|<|>|~)\s*+(?P<items>(?:{_ITEMS})?)"
    r"""|(?P<word>"(?:[^"]++|"")*+"|'(?:[^']++|'')*+'|\S++)"""
)
_QUOTES = ("'", '"')
_NOT = r"(?:!|-(?!-))"
_PREDICATE = rf"{_NOT}?(?P<key>{_KEY})\s*+(?P<operator>!=|<=|>=|=|<|>|~)\s*+(?P<value>.*)"
_HOLDS = (
    r"""(?P<key>[\w.\-+/@$#%]++(?:`(?:[^`]++|``)++`|"(?:[^"]++|"")++")?|`(?:[^`]++|``)++`)(?P<operator>:)"""
    rf"(?P<items>(?:{_ITEMS})?)"
)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL)


@lru_cache(maxsize=64)
def _expression(pattern: str) -> re.Pattern[str]:
    """Compile a user's expression; Python's warnings about odd ones would land in the middle of a screen."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(pattern, re.IGNORECASE if pattern == pattern.lower() else 0)


@dataclass(frozen=True, slots=True)
class Word:
    """A free word, to be looked for in what a row shows.

    Args:
        text: The word, or the regular expression.
        negated: True keeps the rows without it.
        regex: True for a regular expression.
    """

    text: str
    negated: bool = False
    regex: bool = False

    def matches(self, shown: str) -> bool:
        """Say whether a row's text passes; a word (or expression) in lower case minds no case."""
        if self.regex:
            found = _expression(self.text).search(shown) is not None
        else:
            found = self.text in (shown.lower() if self.text == self.text.lower() else shown)
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class QuickFilter:
    """A parsed quick filter; a row passes when all words and the predicate do.

    Args:
        words: The free words.
        predicate: The typed predicates as one filter; `None` when there are none.
    """

    words: tuple[Word, ...] = ()
    predicate: Filter | None = None

    def tree(self, searched: Sequence[str]) -> Filter | None:
        """All of it as one filter; `None` for everything.

        Args:
            searched: Attributes in which a free word is looked for.

        Raises:
            InvalidInput: one of the words is a regular expression, which no filter can hold.
        """
        found = [_anywhere(word, searched) for word in self.words]
        if self.predicate is not None:
            found.insert(0, self.predicate)
        return And(tuple(found)) if len(found) > 1 else next(iter(found), None)


def _anywhere(word: Word, searched: Sequence[str]) -> Filter:
    """A free word as a filter: it stands in any of the attributes."""
    if word.regex:
        raise InvalidInput(
            "A regular expression cannot be looked for here.",
            hint="Type words, or key~text for what a key contains.",
        )
    operator = Operator.ILIKE if word.text == word.text.lower() else Operator.LIKE
    places = tuple(Comparison(Field(Entity.ATTRIBUTE, name), operator, f"%{word.text}%") for name in searched)
    found: Filter = Or(places) if len(places) > 1 else places[0]
    return Not(found) if word.negated else found


class _Keys(NamedTuple):
    """What bare keys may mean."""

    source: Source
    metrics: Collection[str]
    params: Collection[str]

    def knows(self, written: str) -> bool:
        """Whether a key means something as it is written."""
        if written[0] in '`"':
            return True
        if self.source.schema.attribute(written) is not None or written in self.metrics or written in self.params:
            return True
        prefix, dot, key = written.partition(".")
        return bool(dot and key) and prefix.lower() in ENTITIES

    def nearly(self, written: str) -> str:
        """A question that names the known key nearest to a word before a colon; empty when none is near."""
        from engine.core.suggest import did_you_mean  # only an unknown word needs it

        attributes = (name for each in self.source.schema.attributes for name in (each.name, *each.aliases))
        prefix, dot, _ = written.partition(".")
        known = ENTITIES if dot else (*attributes, *self.metrics, *self.params)
        return did_you_mean(prefix if dot else written, known) if len(written) > 1 else ""

    def field(self, written: str, offset: int) -> Field:
        token = Token("quoted" if written[0] in '`"' else "word", written, offset)
        name, schema = token.content, self.source.schema
        attribute = schema.attribute(name)
        if attribute is not None:
            return Field(Entity.ATTRIBUTE, attribute.name)
        if name in self.metrics:
            return Field(Entity.METRIC, name)
        if name in self.params:
            return Field(Entity.PARAM, name)
        prefix, dot, key = written.partition(".")
        if not dot or prefix.lower() not in ENTITIES:
            raise self.source.unknown(name, offset, (*self.metrics, *self.params))
        if key[:1] not in ("`", '"'):
            return self.source.field(token, None)
        return self.source.field(Token("word", prefix + ".", offset), Token("quoted", key, offset))


def parse_quick(
    text: str,
    schema: Schema,
    metric_keys: Collection[str] = (),
    param_keys: Collection[str] = (),
    now_ms: int | None = None,
) -> QuickFilter:
    """Parse what was typed after `/`.

    Args:
        text: Words, `/expressions/` and predicates, each with `!` or `-` before it where it must not hold.
        schema: What can be asked, such as `RUNS`.
        metric_keys: Metrics there are.
        param_keys: Parameters there are.
        now_ms: The present, in milliseconds since the epoch, for ages such as `start_time>2h`.

    Returns:
        The words and the predicate.

    Raises:
        FilterSyntaxError: an unknown key, a wrong value, or an expression that does not compile.
    """
    source = Source(text, schema, now_ms)
    source.check()
    keys = _Keys(source, metric_keys, param_keys)
    words: list[Word] = []
    parts: list[Filter] = []
    for term, negated in _terms(text, keys):
        key = term.groupdict().get("key")
        if key and (term["operator"] != WITHIN or keys.knows(key)):
            part = _predicate(keys, term)
            parts.append(Not(part) if negated else part)
        else:
            words.append(_word(source, term, negated=negated))
    predicate = And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None
    return QuickFilter(tuple(words), predicate)


def is_predicate(word: str) -> bool:
    """Say whether a whole word reads as `key<op>value`, negated or not."""
    return _pattern(_PREDICATE).fullmatch(word) is not None


def is_negation(word: str) -> bool:
    """Say whether a whole word is a free word or `key:value` that must not hold, written with `-`."""
    return len(word) > 1 and word[0] == "-" and word[1] != "-" and not word[1].isspace()


def is_within(word: str) -> bool:
    """Say whether a whole word reads as `key:value` of a key that anything could have: an attribute, or `cfg.lr`."""
    held = _pattern(_HOLDS).match(word)
    if held is None or not word[held.start("items") :].strip():
        return False
    prefix, dot, _ = held["key"].partition(".")
    return prefix.lower() in ENTITIES if dot else any(schema.attribute(held["key"]) for schema in _all_schemas())


def _all_schemas() -> tuple[Schema, ...]:
    from engine.core.query import schema

    return (
        *(schema.RUNS, schema.EXPERIMENTS, schema.MODELS, schema.VERSIONS, schema.LOGGED_MODELS, schema.AUDIT),
        *(schema.TRACES, schema.PROMPTS, schema.PROMPT_VERSIONS, schema.ENDPOINTS, schema.ALERTS),
    )


def is_expression(word: str) -> bool:
    """Say whether a whole word is a regular expression between slashes."""
    found = _pattern(_TERM).match(word)
    return found is not None and found["regex"] == word


def as_term(word: str) -> str:
    """Write one word, which a shell cut for us, as one term of a quick filter.

    Args:
        word: A predicate, an expression between slashes, or free text, with or without `!` or `-`; its spaces belong
            to it.

    Returns:
        The word, with quotes where `parse_quick` would otherwise cut it; a term stays as it is.
    """
    found = _pattern(_PREDICATE).fullmatch(word)
    sign = _pattern(_NOT).match(word)
    body = word[sign.end() :] if sign else word
    if found is None:
        if _is_one(body):
            return word
        held = _pattern(_HOLDS).match(body)
        head = word[: len(word) - len(body)] + (body[: held.start("items")] if held else "")
        return head + _double_quoted(word.removeprefix(head))
    value = found["value"].rstrip()
    if any(map(str.isspace, value)) and not _pattern(_ITEMS).fullmatch(value):
        value = _double_quoted(value)
    head = word[: found.end("key")]
    return f"{head}{found['operator']}{value}"


def _is_one(body: str) -> bool:
    found = (_pattern(pattern).match(body) for pattern in (_TERM, _HOLDS))
    return any(term is not None and term.end() == len(body) for term in found)


def _double_quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _terms(text: str, keys: _Keys) -> Iterator[tuple[re.Match[str], bool]]:
    """The terms of a text, each with whether a `!` or `-` stands before it."""
    offset = 0
    while offset < len(text):
        if text[offset].isspace():
            offset += 1
            continue
        sign = _pattern(_NOT).match(text, offset)
        negated = sign is not None and sign.end() < len(text) and not text[sign.end()].isspace()
        term = _term(text, offset + negated, keys)
        if term is None:  # cannot be: a word is any run without spaces
            return
        yield term, negated
        offset = term.end()


def _term(text: str, offset: int, keys: _Keys) -> re.Match[str] | None:
    """The term at a place: `key:value` where its key is known, or nearly is."""
    term = _pattern(_TERM).match(text, offset)
    if term is None or term["regex"] or (term["key"] and keys.knows(term["key"])):
        return term
    held = _pattern(_HOLDS).match(text, offset)
    if held is None:
        return term
    if keys.knows(held["key"]):
        return held
    if term["key"] is None and not held["items"].startswith("//") and (near := keys.nearly(held["key"])):
        problem = f"{keys.source.schema.name} have nothing called {held['key']!r}."
        raise keys.source.error(offset, problem, f"{near} To look for the text, put it in quotes.")
    return held if held["items"][:1] in _QUOTES else term


def _word(source: Source, term: re.Match[str], *, negated: bool) -> Word:
    if term.groupdict().get("key"):  # a text with a colon, quoted behind it
        items = [Token("text", found[0], 0).content for found in _pattern(_ITEM).finditer(term["items"])]
        return Word(term["key"] + WITHIN + ",".join(items), negated)
    if term["regex"] is None:
        raw = term["word"]
        quoted = len(raw) > 1 and raw[0] in "'\"" and raw[-1] == raw[0]
        return Word(Token("text", raw, 0).content if quoted else raw, negated)
    pattern = term["regex"][1:-1].replace("\\/", "/")
    if len(pattern) > MAX_PATTERN:
        raise source.error(term.start(), f"the expression is longer than {MAX_PATTERN}.", "Shorten it.")
    try:
        _expression(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise source.error(term.start(), f"the expression does not compile: {error}.") from error
    if why := why_explosive(pattern):
        raise source.error(term.start(), f"the expression could take for ever: {why}.", "Write a simpler one.")
    return Word(pattern, negated, regex=True)


def _predicate(keys: _Keys, term: re.Match[str]) -> Filter:
    field = keys.field(term["key"], term.start("key"))
    start = term.start("items")
    items = tuple(Item(found[0], start + found.start()) for found in _pattern(_ITEM).finditer(term["items"]))
    return predicate(keys.source, field, Asked(term["operator"], term.start("operator"), items, start))


def parse_quick_order(
    text: str, schema: Schema, metric_keys: Collection[str] = (), param_keys: Collection[str] = ()
) -> tuple[OrderBy, ...]:
    """Parse what was typed after `sort:`.

    Args:
        text: Keys with commas between; `-` before a key sorts the greatest first.
        schema: What can be sorted by.
        metric_keys: Metrics there are.
        param_keys: Parameters there are.

    Raises:
        FilterSyntaxError: an unknown key, or a dataset.
    """
    source = Source(text, schema)
    source.check()
    keys = _Keys(source, metric_keys, param_keys)
    found: list[OrderBy] = []
    offset = 0
    for piece in text.split(","):
        written = piece.strip()
        bare = written.removeprefix("-").removeprefix("+")
        if bare:
            place = offset + piece.index(bare)
            field = keys.field(bare, place)
            if field.entity is Entity.DATASET:
                raise source.error(place, "datasets cannot be sorted by.", "Sort by a metric or an attribute.")
            found.append(OrderBy(field, descending=written.startswith("-")))
        offset += len(piece) + 1
    return tuple(found)
