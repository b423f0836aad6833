"""Quarterdeck's engine: everything the product knows and does, without a screen.

Start with `engine.open()`; the errors it raises are in `engine.core.errors`. Names load when they are first used, so
that `import engine` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import Engine as Engine
    from engine.api import create as create
    from engine.api import open as open  # noqa: A004 the field's word: engine.open()
    from engine.api import open_damaged as open_damaged
    from engine.core import errors as errors

__version__ = "0.1.0"

__all__ = ["Engine", "create", "errors", "open", "open_damaged"]


def __getattr__(name: str) -> object:
    if name == "errors":
        import engine.core.errors as found

        return found
    if name in __all__:
        from engine import api

        return getattr(api, name)
    raise AttributeError(f"module 'engine' has no attribute {name!r}")
