"""Names of tensors in drawn lines: coloured as their memory, and found again under the pointer."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from tutor.view.palette import Palette

#: Key of a style's meta that holds the name drawn there.
NAME = "tensor"


def name_style(name: str, block: int | None, palette: Palette, *, selected: bool = False) -> Style:
    """How a name in the colour of its memory is drawn; the selected one is underlined."""
    colour = palette.hue(block) if block is not None else palette.foreground
    return Style.parse(f"bold {colour}") + Style(underline=selected or None, meta={NAME: name})


def label_style(name: str, palette: Palette, *, selected: bool = False) -> Style:
    """How a name in the margin is drawn; the selected one is bright and underlined."""
    words = f"bold underline {palette.foreground}" if selected else palette.label
    return Style.parse(words) + Style(meta={NAME: name})


def named_in(line: Text) -> list[str]:
    """Names that are drawn in a line, in order."""
    styles = (span.style for span in line.spans)
    return [style.meta[NAME] for style in styles if isinstance(style, Style) and NAME in style.meta]
