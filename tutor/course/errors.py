"""The one error that a lesson file can give."""

from __future__ import annotations

from pathlib import Path


class LessonError(Exception):
    """What is wrong with a lesson, where, and what to do.

    `line` and `column` are 1-based. Both are 0 where no file was found to point into.
    """

    def __init__(self, path: Path | str, line: int, column: int, message: str) -> None:
        super().__init__(path, line, column, message)
        self.path = Path(path)
        self.line = line
        self.column = column
        self.message = message

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}" if self.line else str(self.path)
        return f"{place}: {self.message}"
