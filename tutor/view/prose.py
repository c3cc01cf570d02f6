"""Lesson Markdown as one rich Text; the caller wraps it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import StringIO

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

from tutor.view.palette import Palette
from tutor.view.words import UNSAFE, clean

_PARSER = MarkdownIt("commonmark")
#: Rich asks a console, which it writes nothing to, how tabs and justification are to be.
_CONSOLE = Console(color_system=None, file=StringIO())
_MOODS = {"strong_open": "bold", "em_open": "italic", "link_open": "underline"}

#: What a line begins with and its continuation is indented by: quote bars, nesting, a list marker.
_LEAD = re.compile(r"(?:▎ )*(?: *(?:· |\d+\. ))?")
#: The least room, in cells, that an indented continuation needs; with less it is not indented.
_LEAST_ROOM = 10

#: Code in a sentence.
_CODE_SPAN = re.compile(r"`[^`]+`")


def render_prose(markdown: str, palette: Palette, *, quoted: bool = False) -> Text:
    """Paragraphs separated by a blank line, without hard breaks inside them.

    Where no colour can tell code from words, it is `quoted`: it keeps its backquotes."""
    page = _Page(palette, quoted)
    for token in _PARSER.parse(markdown):
        page.take(token)
    return page.text()


class _Page:
    """Blocks of prose, gathered from markdown-it's flat tokens."""

    def __init__(self, palette: Palette, quoted: bool) -> None:
        self._palette = palette
        self._quoted = quoted
        #: Each block, and whether the next one follows without a blank line.
        self._blocks: list[tuple[Text, bool]] = []
        #: One entry a list that is open: the next number, or None for bullets.
        self._lists: list[int | None] = []
        self._marker = ""
        self._quotes = 0
        self._heading = False
        self._tight = False

    def text(self) -> Text:
        """The blocks, a blank line between them except inside a tight list."""
        page = Text(end="")
        for block, follows_closely in self._blocks:
            page.append_text(block)
            page.append("\n" if follows_closely else "\n\n")
        page.rstrip()
        return page

    def take(self, token: Token) -> None:
        match token.type:
            case "heading_open" | "heading_close":
                self._heading = token.nesting > 0
            case "paragraph_open":
                self._tight = token.hidden
            case "blockquote_open" | "blockquote_close":
                self._quotes += token.nesting
            case "inline":
                self._add(Text("", end="").join(self._spans(token.children or [])))
            case "fence" | "code_block":
                self._add_code(token)
            case "hr":
                self._add(Text("───", self._palette.rule))
            case "html_block":
                self._add(Text(clean(token.content.strip().replace("\n", " ")), self._base()))
            case _:
                self._take_list(token)

    def _take_list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrGet("start") or 1))
            case "list_item_open":
                self._marker = self._next_marker()
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                if not self._lists and self._blocks:
                    # Outside of all lists a blank line follows again.
                    self._blocks[-1] = (self._blocks[-1][0], False)

    def _next_marker(self) -> str:
        number = self._lists[-1]
        if number is None:
            return "· "
        self._lists[-1] = number + 1
        return f"{number}. "

    def _base(self) -> str:
        if self._heading:
            return f"bold {self._palette.foreground}"
        return self._palette.accent if self._quotes else self._palette.foreground

    def _lead(self) -> Text:
        """Quote bars, the indent of nested lists, and the marker of a list item at its first block."""
        lead = Text("▎ " * self._quotes, self._palette.accent, end="")
        if self._lists:
            lead.append("  " * (len(self._lists) - 1))
            lead.append(self._marker or "  ", self._palette.accent)
            self._marker = ""
        return lead

    def _add(self, body: Text) -> None:
        self._blocks.append((self._lead().append_text(body), bool(self._lists) and self._tight))

    def _add_code(self, token: Token) -> None:
        source = "\n".join(clean(line) for line in token.content.rstrip("\n").split("\n"))
        language = token.info.strip().split(" ")[0]
        if language in ("", "python", "py"):
            from tutor.view.syntax import highlight  # the lexer takes a while: not before it is needed

            lines = highlight(source, self._palette)
        else:
            lines = [Text(line, self._palette.foreground, end="") for line in source.split("\n")]
        indented = [self._lead().append("  ").append_text(line) for line in lines]
        self._blocks.append((Text("\n", end="").join(indented), bool(self._lists)))

    def _spans(self, children: Sequence[Token]) -> Iterator[Text]:
        moods: list[str] = []
        for child in children:
            style = Style.parse(" ".join((self._base(), *moods)))
            match child.type:
                case "strong_open" | "em_open" | "link_open":
                    moods.append(_MOODS[child.type])
                case "strong_close" | "em_close" | "link_close":
                    moods.pop()
                case "softbreak":
                    yield Text(" ", style)
                case "hardbreak":
                    yield Text("\n", style)
                case "code_inline":
                    code = _safe(child.content)
                    yield Text(f"`{code}`" if self._quoted else code, Style.parse(self._palette.primary))
                case _:
                    yield Text(_safe(child.content), style)


def fold(page: Text, width: int) -> Text:
    """The page in lines of at most `width` cells; what continues a list item stands under its text."""
    folded = Text(end=page.end)
    for number, line in enumerate(page.split("\n", allow_blank=True)):
        if number:
            folded.append("\n")
        folded.append_text(_fold_line(line, width))
    return folded


def _fold_line(line: Text, width: int) -> Text:
    found = _LEAD.match(line.plain)
    lead = line[: found.end()] if found else Text(end="")
    if cell_len(line.plain) <= width or width - lead.cell_len < _LEAST_ROOM:
        lead = line[:0]
    rest = line[len(lead) :]
    # Quote bars go on; in place of a marker there is nothing.
    under = lead[: 2 * lead.plain.count("▎")]
    under.append(" " * (lead.cell_len - under.cell_len))
    parts = rest.wrap(_CONSOLE, max(1, width - lead.cell_len))
    folded = Text(end=line.end)
    for number, part in enumerate(parts):
        part.rstrip()
        folded.append_text(under if number else lead)
        folded.append_text(part)
        if number < len(parts) - 1:
            folded.append("\n")
    return folded


def _safe(text: str) -> str:
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def split_question(markdown: str) -> tuple[str, str]:
    """The text, and the quoted paragraph at its end, which asks; empty where it ends without one."""
    text, _, last = markdown.rstrip().rpartition("\n\n")
    if not last.startswith("> "):
        return markdown, ""
    return text, last


def mark_code(line: Text, palette: Palette) -> Text:
    """`line` with what stands between backticks coloured as code, and without the backticks."""
    cuts = [found.span() for found in _CODE_SPAN.finditer(line.plain)]
    if not cuts:
        return line
    marked, at = Text(end=line.end), 0
    for start, end in cuts:
        code = line[start + 1 : end - 1]
        code.stylize(palette.primary)
        marked.append_text(line[at:start]).append_text(code)
        at = end
    return marked.append_text(line[at:])
