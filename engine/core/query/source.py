"""A text being read, what it may ask, and the errors that point into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import FilterSyntaxError
from engine.core.query.schema import DATASET_KEYS, SPAN_ATTRIBUTES, SPAN_KEYS, Schema
from engine.core.query.tree import Entity, Field

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.core.query.lexer import Token

MAX_LENGTH = 20_000
"""Longest filter or order text, in characters."""

ENTITIES = {
    "metrics": Entity.METRIC,
    "metric": Entity.METRIC,
    "summary": Entity.METRIC,
    "params": Entity.PARAM,
    "param": Entity.PARAM,
    "parameters": Entity.PARAM,
    "parameter": Entity.PARAM,
    "config": Entity.PARAM,
    "cfg": Entity.PARAM,
    "tags": Entity.TAG,
    "tag": Entity.TAG,
    "attributes": Entity.ATTRIBUTE,
    "attribute": Entity.ATTRIBUTE,
    "attr": Entity.ATTRIBUTE,
    "run": Entity.ATTRIBUTE,
    "datasets": Entity.DATASET,
    "dataset": Entity.DATASET,
    "trace": Entity.ATTRIBUTE,
    "metadata": Entity.METADATA,
    "request_metadata": Entity.METADATA,
    "span": Entity.SPAN,
    "spans": Entity.SPAN,
    "feedback": Entity.FEEDBACK,
    "expectation": Entity.EXPECTATION,
}
"""Every prefix a key may have, as MLflow spells them, and `config`, `cfg` and `summary` as W&B does."""

_LOGGED = (Entity.METRIC, Entity.PARAM)


class Source:
    """A text being read.

    Args:
        text: The whole text, as typed.
        schema: What it may ask.
        now_ms: The present, in milliseconds since the epoch, for ages such as `'2h'`; `None` refuses ages.
    """

    __slots__ = ("now_ms", "schema", "text")

    def __init__(self, text: str, schema: Schema, now_ms: int | None = None) -> None:
        self.text = text
        self.schema = schema
        self.now_ms = now_ms

    def error(self, offset: int, problem: str, hint: str = "") -> FilterSyntaxError:
        """The error to raise for a problem at `offset`, from 0; the column in it counts from 1."""
        from engine.core.text import clean  # only a wrong text needs it

        column = offset + 1
        details = {"column": column, "text": clean(self.text, limit=500)}
        return FilterSyntaxError(
            f"Column {column}: {clean(problem, limit=300)}", hint=clean(hint, limit=600), details=details
        )

    def check(self) -> None:
        """Refuse text that is too long, or that no database could be asked for.

        Raises:
            FilterSyntaxError: over `MAX_LENGTH` characters, or with a NUL or a lone surrogate.
        """
        if len(self.text) > MAX_LENGTH:
            problem = f"the text has {len(self.text)} characters; at most {MAX_LENGTH} are read."
            raise self.error(MAX_LENGTH, problem, "Shorten it.")
        if self.text.isascii() and "\0" not in self.text:
            return
        for offset, character in enumerate(self.text):
            if character == "\0" or "\ud800" <= character <= "\udfff":
                raise self.error(offset, "a NUL or a lone surrogate cannot be searched for.", "Remove it.")

    def field(self, word: Token, quoted: Token | None) -> Field:
        """Turn a key as written into a field.

        Args:
            word: `metrics.auc`, `start_time`, a quoted attribute, or a prefix with its dot when `quoted` follows.
            quoted: The quoted key after the prefix, if there is one.

        Raises:
            FilterSyntaxError: an unknown prefix or attribute, or an empty key.
        """
        prefix, dot, key = ("", "", word.content) if word.kind == "quoted" else word.raw.partition(".")
        if not dot:
            return self.attribute(key or prefix, word.start)
        entity = ENTITIES.get(prefix.lower())
        if entity is None:
            raise self.unknown(prefix, word.start)
        return self._keyed(entity, key + quoted.content if quoted else key, word)

    def _keyed(self, entity: Entity, key: str, word: Token) -> Field:
        if not key:
            raise self.error(word.end, f"expected a key after {word.raw}", "Put unusual keys in `backticks`.")
        if entity is Entity.ATTRIBUTE:
            return self.attribute(key, word.start)
        if entity not in self.schema.entities:
            raise self.error(word.start, f"{self.schema.name} have no {entity.value}.", self._attribute_list())
        if entity is Entity.DATASET and key not in DATASET_KEYS:
            known = ", ".join(DATASET_KEYS)
            raise self.error(word.start, f"datasets have no {key!r}.", f"They have {known}.")
        if (
            entity is Entity.SPAN
            and key not in SPAN_KEYS
            and not (key.startswith(SPAN_ATTRIBUTES) and key != SPAN_ATTRIBUTES)
        ):
            raise self.error(
                word.start, f"spans have no {key!r}.", f"They have {', '.join(SPAN_KEYS)}, attributes.<key>."
            )
        return Field(entity, key)

    def attribute(self, name: str, offset: int) -> Field:
        """The attribute called `name`, by its canonical name.

        Raises:
            FilterSyntaxError: there is no such attribute; the nearest one is suggested.
        """
        attribute = self.schema.attribute(name)
        if attribute is None:
            raise self.unknown(name, offset)
        return Field(Entity.ATTRIBUTE, attribute.name)

    def unknown(self, name: str, offset: int, others: Iterable[str] = ()) -> FilterSyntaxError:
        """The error for a name that means nothing; it suggests the nearest attribute, prefix or one of `others`."""
        from engine.core.suggest import did_you_mean  # only a wrong text needs it

        known = [word for each in self.schema.attributes for word in (each.name, *each.aliases)]
        known += [word for word, entity in ENTITIES.items() if entity in self.schema.entities]
        known += others
        hint = did_you_mean(name, known) or self._logged_key(name) or self._attribute_list()
        return self.error(offset, f"{self.schema.name} have nothing called {name!r}.", hint)

    def _logged_key(self, name: str) -> str:
        """For a bare name, the prefixes under which programs log: `auc` is most likely `metrics.auc`."""
        logged = [f"{each.value}.{name}" for each in _LOGGED if each in self.schema.entities]
        return f"Did you mean {' or '.join(logged)}?" if logged and "." not in name else ""

    def _attribute_list(self) -> str:
        names = ", ".join(attribute.name for attribute in self.schema.attributes)
        keyed = ", ".join(f"{each.value}.<key>" for each in Entity if each in self.schema.entities)
        return f"Known: {names}{', ' if keyed else ''}{keyed}."
