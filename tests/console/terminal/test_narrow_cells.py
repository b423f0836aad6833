from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from console.terminal.glyphs import NARROW, Glyphs

NARROW_CHARACTERS = "".join(
    character for code in range(sys.maxunicode + 1) if NARROW.holds(character := chr(code)) and character.isprintable()
)


def _searched(text: str) -> list[str]:
    """The cells as the search for clusters finds them."""
    return Glyphs(unicode=True)._split(text)  # noqa: SLF001 the way that the quick one stands for


def test_every_narrow_character_is_one_cell_of_itself() -> None:
    assert len(NARROW_CHARACTERS) > 2_000
    wrong = [character for character in NARROW_CHARACTERS if _searched(character) != [character]]
    assert not wrong


@given(st.text(alphabet=st.sampled_from(NARROW_CHARACTERS), max_size=30))
def test_narrow_text_is_cut_letter_by_letter_as_the_search_would(text: str) -> None:
    assert Glyphs(unicode=True).cells(text) == _searched(text)
