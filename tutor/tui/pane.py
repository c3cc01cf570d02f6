"""A part of the page that can have the focus, and its name."""

from __future__ import annotations

from dataclasses import dataclass

from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Pane:
    """`widget` takes the focus; `name` is what it is called in headings and lists."""

    name: str
    widget: Widget
