"""Python being written: colours, indentation, comments, brackets; both the editor and the prompt."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.cache import LRUCache
from textual.document._document import Location, Selection
from textual.document._document_navigator import DocumentNavigator
from textual.strip import Strip
from textual.widgets.text_area import TextAreaTheme

from tutor.assist import indentation
from tutor.tui.editing.ordered import OrderedTextArea
from tutor.tui.editing.wrapping import QuickWrappedDocument
from tutor.tui.lines import palette_of
from tutor.view.palette import Palette

if TYPE_CHECKING:
    from tutor.assist.completion import Completer
    from tutor.tui.editing.completing import Completing

#: Control characters have pictures, so that no text in the editor can drive the terminal.
_PICTURES = {code: 0x2400 + code for code in range(32) if code != 9} | {0x7F: 0x2421}
_PICTURES |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)

#: Rows whose look is kept; a row looks the same wherever its line moves.
_KEPT_ROWS = 512

Pair = tuple[Location, Location]


class CodeArea(OrderedTextArea):
    """Python in the palette's colours, one lexed line at a time."""

    BINDINGS = [
        Binding("shift+tab", "dedent", show=False),
        Binding("ctrl+home", "cursor_text(0)", show=False),
        Binding("ctrl+end", "cursor_text(1)", show=False),
        Binding("ctrl+shift+home", "cursor_text(0, True)", show=False),
        Binding("ctrl+shift+end", "cursor_text(1, True)", show=False),
    ]

    #: `tutor.view.syntax`, imported after the first paint, which it would hold up.
    _syntax: ModuleType | None = None

    wrapped_document: QuickWrappedDocument

    def __init__(self, text: str = "", *, line_numbers: bool = False, placeholder: str = "", id: str) -> None:
        self._lexed: list[str] = []
        self._states: list[tuple[str, ...]] = []
        #: Grows with every change of the text.
        self.revision = 0
        self._text_at = (-1, "")
        self._pair_at: tuple[int, Location, Pair | None] | None = None
        self._rows: LRUCache[tuple[Any, ...], Strip] = LRUCache(_KEPT_ROWS)
        self._completer: Callable[[], Completer] | None = None
        self._completing: Completing | None = None
        #: What is being looked for, marked wherever it stands.
        self.sought = ""
        super().__init__(
            text,
            id=id,
            soft_wrap=True,
            tab_behavior="indent",
            show_line_numbers=line_numbers,
            highlight_cursor_line=line_numbers,
            placeholder=placeholder,
        )
        self.cursor_blink = False
        self.match_cursor_bracket = False  # ours knows strings and comments

    @property
    def palette(self) -> Palette:
        return palette_of(self.app.theme)

    # ── the text ─────────────────────────────────────────────────────────────

    def _set_document(self, text: str, language: str | None) -> None:
        super()._set_document(text, language)
        self.wrapped_document = QuickWrappedDocument(self.document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._rewrap_and_refresh_virtual_size()

    def _build_highlight_map(self) -> None:
        """Textual calls this after every change of the text, undo and redo included."""
        self.revision += 1
        super()._build_highlight_map()

    @property
    def text(self) -> str:
        """The whole text; asked for once a rendered row, put together once a change."""
        if self._text_at[0] != self.revision:
            self._text_at = (self.revision, self.document.text)
        return self._text_at[1]

    @text.setter
    def text(self, value: str) -> None:
        self.load_text(value)

    def _undo_batch(self, edits: Any) -> None:
        super()._undo_batch(edits)
        self._wrap_anew(edits)

    def _redo_batch(self, edits: Any) -> None:
        super()._redo_batch(edits)
        self._wrap_anew(edits)

    def _wrap_anew(self, edits: Any) -> None:
        """Textual wraps the rows between the outermost ends of several edits, which are counted in texts that
        differ: with edits that add or remove lines the rows would be wrong."""
        if len(edits) > 1:
            self._rewrap_and_refresh_virtual_size()
            self.scroll_cursor_visible()

    # ── colours ──────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        """Take the theme's colours now and whenever the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._dress())
        self._dress()
        if CodeArea._syntax is None:
            self.call_after_refresh(self._begin_colouring)

    def _begin_colouring(self) -> None:
        from tutor.view import syntax

        CodeArea._syntax = syntax
        self.notify_style_update()
        self.refresh()

    def notify_style_update(self) -> None:
        """Nothing looks as it did."""
        self._rows.clear()
        super().notify_style_update()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The cursor's line has a ground of its own only while the cursor is here."""
        super().watch_has_focus(has_focus)
        self._dress()

    def _dress(self) -> None:
        """The stock cursor-line style carries a text colour, which would bury the syntax colours."""
        name = f"{self.app.theme}-{'focus' if self.has_focus else 'blur'}"
        line = Style.parse(f"on {self.palette.surface}") if self.has_focus else Style.null()
        self.register_theme(TextAreaTheme(name, cursor_line_style=line))
        self.theme = name
        self.refresh()

    def get_line(self, line_index: int) -> Text:
        """The line with its syntax colours, the marks of a search and the pair of brackets at the cursor."""
        line = super().get_line(line_index)
        source = line.plain
        line.plain = source.translate(_PICTURES)
        if self._syntax is None:
            return line
        spans, _ = self._syntax.lex_line(source, self.state_of(line_index))
        for start, end, token in spans:
            if (style := self._syntax.style_for(token, self.palette)) is not None:
                line.stylize(style, start, end)
        if self.sought:
            from tutor.assist.search import find_in

            for start, end in find_in(source, self.sought):
                line.stylize(Style(bold=True, underline=True), start, end)
        for row, column in self.bracket_pair() or ():
            if row == line_index:
                paint = Style.parse(f"bold underline {self.palette.accent}")
                line.stylize(paint, column, column + 1)
        return line

    def state_of(self, line_index: int) -> tuple[str, ...]:
        """What line `line_index` begins inside of; lexes only from the first changed line on."""
        from tutor.view import syntax

        lines = self.document.lines
        known = len(self._states) - 1
        if self._lexed_at != self.revision:
            self._lexed_at = self.revision
            same = next((i for i, (a, b) in enumerate(zip(self._lexed, lines, strict=False)) if a != b), None)
            known = min(known, min(len(self._lexed), len(lines)) if same is None else same)
            self._lexed = list(lines)
        self._states = self._states[: known + 1] or [syntax.START]
        for index in range(len(self._states) - 1, line_index):
            self._states.append(syntax.lex_line(lines[index], self._states[index])[1])
        return self._states[line_index]

    _lexed_at = -1

    def bracket_pair(self) -> Pair | None:
        """The bracket at the cursor and its partner, while the cursor is here."""
        cursor = self.cursor_location
        if self._pair_at is None or self._pair_at[:2] != (self.revision, cursor):
            pair = self._find_pair(cursor) if self.has_focus and self.selection.is_empty else None
            self._pair_at = (self.revision, cursor, pair)
        return self._pair_at[2]

    def _find_pair(self, cursor: Location) -> Pair | None:
        from tutor.assist.brackets import matching
        from tutor.assist.code import masked

        lines = self.document.lines
        return matching(lambda row: masked(lines[row], self.state_of(row)), len(lines), cursor)

    def find_matching_bracket(self, bracket: str, search_from: Location) -> Location | None:
        """Textual's own search knows no strings, and has no end."""
        return None

    def render_line(self, y: int) -> Strip:
        """Textual's own memory of rows, which takes longer to ask, does not outlast an edit."""
        key = self._row_key(y + self.scroll_offset.y) if self.text else None
        strip = self._rows.get(key) if key is not None else None
        return super().render_line(y) if strip is None else strip

    def _render_line(self, y: int) -> Strip:
        """A row without cursor, selection and brackets is drawn once, wherever an edit moves it."""
        key = self._row_key(y + self.scroll_offset.y)
        if key is None:
            return super()._render_line(y)
        strip = self._rows.get(key)
        if strip is None:
            strip = self._rows[key] = super()._render_line(y)
        return strip

    def _row_key(self, row: int) -> tuple[Any, ...] | None:
        if self._syntax is None or row >= self.wrapped_document.height:
            return None
        index, section = self.wrapped_document._offset_to_line_info[row]
        top, bottom = sorted(self.selection)
        if top[0] <= index <= bottom[0] or any(at[0] == index for at in self.bracket_pair() or ()):
            return None
        line = self.document.get_line(index)
        state = self.state_of(index)
        return (self.size, self.theme, self.sought, section, index, line, state, self.gutter_width)

    # ── completion ───────────────────────────────────────────────────────────

    def complete_with(self, completer: Callable[[], Completer]) -> None:
        """Offer names from `completer`, made when somebody types, while somebody types."""
        self._completer = completer

    @property
    def completing(self) -> Completing | None:
        """Completion in this area, where there is any now."""
        if self._completing is None and self._completer is not None and self.takes_code:
            from tutor.tui.editing.completing import Completing

            self._completing = Completing(self, self._completer())
        return self._completing if self.takes_code else None

    @property
    def takes_code(self) -> bool:
        """Whether what is typed is code."""
        return not self.read_only

    @property
    def popup_is_open(self) -> bool:
        """Whether a list of names is open, which Escape closes."""
        return self._completing is not None and self._completing.is_open

    def close_popup(self) -> None:
        """Put the list of names away."""
        if self._completing is not None:
            self._completing.close()

    def watch_selection(self) -> None:
        """The list of names is about where the cursor was."""
        if self._completing is not None:
            self._completing.moved()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """The list of names would stay where the text was."""
        super().watch_scroll_y(old, new)
        if self._completing is not None:
            self._completing.moved()

    def on_resize(self) -> None:
        """The same."""
        self.close_popup()

    def on_blur(self) -> None:
        """Nobody types here."""
        self.close_popup()

    # ── keys ─────────────────────────────────────────────────────────────────

    async def _on_key(self, event: events.Key) -> None:
        """The list of names has first use of a key, then the text."""
        completing = self.completing
        if completing is None:
            await self.press(event)
        elif completing.takes(event):
            event.stop()
            event.prevent_default()
        else:
            with completing.typing():
                await self.press(event)
            if event.is_printable:
                completing.typed()
            elif event.key != "backspace":
                completing.close()

    async def press(self, event: events.Key) -> None:
        """Enter keeps the indentation and deepens it after a colon; Tab indents the lines of a selection."""
        if self.read_only or event.key not in ("enter", "tab"):
            await super()._on_key(event)
        elif event.key == "enter":
            event.stop()
            event.prevent_default()
            row, column = min(self.selection)
            indent = indentation.deepened(self.document.get_line(row)[:column])
            self.replace(f"\n{indent}", *self.selection, maintain_selection_offset=False)
        elif self.tab_behavior == "indent" and self.selection.start[0] != self.selection.end[0]:
            event.stop()
            event.prevent_default()
            self._change_lines(indentation.indent)
        else:
            await super()._on_key(event)

    def action_dedent(self) -> None:
        """The lines of the selection, or the cursor's, one level less deep."""
        if self.tab_behavior == "indent":
            self._change_lines(indentation.dedent)
        else:
            self.screen.focus_previous()

    def action_cursor_text(self, end: int, select: bool = False) -> None:
        """Go to the first place of the text, or to the last."""
        self.move_cursor(self.document.end if end else (0, 0), select=select)

    def action_toggle_comment(self) -> None:
        """Comment the lines of the selection, or the cursor's; or take the comment signs away."""
        self._change_lines(indentation.toggle_comment)

    def _change_lines(self, change: Any) -> None:
        """Put `change(lines)` in place of the selected lines, as one step to undo."""
        if self.read_only:
            return
        (top, _), (bottom, column) = sorted(self.selection)
        if bottom > top and column == 0:
            bottom -= 1
        before = self.document.lines[top : bottom + 1]
        after = change(before)
        if after == before:
            return
        start, end = (self._moved(at, top, before, after) for at in self.selection)
        self.history.checkpoint()
        self.replace("\n".join(after), (top, 0), (bottom, len(before[-1])))
        self.history.checkpoint()
        self.selection = Selection(start, end)

    @staticmethod
    def _moved(at: Location, top: int, before: list[str], after: list[str]) -> Location:
        """Where `at` is once its line has changed: as far from the line's end as it was."""
        row, column = at
        if not 0 <= row - top < len(before):
            return at
        old, new = before[row - top], after[row - top]
        if column == 0 and not old.startswith(new):
            return at
        return row, max(0, column + len(new) - len(old))

    def action_delete_left(self) -> None:
        """Among the spaces that a line begins with, back to the indent stop."""
        completing = self._completing if self.popup_is_open else None
        with completing.typing() if completing is not None else nullcontext():
            row, column = self.cursor_location
            if self.selection.is_empty and column and not self.read_only:
                self._delete_via_keyboard((row, self._stop_before(row, column)), (row, column))
            else:
                super().action_delete_left()
        if completing is not None:
            completing.typed()

    def _stop_before(self, row: int, column: int) -> int:
        return indentation.stop_before(self.document.get_line(row)[:column])

    def action_cursor_line_start(self, select: bool = False) -> None:
        """To where the line's text begins, and from there to its first column."""
        row, column = self.cursor_location
        line = self.document.get_line(row)
        text = len(line) - len(line.lstrip())
        wrapped = self.get_cursor_line_start_location()[1]
        target = wrapped if wrapped > text else 0 if column == text else text
        self.move_cursor((row, target), select=select)
