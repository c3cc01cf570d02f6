"""What Textual and torch read once, when they are first imported; which tests begin first."""

from __future__ import annotations

import os

import pytest

# Workers share the cores: threads of their own would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TORCHTUTOR_LANG"] = "en"
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests begin first, so that no worker is left alone with one of them in the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
