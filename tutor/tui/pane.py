"""A part of the page that can have the focus, and its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from textual.widget import Widget


@runtime_checkable
class Searchable(Protocol):
    """A pane with a search of its own."""

    def find(self) -> None:
        """Ask what to look for."""


@dataclass(frozen=True, slots=True)
class Pane:
    """`widget` takes the focus; `name` is what it is called in headings and lists."""

    name: str
    widget: Widget
