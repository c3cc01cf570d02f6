"""A place for a store, and what it says of trouble."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may be made; the folder is not there yet."""
    return tmp_path / "home" / "tutor.db"


@pytest.fixture
def said() -> list[str]:
    """The sentences that a store said, if it is opened with this list's append."""
    return []
