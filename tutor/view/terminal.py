"""The learner's output as lines of text: colour is kept, everything else that could touch a screen is not."""

from __future__ import annotations

import re
from collections import deque

from rich.text import Text

from tutor.translation import say
from tutor.view.palette import Palette
from tutor.view.row import Line, Row, starts_with_mark
from tutor.view.sgr import PLAIN, Sgr, apply_sgr, sgr_style
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

    `len(output)` and `output.line(i, palette)` serve a virtualised view. The cursor may go back up over
    at most `rewind` lines, as nested progress bars do.
    """

    def __init__(self, head: int = 500, tail: int = 2_000, columns: int = 10_000, rewind: int = 0) -> None:
        self._limit = head
        self._columns = columns
        self._rewind = rewind
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
        #: Lines below the cursor, nearest first: it has gone up.
        self._below: deque[Row] = deque()
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
        if self._in_string or self._below or special.search(text):
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
        return _ended(row)

    def _write(self, text: str) -> None:
        self._row.write(text, self._style)
        self._row_size += len(text)

    def _newline(self) -> None:
        self._keep([_ended(self._row)], self._row_size + 1)
        self._row = self._below.popleft() if self._below else Row(self._columns)
        self._row.home()
        self._row_size = 0

    def _go_up(self, count: int) -> None:
        """Back to a line that has ended, as far as there are lines and they may be touched."""
        column = self._row.column
        for _ in range(min(count, self._rewind - len(self._below))):
            if not self._tail and (self._hidden or not self._head):
                break
            line = (self._tail or self._head).pop()
            self._finished -= 1
            self._below.appendleft(self._row)
            self._row = Row.of(line, self._columns)
            self._row_size = _length(line)
            self._size -= self._row_size + 1
        self._row.move(column)

    def _go_down(self, count: int) -> None:
        """Towards the last line; a line that is not there is not made."""
        column = self._row.column
        for _ in range(min(count, len(self._below))):
            self._newline()
        self._row.move(column)

    def _erase_below(self, mode: str) -> None:
        """From the cursor to the end of what can be touched."""
        if mode in ("", "0"):
            self._row.erase(0)
            self._below.clear()

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
        elif self._rewind and (not parameters or parameters.isdigit()):
            self._take_movement(int(parameters[:4] or 1) or 1, final, parameters)

    def _take_movement(self, count: int, final: str, parameters: str) -> None:
        match final:
            case "A" | "F":
                self._go_up(count)
            case "B" | "E":
                self._go_down(count)
            case "J":
                self._erase_below(parameters)
        if final in "EF":
            self._row.home()

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

    def _open(self) -> list[Line]:
        """The lines that have begun but not ended; what is blank below the cursor is none."""
        lines = [_ended(row) for row in (self._row, *self._below)]
        while len(lines) > 1 and not _plain(lines[-1]).strip():
            lines.pop()
        return [] if len(lines) == 1 and self._row.empty else lines

    @property
    def so_far(self) -> int:
        """Lines that there have been, kept or not; an open one counts once something stands in it."""
        return self._finished + len(self._open())

    @property
    def hidden(self) -> int:
        """Lines in the middle that are not kept; they have one line in their place, at `gap`."""
        return self._hidden

    @property
    def gap(self) -> int:
        """Number of lines before those that are not kept."""
        return len(self._head)

    def shrink(self, head: int, tail: int) -> None:
        """Keep only so many first and last lines from now on."""
        if len(self) > head + tail + 1:
            kept = [*self._head, *self._tail]
            hidden_before = self._hidden > 0
            first = self._head[:head]
            last = list(self._tail) if hidden_before else kept[len(first) :]
            self._limit, self._head = head, first
            self._tail = deque(last[-tail:], maxlen=tail)

    def __len__(self) -> int:
        """Number of lines that `lines` gives."""
        return len(self._head) + (self._hidden > 0) + len(self._tail) + len(self._open())

    def line(self, index: int, palette: Palette) -> Text:
        """Line `index` of `lines`."""
        if index < 0 or index >= len(self):
            raise IndexError(f"line {index} of {len(self)}")
        if index < len(self._head):
            return line_text(self._head[index], palette)
        index -= len(self._head)
        if self._hidden > 0:
            if index == 0:
                return Text(self._gap(), f"italic {palette.muted}", end="")
            index -= 1
        if index < len(self._tail):
            return line_text(self._tail[index], palette)
        return line_text(self._open()[index - len(self._tail)], palette)

    def lines(self, palette: Palette) -> list[Text]:
        """All kept lines; one line in the middle says how many are not shown."""
        lines = [line_text(line, palette) for line in self._head]
        if self._hidden > 0:
            lines.append(self.line(len(self._head), palette))
        return lines + [line_text(line, palette) for line in (*self._tail, *self._open())]

    def drain(self, palette: Palette) -> list[Text]:
        """The kept lines that have ended, which are forgotten; the open line and the colour stay."""
        lines = self.lines(palette)
        del lines[len(lines) - len(self._open()) :]
        self._head.clear()
        self._tail.clear()
        self._finished = self._size = 0
        return lines

    def take(self, *, all: bool = False) -> list[Line]:
        """The kept lines that nothing can change any more, or `all`; they are forgotten."""
        lines = [*self._head, *self._tail]
        held = 0 if all else min(self._rewind, len(lines))
        taken = lines[: len(lines) - held]
        self._head = lines[len(lines) - held :]
        self._tail.clear()
        self._finished = len(self._head)
        self._size = sum(_length(line) + 1 for line in self._head)
        return [*taken, *self._open()] if all else taken

    def plain(self) -> list[str]:
        """The text of `lines`."""
        gap = [self._gap()] if self._hidden > 0 else []
        return [_plain(line) for line in (*self._head, *gap, *self._tail, *self._open())]

    def _gap(self) -> str:
        kept = sum(_length(line) + 1 for line in (*self._head, *self._tail))
        return say(
            "… {count:,} line ({size}) not shown …"
            if self._hidden == 1
            else "… {count:,} lines ({size}) not shown …",
            count=self._hidden,
            size=_binary(max(0, self._size - kept)),
        )


def _ended(row: Row) -> Line:
    """The line as it is kept: one that was too long says so."""
    line = row.line()
    if not row.lost:
        return line
    text, spans = (line, ()) if isinstance(line, str) else line
    note = " " + say(
        "… {count:,} more character" if row.lost == 1 else "… {count:,} more characters", count=row.lost
    )
    return text + note, (*spans, (len(text), len(text) + len(note), Sgr(dim=True)))


def _plain(line: Line) -> str:
    return line if isinstance(line, str) else line[0]


def _length(line: Line) -> int:
    return len(_plain(line))


def _binary(size: int) -> str:
    if size < 1_024:
        return f"{size} B"
    return f"{size / 1_024:.0f} KiB" if size < 1_024 * 1_000 else f"{size / 1_048_576:.0f} MiB"


def line_text(line: Line, palette: Palette) -> Text:
    """A kept line in the palette's colours."""
    if isinstance(line, str):
        return Text(line, palette.foreground, end="")
    text = Text(line[0], palette.foreground, end="")
    for start, end, sgr in line[1]:
        text.stylize(sgr_style(sgr, palette), start, end)
    return text
