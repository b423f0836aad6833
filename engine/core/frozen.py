"""Values: frozen dataclasses with slots that compile nothing before they are used.

A frozen dataclass with slots takes half a millisecond to define, since each of its methods is compiled from text. A
screen loads the modules of some two hundred and makes objects of thirty: that was half of the time until it was there.
Of most of those it makes a handful, which are filled field by field: to compile costs as much as to fill a hundred.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields, make_dataclass
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

T = TypeVar("T")

POST_INIT = "__post_init__"

FIELDS, PARAMS = "__dataclass_fields__", "__dataclass_params__"


@dataclass(init=False, repr=False, eq=False)
class _Model:
    """What the standard library makes of a class with one field."""

    only: int


_PARAMS: Any = getattr(_Model, PARAMS)
_A_FIELD: Any = fields(_Model)[0]._field_type  # type: ignore[attr-defined]  # noqa: SLF001 it has no public name

FEW = 100
"""Objects of a class that are filled field by field before its `__init__` is compiled."""


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
    made: Any = _slotted(cls)
    for name, compiled in (("__repr__", _repr), ("__eq__", _eq), ("__hash__", _hash)):
        if name not in own:
            setattr(made, name, _late(made, name, compiled))
    if "__init__" not in own:
        made.__init__ = _first_uses(made, _late(made, "__init__", _init))
    made.__getstate__, made.__setstate__ = _get_state, _set_state
    made.__setattr__, made.__delattr__ = _refuse_to_set, _refuse_to_delete
    return made  # type: ignore[no-any-return]


def _slotted(cls: type) -> type:
    """The class with its fields as slots: what `dataclass` makes without methods, in a third of the time."""
    space = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    parts: dict[str, Field[Any]] = {}
    for parent in cls.__mro__[-1:0:-1]:
        parts.update(getattr(parent, FIELDS, {}))
    inherited = set(parts)
    for name, kind in space.get("__annotations__", {}).items():
        if not _is_shared(kind):
            parts[name] = _part(name, kind, space.pop(name, MISSING))
    space[FIELDS], space[PARAMS] = parts, _PARAMS
    space["__match_args__"] = tuple(name for name, part in parts.items() if part.init and not part.kw_only)
    space["__slots__"] = tuple(name for name in parts if name not in inherited)
    made = type(cls)(cls.__name__, cls.__bases__, space)
    made.__qualname__ = cls.__qualname__
    return made


def _is_shared(kind: object) -> bool:
    """Whether an annotation is of a variable of the class, as modules write it that evaluate none."""
    return str(kind).startswith(("ClassVar", "typing.ClassVar"))


def _part(name: str, kind: object, default: Any) -> Field[Any]:
    if type(default).__hash__ is None:
        raise ValueError(f"mutable default {type(default)} for field {name} is not allowed: use default_factory")
    part: Any = default if isinstance(default, Field) else field(default=default)
    part.name, part.type, part._field_type = name, kind, _A_FIELD  # noqa: SLF001 as the standard library leaves them
    part.kw_only = part.kw_only is True
    return part  # type: ignore[no-any-return]


def _late(made: type, name: str, compiled: Callable[[type], Any]) -> Callable[..., Any]:
    """A method that puts the compiled one in its place."""

    def method(self: object, *args: Any, **words: Any) -> Any:
        found = compiled(made)
        setattr(made, name, found)
        return found(self, *args, **words)

    method.__name__ = name
    method.__qualname__ = f"{made.__qualname__}.{name}"
    return method


def _first_uses(made: Any, compiled: Callable[..., Any]) -> Callable[..., Any]:
    """An `__init__` that fills the first few objects by itself, and leaves what is not usual to the compiled one."""
    uses = 0

    def method(self: object, *args: Any, **words: Any) -> None:
        nonlocal uses
        uses += 1
        if uses > FEW or not _filled(self, fields(made), args, words):
            compiled(self, *args, **words)
        elif hasattr(made, POST_INIT):
            self.__post_init__()  # type: ignore[attr-defined]  # it was just looked for

    method.__name__ = "__init__"
    method.__qualname__ = f"{made.__qualname__}.__init__"
    return method


def _filled(self: object, parts: tuple[Field[Any], ...], args: tuple[Any, ...], words: dict[str, Any]) -> bool:
    """Give an object its fields; false where the arguments do not fit, or it takes more than putting them there."""
    given = {part.name: value for part, value in zip(parts, args, strict=False)} | words
    if len(given) != len(args) + len(words):  # too many, or one of them twice
        return False
    put = object.__setattr__
    for part in parts:
        if part.name in given:
            value = given.pop(part.name)
        elif part.default is not MISSING:
            value = part.default
        elif part.default_factory is not MISSING:
            value = part.default_factory()
        else:
            return False
        if part.kw_only or not part.init:
            return False
        put(self, part.name, value)
    return not given


def _twin(made: Any, **options: bool) -> Any:
    """A dataclass with the same fields, whose methods do as well for the value."""
    space = {"__doc__": made.__name__}  # else one is made of the signature, for a third of the time
    if hasattr(made, POST_INIT):
        space[POST_INIT] = getattr(made, POST_INIT)
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
