"""What NO_COLOR asks for: no colours, not even greys; bold, underline and reverse say what colours would."""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from tutor.view.palette import ANSI

#: Numbers of the terminal's colours that the native palette uses for what is faint, and for the accent.
_FAINT, _ACCENT = RichColor.parse(ANSI.muted).number, RichColor.parse(ANSI.accent).number


@lru_cache(1024)
def colourless(style: Style) -> Style:
    """A ground becomes reverse, what is faint dim, the accent bold; every other colour goes."""
    plain = style.without_color
    if style.bgcolor is not None and not style.bgcolor.is_default:
        return plain + Style(reverse=not style.reverse, dim=False)
    number = style.color.number if style.color is not None else None
    if number == _FAINT:
        return plain + Style(dim=True)
    if number == _ACCENT:
        return plain + Style(bold=True)
    return plain


class Colourless(LineFilter):
    """Takes the colours out of all that is drawn with the terminal's own."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without colours."""
        return [
            Segment(text, colourless(style) if style is not None else None, control)
            for text, style, control in segments
        ]
