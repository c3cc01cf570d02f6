"""What is behind an explanation: all of it, and the page of its rule, over the screen until Escape."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tutor.explain.book import NoPageError, find_page
from tutor.explain.repair import Explained
from tutor.translation import say
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of
from tutor.tui.sheet import Sheet
from tutor.view.palette import Palette
from tutor.view.prose import mark_code, render_prose
from tutor.view.syntax import highlight
from tutor.view.words import clean


class BehindScreen(Sheet[None]):
    """The page of a rule; above it, what the rule said of the learner's code."""

    CSS_PATH = "behind.tcss"
    AUTO_FOCUS = "#behind-box"
    BINDINGS = [Binding("escape,enter,f24,shift+f12,q,ctrl+c", "dismiss(None)", "Close", show=False)]

    def __init__(self, rule: str, explained: Explained | None = None) -> None:
        super().__init__()
        self._rule = rule
        self._explained = explained

    def compose(self) -> ComposeResult:
        """The rule over what there is to read."""
        palette = palette_of(self.app.theme)
        with Vertical(id="behind"):
            yield Heading(self._rule, say("↑ ↓ scroll · esc closes"))
            with VerticalScroll(id="behind-box"):
                if self._explained is not None:
                    yield Static(explanation_text(self._explained, palette), id="said", markup=False)
                yield Static(_page_text(self._rule, palette), markup=False)


def explanation_text(explained: Explained, palette: Palette) -> Text:
    """All that an explanation says."""
    explanation = explained.explanation
    colour = palette.error if explanation.kind == "error" else palette.warning
    title = mark_code(Text(clean(explanation.title), f"bold {colour}"), palette)
    text = Text("\n").join(
        mark_code(Text(clean(line), palette.foreground), palette) for line in explanation.text.split("\n")
    )
    shown = Text("\n").join([title, text])
    if explanation.fix is not None:
        shown.append("\n\n" + say("Instead:"), palette.label)
        for line in highlight("\n".join(map(clean, explanation.fix.split("\n"))), palette):
            shown.append("\n  ").append_text(line)
    return shown


def _page_text(rule: str, palette: Palette) -> Text:
    try:
        return render_prose(find_page(rule).text, palette)
    except NoPageError:
        return Text()
