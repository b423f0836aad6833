"""Reading operations on prompts: lookup, search, comparison. No role is needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.core.paging import Page
from engine.db.listing import Question, answer
from engine.prompts import store
from engine.prompts.model import Prompt, PromptDiff, PromptVersion, compare

if TYPE_CHECKING:
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot


_REFERENCE = re.compile(r"([^/@]+)(?:@([^/@]+)|/([0-9]{1,18}|latest))?")


class PromptReading:
    """Finds and reads prompts and their versions.

    Args:
        database: The control database.
        clock: Tells the present, for ages in filters.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def has(self, name: str) -> bool:
        """Whether a prompt has the name."""
        with self._database.snapshot() as view:
            return _storable(name) and store.exists(view, name)

    def get(self, name: str) -> Prompt:
        """The prompt of that name.

        Args:
            name: Its name.

        Raises:
            NotFound: there is none; the hint names the nearest.
        """
        with self._database.snapshot() as view:
            return find(view, name)

    def version(self, name: str, number: int) -> PromptVersion:
        """The version of that number.

        Args:
            name: The prompt's name.
            number: The version's number.

        Raises:
            NotFound: no such prompt or version; the hint names the nearest.
        """
        with self._database.snapshot() as view:
            return find_version(view, name, number)

    def resolve(self, reference: str) -> PromptVersion:
        """The version that a reference names.

        Args:
            reference: `greeting/3`, `greeting@champion` (an alias), or the newest: `greeting/latest`,
                `greeting@latest` or `greeting` alone.

        Returns:
            The version it names now.

        Raises:
            NotFound: no such prompt, version or alias.
            InvalidInput: it is no reference.
        """
        name, alias, word = _parts(reference)
        with self._database.snapshot() as view:
            prompt = find(view, name)
            if alias:
                if alias not in prompt.aliases:
                    raise _no_alias(prompt, alias)
                return find_version(view, name, prompt.aliases[alias])
            if word:
                return find_version(view, name, int(word))
            if prompt.latest is None:
                raise NotFound(f"{_shown(name)} has no versions.", hint="Register one first.")
            return find_version(view, name, prompt.latest)

    def page(
        self,
        filter: str = "",  # noqa: A002 the word of every list
        order_by: Sequence[str] = (),
        *,
        limit: int = 100,
        page_token: str | None = None,
    ) -> Page[Prompt]:
        """Search prompts.

        Args:
            filter: In the filter language, such as `name LIKE 'greet%' AND tags.team = 'help'`; empty for all.
            order_by: Sort keys such as `created DESC`; by name without any.
            limit: Prompts per page, 1 to 10,000.
            page_token: Continues an earlier page of the same query.

        Returns:
            The prompts, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            InvalidInput: the limit is out of range, or the token is not of this query.
        """
        asked = Question(filter, tuple(order_by), limit, page_token)
        with self._database.snapshot() as view:
            row_ids, token = answer(view, store.PROMPT_LIST, asked, now_ms=self._clock.now_ms())
            return Page(store.prompts(view, row_ids), token)

    def versions(
        self,
        name: str | None = None,
        filter: str = "",  # noqa: A002 the word of every list
        order_by: Sequence[str] = (),
        *,
        limit: int = 100,
        page_token: str | None = None,
    ) -> Page[PromptVersion]:
        """Search versions of prompts.

        Args:
            name: Only this prompt's; `None` for all prompts'.
            filter: In the filter language, such as `template LIKE '%{{name}}%'`; empty for all.
            order_by: Sort keys; by prompt, then newest first, without any.
            limit: Versions per page, 1 to 10,000.
            page_token: Continues an earlier page of the same query.

        Returns:
            The versions, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            NotFound: there is no prompt of that name; the hint names the nearest.
            InvalidInput: the limit is out of range, or the token is not of this query.
        """
        asked = Question(filter, tuple(order_by), limit, page_token, name)
        with self._database.snapshot() as view:
            if name is not None:
                find(view, name)
            row_ids, token = answer(view, store.VERSION_LIST, asked, now_ms=self._clock.now_ms())
            return Page(store.versions(view, row_ids), token)

    def diff(self, name: str, before: int, after: int) -> PromptDiff:
        """What differs between two versions.

        Args:
            name: The prompt's name.
            before: The number of the one.
            after: The number of the other.

        Raises:
            NotFound: no such prompt or version; the hint names the nearest.
        """
        with self._database.snapshot() as view:
            return compare(find_version(view, name, before), find_version(view, name, after))


def find(view: Snapshot, name: str) -> Prompt:
    """The prompt of that name, as a view sees it.

    Raises:
        NotFound: there is none; the hint names the nearest.
    """
    found = store.prompt(view, name) if _storable(name) else None
    if found is not None:
        return found
    from engine.core.suggest import did_you_mean  # only a wrong name needs it

    hint = did_you_mean(name, store.names(view)) or "`qd prompts list` shows all prompts."
    raise NotFound(f"There is no prompt {_shown(name)}.", hint=hint, details={"missing": "prompt"})


def find_version(view: Snapshot, name: str, number: int) -> PromptVersion:
    """The version of that number, as a view sees it.

    Raises:
        NotFound: no such prompt or version; the hint names the nearest.
    """
    prompt = find(view, name)
    found = store.version(view, name, number) if 0 < number < 2**63 else None
    if found is None:
        hint = f"Its newest version is {prompt.latest}." if prompt.latest else "It has no versions."
        raise NotFound(f"{_shown(name)} has no version {number}.", hint=hint)
    return found


def _parts(reference: str) -> tuple[str, str, str]:
    """Name, alias and number of a reference; the newest version has neither alias nor number."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise InvalidInput("That names no version of a prompt.", hint="Write greeting/3 or greeting@champion.")
    alias, number = found[2] or "", found[3] or ""
    return found[1], "" if alias.lower() == "latest" else alias, "" if number == "latest" else number


def _no_alias(prompt: Prompt, alias: str) -> NotFound:
    from engine.core.suggest import did_you_mean  # only a wrong alias needs it

    hint = did_you_mean(alias, prompt.aliases) or f"`qd prompts show {_shown(prompt.name)}` shows its aliases."
    return NotFound(f"{_shown(prompt.name)} has no alias {_shown(alias)}.", hint=hint)


def _storable(name: str) -> bool:
    """Whether SQLite can be asked for the name at all: a lone surrogate cannot be bound."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def _shown(text: str) -> str:
    from engine.core.text import clean  # only a message needs it

    return clean(text, limit=100)
