"""What Textual and torch read once, when they are first imported; garbage; which tests begin first."""

from __future__ import annotations

import gc
import os

import pytest

# Workers share the cores: threads of their own would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TORCHTUTOR_LANG"] = "en"
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
# Apps come and go by the hundred here, and a fifth of their time went into looking for garbage.
gc.set_threshold(25_000, 10, 5)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests begin first, so that no worker is left alone with one of them in the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: nobody needs to look for garbage in it."""
    gc.freeze()
