"""What programs wrote that were started in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.formats import plural
from console.location import is_number
from console.text import wrap
from console.views import Page
from console.widgets.document import Line, blank, heading
from engine.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.commanding.programs import Output


class OutputView(Page["Output"]):
    """The output of one program; the location names its number."""

    def fetch(self) -> Output:
        """What it wrote.

        Raises:
            NotFound: no program of that number ended in this session.
        """
        outputs, name = self.deck.custom.outputs, self.location.name
        found = outputs.get(int(name)) if is_number(name) else None
        if found is None:
            raise NotFound(f"No program {name[:20]} has ended in this session.", hint=":jobs lists what runs.")
        return found

    def lines(self, data: Output, width: int) -> Sequence[Line]:
        """The command, how it ended, what it wrote."""
        how = f"ended with code {data.code}" if data.code >= 0 else f"was ended by signal {-data.code}"
        look = "good" if data.code == 0 else "bad"
        lines = [heading(data.name, plural(len(data.lines), "line")), Line([("  ", ""), (how, look)])]
        lines += [Line([(f"  {part}", "dim")]) for part in wrap(data.line, max(width - 4, 20))]
        if data.cut:
            lines.append(Line([("  it wrote more than is kept", "warn")]))
        return [*lines, blank(), *(Line([(f"  {line}", "")]) for line in data.lines)]
