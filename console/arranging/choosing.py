"""Which columns a list shows, while the operator chooses: fixed ones, those of choice, and paths into them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console.arranging.arrangement import Arrangement

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATH = re.compile(r"(?P<key>(?:params|tags)\..+?)\$(?:\.[\w-]+|\[[0-9]{1,4}\])+")
"""A path into the JSON that a parameter or tag holds, such as `params.config$.optimizer.lr`."""


@dataclass(frozen=True, slots=True)
class Choosing:
    """Columns being chosen.

    Args:
        names: Names of the columns that the source gives now, in their usual order.
        choices: Keys of every column of choice.
        explicit: Keys that were asked for by name; empty when the source gives its usual ones.
        arrangement: How all of them are laid out.
    """

    names: tuple[str, ...]
    choices: tuple[str, ...]
    explicit: tuple[str, ...]
    arrangement: Arrangement

    @property
    def every(self) -> list[str]:
        """All there are: first those of the list in their order, then what can be chosen besides."""
        present = self.arrangement.ordered(self.names)
        return list(dict.fromkeys([*present, *self.choices]))

    @property
    def shown(self) -> list[str]:
        """The columns shown, left to right."""
        return self.arrangement.shown(self.names)

    def matching(self, text: str) -> list[str]:
        """Those whose name holds every word typed; a path into one of them that is typed is one too."""
        words = text.lower().split()
        found = [name for name in self.every if all(word in name.lower() for word in words)]
        path = _PATH.fullmatch(text.strip())
        if path is not None and path["key"] in self.choices and text.strip() not in found:
            found.insert(0, text.strip())
        return found

    def toggle(self, name: str) -> Choosing:
        """Show a column, or show it no more; the last one stays."""
        if name in self.shown:
            return self._without(name) if len(self.shown) > 1 else self
        shown = replace(self, arrangement=self.arrangement.show([name]))
        if name in self.names:
            return shown
        chosen = self.explicit or tuple(each for each in self.names if each in self.choices)
        return replace(shown, names=(*self.names, name), explicit=(*chosen, name))

    def _without(self, name: str) -> Choosing:
        left = tuple(each for each in self.explicit if each != name)
        if left and left != self.explicit:
            return replace(self, explicit=left, names=tuple(each for each in self.names if each != name))
        return replace(self, arrangement=self.arrangement.hide(name))

    def move(self, name: str, by: int) -> Choosing:
        """Move a column that is shown past its neighbour; by: -1 to the left, 1 to the right."""
        return replace(self, arrangement=self.arrangement.move(name, by, self.names))

    def pin(self, name: str) -> Choosing:
        """Pin a column that is shown, or let it go."""
        return replace(self, arrangement=self.arrangement.pin(name)) if name in self.shown else self

    def reset(self, usual: Sequence[str]) -> Choosing:
        """As if nobody had chosen anything; usual: names of the columns that the source gives then."""
        return replace(self, names=tuple(usual), explicit=(), arrangement=Arrangement())
