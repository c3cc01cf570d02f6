"""Letters and hues of memory; colours that rich can read."""

from dataclasses import fields

import pytest
from rich.color import Color

from tutor.view.palette import ANSI, INK, PALETTES, PAPER, Palette, letter


@pytest.mark.parametrize(
    ("block", "name"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (53, "BA"), (702, "ZZ"), (703, "AAA")]
)
def test_letters_count_like_columns_of_a_sheet(block: int, name: str) -> None:
    assert letter(block) == name


def test_there_is_no_block_zero() -> None:
    with pytest.raises(ValueError, match="block 0 has no letter"):
        letter(0)


def test_hues_cycle_through_six() -> None:
    assert [INK.hue(block) for block in (1, 6, 7)] == [INK.hues[0], INK.hues[5], INK.hues[0]]


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
def test_rich_knows_every_colour(palette: Palette) -> None:
    names = [getattr(palette, field.name) for field in fields(palette)]
    for colour in [name for name in names if isinstance(name, str) and name != palette.name] + [
        *palette.hues
    ]:
        Color.parse(colour)
    assert len(set(palette.hues)) == 6


def test_a_native_palette_uses_the_terminals_own_colours() -> None:
    assert all(Color.parse(hue).is_system_defined for hue in ANSI.hues)
    assert ANSI.tint(1, 0.3) == ANSI.panel


def test_a_tint_lies_between_surface_and_hue() -> None:
    assert PAPER.tint(1, 0.0) == PAPER.surface
    assert PAPER.tint(1, 1.0) == PAPER.hue(1)
    assert PAPER.tint(1, 0.3) not in (PAPER.surface, PAPER.hue(1))
