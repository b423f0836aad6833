"""What an operation takes and gives, read from its method: the signature, the annotations and the docstring."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from importlib import import_module
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union

import msgspec

from engine.core import errors, paging
from engine.core.access import Role
from engine.core.errors import InvalidInput, QuarterdeckError
from engine.core.percent import Permille, share_of_percent

_MODELS = (
    "engine.alerts.model",
    "engine.artifacts.model",
    "engine.audit.model",
    "engine.core.aggregates",
    "engine.core.grouping",
    "engine.deployment.model",
    "engine.drift.baseline_model",
    "engine.drift.model",
    "engine.endpoints.model",
    "engine.gates.model",
    "engine.gates.trial_model",
    "engine.maintenance.model",
    "engine.monitoring.model",
    "engine.policy.model",
    "engine.policy.monitors",
    "engine.probing.model",
    "engine.processes.model",
    "engine.processes.up_model",
    "engine.prompts.model",
    "engine.registry.approval_model",
    "engine.registry.lineage",
    "engine.registry.model",
    "engine.runtimes.model",
    "engine.scoring.model",
    "engine.telemetry.model",
    "engine.tokens.model",
    "engine.tracking.detail_model",
    "engine.tracking.logged_model_model",
    "engine.tracking.model",
    "engine.traces.assessment_model",
    "engine.traces.measure_model",
    "engine.traces.model",
    "engine.webhooks.model",
)
"""Where the types of signatures are defined."""

_SECTION = re.compile(r"^(Args|Returns|Raises):\n((?:[ ]{4,}.*\n?|\n)*)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w+): ((?:.*)(?:\n {5,}.*)*)", re.MULTILINE)

RoleName = Literal["viewer", "writer", "operator", "approver", "admin"]
"""How a role is written: by its label."""


Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
"""How a share is written."""


class _Parsed:
    """Stands for a filter or an order that is parsed already, which JSON does not say: it says the text."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of an operation.

    Args:
        name: Its name.
        kind: Its type, as JSON gives it.
        required: Whether it has no default.
        text: What it is, from the docstring.
    """

    name: str
    kind: Any
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Signature:
    """What an operation takes and gives.

    Args:
        name: Such as `runs.page`.
        summary: The docstring's first line.
        parameters: What it takes; a sole dataclass (a query) is taken apart into its fields.
        gives: The annotation of its answer.
        raises: The errors it says it raises, and when.
        request: The struct that decodes what it takes.
        query: The name of the parameter whose dataclass was taken apart, and the dataclass; `None` without one.
        needs_query: Whether that parameter has no default.
        absent: Arguments of parameters without a default that may be nothing, when they are not given: `None`.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    gives: Any
    raises: tuple[tuple[type[QuarterdeckError], str], ...]
    request: type[msgspec.Struct]
    query: tuple[str, type] | None
    needs_query: bool
    absent: Mapping[str, None]

    def arguments(self, given: msgspec.Struct) -> dict[str, Any]:
        """Turn a decoded request into the arguments of the method.

        Raises:
            InvalidInput: a field of the query has a value it cannot take.
        """
        said = {
            each.name: getattr(given, each.name)
            for each in self.parameters
            if getattr(given, each.name) is not msgspec.UNSET
        }
        said = {**self.absent, **said}
        if self.query is None:
            return {name: _spoken(value, self, name) for name, value in said.items()}
        own = {field.name for field in fields(self.query[1])}
        asked = {name: _frozen(_spoken(value, self, name)) for name, value in said.items() if name in own}
        rest = {name: value for name, value in said.items() if name not in own}
        if not asked and not self.needs_query:
            return rest
        try:
            query = self.query[1](**asked)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"The query is not valid: {error}.") from error
        return {**rest, self.query[0]: query}


def signature(name: str, method: Callable[..., Any]) -> Signature:
    """Read the signature of an operation.

    Args:
        name: Such as `runs.page`.
        method: The function, unbound.

    Returns:
        What it takes and gives.

    Raises:
        TypeError: it takes something that JSON cannot say.
    """
    hints = _hints(method)
    sections = {found.group(1): found.group(2) for found in _SECTION.finditer(inspect.getdoc(method) or "")}
    texts = _entries(sections.get("Args", ""))
    given = [each for each in list(inspect.signature(method).parameters.values())[1:] if not _is_internal(hints, each)]
    query = _query(given, hints)
    absent = {
        each.name: None for each in given if _has_no_default(each) and NoneType in typing.get_args(hints[each.name])
    }
    parameters = [
        _parameter(each.name, hints, texts, required=_has_no_default(each) and each.name not in absent)
        for each in given
        if query is None or each.name != query[0]
    ]
    needed = query is not None and any(each.name == query[0] and _has_no_default(each) for each in given)
    if query is not None:
        parameters += _fields(query[1], needed=needed)
    raised = _entries(sections.get("Raises", "")).items()
    return Signature(
        name=name,
        summary=(inspect.getdoc(method) or "").split("\n", 1)[0],
        parameters=tuple(parameters),
        gives=hints.get("return", Any),
        raises=tuple((getattr(errors, error), text) for error, text in raised if hasattr(errors, error)),
        request=_struct(name, parameters),
        query=query,
        needs_query=needed,
        absent=absent,
    )


def _has_no_default(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _spoken(value: Any, said: Signature, name: str) -> Any:
    """A value as the method wants it: roles are written as words, shares in percent."""
    kind = next(each.kind for each in said.parameters if each.name == name)
    if kind == Percent:
        return share_of_percent(value)
    if kind == dict[int, Percent]:
        return {key: share_of_percent(share) for key, share in value.items()}
    return Role[value.upper()] if kind == RoleName else value


def _entries(section: str) -> dict[str, str]:
    return {name: " ".join(text.split()) for name, text in _ENTRY.findall(section)}


def _is_internal(hints: Mapping[str, Any], parameter: inspect.Parameter) -> bool:
    """Whether it is a progress callback or the like: something within a process."""
    kind = hints[parameter.name]
    return any(typing.get_origin(member) is _CALL for member in (kind, *typing.get_args(kind)))


_CALL = typing.get_origin(Callable[[], None])


def _query(given: Sequence[inspect.Parameter], hints: Mapping[str, Any]) -> tuple[str, type] | None:
    alone = (each for each in given if typing.get_origin(hints[each.name]) not in _ARRAYS)
    for each in alone:
        for kind in typing.get_args(hints[each.name]) or (hints[each.name],):
            if is_dataclass(kind):
                return each.name, typing.cast("type", kind)
    return None


def _fields(query: type, *, needed: bool) -> list[Parameter]:
    hints = typing.get_type_hints(query, localns=dict(names()), include_extras=True)
    texts = _entries(_section(query, "Args"))
    return [
        _parameter(each.name, hints, texts, required=needed and each.default is MISSING is each.default_factory)
        for each in fields(query)
    ]


def _parameter(name: str, hints: Mapping[str, Any], texts: Mapping[str, str], *, required: bool) -> Parameter:
    return Parameter(name, spoken(hints[name]), required, texts.get(name, "").replace("in 0.1 %", "in percent"))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _section(thing: object, name: str) -> str:
    found = {each.group(1): each.group(2) for each in _SECTION.finditer(inspect.getdoc(thing) or "")}
    return found.get(name, "")


def _struct(name: str, parameters: Sequence[Parameter]) -> type[msgspec.Struct]:
    required = [(each.name, each.kind) for each in parameters if each.required]
    optional = [
        (each.name, Union[each.kind, msgspec.UnsetType], msgspec.UNSET)  # noqa: UP007 the members are values here
        for each in parameters
        if not each.required
    ]
    title = "".join(word.title() for word in re.split(r"[._]", name)) + "Request"
    return msgspec.defstruct(title, [*required, *optional], kw_only=True, forbid_unknown_fields=True)


def spoken(annotation: Any) -> Any:
    """A type as JSON says it: any iterable is an array, a role is its label, a share a percentage.

    Raises:
        TypeError: JSON cannot say it.
    """
    if annotation in _SPOKEN:
        return _SPOKEN[annotation]
    origin, members = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, UnionType):
        return Union[tuple(spoken(member) for member in members if not _is_parsed(member))]  # noqa: UP007 values here
    if origin is tuple:
        kinds = tuple(member if member is Ellipsis else spoken(member) for member in members)
        return tuple.__class_getitem__(kinds)
    if origin in _ARRAYS:
        return list[spoken(members[0])]  # type: ignore[misc]
    if origin in (Mapping, dict):
        return dict[spoken(members[0]), spoken(members[1])]  # type: ignore[misc]
    return annotation


_SPOKEN: Mapping[Any, Any] = {Role: RoleName, object: Any, Permille: Percent}


def _is_parsed(kind: Any) -> bool:
    return kind is _Parsed or _Parsed in typing.get_args(kind)


_ARRAYS = (Iterable, Sequence, Collection, AbstractSet, list, frozenset)


def _hints(method: Callable[..., Any]) -> dict[str, Any]:
    return typing.get_type_hints(method, localns=dict(names()), include_extras=True)


@cache
def names() -> Mapping[str, Any]:
    """Every name that an annotation of an operation may use."""
    import array
    import os
    from pathlib import Path

    found: dict[str, Any] = {
        "Any": Any,
        "Callable": Callable,
        "Filter": _Parsed,
        "OrderBy": _Parsed,
        "Collection": Collection,
        "Iterable": Iterable,
        "Mapping": Mapping,
        "Permille": Permille,
        "NoneType": NoneType,
        "Page": paging.Page,
        "Path": Path,
        "Role": Role,
        "Sequence": Sequence,
        "array": array.array,
        "os": os,
        "Progress": Callable[[int, int], None],
    }
    for module in map(import_module, _MODELS):
        for name in (*vars(module), *getattr(module, "__all__", ())):
            if name[0].isupper() and getattr(module, name) is not getattr(typing, name, None):
                found.setdefault(name, getattr(module, name))
    return found
