"""The commands that belong to code being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from tutor.tui.editing.area import CodeArea
from tutor.tui.pane import Searchable

if TYPE_CHECKING:
    from tutor.assist.completion import Completer
    from tutor.course.study import Walk
    from tutor.tui.editing.find import FindBar
    from tutor.tui.editor import AnnotatedEditor
    from tutor.tui.runner import Runner


class EditingCommands(Screen[None]):
    """A screen with an editor, `self.editor`, on which these commands work."""

    editor: AnnotatedEditor
    runner: Runner
    walk: Walk | None
    _find_bar: FindBar | None = None

    _completer: Completer | None = None

    def completer(self) -> Completer:
        """Names for the code of this screen, made when they are first wanted."""
        if self._completer is None:
            from tutor.assist.completion import Completer

            self._completer = Completer(self.runner.session, self._setup)
        return self._completer

    def _setup(self) -> str:
        return self.walk.lesson.setup if self.walk is not None else ""

    def offers_editing(self, action: str) -> bool:
        """Whether a command of this class can be used now."""
        area = self.focused
        if action == "find":
            return isinstance(area, Searchable) or (
                self.editor.is_on_screen and (area is self.editor or self.finding)
            )
        if action == "comment":
            return area is self.editor
        return isinstance(area, CodeArea) and area.takes_code

    @property
    def popup_is_open(self) -> bool:
        """Whether a list of names is open, which has first use of Escape."""
        return isinstance(self.focused, CodeArea) and self.focused.popup_is_open

    @property
    def finding(self) -> bool:
        """Whether text is being looked for."""
        return self._find_bar is not None and self.focused is self._find_bar.query_input

    async def action_find(self) -> None:
        """Look for text in the editor, or in the pane that has the focus."""
        if isinstance(self.focused, Searchable):
            self.focused.find()
            return
        from tutor.tui.editing.find import FindBar

        if self._find_bar is None:
            self._find_bar = FindBar(self.editor)
            await self.mount(self._find_bar, after=self.editor)
        self._find_bar.open()

    def action_docs(self) -> None:
        """Show signature and documentation of what is under the cursor."""
        from tutor.assist.documentation import look_up, subject_at
        from tutor.tui.editing.documentation import DocumentationScreen

        area = self.focused
        if isinstance(area, CodeArea):
            area.close_popup()
            subject = subject_at(area.document.lines, *area.cursor_location)
            answer = look_up(self.runner.session, subject, self._setup()) if subject is not None else None
            name = subject.expression if subject is not None else ""
            self.app.push_screen(DocumentationScreen(name, answer))

    def action_comment(self) -> None:
        """Comment lines of the editor, or take their comment signs away."""
        self.editor.action_toggle_comment()
