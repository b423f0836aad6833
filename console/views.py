"""What fills the body of the frame: the base of every screen, and of every screen that is a page of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import on
from textual.widget import Widget

from console.location import title
from console.text import wrap
from console.widgets.document import Document, Line
from engine.core.errors import QuarterdeckError
from engine.core.events import Changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from console.actions import Action
    from console.app import ConsoleApp
    from console.location import Location
    from console.serving import Beat
    from console.text import Part

T = TypeVar("T")


class View(Widget):
    """One screen of the console, kept while it is in the history.

    Args:
        location: What it shows.
    """

    DEFAULT_CSS = "View { width: 1fr; height: 1fr; }"

    kinds: ClassVar[frozenset[str]] = frozenset()
    """Kinds of events that concern it."""

    actions: ClassVar[tuple[Action, ...]] = ()
    """What can be done here, besides what can be done everywhere."""

    filterable: ClassVar[bool] = False
    """Whether `/` does anything here."""

    movements: ClassVar[tuple[tuple[str, str], ...]] = (
        ("↑ ↓ j k", "move"),
        ("PgUp PgDn", "page"),
        ("g G", "first, last"),
    )
    """Keys of the focused widget, for help."""

    def __init__(self, location: Location) -> None:
        super().__init__()
        self.location = location

    @property
    def deck(self) -> ConsoleApp:
        """The application."""
        from console.app import ConsoleApp  # the application imports this module

        app = self.app
        if not isinstance(app, ConsoleApp):
            raise TypeError("a view lives in the console only")
        return app

    @property
    def title(self) -> str:
        """The breadcrumb."""
        return title(self.location)

    def status(self) -> Sequence[Part]:
        """What stands at the right of the breadcrumbs, such as counts and the filter in force."""
        return ()

    def notes(self) -> Sequence[tuple[str, str]]:
        """What help says of this view besides its keys: headings that are cut, and the whole of them."""
        return ()

    def offered(self) -> Sequence[Action]:
        """The actions of this moment."""
        return self.actions

    def subject(self) -> object | None:
        """The thing under the cursor."""
        return None

    def subjects(self) -> tuple[object, ...]:
        """The marked things, or the one under the cursor."""
        here = self.subject()
        return () if here is None else (here,)

    def load(self) -> None:
        """Read what it shows, anew."""

    behind = False
    """Whether something that concerns it changed while another view was shown."""

    def concerns(self, changes: Changes) -> bool:
        """Whether any of it is about what this view shows."""
        return changes.missed or any(event.kind in self.kinds for event in changes.events)

    def changed(self, changes: Changes) -> None:
        """Something that concerns this view changed; by default a reason to read anew."""
        del changes
        self.load()

    def catch_up(self) -> None:
        """Shown again after something that concerns it changed: by default as if all had."""
        self.changed(Changes((), missed=True))

    def tick(self) -> None:
        """Some seconds went by: ages, and runs whose process has fallen silent, may read differently."""

    def beat(self, beat: Beat) -> None:
        """A second went by: what data planes report may have moved, and they may have come or gone."""

    def relocate(self, location: Location) -> None:
        """The same view with another filter, order or columns."""
        if location != self.location:
            self.location = location
            self.load()

    def set_filter(self, text: str) -> None:
        """Filter by what was typed after `/`."""

    def escape(self) -> bool:
        """Give up one thing (filter, marks); false when there is none and the view itself may be left."""
        return False

    def take_focus(self) -> None:
        """Put the keyboard where it belongs in this view."""

    def copy_text(self, *, whole: bool) -> str:
        """The text to copy: the cell under the cursor, or the whole row."""
        del whole
        return ""


class PageDocument(Document):
    """A document that leaves Enter to the actions of its view, so that keys typed ahead find the next view."""

    KEYS: ClassVar[Mapping[str, str]] = {key: move for key, move in Document.KEYS.items() if key != "enter"}


class Page(View, Generic[T]):
    """A view that is a page of lines, made from something read off the screen's thread."""

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.document = PageDocument()
        self.data: T | None = None

    def fetch(self) -> T:
        """Read what the page needs. Runs in a worker thread; touches no widget.

        Raises:
            QuarterdeckError: it cannot be read.
        """
        raise NotImplementedError

    def lines(self, data: T, width: int) -> Sequence[Line]:
        """The page.

        Args:
            data: What `fetch` returned.
            width: Cells there are.
        """
        raise NotImplementedError

    def arrived(self, data: T) -> None:
        """New data is shown; a place for what goes beyond lines."""

    def compose(self) -> ComposeResult:
        """The page alone."""
        yield self.document

    def on_mount(self) -> None:
        """Read at once."""
        self.load()

    def load(self) -> None:
        """Read anew; what is shown stays until it has come."""
        self.deck.read(f"page.{id(self)}", self.fetch, self._show, self.failed)

    def _show(self, data: T) -> None:
        self.data = data
        self.document.show(lambda width: self.lines(data, width))
        self.arrived(data)
        self.deck.frame_changed()

    def failed(self, error: Exception) -> None:
        """It could not be read: the last good page stays, else the error stands in its place."""
        if self.data is not None:
            self.deck.fail(error)
            return
        self.deck.keep(error)
        self.document.show(lambda width: problem(error, width))
        self.deck.frame_changed()

    def subject(self) -> object | None:
        """The thing on the line under the cursor."""
        line = self.document.line
        return line.subject if line is not None else None

    def take_focus(self) -> None:
        """The page."""
        self.screen.set_focus(self.document)

    def copy_text(self, *, whole: bool) -> str:
        """The line under the cursor, or the whole page."""
        from console.text import plain

        line = self.document.line
        return self.document.text() if whole or line is None else plain(line.parts).strip()

    @on(Document.Chosen)
    def _chosen(self, message: Document.Chosen) -> None:
        message.stop()
        self.deck.press("Enter")


def problem(error: Exception, width: int) -> list[Line]:
    """An error as lines: what happened, and what to do next."""
    message = error.message if isinstance(error, QuarterdeckError) else f"{type(error).__name__}: {error}"
    hint = error.hint if isinstance(error, QuarterdeckError) else ""
    lines = [Line(), *(Line([("  " + text, "bad")]) for text in wrap(message, max(width - 4, 20)))]
    return lines + [Line([("  " + text, "dim")]) for text in wrap(hint, max(width - 4, 20)) if text]
