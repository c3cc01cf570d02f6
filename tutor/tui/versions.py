"""Code that was set aside, as items of a list."""

from __future__ import annotations

from collections.abc import Sequence

from tutor.course.store import Backup
from tutor.course.versions import first_line, version_fact
from tutor.tui.chooser import Item


def version_items(backups: Sequence[Backup]) -> list[Item]:
    """One item a version, keyed by its position: its first line of code, when, and why it made way."""
    return [Item(str(index), first_line(each.text), version_fact(each)) for index, each in enumerate(backups)]
