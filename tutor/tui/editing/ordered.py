"""Keys take effect in the order in which they were pressed, however fast they come."""

from __future__ import annotations

from typing import Self

from textual import events
from textual.widgets import TextArea


class OrderedTextArea(TextArea):
    """A text area that obeys its own bindings at once.

    Textual passes a key that is bound up to the app, and runs its action when the next keys may have been
    inserted already: over a slow connection `a`, backspace, `b` would become nothing.
    """

    async def _on_key(self, event: events.Key) -> None:
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if not binding.priority and await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return
        await super()._on_key(event)

    def focus(self, scroll_visible: bool = True) -> Self:
        """Have the focus at once: Textual gives it after the keys that have come by then."""
        if self.is_attached:
            self.screen.set_focus(self, scroll_visible)
            return self
        return super().focus(scroll_visible)
