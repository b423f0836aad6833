"""Keys, one after the other: each has had its effect before the next is taken."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from textual import events
from textual.widget import Widget

from console.actions import key_name
from console.terminal.app import TerminalApp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.dom import DOMNode

PATIENCE_SECONDS = 0.2
"""How long a key waits for the one before; a widget that takes longer is doing something else."""


@runtime_checkable
class Movable(Protocol):
    """A widget that makes the movements its `KEYS` name."""

    def move(self, movement: str) -> None:
        """Make one."""


class Keyboard(TerminalApp[int]):
    """An application that takes keys in their order, also those typed before there is anything to see."""

    def __init__(self) -> None:
        super().__init__(ansi_color=True)
        self.holding = False
        """Whether keys wait: nothing is painted yet."""
        self._early: list[events.Key] = []
        self._unsettled: list[tuple[Awaitable[Any], Callable[[], object] | None]] = []

    @property
    def typing(self) -> bool:
        """Whether keys are letters of a line that is being typed."""
        return False

    def press(self, key: str) -> bool:
        """Do what a key means; false when it means nothing."""
        del key
        return False

    async def on_event(self, event: events.Event) -> None:
        """Take keys one after the other: the next one waits until this one has had its effect.

        Textual hands a key to the focused widget and goes on; of keys that arrive together (typed ahead, or bunched by
        a slow line) the later ones would reach the widget that the first one leaves. `/Drift` must never become a `D`.
        """
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif self._exit:
            return  # the screens are going: what was typed behind the word that quits is for nobody
        elif self.holding or self._early:
            self._early.append(event)
            await self.take_early()
        else:
            await self._key(event)

    async def take_early(self) -> None:
        """Do what was typed before there was anything to see, once there is."""
        while self._early and not self.holding:
            await self._key(self._early.pop(0))

    async def _key(self, event: events.Key) -> None:
        if self._exit:
            return
        self.last_input = time.monotonic()
        if event.key in ("ctrl+c", "ctrl+z", "f1"):  # wherever the operator is, also in a dialog or a line of text
            self.press(key_name(event))
            return
        if len(self.screen_stack) == 1 and not self.typing and self.press(key_name(event)):
            await self._settle()
            return
        focused = self.focused or self.screen
        if self._moves(focused, event.key):
            return
        if event.is_printable or not await self._own_binding(focused, event.key):
            await super().on_event(event)
        for node in focused.ancestors_with_self:
            if not await self._handled_by(node):
                break
        await self._settle()

    def _moves(self, focused: Widget, key: str) -> bool:
        """Let a table or a page move at once, past every queue; what it shows next is all the key does."""
        movement = getattr(focused, "KEYS", {}).get(key)
        if movement is None or not isinstance(focused, Movable):
            return False
        focused.move(movement)
        return True

    async def _own_binding(self, focused: Widget, key: str) -> bool:
        """Do what a key is bound to in the focused widget itself; Textual would do it only after the keys that wait."""
        return key in focused._bindings.key_to_bindings and await self._check_bindings(key)  # noqa: SLF001 no public word

    async def _handled_by(self, node: DOMNode) -> bool:
        """Wait until a node has handled what it was sent; false when it is the application, gone, or busy."""
        if node is self or not isinstance(node, Widget) or not node.is_attached:
            return False
        handled = asyncio.Event()
        node.call_next(handled.set)
        try:
            await asyncio.wait_for(handled.wait(), PATIENCE_SECONDS)
        except TimeoutError:
            return False
        return True

    def settle_after(self, mounting: Awaitable[Any], then: Callable[[], object] | None = None) -> None:
        """Let the next key wait until something is mounted.

        Args:
            mounting: What to wait for.
            then: What to do when it is there, such as giving it the keyboard.
        """
        self._unsettled.append((mounting, then))
        self.call_next(self._settle)

    async def _settle(self) -> None:
        while self._unsettled:
            mounting, then = self._unsettled.pop(0)
            await mounting
            if then is not None:
                then()
