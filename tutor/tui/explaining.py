"""Explanations of the last run: below their lines, with their evidence lit, their fixes and their pages."""

from __future__ import annotations

from collections.abc import Sequence

from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.explain.repair import Explained
from tutor.session import Session
from tutor.tui.moments import Moments


class Explaining(Moments):
    """Knows what was explained last. Of the editor's code that stands there, of a line of the prompt in the
    output."""

    def __init__(self, session: Session, store: Store, lesson: Lesson | None) -> None:
        super().__init__(session, store, lesson)
        self._explained: tuple[Explained, ...] = ()

    def tell_explained(self, explained: Sequence[Explained]) -> None:
        """The run is over, and this is what there is to say."""
        self._explained = tuple(explained)
        names = [name for each in reversed(explained) for name in each.evidence]
        self.inspector.show_evidence(list(dict.fromkeys(names)))
        if self.following.kind == "step":
            self.editor.explain(explained)
            if explained:
                line = explained[-1].line
                self.share_anew()
                self.call_after_refresh(self.call_after_refresh, lambda: self.editor.reveal(line))
        self.refresh_bindings()

    def follow_nothing(self) -> None:
        """Nothing has run, and nothing is explained."""
        self._explained = ()
        super().follow_nothing()

    @property
    def at_hand(self) -> Explained | None:
        """The explanation below the cursor's line, or else the last one, which an error has."""
        here = self.editor.explained_here if self.focused is self.editor else None
        return here or next(reversed(self._explained), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of an explanation are offered while there is one."""
        return self._offers(action) if action in ("fix", "why") else True

    def _offers(self, action: str) -> bool:
        """Whether there is something to show, or to repair; what has been taken back is redone first."""
        if self.at_hand is None:
            return False
        if action == "why":
            return True
        if self.focused is self.editor and self.editor.history.redo_stack:
            return False
        return not self.is_past and (self._in_editor() is not None or self._at_prompt() is not None)

    def action_why(self) -> None:
        """The explanation in full, and the idea behind its rule."""
        from tutor.tui.behind import BehindScreen

        if self.at_hand is not None:
            self.app.push_screen(BehindScreen(self.at_hand.explanation.rule, self.at_hand))

    def action_fix(self) -> None:
        """Put the fix in place of the code that it repairs; undo takes it back."""
        if (change := self._in_editor()) is not None:
            first, last, lines = change
            self.editor.put_lines(first, last, lines)
            self.editor.focus()
        elif (text := self._at_prompt()) is not None:
            self.repl.load_text(text)
            self.repl.move_cursor(self.repl.document.end)
            self.repl.focus()

    def _repairs(self) -> list[Explained]:
        """What could be repaired, what is at hand first."""
        found = [each for each in (self.at_hand, *reversed(self._explained)) if each is not None]
        return [each for each in found if each.repair is not None]

    def _in_editor(self) -> tuple[int, int, list[str]] | None:
        """Lines of the editor and what the fix makes of them."""
        for each in () if self.editor.sorts else self._repairs():
            if (change := self.editor.repaired(each)) is not None:
                return change
        return None

    def _at_prompt(self) -> str | None:
        """What was entered at the prompt, repaired."""
        if self.following.kind != "line" or self.chronicle.newest is None or self.repl.asking:
            return None
        lines = self.chronicle.newest.source.rstrip("\n").split("\n")
        for each in self._repairs():
            assert each.repair is not None
            first, last = each.repair.first - 1, each.repair.last
            if (new := each.repair.applied(lines[first:last])) is not None:
                return "\n".join([*lines[:first], *new, *lines[last:]])
        return None
