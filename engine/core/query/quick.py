"""What is typed after `/` in the console: free words and typed predicates, mixed.

    churn !test /v[0-9]+/ auc>0.9 lr<=1e-3 status=failed,killed name~loan !model=tree start_time>2d

A bare key is an attribute, else a metric, else a parameter. `~` means contains; a comma list means one of these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

from engine.core.query.lexer import Token
from engine.core.query.literals import check_operator, compare, number_of, read_literal
from engine.core.query.schema import Kind, Schema
from engine.core.query.source import ENTITIES, Source
from engine.core.query.tree import And, Entity, Field, Filter, Not, Operator, OrderBy, Value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

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
_PREDICATE = rf"!?(?P<key>{_KEY})\s*+(?P<operator>!=|<=|>=|=|<|>|~)\s*+(?P<value>.*)"
_OPERATORS = {
    "=": Operator.EQUAL,
    "!=": Operator.NOT_EQUAL,
    "<": Operator.LESS,
    "<=": Operator.AT_MOST,
    ">": Operator.GREATER,
    ">=": Operator.AT_LEAST,
    "~": Operator.ILIKE,
}
_LISTED = {Operator.EQUAL: Operator.IN, Operator.NOT_EQUAL: Operator.NOT_IN}


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


class _Keys(NamedTuple):
    """What bare keys may mean."""

    source: Source
    metrics: Collection[str]
    params: Collection[str]

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
        text: Words, `!words`, `/expressions/`, predicates, `!predicates`.
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
    for term, negated in _terms(text):
        if term["key"]:
            part = _predicate(keys, term)
            parts.append(Not(part) if negated else part)
        else:
            words.append(_word(source, term, negated=negated))
    predicate = And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None
    return QuickFilter(tuple(words), predicate)


def is_predicate(word: str) -> bool:
    """Say whether a whole word reads as `key<op>value`, negated or not."""
    return _pattern(_PREDICATE).fullmatch(word) is not None


def is_expression(word: str) -> bool:
    """Say whether a whole word is a regular expression between slashes."""
    found = _pattern(_TERM).match(word)
    return found is not None and found["regex"] == word


def as_term(word: str) -> str:
    """Write one word, which a shell cut for us, as one term of a quick filter.

    Args:
        word: A predicate, an expression between slashes, or free text, with or without `!`; its spaces belong to it.

    Returns:
        The word, with quotes where `parse_quick` would otherwise cut it; a term stays as it is.
    """
    found = _pattern(_PREDICATE).fullmatch(word)
    if found is None:
        body = word.removeprefix("!")
        return word if _is_one(body) else word[: len(word) - len(body)] + _double_quoted(body)
    value = found["value"].rstrip()
    if any(map(str.isspace, value)) and not _pattern(_ITEMS).fullmatch(value):
        value = _double_quoted(value)
    head = word[: found.end("key")]
    return f"{head}{found['operator']}{value}"


def _is_one(body: str) -> bool:
    term = _pattern(_TERM).match(body)
    return term is not None and term.end() == len(body)


def _double_quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _terms(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    """The terms of a text, each with whether a `!` stands before it."""
    offset = 0
    while offset < len(text):
        if text[offset].isspace():
            offset += 1
            continue
        negated = text[offset] == "!" and not text[offset + 1 : offset + 2].isspace() and offset + 1 < len(text)
        term = _pattern(_TERM).match(text, offset + negated)
        if term is None:  # cannot be: a word is any run without spaces
            return
        yield term, negated
        offset = term.end()


def _word(source: Source, term: re.Match[str], *, negated: bool) -> Word:
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
    return Word(pattern, negated, regex=True)


def _predicate(keys: _Keys, term: re.Match[str]) -> Filter:
    source, operator = keys.source, _OPERATORS[term["operator"]]
    field = keys.field(term["key"], term.start("key"))
    if not term["items"]:
        raise source.error(term.start("items"), f"expected a value after {term['operator']}.")
    tokens = _literal_tokens(source, field, operator, term)
    if len(tokens) > 1:
        operator = _LISTED.get(operator, operator)
        if operator not in _LISTED.values():
            raise source.error(tokens[1].start, f"a list stands after = or !=, not {term['operator']}.")
    check_operator(source, field, operator, term.start("operator"))
    values = tuple(read_literal(source, field, operator, token) for token in tokens)
    if operator is Operator.ILIKE:
        return compare(source, field, operator, f"%{values[0]}%")
    return compare(source, field, operator, cast("Value", values) if len(values) > 1 else values[0])


def _literal_tokens(source: Source, field: Field, operator: Operator, term: re.Match[str]) -> list[Token]:
    """The values as the filter language would write them: unquoted ones get quotes where it wants a text."""
    items = list(_pattern(_ITEM).finditer(term["items"]))
    kind = source.schema.kind(field)
    numeric = operator is not Operator.ILIKE and (
        kind is Kind.NUMBER
        or (kind in (Kind.LOGGED, Kind.DURATION) and all(number_of(item[0]) is not None for item in items))
    )
    tokens: list[Token] = []
    for item in items:
        start = term.start("items") + item.start()
        if item[0][0] in "'\"":
            tokens.append(Token("text", item[0], start))
        elif numeric:
            tokens.append(Token("word", item[0], start))
        else:
            doubled = item[0].replace("'", "''")
            tokens.append(Token("text", f"'{doubled}'", start))
    return tokens


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
