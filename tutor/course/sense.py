"""What makes sense in a lesson, beyond its schema: names that exist, code that parses, checks that ask."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from msgspec import UNSET

from tutor.course import parsons
from tutor.course.claims import DTYPES, FAILURES, WITHOUT_VAR, Cases, Close, Item, Raises, Warns
from tutor.course.document import Document, Place, Where
from tutor.course.schema import (
    Ask,
    FixStep,
    Graded,
    Lesson,
    ParsonsStep,
    PredictStep,
    QuizStep,
    RunStep,
    Step,
    same_answer,
)
from tutor.translation import say

Fail = Callable[[Place, str], NoReturn]


class Sense:
    """Looks through one lesson; `fail` is told of the first thing that makes no sense."""

    def __init__(self, doc: Document, lesson: Lesson, fail: Fail) -> None:
        self._doc = doc
        self._lesson = lesson
        self._fail = fail

    def look(self) -> None:
        """Everything, in the order of the file as far as that is possible."""
        self._ids()
        for name in self._lesson.requires:
            if name != "torch":
                said = say("`requires` is about torch alone: take `{name}` out", name=name)
                self._at(("requires", name), said)
        for index, step in enumerate(self._lesson.steps):
            where = ("steps", index)
            if isinstance(step, PredictStep):
                self._differ((*where, "ask", "choices"), list(step.ask.choices))
                self._asked((*where, "ask"), step.ask)
                self._labels((*where, "ask", "labels"), step.ask)
            elif isinstance(step, QuizStep):
                self._quiz(where, step)
            elif isinstance(step, Graded):
                self._needs(where, index, step)
        self._python(("setup",), self._lesson.setup)
        for index, step in enumerate(self._lesson.steps):
            self._codes(("steps", index), step)
            if isinstance(step, Graded):
                for number, item in enumerate(step.checks):
                    self._item(("steps", index, "checks", number), item)

    def _at(self, where: Where, message: str) -> NoReturn:
        self._fail(self._doc.values[where], message)

    # ── names ────────────────────────────────────────────────────────────────

    def _ids(self) -> None:
        seen: dict[str, int] = {}
        for index, step in enumerate(self._lesson.steps):
            place = self._doc.values[("steps", index, "id")]
            if step.id in seen:
                first = seen[step.id]
                message = say(
                    "the step id `{id}` is taken (line {first}); ids are unique in a lesson",
                    id=step.id,
                    first=first,
                )
                self._fail(place, message)
            seen[step.id] = place.line + 1

    def _needs(self, where: Where, index: int, step: Graded) -> None:
        earlier = {each.id for each in self._lesson.steps[:index] if isinstance(each, Graded)}
        known = {each.id: number for number, each in enumerate(self._lesson.steps)}
        for number, name in enumerate(step.needs):
            if name in earlier:
                continue
            if name not in known:
                reason = say("there is none of that name")
            elif known[name] >= index:
                reason = say("it does not come before this step")
            else:
                reason = say("it has no solution to build on")
            message = say(
                "`needs` names earlier exercises and fixes, and `{name}` is not one: {reason}",
                name=name,
                reason=reason,
            )
            self._at((*where, "needs", number), message)

    # ── questions ────────────────────────────────────────────────────────────

    def _differ(self, where: Where, choices: list[Any]) -> None:
        for later, choice in enumerate(choices):
            if any(same_answer(choice, earlier) for earlier in choices[:later]):
                message = say(
                    "the choice {choice!r} is there already; every choice must differ", choice=choice
                )
                self._at((*where, later), message)

    def _asked(self, where: Where, ask: Ask) -> None:
        if not ask.choices and ask.form is None:
            self._at(where, say("a prediction needs `choices`, or a `form`: shape, number, boolean or text"))
        if len(ask.choices) == 1:
            message = say("there is 1 of at least 2 choices; add more, or give a `form` and no choices")
            self._at((*where, "choices"), message)
        if ask.choices and ask.form is not None:
            message = say("a prediction has either `choices` or a `form`; leave one out")
            self._at((*where, "form"), message)

    def _labels(self, where: Where, ask: Ask) -> None:
        if ask.labels and len(ask.labels) != len(ask.offered):
            message = say(
                "`labels` has {count} entries for {choices} choices; write one for each choice",
                count=len(ask.labels),
                choices=len(ask.offered),
            )
            self._at(where, message)
        self._differ(where, list(ask.labels))

    def _quiz(self, where: Where, step: QuizStep) -> None:
        self._differ((*where, "choices"), [each.text for each in step.options])
        if (step.answer is None) is (step.expr is None):
            self._at(where, say("a quiz needs `answer`, counted from 0, or else `expr`, which computes it"))
        if step.answer is not None and step.answer >= len(step.choices):
            last = len(step.choices) - 1
            message = say(
                "there is no choice {answer}; they count from 0 to {last}", answer=step.answer, last=last
            )
            self._at((*where, "answer"), message)

    # ── code ─────────────────────────────────────────────────────────────────

    def _codes(self, where: Where, step: Step) -> None:
        if isinstance(step, ParsonsStep):
            self._parsons(where, step)
        if isinstance(step, Graded):
            if not isinstance(step, ParsonsStep):  # shuffled lines may be anything
                self._python((*where, "code" if isinstance(step, FixStep) else "starter"), step.code)
            self._python((*where, "solution"), step.solution)
            for number, code in enumerate(step.accepts):
                self._python((*where, "accepts", number), code)
            for number, mistake in enumerate(step.mistakes):
                self._python((*where, "mistakes", number, "code"), mistake.code)
                if mistake.fails not in FAILURES:
                    place = (*where, "mistakes", number, "fails")
                    self._at(
                        place, say("`{fact}` is not a fact that a check can fail on", fact=mistake.fails)
                    )
            return
        self._python((*where, "code"), step.code)
        if isinstance(step, PredictStep):
            self._python((*where, "ask", "expr"), step.ask.expr, mode="eval")
        if isinstance(step, QuizStep) and step.expr is not None:
            self._python((*where, "expr"), step.expr, mode="eval")
        if isinstance(step, RunStep | PredictStep) and step.raises is not None:
            self._pattern((*where, "raises", "match"), step.raises.match)

    def _parsons(self, where: Where, step: ParsonsStep) -> None:
        own = parsons.rows(step.solution)
        places: list[tuple[Where, str]] = [((*where, "solution"), line) for line in own]
        places += [((*where, "distractors", n), line) for n, line in enumerate(step.distractors)]
        for at, line in places:
            if parsons.is_left_out(line):
                message = say("a line to be ordered cannot be a comment: those that are left out become one")
                self._at(at, message)
        if len(own) < 2:
            message = say("there is nothing to order in fewer than two lines; write more")
            self._at((*where, "solution"), message)
        answers = [((*where, "accepts", n), code) for n, code in enumerate(step.accepts)]
        answers += [((*where, "mistakes", n, "code"), each.code) for n, each in enumerate(step.mistakes)]
        for at, code in answers:
            if foreign := parsons.strangers(code, step.lines):
                message = say(
                    "the line `{line}` is not there to be ordered, or not as often as here; use lines of "
                    "`solution` and `distractors`, with their indentation",
                    line=foreign[0].strip(),
                )
                self._at(at, message)

    def _python(self, where: Where, source: str, mode: str = "exec") -> None:
        what = say("a Python expression") if mode == "eval" else "Python"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(source, "<lesson>", mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except SyntaxError as error:
            place = place_in(self._doc, where, max(error.lineno or 1, 1), max(error.offset or 1, 1))
            message = say("this is not {what} ({problem}); correct the code", what=what, problem=error.msg)
            self._fail(place, message)
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            reason = str(error) or type(error).__name__
            self._at(where, say("Python cannot compile this code ({reason}); simplify it", reason=reason))

    def _pattern(self, where: Where, pattern: str) -> None:
        try:
            re.compile(pattern)
        except re.error as error:
            message = say(
                "this is not a regular expression ({error}); put a backslash before its signs", error=error
            )
            self._at(where, message)

    # ── checks ───────────────────────────────────────────────────────────────

    def _item(self, where: Where, item: Item) -> None:
        facts = item.facts()
        if not facts:
            self._at(where, say("this check asks for no fact; add one, such as `shape: [2, 3]`"))
        if item.var is UNSET:
            for fact, _ in facts:
                if fact not in WITHOUT_VAR:
                    self._at(where, say("`{fact}` is about a variable; add `var`", fact=fact))
        else:
            self._python((*where, "var"), item.var, mode="eval")
        for fact, wanted in facts:
            reason = unfit(fact, wanted)
            if reason:
                self._at((*where, fact), say("`{fact}` {reason}", fact=fact, reason=reason))
            self._fact((*where, fact), fact, wanted)

    def _fact(self, where: Where, fact: str, wanted: Any) -> None:
        if fact == "dtype" and wanted.removeprefix("torch.") not in DTYPES:
            message = say("{name!r} is no dtype; write one such as float32 or int64", name=wanted)
            self._at(where, message)
        elif isinstance(wanted, Close):
            self._expression((*where, "to"), wanted.to)
        elif fact in ("equals", "close", "grad"):
            self._expression(where, wanted)
        elif fact in ("shares_memory", "same_storage", "is_view_of"):
            self._python(where, wanted, mode="eval")
        elif isinstance(wanted, Raises | Warns):
            self._pattern((*where, "match") if wanted.match else where, wanted.match)
        elif isinstance(wanted, Cases):
            self._cases(where, wanted)
        elif fact == "py":
            self._python(where, wanted)
            self._can_fail(where, wanted)
        elif fact == "rerun":
            for name, value in wanted.items():
                self._expression((*where, name), value)
        else:
            self._parts(where, fact, wanted)

    def _can_fail(self, where: Where, source: str) -> None:
        """Of an expression its value decides; of statements nothing but what they raise."""
        body = ast.parse(source.strip()).body
        if len(body) == 1 and isinstance(body[0], ast.Expr):
            if _always_holds(body[0].value):
                message = say("`py` is true whatever the answer is; compare something that the answer made")
                self._at(where, message)
            return
        if not _raises(body):
            at = (body[-1].lineno, body[-1].col_offset) if body else (1, 0)
            reason = say("none of them can fail")
            if body and isinstance(body[-1], ast.Expr):
                reason = say("the value of this line is not looked at")
            lines = source[: len(source) - len(source.lstrip())].count("\n")
            place = place_in(self._doc, where, at[0] + lines, at[1] + 1)
            self._fail(place, say("`py` of several statements needs an `assert`: {reason}", reason=reason))

    def _parts(self, where: Where, fact: str, wanted: Any) -> None:
        if isinstance(wanted, Item):
            self._item(where, wanted)
        elif fact == "any":
            for number, part in enumerate(wanted):
                self._item((*where, number), part)

    def _expression(self, where: Where, wanted: Any) -> None:
        if isinstance(wanted, str):
            self._python(where, wanted.strip(), mode="eval")

    def _cases(self, where: Where, wanted: Cases) -> None:
        for number, source in enumerate(wanted.inputs):
            self._python((*where, "inputs", number), source, mode="eval")
        if wanted.reference:
            self._python((*where, "reference"), wanted.reference)


def _raises(body: list[ast.stmt]) -> bool:
    """Whether statements may raise AssertionError: by `assert`, `raise`, or a function named for it."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    for node in nodes:
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Assert) and not _always_holds(node.test)):
            return True
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called.lower().startswith("assert"):
                return True
    return False


def _always_holds(test: ast.expr) -> bool:
    """A value that is true by the way it is written."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    return isinstance(test, ast.Tuple | ast.List) and bool(test.elts)


def unfit(fact: str, wanted: Any) -> str:
    """Why a value of the right type is no value for a fact; empty where it is one."""
    if fact == "shape" and not all(
        size >= 0 if isinstance(size, int) else size.isidentifier() for size in wanted
    ):
        return say("is made of sizes, 0 or more, and of names such as n")
    if type(wanted) is int and fact in ("ndim", "storage_offset", "params") and wanted < 0:
        return say("must be >= 0; choose another number")
    if fact == "loss_decreases" and isinstance(wanted, float) and not 0 < wanted <= 1:
        return say("is true, or a factor above 0 and not above 1")
    if fact == "any" and len(wanted) < 2:
        return say("needs two checks at least; of one, write its facts directly")
    if isinstance(wanted, Cases):
        if not wanted.inputs:
            return say("needs `inputs`; give at least one")
        if not 1 <= wanted.count <= 1_000:
            return say("is tried between 1 and 1000 times; choose another `count`")
    if fact == "rerun" and not (wanted and all(name.isidentifier() for name in wanted)):
        return say("is made of variables and what they are to hold, such as `x: [1, 2]`")
    texts = wanted if isinstance(wanted, tuple) else (wanted,)
    if fact not in ("stdout", "value", "shape") and any(text == "" for text in texts):
        return say("is empty; write what is meant")
    return "" if texts or fact in ("shape", "stride", "params") else say("is empty; write what is meant")


def place_in(doc: Document, where: Where, line: int, column: int) -> Place:
    """The file's place of a 1-based line and column inside the text at `where`."""
    start = doc.values[where]
    text: Any = doc.data
    for part in where:
        text = text[part]
    rows = text.split("\n")
    if start.style == "|" and start.line + line < len(doc.lines) and line <= len(rows):
        written = doc.lines[start.line + line]
        if written.endswith(rows[line - 1]):
            return Place(start.line + line, len(written) - len(rows[line - 1]) + column - 1)
    if start.style not in {"|", ">"} and len(rows) == 1:
        return Place(start.line, start.column + bool(start.style) + column - 1)
    return start
