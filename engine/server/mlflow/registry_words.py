"""What the registry's routes share: stages, names and refusals in MLflow's words.

MLflow has one kind of thing, the registered model, where we have two: models and prompts. A `Shelf` is either of them
as MLflow's routes see it.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import msgspec

from engine.core.errors import AlreadyExists, FilterSyntaxError, InvalidInput, NotFound
from engine.registry.model import Stage
from engine.registry.names import MAX_TAG_KEY, MAX_TAG_VALUE
from engine.server.answers import said
from engine.server.mlflow.decoding import needed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Json = dict[str, Any]

PROMPT_TAG = "mlflow.prompt.is_prompt"
"""The tag by which MLflow tells prompts from models."""

STAGES = {"none": Stage.REGISTERED, "staging": Stage.STAGING, "production": Stage.PRODUCTION}
STAGES["archived"] = Stage.ARCHIVED
"""Our stages by MLflow's words, in lower case."""

_STAGE_WORDS = {stage: word.capitalize() for word, stage in STAGES.items()}
_ACTIVE = ["Staging", "Production"]
_ALIAS = re.compile(r"[\w\-]*")
_LIKE_A_VERSION = re.compile(r"[vV]\d+")
_MAX_ALIAS = 255
_VERSION = re.compile(r"[+-]?\d{1,18}", re.ASCII)


class Tag(msgspec.Struct):
    """One tag."""

    key: str = ""
    value: str = ""


class Shelf(Protocol):
    """Models, or prompts, as MLflow's routes see them."""

    def get(self, name: str) -> Json:
        """One of them."""
        ...

    def describe(self, name: str, description: str) -> Json:
        """Change its description."""
        ...

    def rename(self, name: str, new: str) -> Json:
        """Give it another name."""
        ...

    def delete(self, name: str) -> None:
        """Remove it with its versions."""
        ...

    def tag(self, name: str, key: str, value: str | None) -> None:
        """Set a tag, or remove it."""
        ...

    def newest(self, name: str, stages: Sequence[Stage]) -> list[Json]:
        """The newest version in each of some stages."""
        ...

    def version(self, name: str, number: int) -> Json:
        """One version."""
        ...

    def by_alias(self, name: str, alias: str) -> Json | None:
        """The version that an alias, or `latest`, names; `None` when it names none."""
        ...

    def describe_version(self, name: str, number: int, description: str) -> Json:
        """Change a version's description."""
        ...

    def delete_version(self, name: str, number: int) -> None:
        """Remove a version."""
        ...

    def tag_version(self, name: str, number: int, key: str, value: str | None) -> None:
        """Set a version's tag, or remove it."""
        ...

    def alias(self, name: str, alias: str, number: int | None) -> None:
        """Point an alias to a version, or remove it."""
        ...

    def download_uri(self, name: str, number: int) -> str:
        """Where a version's files are."""
        ...

    def search(self, asked: Asked) -> tuple[list[Json], str | None]:
        """A page of them, and the token of the next."""
        ...

    def search_versions(self, asked: Asked) -> tuple[list[Json], str | None]:
        """A page of versions, and the token of the next."""
        ...


class Asked(msgspec.Struct, frozen=True):
    """What a search asks for.

    Args:
        filter: In the filter language.
        order_by: Sort keys.
        limit: Rows per page.
        page_token: Continues an earlier page.
    """

    filter: str
    order_by: tuple[str, ...]
    limit: int
    page_token: str | None


def stage_word(stage: Stage) -> str:
    """A stage as MLflow calls it."""
    return _STAGE_WORDS[stage]


def stage_of(text: str) -> Stage:
    """The stage that MLflow calls so, in any letter case.

    Raises:
        InvalidInput: there is no such stage.
    """
    found = STAGES.get(text.lower())
    if found is None:
        words = ", ".join(_STAGE_WORDS[stage] for stage in STAGES.values())
        raise InvalidInput(f"Invalid Model Version stage: {said(text[:60])}. Value must be one of {words}.")
    return found


def refuse_archiving(stage: str) -> NoReturn:
    """Refuse to archive what is in a stage that is not active.

    Raises:
        InvalidInput: always.
    """
    raise InvalidInput(
        f"Model version transition cannot archive existing model versions because '{said(stage[:60])}' is not an "
        f"Active stage. Valid stages are {_ACTIVE}"
    )


def name_of(name: str) -> str:
    """A name as MLflow takes it; the registry has rules of its own besides.

    Raises:
        InvalidInput: it is missing, or a URI could not hold it.
    """
    needed(name.strip(), "name")
    if "/" in name or ":" in name:
        raise InvalidInput(f"Invalid model name '{said(name[:60])}'. Names cannot contain '/' or ':'.")
    return name


def number_of(version: str | int) -> int:
    """A version's number.

    Raises:
        InvalidInput: it is missing, or no number.
    """
    text = str(version)
    needed(text, "version")
    if not _VERSION.fullmatch(text):
        raise InvalidInput(f"Parameter 'version' must be an integer, got '{said(text[:60])}'.")
    return int(text)


def alias_of(alias: str) -> str:
    """An alias as MLflow takes it to be read or removed.

    Raises:
        InvalidInput: it is missing, too long, or holds unusual characters.
    """
    if not alias:
        raise InvalidInput("Registered model alias name cannot be empty.")
    if len(alias) > _MAX_ALIAS:
        raise InvalidInput(f"'Registered model alias name' exceeds the maximum length of {_MAX_ALIAS} characters")
    if not _ALIAS.fullmatch(alias):
        raise InvalidInput(
            f"Invalid alias name: '{said(alias[:60])}'. Names may only contain alphanumerics, underscores (_), and "
            "dashes (-)."
        )
    return alias


def new_alias_of(alias: str) -> str:
    """An alias as MLflow takes it to be set.

    Raises:
        InvalidInput: as `alias_of`, or it has a meaning of its own.
    """
    alias_of(alias)
    if alias.lower() == "latest":
        raise InvalidInput("'latest' alias name (case insensitive) is reserved.")
    if _LIKE_A_VERSION.fullmatch(alias):
        raise InvalidInput(f"Version alias name '{alias}' is reserved.")
    return alias


def tags_of(tags: Iterable[Tag]) -> dict[str, str]:
    """Tags as a mapping, the last of a key taken.

    Raises:
        InvalidInput: a key is missing, or something is too long.
    """
    return {check_tag(tag.key, tag.value): tag.value for tag in tags}


def check_tag(key: str, value: str) -> str:
    """Refuse a tag that MLflow refuses.

    Returns:
        The key.

    Raises:
        InvalidInput: the key is missing, or something is too long.
    """
    needed(key, "key")
    for field, text, limit in (("key", key, MAX_TAG_KEY), ("value", value, MAX_TAG_VALUE)):
        if len(text) > limit:
            raise InvalidInput(f"'{field}' exceeds the maximum length of {limit} characters")
    return key


def pairs(texts: Mapping[str, str]) -> list[Json]:
    """Texts as MLflow's list of keys and values."""
    return [{"key": key, "value": value} for key, value in texts.items()]


@contextmanager
def worded(name: str, number: int | None = None) -> Iterator[None]:
    """Say in MLflow's words that a model, or a version of it, is not there.

    Args:
        name: The model's name.
        number: The version's number, where one is asked for.

    Raises:
        NotFound: as the block did.
    """
    try:
        yield
    except NotFound as error:
        if number is None or "missing" in error.details:
            raise NotFound(f"Registered Model with name={said(name)} not found") from error
        raise NotFound(f"Model Version (name={said(name)}, version={number}) not found") from error


@contextmanager
def taken_worded(name: str, *, is_prompt: bool = False) -> Iterator[None]:
    """Say in MLflow's words that a name is taken.

    Args:
        name: The name.
        is_prompt: Whether a prompt was to get it.

    Raises:
        AlreadyExists: as the block did.
    """
    try:
        yield
    except AlreadyExists as error:
        new, old = ("Prompt" if yes else "Registered Model" for yes in (is_prompt, error.details.get("by") == "prompt"))
        if new == old:
            raise AlreadyExists(f"{new} (name={said(name)}) already exists.") from error
        raise AlreadyExists(
            f"Tried to create a {new.lower()} with name '{said(name[:60])}', but the name is already taken by a "
            f"{old.lower()}. MLflow does not allow creating a model and a prompt with the same name."
        ) from error


_NOTHING_CALLED = re.compile(r"have nothing called '(.*?)'\.")
_NOT_COMPARED = re.compile(r"cannot be compared with (.+?)\.$")
_WORD = re.compile(r"[\w.`\s]*")
_AND = re.compile(r"\sAND\s", re.IGNORECASE)


@contextmanager
def search_worded(asked: Asked) -> Iterator[None]:
    """Say in MLflow's words what is wrong with a search.

    Args:
        asked: The search.

    Raises:
        InvalidInput: as the block did.
    """
    try:
        yield
    except FilterSyntaxError as error:
        raise InvalidInput(_syntax(error, asked)) from error
    except InvalidInput as error:
        if "page token" in error.message:
            raise InvalidInput(f"Invalid page token: {error.message}") from error
        raise


def _syntax(error: FilterSyntaxError, asked: Asked) -> str:
    text, column = str(error.details.get("text", "")), error.details.get("column")
    compared, unknown = _NOT_COMPARED.search(error.message), _NOTHING_CALLED.search(error.message)
    clause = _AND.split(text[column - 1 :] if isinstance(column, int) else text)[0]
    if compared:
        begin = f"Invalid comparator for attribute: {compared[1]}."
    elif text in asked.order_by:
        begin = f"Invalid order by key '{unknown[1] if unknown else said(text[:60])}' specified."
    elif unknown and not _WORD.fullmatch(clause):
        begin = f"Invalid attribute key '{unknown[1]}' specified."
    else:
        begin = f"Invalid clause(s) in filter string: {said(clause[:60])}."
    return f"{begin} {error}"
