"""A rule's page as styled text."""

from __future__ import annotations

from rich.text import Text

from tutor.explain.book import Page
from tutor.view.palette import Palette
from tutor.view.prose import render_prose


def page_text(page: Page, palette: Palette) -> Text:
    """Title, idea and example; the caller wraps it."""
    return render_prose(page.text, palette)


def page_list(pages: list[Page], palette: Palette) -> Text:
    """One line a page: the rule's id and what its page is called."""
    width = max((len(page.rule) for page in pages), default=0)
    lines = [Text.assemble((page.rule.ljust(width), palette.accent), "  ", page.title) for page in pages]
    return Text("\n").join(lines)
