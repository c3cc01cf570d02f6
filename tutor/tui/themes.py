"""The view's palettes as Textual themes."""

from __future__ import annotations

from rich.color import Color as RichColor
from rich.style import Style
from textual.theme import Theme

from tutor.translation import say
from tutor.view.palette import ANSI, INK, PAPER, Palette

PALETTES = {palette.name: palette for palette in (INK, PAPER, ANSI)}


def themes() -> list[Theme]:
    """One Textual theme a palette, under the same name."""
    return [_theme(palette) for palette in PALETTES.values()]


def suitable(color_system: str | None, no_color: bool, wanted: str) -> str:
    """The theme to begin with. On 16 colours every pastel collapses, so the terminal's own are used.

    Without colours too: what they say there is said by the attributes of the terminal's own theme.
    """
    if no_color:
        return ANSI.name
    if wanted in PALETTES:
        return wanted
    return ANSI.name if color_system == "standard" else INK.name


def choices(no_color: bool) -> list[tuple[str, str]]:
    """The themes that can be chosen and what they are."""
    if no_color:
        return [(ANSI.name, say("without colours, since NO_COLOR is set"))]
    own = say("the terminal's own colours")
    return [(INK.name, say("dark")), (PAPER.name, say("light")), (ANSI.name, own)]


def ground(color: str) -> Style:
    """A style that only sets the background."""
    return Style(bgcolor=RichColor.parse(color))


_NAMES = (
    "primary", "secondary", "accent", "foreground", "background", "surface", "panel",
    "success", "warning", "error", "rule", "label", "muted",
)  # fmt: skip


def _css(color: str, native: bool) -> str:
    return f"ansi_{color}" if native else color


def _theme(palette: Palette) -> Theme:
    color = {name: _css(getattr(palette, name), palette.native) for name in _NAMES}
    selection = "ansi_bright_black" if palette.native else palette.primary + " 30%"
    return Theme(
        name=palette.name,
        dark=palette.dark,
        ansi=palette.native,
        primary=color["primary"],
        secondary=color["secondary"],
        accent=color["accent"],
        foreground=color["foreground"],
        background=color["background"],
        surface=color["surface"],
        panel=color["panel"],
        boost="ansi_default" if palette.native else None,
        success=color["success"],
        warning=color["warning"],
        error=color["error"],
        variables={
            "rule": color["rule"],
            "label": color["label"],
            "muted": color["muted"],
            "faint": color["muted"] if palette.native else palette.muted + " 60%",
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
            "cursor": "ansi_black" if palette.native else palette.background,
            "block-cursor-background": color["panel"],
            "block-cursor-foreground": color["foreground"],
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": color["surface"],
            "block-cursor-blurred-foreground": color["foreground"],
            "block-hover-background": color["surface"],
            "input-cursor-background": color["accent"],
            "input-selection-background": selection,
            "screen-selection-background": selection,
            "scrollbar": color["rule"],
            "scrollbar-hover": color["label"],
            "scrollbar-active": color["accent"],
            "scrollbar-background": color["background"],
            "scrollbar-background-hover": color["background"],
            "scrollbar-background-active": color["background"],
            "scrollbar-corner-color": color["background"],
        },
    )
