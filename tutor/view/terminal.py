"""The learner's output as lines of text: colour is kept, everything else that could touch a screen is not."""

from __future__ import annotations

import re
from collections import deque

from rich.text import Text

from tutor.view.palette import Palette
from tutor.view.row import Line, Row, starts_with_mark
from tutor.view.sgr import PLAIN, apply_sgr, sgr_style
from tutor.view.words import UNSAFE

#: Anything but plain text, newlines apart.
_SPECIAL = re.compile(UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_SPECIAL_ASCII = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
#: Eight-bit controls that open or close a sequence, as the two characters that mean the same.
_EIGHT_BIT = {code: f"\x1b{chr(code - 0x40)}" for code in (0x90, 0x98, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F)}

#: Pieces of output: a run of text, an escape sequence, the opening of a string, or one control character.
#: A malformed or endless sequence is a piece too, but one that the next chunk may complete is not.
_PIECE = re.compile(
    f"(?P<text>[^{UNSAFE.pattern[1:-1]}]+)"
    "|\x1b\\[(?P<parameters>[0-?]{0,256}+)(?P<middle>[ -/]{0,16}+)(?P<final>[@-~])"
    "|\x1b\\[[0-?]{0,256}+[ -/]{0,16}+(?=[\\s\\S])"
    "|(?P<string>\x1b[\\]PX^_])"
    "|\x1b[ -/]{1,16}+(?:[0-~]|(?=[\\s\\S]))"
    "|\x1b[0-Z\\\\`-~]"
    "|\x1b(?=[^ -~])"
    "|(?P<control>[^\x1b])"
)
#: Where a string (a title, a link, a picture) ends: at its terminator, or at once where text must go on.
_STRING_END = re.compile("\x07|\x1b\\\\|(?=\x1b[^\\\\])|(?=[\n\x18\x1a])")


class TerminalText:
    """Lines of terminal output, fed in any chunks; keeps the first `head` and the last `tail` lines.

    `len(output)` and `output.line(i, palette)` serve a virtualised view.
    """

    def __init__(self, head: int = 500, tail: int = 2_000, columns: int = 10_000) -> None:
        self._limit = head
        self._columns = columns
        self._head: list[Line] = []
        self._tail: deque[Line] = deque(maxlen=tail)
        self.clear()

    def clear(self) -> None:
        """Forget everything, an unfinished sequence and the colour too."""
        self._head.clear()
        self._tail.clear()
        self._finished = 0
        self._size = 0
        self._row = Row(self._columns)
        self._row_size = 0
        self._style = PLAIN
        self._rest = ""
        self._in_string = False

    def feed(self, text: str) -> None:
        """More output, in order; an escape sequence may be split over calls."""
        if self._rest:
            text, self._rest = self._rest + text, ""
        if text.endswith("\r"):
            text, self._rest = text[:-1], "\r"
        if "\r\n" in text:
            text = text.replace("\r\n", "\n")
        special = _SPECIAL_ASCII if text.isascii() else _SPECIAL
        if self._in_string or special.search(text):
            self._feed_special(text if text.isascii() else text.translate(_EIGHT_BIT))
        else:
            self._feed_plain(text)

    def _feed_plain(self, text: str) -> None:
        """Text and newlines alone: many lines at once."""
        end = text.rfind("\n")
        if end < 0:
            self._write(text)
            return
        start = text.find("\n")
        self._write(text[:start])
        self._newline()
        if end > start:
            self._keep_plain(text[start + 1 : end].split("\n"), end - start)
        self._write(text[end + 1 :])

    def _keep_plain(self, texts: list[str], size: int) -> None:
        """Whole lines of plain text; of a flood only those that stay are looked at."""
        first, last = self._limit - len(self._head), self._tail.maxlen or 0
        self._finished += max(0, len(texts) - first - last)
        if len(texts) > first + last:
            texts = texts[:first] + texts[len(texts) - last :]
        plain = self._style == PLAIN
        self._keep([self._styled(text, plain) for text in texts], size)

    def _styled(self, text: str, plain: bool) -> Line:
        if plain and len(text) * 2 <= self._columns and not starts_with_mark(text):
            return text
        row = Row(self._columns)
        row.write(text, self._style)
        return row.line()

    def _write(self, text: str) -> None:
        self._row.write(text, self._style)
        self._row_size += len(text)

    def _newline(self) -> None:
        self._keep([self._row.line()], self._row_size + 1)
        self._row = Row(self._columns)
        self._row_size = 0

    def _keep(self, lines: list[Line], size: int) -> None:
        self._finished += len(lines)
        self._size += size
        room = self._limit - len(self._head)
        if room > 0:
            self._head += lines[:room]
            lines = lines[room:]
        self._tail.extend(lines)

    def _feed_special(self, text: str) -> None:
        at = 0
        while at < len(text):
            if self._in_string:
                at = self._skip_string(text, at)
                continue
            piece = _PIECE.match(text, at)
            if piece is None:  # an escape sequence that the next chunk will end
                self._rest = text[at:] + self._rest
                return
            at = piece.end()
            if piece.lastgroup == "text":
                self._write(piece[0])
            else:
                self._take(piece)

    def _skip_string(self, text: str, at: int) -> int:
        end = _STRING_END.search(text, at)
        if end is not None:
            self._in_string = False
            return end.end()
        if text.endswith("\x1b"):
            self._rest = "\x1b" + self._rest
        return len(text)

    def _take(self, piece: re.Match[str]) -> None:
        match piece.lastgroup:
            case "final":
                self._take_sequence(piece["parameters"], piece["middle"], piece["final"])
            case "string":
                self._in_string = True
            case "control":
                self._take_control(piece["control"])

    def _take_sequence(self, parameters: str, middle: str, final: str) -> None:
        """Colour and erasing on the line itself; every other sequence could reach beyond it."""
        if middle or parameters[:1] in ("<", "=", ">", "?"):
            return
        if final == "m":
            self._style = apply_sgr(self._style, parameters)
        elif final == "K" and parameters in ("", "0", "1", "2"):
            self._row.erase(int(parameters or 0))

    def _take_control(self, control: str) -> None:
        match control:
            case "\n":
                self._newline()
            case "\r":
                self._row.home()
            case "\b":
                self._row.back()
            case "\t":
                self._row.tab()
            case _ if "\ud800" <= control <= "\udfff":
                self._write("\N{REPLACEMENT CHARACTER}")

    @property
    def _hidden(self) -> int:
        return self._finished - len(self._head) - len(self._tail)

    @property
    def _open(self) -> bool:
        """Whether the last line has begun but not ended."""
        return not self._row.empty

    def __len__(self) -> int:
        """Number of lines that `lines` gives."""
        return len(self._head) + (self._hidden > 0) + len(self._tail) + self._open

    def line(self, index: int, palette: Palette) -> Text:
        """Line `index` of `lines`."""
        if index < 0 or index >= len(self):
            raise IndexError(f"line {index} of {len(self)}")
        if index < len(self._head):
            return _text(self._head[index], palette)
        index -= len(self._head)
        if self._hidden > 0:
            if index == 0:
                return Text(self._gap(), f"italic {palette.muted}", end="")
            index -= 1
        return _text(self._tail[index] if index < len(self._tail) else self._row.line(), palette)

    def lines(self, palette: Palette) -> list[Text]:
        """All kept lines; one line in the middle says how many are not shown."""
        lines = [_text(line, palette) for line in self._head]
        if self._hidden > 0:
            lines.append(self.line(len(self._head), palette))
        lines += [_text(line, palette) for line in self._tail]
        return [*lines, _text(self._row.line(), palette)] if self._open else lines

    def drain(self, palette: Palette) -> list[Text]:
        """The kept lines that have ended, which are forgotten; the open line and the colour stay."""
        lines = self.lines(palette)
        if self._open:
            lines.pop()
        self._head.clear()
        self._tail.clear()
        self._finished = self._size = 0
        return lines

    def plain(self) -> list[str]:
        """The text of `lines`."""
        gap = [self._gap()] if self._hidden > 0 else []
        kept = [*self._head, *gap, *self._tail, *([self._row.line()] if self._open else [])]
        return [line if isinstance(line, str) else line[0] for line in kept]

    def _gap(self) -> str:
        kept = sum(len(line if isinstance(line, str) else line[0]) + 1 for line in (*self._head, *self._tail))
        lines = "1 line" if self._hidden == 1 else f"{self._hidden:,} lines"
        return f"… {lines} ({_binary(max(0, self._size - kept))}) not shown …"


def _binary(size: int) -> str:
    if size < 1_024:
        return f"{size} B"
    return f"{size / 1_024:.0f} KiB" if size < 1_024 * 1_000 else f"{size / 1_048_576:.0f} MiB"


def _text(line: Line, palette: Palette) -> Text:
    if isinstance(line, str):
        return Text(line, palette.foreground, end="")
    text = Text(line[0], palette.foreground, end="")
    for start, end, sgr in line[1]:
        text.stylize(sgr_style(sgr, palette), start, end)
    return text
