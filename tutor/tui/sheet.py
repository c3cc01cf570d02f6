"""What lies over a bench, until it is answered or closed."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Sheet(ModalScreen[Answer]):
    """A modal screen that answers once: Textual's own `dismiss` takes away whatever lies on top."""

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Close, unless an earlier key of the same burst did."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
