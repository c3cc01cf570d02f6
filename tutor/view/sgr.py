"""Select Graphic Rendition: the colour sequences of a terminal, as values."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rich.style import Style

from tutor.view.palette import Palette

#: An entry of the terminal's 256 colours, or red, green, blue.
Colour = int | tuple[int, int, int]

_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike", 21: "underline"}
_OFF = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("reverse",),
    29: ("strike",),
}
_NATIVE = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


class Sgr(NamedTuple):
    """How text is drawn. A tuple, because it is compared once for every piece of output."""

    fore: Colour | None = None
    back: Colour | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Sgr()


@lru_cache(maxsize=1_024)
def apply_sgr(sgr: Sgr, parameters: str) -> Sgr:
    """The style after `ESC [ parameters m`; what is unknown or malformed changes nothing."""
    codes = [_numbers(part) for part in parameters.split(";")]
    at = 0
    while at < len(codes):
        code = codes[at]
        at += 1
        if code[0] in (38, 48, 58):
            values = code[1:]
            if not values:  # the older form spreads the colour over the next parameters
                taken = {5: 2, 2: 4}.get(codes[at][0], 1) if at < len(codes) else 0
                values = [number for part in codes[at : at + taken] for number in part[:1]]
                at += taken
            sgr = _coloured(sgr, code[0], _extended(values))
        else:
            sgr = _simple(sgr, code)
    return sgr


def _numbers(part: str) -> list[int]:
    return [int(word) if 0 < len(word) < 6 else 0 for word in part.split(":")]


def _extended(values: list[int]) -> Colour | None:
    """The colour after 38 or 48: `5;n`, `2;r;g;b`, or with colons `2::r:g:b`."""
    if len(values) >= 2 and values[0] == 5 and values[1] < 256:
        return values[1]
    if len(values) >= 4 and values[0] == 2:
        red, green, blue = values[-3:] if len(values) <= 5 else values[2:5]
        if max(red, green, blue) < 256:
            return red, green, blue
    return None


def _coloured(sgr: Sgr, code: int, colour: Colour | None) -> Sgr:
    if colour is None or code == 58:
        return sgr
    return sgr._replace(fore=colour) if code == 38 else sgr._replace(back=colour)


def _simple(sgr: Sgr, code: list[int]) -> Sgr:
    number = code[0]
    if number == 0:
        return PLAIN
    if number == 4 and code[1:] == [0]:
        return sgr._replace(underline=False)
    if number in _ON:
        return sgr._replace(**{_ON[number]: True})
    if number in _OFF:
        return sgr._replace(**dict.fromkeys(_OFF[number], False))
    if number in (39, 49):
        return sgr._replace(fore=None) if number == 39 else sgr._replace(back=None)
    tens, colour = divmod(number, 10)
    if colour < 8 and tens in (3, 9):
        return sgr._replace(fore=colour + (8 if tens == 9 else 0))
    if colour < 8 and tens in (4, 10):
        return sgr._replace(back=colour + (8 if tens == 10 else 0))
    return sgr


@lru_cache(maxsize=4_096)
def sgr_style(sgr: Sgr, palette: Palette) -> Style:
    """The rich style; the sixteen named colours become the palette's, so that they stay readable on it."""
    return Style(
        color=_name(sgr.fore, palette),
        bgcolor=_name(sgr.back, palette),
        bold=sgr.bold or None,
        dim=sgr.dim or None,
        italic=sgr.italic or None,
        underline=sgr.underline or None,
        reverse=sgr.reverse or None,
        strike=sgr.strike or None,
    )


def _name(colour: Colour | None, palette: Palette) -> str | None:
    if colour is None:
        return None
    if isinstance(colour, tuple):
        return "#{:02x}{:02x}{:02x}".format(*colour)
    if colour >= 16:
        return f"color({colour})"
    if palette.native:
        return ("bright_" if colour >= 8 else "") + _NATIVE[colour % 8]
    ground = palette.panel if palette.dark else palette.foreground
    pale = palette.foreground if palette.dark else palette.panel
    named = (
        palette.muted if colour >= 8 else ground,
        palette.error,
        palette.success,
        palette.warning,
        palette.primary,
        palette.keyword,
        palette.secondary,
        pale,
    )
    return named[colour % 8]
