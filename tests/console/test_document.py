from __future__ import annotations

from textual.app import App, ComposeResult

from console.text import wrap
from console.widgets.bar import Bar
from console.widgets.document import Document, Line, fields, heading


class _Reader(App[None]):
    """One document on a screen of its own."""

    CSS = "Document { height: 1fr; }"

    def __init__(self, lines: list[Line]) -> None:
        super().__init__()
        self.document = Document(lambda _width: lines)
        self.bar = Bar()
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.document
        yield self.bar

    def on_mount(self) -> None:
        self.document.focus()

    def on_document_chosen(self, message: Document.Chosen) -> None:
        if not isinstance(message, Document.Moved):
            self.chosen.append(message.line.key)

    def shown(self) -> list[str]:
        return [self.document.render_line(y).text.rstrip() for y in range(self.document.size.height)]


def _lines(count: int, *, every: int = 1) -> list[Line]:
    return [Line([(f"line {n}", "")], key=f"k{n}" if n % every == 0 else "", subject=n) for n in range(count)]


async def test_the_cursor_moves_among_lines_that_can_be_chosen() -> None:
    app = _Reader([heading("title"), *_lines(4, every=2)])
    async with app.run_test(size=(40, 10)) as pilot:
        assert app.document.line is not None
        assert app.document.line.key == "k0"
        await pilot.press("down")
        assert app.document.line.key == "k2"
        await pilot.press("down", "enter")
        assert app.chosen == ["k2"]


async def test_a_page_without_choices_scrolls() -> None:
    app = _Reader([Line([(f"line {n}", "")]) for n in range(50)])
    async with app.run_test(size=(40, 11)) as pilot:
        await pilot.press("G")
        assert app.shown()[-1] == "line 49"
        await pilot.press("g", "pagedown")
        assert app.shown()[0] == "line 9"
        await pilot.press("up")
        assert app.shown()[0] == "line 8"


async def test_lines_between_far_choices_can_be_read() -> None:
    far = [*_lines(1), *(Line([(f"text {n}", "")]) for n in range(30)), Line([("end", "")], key="end")]
    app = _Reader(far)
    async with app.run_test(size=(40, 11)) as pilot:
        await pilot.press("down")
        assert app.document.line is not None
        assert app.document.line.key == "k0"
        assert app.shown()[0] == "text 0"
        await pilot.press("G")
        assert app.document.line.key == "end"
        assert app.shown()[-1] == "end"
        await pilot.press("g")
        assert app.shown()[0] == "line 0"


async def test_new_lines_keep_the_cursor_on_its_thing() -> None:
    app = _Reader(_lines(5))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("down", "down")
        app.document.set_lines([Line([("new", "")], key="new"), *_lines(5)])
        assert app.document.line is not None
        assert app.document.line.key == "k2"
        app.document.set_lines([])
        assert app.document.line is None


async def test_a_click_goes_to_a_line_and_a_second_one_chooses_it() -> None:
    app = _Reader(_lines(5))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.click(Document, offset=(2, 3))
        assert app.document.line is not None
        assert app.document.line.key == "k3"
        await pilot.click(Document, offset=(2, 3))
        assert app.chosen == ["k3"]


async def test_lines_are_made_anew_for_another_width() -> None:
    app = _Reader([])
    app.document.show(lambda width: [Line([(part, "")]) for part in wrap("many words in a row " * 5, width)])
    async with app.run_test(size=(80, 20)) as pilot:
        before = len(app.document.lines)
        await pilot.resize_terminal(30, 20)
        await pilot.pause()
        assert len(app.document.lines) > before
        assert app.document.text().replace("\n", " ").startswith("many words")


async def test_a_bar_keeps_its_right_edge() -> None:
    app = _Reader([])
    async with app.run_test(size=(30, 5)) as pilot:
        app.bar.show([("a very long text on the left side", "")], [("right", "")])
        await pilot.pause()
        line = app.bar.render_line(0).text
        assert line.endswith("right")
        assert "…" in line
        assert len(line) == 30


def test_fields_line_up_names_and_values() -> None:
    assert [line.parts[0][0] for line in fields([("a", ("1", "")), ("long", ("2", ""))])] == ["  a     ", "  long  "]
