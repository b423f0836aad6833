"""What the registry holds: models, their versions, their signatures and stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen
from engine.registry.names import check_word

MAX_COLUMNS = 10_000
"""Most inputs, and most outputs, of a signature."""

_SIGNATURE_HINT = (
    'Write {"inputs": [{"name": "age", "dtype": "int64"}], "outputs": [{"name": "score", "dtype": "float64"}]}.'
)


class Stage(StrEnum):
    """Where a version stands; stored, shown and typed with these words."""

    REGISTERED = "Registered"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"

    @classmethod
    def parse(cls, text: str) -> Stage:
        """Read a stage, in any case.

        Args:
            text: Such as `production`.

        Returns:
            The stage.

        Raises:
            InvalidInput: there is no such stage.
        """
        word = text.strip().lower()
        for stage in cls:
            if stage.value.lower() == word:
                return stage
        from engine.core.suggest import did_you_mean  # only a wrong word needs it
        from engine.core.text import clean

        words = [stage.value for stage in cls]
        hint = did_you_mean(word, words) or f"The stages are {', '.join(words)}."
        raise InvalidInput(f"{clean(text, limit=60)!r} is no stage.", hint=hint)


@frozen
class Column:
    """One input or output of a model.

    Args:
        name: Its name; empty for the only tensor of a model without names.
        dtype: Its type as the framework calls it, such as `float64`.
        shape: Its dimensions, -1 for any size; empty for a scalar column.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()


@frozen
class Signature:
    """What a model takes and gives.

    Args:
        inputs: The columns it takes, in order; names differ.
        outputs: The columns it gives, in order; names differ.
    """

    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...] = ()

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """The signature in JSON values; `from_json` reads it back."""
        return {
            "inputs": [_to_json(each) for each in self.inputs],
            "outputs": [_to_json(each) for each in self.outputs],
        }

    @classmethod
    def from_json(cls, value: object) -> Signature:
        """Read a signature.

        Args:
            value: `{"inputs": [{"name": …, "dtype": …, "shape": […]}], "outputs": […]}`; `shape` and `outputs` may be
                missing.

        Returns:
            The signature.

        Raises:
            InvalidInput: the value has another shape, or two columns of one side share a name.
        """
        if not isinstance(value, Mapping):
            raise InvalidInput("A signature must be an object with inputs and outputs.", hint=_SIGNATURE_HINT)
        return cls(_columns(value.get("inputs", ()), "inputs"), _columns(value.get("outputs", ()), "outputs"))


def _to_json(column: Column) -> dict[str, Any]:
    value: dict[str, Any] = {"name": column.name, "dtype": column.dtype}
    return value | {"shape": list(column.shape)} if column.shape else value


def _columns(value: object, side: str) -> tuple[Column, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise InvalidInput(f"The {side} of a signature must be a list.", hint=_SIGNATURE_HINT)
    if len(value) > MAX_COLUMNS:
        raise InvalidInput(f"The signature has {len(value)} {side}; at most {MAX_COLUMNS} are stored.")
    columns = tuple(_column(each, f"{side}[{index}]") for index, each in enumerate(value))
    if len({column.name for column in columns}) < len(columns):
        raise InvalidInput(f"Two {side} of the signature have the same name.", hint="Give each column its own name.")
    return columns


def _column(value: object, place: str) -> Column:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{place} of the signature must be an object.", hint=_SIGNATURE_HINT)
    name, dtype, shape = value.get("name", ""), value.get("dtype"), value.get("shape", ())
    if not isinstance(name, str) or not isinstance(dtype, str) or not dtype:
        raise InvalidInput(f"{place} of the signature needs a name and a dtype, both texts.", hint=_SIGNATURE_HINT)
    whole = isinstance(shape, Sequence) and all(type(size) is int and size >= -1 for size in shape)
    if not whole:
        raise InvalidInput(f"The shape of {place} must be a list of sizes.", hint="Use -1 where any size will do.")
    return Column(check_word(name, f"{place}.name"), check_word(dtype, f"{place}.dtype"), tuple(shape))


@frozen
class FileProblem:
    """A stored file that is no longer what was registered.

    Args:
        path: Which file.
        digest: What its digest was at registration, 64 hex digits.
        problem: What is wrong, as a sentence.
    """

    path: str
    digest: str
    problem: str


@frozen
class Version:
    """One version of a registered model.

    Args:
        row_id: Its integer key; never given to another version.
        model: The model's name.
        version: Its number, from 1; never given again, even after deletion.
        stage: Where it stands.
        stage_ms: Since when, in milliseconds since the epoch.
        run_id: The run that made it, 32 hex digits, or `None`.
        artifact_path: Where its files lay among the run's artifacts.
        digest: Digest of its files (paths, digests, sizes), 64 hex digits; approvals and evidence are bound to it.
        size_bytes: Sum of its files' sizes.
        flavor: The framework, such as `sklearn`; may be empty.
        format: The file format, such as `skops`; may be empty.
        signature: What it takes and gives, or `None`.
        data_name: Name of its training data; may be empty.
        data_digest: Digest of its training data; may be empty.
        owner: Who answers for it; may be empty.
        description: Free text; may be empty.
        created_ms: When it was registered, in milliseconds since the epoch.
        updated_ms: When it last changed, in milliseconds since the epoch.
        created_by: Who registered it.
        source: Where its files came from, in the words of whoever registered it; may be empty.
        model_id: The logged model it was registered from, or `None`.
        run_link: Where the run is shown that made it, when that is elsewhere; may be empty.
        params: The run's parameters at registration.
        metrics: The run's latest metrics at registration.
        tags: Its tags.
        aliases: The aliases that point to it, sorted.
    """

    row_id: int
    model: str
    version: int
    stage: Stage
    stage_ms: int
    run_id: str | None
    artifact_path: str
    digest: str
    size_bytes: int
    flavor: str
    format: str
    signature: Signature | None
    data_name: str
    data_digest: str
    owner: str
    description: str
    created_ms: int
    updated_ms: int
    created_by: str
    source: str = ""
    model_id: str | None = None
    run_link: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its public name, such as `churn/7`."""
        return f"{self.model}/{self.version}"

    @property
    def files_id(self) -> str:
        """What its files are kept under; given to no other version, whatever either is called."""
        return f"v-{self.row_id}"


@frozen
class Model:
    """A registered model.

    Args:
        row_id: Its integer key; never given to another model.
        name: Its name.
        description: Free text; may be empty.
        owner: Who answers for it; may be empty.
        created_ms: When it was created, in milliseconds since the epoch.
        updated_ms: When it, or one of its versions, last changed, in milliseconds since the epoch.
        versions: How many versions it has.
        latest: Its greatest version number, or `None`.
        production: The versions in Production, ascending.
        staging: The versions in Staging, ascending.
        tags: Its tags.
        aliases: Version numbers by alias.
    """

    row_id: int
    name: str
    description: str
    owner: str
    created_ms: int
    updated_ms: int
    versions: int = 0
    latest: int | None = None
    production: tuple[int, ...] = ()
    staging: tuple[int, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class VersionState:
    """What was true of a version at some moment.

    Args:
        model: The model's name at that moment.
        version: Its number.
        stage: Where it stood.
        aliases: The aliases that pointed to it, sorted.
    """

    model: str
    version: int
    stage: Stage
    aliases: tuple[str, ...] = ()
