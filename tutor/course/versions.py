"""Code that was set aside, in words."""

from __future__ import annotations

from datetime import datetime

from tutor.course.store import Backup
from tutor.translation import later, say, translated

_WHY = {"reset": later("before a reset"), "conflict": later("from another window")}
#: Characters of the line that a version is told by.
_WIDTH = 32


def first_line(text: str) -> str:
    """The first line that says something, and how many there are where there are more."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return say("(empty)")
    first = lines[0] if len(lines[0]) <= _WIDTH else f"{lines[0][: _WIDTH - 1]}…"
    return f"{first} … {say('{count} lines', count=len(lines))}" if len(lines) > 1 else first


def version_fact(backup: Backup) -> str:
    """When it was set aside, and why."""
    when = datetime.fromtimestamp(backup.at / 1e9).astimezone()
    return say("{when:%d %b %H:%M}, {why}", when=when, why=translated(_WHY[backup.why]))
