"""Two full palettes and one of the terminal's own sixteen colours; memory has a letter and a hue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Palette:
    """Named colours that rich can parse; `native` palettes use only the terminal's sixteen."""

    name: str
    dark: bool
    foreground: str
    background: str
    surface: str
    panel: str
    accent: str
    primary: str
    secondary: str
    rule: str
    label: str
    muted: str
    success: str
    warning: str
    error: str
    hues: tuple[str, ...]
    keyword: str
    number: str
    string: str
    function: str
    native: bool = False
    #: The terminal has too few colours for tints.
    flat: bool = False

    def hue(self, block: int) -> str:
        """The colour of memory block `block` (1-based) wherever it appears; cycles."""
        return self.hues[(block - 1) % len(self.hues)]

    def tint(self, block: int, share: float) -> str:
        """The hue of `block` over the surface, `share` in 0..1 of it; in native palettes the panel."""
        return self.panel if self.native else self.blend(self.hue(block), share)

    def blend(self, colour: str, share: float) -> str:
        """`colour` over the surface, `share` in 0..1 of it; not for native palettes."""
        return _blend(colour, self.surface, share)


INK = Palette(
    name="ink",
    dark=True,
    foreground="#d3d7de",
    background="#14161a",
    surface="#1a1d22",
    panel="#252a31",
    accent="#f0845f",
    primary="#7cafff",
    secondary="#6fd0b6",
    rule="#2b3038",
    label="#8b94a1",
    muted="#69717d",
    success="#8fce9b",
    warning="#f2b36d",
    error="#f2777a",
    hues=("#7cafff", "#f2b36d", "#6fd0b6", "#d69cf2", "#e6cf6e", "#f58ba0"),
    keyword="#c9a0e8",
    number="#f2b36d",
    string="#9ccf8f",
    function="#8fb8f0",
)

PAPER = Palette(
    name="paper",
    dark=False,
    foreground="#24282e",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e6e3dc",
    accent="#c2411c",
    primary="#1f63c4",
    secondary="#0b7a62",
    rule="#dcd8cf",
    label="#6d6f73",
    muted="#94948f",
    success="#1d7a3a",
    warning="#b35a00",
    error="#b3261e",
    hues=("#1f63c4", "#b35a00", "#0b7a62", "#8a3db0", "#7d6600", "#b3304f"),
    keyword="#8a3db0",
    number="#b35a00",
    string="#1d7a3a",
    function="#1f63c4",
)

ANSI = Palette(
    name="ansi",
    dark=True,
    foreground="default",
    background="default",
    surface="default",
    panel="default",
    accent="bright_red",
    primary="bright_blue",
    secondary="cyan",
    rule="bright_black",
    label="default",
    muted="bright_black",
    success="green",
    warning="yellow",
    error="red",
    hues=("bright_blue", "yellow", "cyan", "magenta", "green", "red"),
    keyword="magenta",
    number="yellow",
    string="green",
    function="bright_blue",
    native=True,
)


PALETTES = (INK, PAPER, ANSI)


@lru_cache(maxsize=1024)
def letter(block: int) -> str:
    """The letter of memory block `block`, 1-based: A..Z, AA, AB, …"""
    if block < 1:
        raise ValueError(f"block {block} has no letter: blocks are numbered from 1")
    letters = ""
    while block:
        block, place = divmod(block - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


@lru_cache(maxsize=1024)
def _blend(top: str, ground: str, share: float) -> str:
    channels = (
        round(int(top[i : i + 2], 16) * share + int(ground[i : i + 2], 16) * (1 - share)) for i in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in channels)
