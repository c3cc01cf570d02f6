"""Names of tensors in drawn lines: coloured as their memory, and found again under the pointer."""

from __future__ import annotations

from typing import Any

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


def metas_of(line: Text) -> list[dict[str, Any]]:
    """What the parts of a line carry, in order."""
    return [span.style.meta for span in line.spans if isinstance(span.style, Style) and span.style.meta]


def has_meta(line: Text, key: str) -> bool:
    """Whether some part of a line carries `key`."""
    return any(key in meta for meta in metas_of(line))


def named_in(line: Text) -> list[str]:
    """Names that are drawn in a line, in order."""
    return [meta[NAME] for meta in metas_of(line) if NAME in meta]
