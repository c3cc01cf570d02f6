"""Documentation as styled text: the signature as code, the rest without the marks of its markup."""

from __future__ import annotations

import re

from rich.text import Text

from tutor.view.palette import Palette
from tutor.view.syntax import highlight
from tutor.view.words import clean

_ROLE = re.compile(r":[\w:]+:`~?([^`]*)`")
_TARGET = re.compile(r"\s*<[^<>`]*>$")
_CODE = re.compile(r"``([^`]+)``|`([^`]+)`_?")
#: Paragraphs that are shown.
PARAGRAPHS = 40


def render_documentation(signature: str, text: str, palette: Palette) -> Text:
    """Signature, an empty line, then the first paragraphs."""
    shown = Text(end="", no_wrap=False)
    for line in highlight(clean(signature), palette):
        shown.append_text(line)
    for paragraph in _plain(text).split("\n\n")[:PARAGRAPHS]:
        shown.append("\n\n")
        shown.append(_joined(paragraph.strip("\n")), palette.foreground)
    return shown


def _joined(paragraph: str) -> str:
    """Prose in one line, to be wrapped where the screen ends; lists, code and tables as they are."""
    lines = paragraph.split("\n")
    is_prose = all(line[:1].isalnum() or line[:1] in "('\"" for line in lines)
    return " ".join(lines) if is_prose else paragraph


def _plain(text: str) -> str:
    lines = []
    for line in text.expandtabs(4).split("\n"):
        told = _ROLE.sub(lambda role: _TARGET.sub("", role[1]), clean(line))
        lines.append(_CODE.sub(lambda code: code[1] or _TARGET.sub("", code[2]), told).rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
