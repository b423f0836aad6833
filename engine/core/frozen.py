"""Values: frozen dataclasses with slots that compile nothing before they are used.

A frozen dataclass with slots takes half a millisecond to define, since each of its methods is compiled from text. A
screen loads the modules of some two hundred and makes objects of thirty: that was half of the time until it was there.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, fields, make_dataclass
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

T = TypeVar("T")

POST_INIT = "__post_init__"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """What `@dataclass(frozen=True, slots=True)` makes, with methods that are compiled when they are first called.

    `replace`, `fields`, `asdict`, copying and pickling work as on any dataclass. What is derived from a value is
    one too, not a frozen dataclass; `InitVar` is not understood.

    Args:
        cls: The class; its annotations are its fields, and it has a docstring.

    Returns:
        A class of that name.
    """
    own = set(vars(cls)) - ({"__hash__"} if vars(cls).get("__hash__", cls) is None else set())
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    for name, compiled in (("__init__", _init), ("__repr__", _repr), ("__eq__", _eq), ("__hash__", _hash)):
        if name not in own:
            setattr(made, name, _late(made, name, compiled))
    made.__getstate__, made.__setstate__ = _get_state, _set_state
    made.__setattr__, made.__delattr__ = _refuse_to_set, _refuse_to_delete
    return made  # type: ignore[no-any-return]


def _late(made: type, name: str, compiled: Callable[[type], Any]) -> Callable[..., Any]:
    """A method that puts the compiled one in its place."""

    def method(self: object, *args: Any, **words: Any) -> Any:
        found = compiled(made)
        setattr(made, name, found)
        return found(self, *args, **words)

    method.__name__ = name
    method.__qualname__ = f"{made.__qualname__}.{name}"
    return method


def _twin(made: Any, **options: bool) -> Any:
    """A dataclass with the same fields, whose methods do as well for the value."""
    space = {POST_INIT: getattr(made, POST_INIT)} if hasattr(made, POST_INIT) else {}
    parts = [(part.name, part.type, part) for part in fields(made)]
    wanted: Any = {"init": False, "repr": False, "eq": False, **options}
    return make_dataclass(made.__name__, parts, namespace=space, **wanted)


def _init(made: type) -> Any:
    return _twin(made, init=True, frozen=True).__init__


def _repr(made: type) -> Any:
    return _twin(made, repr=True).__repr__


def _eq(made: type) -> Any:
    return _twin(made, eq=True).__eq__


def _hash(made: type) -> Any:
    return _twin(made, eq=True, unsafe_hash=True).__hash__


def _get_state(self: DataclassInstance) -> list[Any]:
    return [getattr(self, part.name) for part in fields(self)]


def _set_state(self: DataclassInstance, state: list[Any]) -> None:
    for part, each in zip(fields(self), state, strict=True):
        object.__setattr__(self, part.name, each)


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
