"""What the terminal shows of the app, row by row."""

from __future__ import annotations

from typing import Any

from textual._context import visible_screen_stack
from textual.app import App
from textual.strip import Strip


def shown_strips(app: App[Any]) -> list[Strip]:
    """One strip of styled text for each row.

    A sheet through which the bench is seen is told of the bench, as when Textual paints it: a sheet that is
    drawn here before Textual does would otherwise stay on a blank ground.
    """
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()
