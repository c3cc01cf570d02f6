"""The prompt in a terminal: editing, history, search, colour, completion."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from platformdirs import user_data_path
from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import DummyHistory, FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style
from pygments.lexers.python import PythonLexer

from tutor.repl.completion import Candidates, Completion
from tutor.repl.out import PALETTE, Out
from tutor.repl.pieces import Piece, is_finished, next_indent
from tutor.repl.reader import MORE, PROMPT, Stopped
from tutor.session import Session
from tutor.translation import later, say

#: Names listed below the prompt before the list is cut.
LISTED = 120
TAB = 4


class TerminalReader:
    """Reads pieces and answers from a terminal. Nothing but the lines being edited is ever drawn anew."""

    is_person = True
    keys: tuple[tuple[str, str], ...] = (
        ("enter", later("Run when the code is complete, else go on in a new line.")),
        ("alt+enter", later("New line without running.")),
        ("tab", later("Complete a name; list the names that fit; indent at the beginning of a line.")),
        ("up, down", later("Earlier and later input.")),
        ("ctrl+r", later("Search earlier input.")),
        ("ctrl+c", later("Stop the code that is running, or drop what is typed.")),
        ("ctrl+d", later("End torchtutor.")),
    )

    def __init__(
        self,
        session: Session,
        out: Out,
        *,
        colour: bool,
        history: History,
        terminal: tuple[Input, Output] | None = None,
        commands: Sequence[str] = (),
    ) -> None:
        given, drawn = terminal or (None, None)
        self._out = out
        self._completion = Completion(session, commands)
        self._refreshing: asyncio.Task[None] | None = None
        #: Who asks, until what was entered is handed on.
        self._asking: PromptSession[str] | None = None
        #: Ctrl-C came as a signal after the line was entered.
        self._too_late = False
        depth = ColorDepth.DEPTH_4_BIT if colour else ColorDepth.DEPTH_1_BIT
        self._prompt: PromptSession[str] = PromptSession(
            PROMPT,
            multiline=True,
            prompt_continuation=lambda _width, _line, wraps: "" if wraps else MORE,
            lexer=PygmentsLexer(PythonLexer) if colour else None,
            style=code_style() if colour else None,
            include_default_pygments_style=False,
            color_depth=depth,
            history=history,
            key_bindings=self._bindings(),
            complete_while_typing=False,
            enable_suspend=True,
            input=given,
            output=drawn,
        )
        self._question: PromptSession[str] = PromptSession(
            color_depth=depth, history=InMemoryHistory(), input=given, output=drawn
        )
        self._secret: PromptSession[str] = PromptSession(
            color_depth=depth, history=DummyHistory(), is_password=True, input=given, output=drawn
        )

    async def piece(self) -> Piece | None:
        """Edit and enter a piece."""
        text = await self._ask(self._prompt, PROMPT)
        return Piece(text) if text is not None else None

    async def answer(self, prompt: str, shown: str, *, hidden: bool = False) -> str | None:
        """Edit and enter a line for `input()`; what stands on the line already becomes part of the prompt."""
        if shown:
            self._out.rewind()
        return await self._ask(self._secret if hidden else self._question, shown + prompt)

    async def _ask(self, session: PromptSession[str], prompt: str) -> str | None:
        self._out.whole_lines = True
        self._asking, self._too_late = session, False
        try:
            with patch_stdout(raw=True):
                text = await session.prompt_async(prompt, handle_sigint=False)
        except EOFError:
            return None
        except KeyboardInterrupt:
            raise Stopped from None
        finally:
            self._asking = None
            self._out.whole_lines = False
        if _typed_ctrl_c(session.app.input) or self._too_late:
            raise Stopped(entered=True)
        return text

    def stop(self) -> None:
        """As ctrl+c typed."""
        if self._asking is None:
            return
        app = self._asking.app
        if app.is_running and not app.is_done:
            app.exit(exception=KeyboardInterrupt())
        else:  # the terminal has its own ways again, and wrote ^C
            self._too_late = True
            self._out.echoed(len("^C"))

    async def ran(self) -> None:
        """Look at the namespace while the next piece is typed."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        self._refreshing = asyncio.create_task(self._completion.refresh())

    # ── keys ─────────────────────────────────────────────────────────────────

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        editing = has_focus(DEFAULT_BUFFER)
        bindings.add("enter", filter=editing)(_enter)
        bindings.add("escape", "enter", filter=editing)(_new_line)
        bindings.add("backspace", filter=editing)(_backspace)
        bindings.add("tab", filter=editing)(self._tab)
        return bindings

    async def _tab(self, event: KeyPressEvent) -> None:
        """Complete as far as it is certain; then list what fits, as plain lines."""
        buffer = event.current_buffer
        document = buffer.document
        before = document.current_line_before_cursor
        if not before.strip():
            buffer.insert_text(" " * (TAB - len(before) % TAB))
            return
        found = await self._completion.candidates(document.text_before_cursor)
        if buffer.document != document:  # the person went on typing
            return
        more = found.common[len(found.word) :]
        if more:
            buffer.insert_text(more)
        elif len(found.names) > 1:
            await run_in_terminal(lambda: self._list(found))

    def _list(self, found: Candidates) -> None:
        for line in columns(found.names[:LISTED], self._out.width):
            self._out.line(line)
        if len(found.names) > LISTED:
            self._out.line(say("… and {more:,} more", more=len(found.names) - LISTED))


def _typed_ctrl_c(source: Input) -> bool:
    """Whether ctrl+c came right behind what was entered, as in one burst over a slow line.

    Nothing that was typed before it is kept, as a terminal has it."""
    keys = get_typeahead(source) + source.read_keys()
    at = max((place for place, press in enumerate(keys) if press.key == Keys.ControlC), default=-1)
    store_typeahead(source, keys[at + 1 :])
    return at >= 0


def _enter(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    if buffer.document.text_after_cursor.strip() and "\n" in buffer.text:
        _new_line(event)
    elif is_finished(buffer.text):
        text = buffer.text.rstrip()
        buffer.document = Document(text, len(text))
        buffer.validate_and_handle()
    else:
        _new_line(event)


def _new_line(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    buffer.insert_text("\n" + next_indent(buffer.document.current_line_before_cursor))


def _backspace(event: KeyPressEvent) -> None:
    """Back to the next lesser indentation, else one character."""
    before = event.current_buffer.document.current_line_before_cursor
    indented = before and before.isspace()
    event.current_buffer.delete_before_cursor((len(before) - 1) % TAB + 1 if indented else 1)


def columns(names: Iterable[str], width: int) -> list[str]:
    """Names in columns, read downwards."""
    names = list(names)
    size = max(map(len, names), default=0) + 2
    rows = -(-len(names) // max(1, width // size))
    return ["".join(name.ljust(size) for name in names[row::rows]).rstrip() for row in range(rows)]


def open_history() -> tuple[History, str]:
    """The history of earlier sessions; where there is none, one in memory and a sentence that says so."""
    path = Path(user_data_path("torchtutor")) / "line-history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600))
    except OSError as error:
        reason = error.strerror or str(error)
        trouble = say(
            "The history cannot be kept in {path} ({reason}); it lasts until you quit.",
            path=path,
            reason=reason,
        )
        return InMemoryHistory(), trouble
    return _LastingHistory(str(path)), ""


class _LastingHistory(FileHistory):
    """A disk that fills up costs the history of later sessions, not the line that was typed."""

    def store_string(self, string: str) -> None:
        try:
            super().store_string(string)
        except OSError:
            return


def code_style() -> Style:
    """The palette's colours for Python, as prompt_toolkit names them."""
    return Style.from_dict(
        {
            "pygments.comment": f"italic {_ansi(PALETTE.muted)}",
            "pygments.keyword": _ansi(PALETTE.keyword),
            "pygments.keyword.constant": _ansi(PALETTE.number),
            "pygments.operator.word": _ansi(PALETTE.keyword),
            "pygments.literal.number": _ansi(PALETTE.number),
            "pygments.literal.string": _ansi(PALETTE.string),
            "pygments.name.builtin": _ansi(PALETTE.function),
            "pygments.name.function": _ansi(PALETTE.function),
            "pygments.name.class": _ansi(PALETTE.function),
            "pygments.name.decorator": _ansi(PALETTE.function),
        }
    )


def _ansi(name: str) -> str:
    """`bright_blue` as `ansibrightblue`."""
    return f"ansi{name.replace('_', '')}"
