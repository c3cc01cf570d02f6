"""What a lesson does with a run: predictions and quizzes judged, exercises checked, hints, solution."""

from __future__ import annotations

from textual import on

from tutor.course.judge import gap_left
from tutor.course.predictions import PredictionError
from tutor.translation import say
from tutor.tui.commands import key_for
from tutor.tui.messages import ChoiceMade, PredictionTyped
from tutor.tui.runner import Outcome
from tutor.tui.stepping import Stepping
from tutor.view.verdict import first_failure, verdict_line, was_stopped


class Studying(Stepping):
    """The lesson's side of the workbench."""

    def action_check(self) -> None:
        """Run the code in the editor, and check what the exercise asks for."""
        if self.walk is None or self.walk.graded is None:
            return
        if gap := gap_left(self.editor.text):
            self.out.say(gap)
            self.go_to_gap()
        elif self.may_run():
            self._busy_from_now()
            self.run_worker(self._run_step(self.editor.text, check=True), group="run")

    def judge(self, outcome: Outcome) -> None:
        """The choice beside the answer, or the checks; then what the lesson has to say."""
        walk, run, answer = self.walk, outcome.run, outcome.answer
        if walk is None or run is None:
            return
        said = walk.outcome(run, answer)
        if said is not answer and said is not None:
            walk.answered(said)
            self.out.remark("right" if walk.was_right else "wrong", walk.verdict())
        elif answer is not None and (run.ok or answer.error is None):
            walk.answered(answer)
            self.out.remark("right" if walk.was_right else "wrong", walk.verdict())
        elif answer is not None:
            self.out.remark("notice", say("No answer yet: the code did not come to its end."))
        walk.ran(run)
        if outcome.checks is not None:
            self._show_checks(outcome)
        self.show_question()
        self.show_news(self.after)

    def _show_checks(self, outcome: Outcome) -> None:
        checks = outcome.checks or ()
        failure = first_failure(checks)
        if failure is None and self.walk is not None:
            self.walk.finish()
            self.out.remark("right", verdict_line(checks))
            return
        if was_stopped(checks):  # the error stands with the run
            self.out.remark("wrong", say("The code did not come to its end, so nothing is checked yet."))
        elif failure is not None:
            self.out.remark("wrong", f"{failure.sentence}\n{verdict_line(checks)}")
            if failure.line is not None:
                self.editor.light(failure.line)
            self.inspector.light(failure.name, failure.fact)

    @on(ChoiceMade)
    def choose(self, message: ChoiceMade) -> None:
        """Keep the choice; the code may run now, or the quiz has its answer."""
        walk = self.walk
        if walk is None or self.runner.busy:
            return
        walk.choose(message.index)
        if not walk.expression:
            self.out.say(walk.verdict(), "right" if walk.was_right else "wrong")
        elif not walk.step.code.strip() and self.may_run():
            self._busy_from_now()
            self.run_worker(self._run_step(""), group="run")
        self.show_question()
        self.show_news(self.after)
        self.show_state()

    @on(PredictionTyped)
    def predict(self, message: PredictionTyped) -> None:
        """Keep the prediction, or say how one is written."""
        walk = self.walk
        if walk is None or self.runner.busy or walk.is_answered:
            return
        try:
            walk.predict(message.text)
        except PredictionError as error:
            self.out.say(str(error), "warning")
            return
        self.show_question()
        self.show_state()

    def action_hint(self) -> None:
        """One hint more, under the text of the step."""
        if self.walk is None or self.walk.graded is None:
            return
        if self.walk.take_hint():
            self.show_news(self.hints, end=True)
            self.show_state()
        elif self.walk.graded.hints:
            self.out.say(
                say(
                    "There are no more hints. “Solution” in {key} shows the solution.", key=key_for("palette")
                )
            )
        else:
            self.out.say(
                say("This step has no hints. “Solution” in {key} shows the solution.", key=key_for("palette"))
            )

    def action_solution(self) -> None:
        """Show the solution, after a question; it can be put into the editor."""
        from tutor.tui.solution import SolutionScreen

        walk = self.walk
        if walk is None or walk.graded is None:
            return

        def answered(take: bool | None) -> None:
            if take is None:
                return
            walk.show_solution()
            self.show_news(self.after)
            if take:
                self.keep_code()
                self.store.reset_draft(self._place)
                self.editor.replace(walk.solution, (0, 0), self.editor.document.end)
                self.editor.focus()

        known = walk.work.done or walk.work.solution_shown
        screen = SolutionScreen(walk.solution, walk.work.hints, known=known, yours=self.editor.text)
        self.app.push_screen(screen, answered)
