"""Code that was set aside, as items of a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tutor.course.store import Backup
from tutor.translation import later, say, translated
from tutor.tui.chooser import Item

_WHY = {"reset": later("before a reset"), "conflict": later("from another window")}


def version_items(backups: Sequence[Backup]) -> list[Item]:
    """One item a version, keyed by its position: its first line of code, when, and why it made way."""
    return [Item(str(index), _first_line(each.text), _fact(each)) for index, each in enumerate(backups)]


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    more = " … " + say("{count} lines", count=len(lines)) if len(lines) > 1 else ""
    return f"{lines[0][:32]}{more}" if lines else say("(empty)")


def _fact(backup: Backup) -> str:
    when = datetime.fromtimestamp(backup.at / 1e9).astimezone()
    return say("{when:%d %b %H:%M}, {why}", when=when, why=translated(_WHY[backup.why]))
