"""The bundled lessons are well made, and every prediction's answer is among its choices."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from course.learner import Class, classroom  # noqa: F401
from markdown_it import MarkdownIt

from tutor.course.loader import bundled_lessons, find_lesson, load_lesson
from tutor.course.schema import Graded, Lesson, ParsonsStep, PredictStep, QuizStep, ReadStep, RunStep, Step
from tutor.course.walk import lesson_script, prologue, step_code

LESSONS = {path.stem: load_lesson(path) for path in bundled_lessons()}
STEPS = {f"{name}/{step.id}": (lesson, step) for name, lesson in LESSONS.items() for step in lesson.steps}

#: Columns that the editor gives to code before a line's note begins.
CODE_COLUMNS = 46
PROSE_COLUMNS = 72


@pytest.fixture(params=LESSONS)
def lesson(request: pytest.FixtureRequest) -> Lesson:
    return LESSONS[request.param]


@pytest.fixture(params=STEPS)
def placed(request: pytest.FixtureRequest) -> tuple[Lesson, Step]:
    return STEPS[request.param]


@pytest.fixture(params=[name for name, (lesson, _) in STEPS.items() if lesson.device != "sim"])
def runnable(request: pytest.FixtureRequest) -> tuple[Lesson, Step]:
    """A step that runs in any process; simulated devices are a kernel's, where `torchtutor check` runs."""
    return STEPS[request.param]


def run(source: str) -> tuple[dict[str, Any], str]:
    namespace: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(source, namespace)
    return namespace, printed.getvalue()


def test_there_are_lessons_and_each_is_found_by_its_id() -> None:
    assert "view-reshape" in LESSONS
    for path in bundled_lessons():
        assert LESSONS[path.stem].id == path.stem
        assert find_lesson(path.stem) == path


def test_every_step_runs_to_its_end(runnable: tuple[Lesson, Step]) -> None:
    lesson, step = runnable
    run(f"{prologue(lesson)}\n{step_code(step)}")


def test_the_answer_of_a_prediction_is_one_of_its_choices(runnable: tuple[Lesson, Step]) -> None:
    lesson, step = runnable
    if not isinstance(step, PredictStep):
        return
    namespace, _ = run(f"{prologue(lesson)}\n{step.code}")
    answer = eval(step.ask.expr, namespace)
    assert step.ask.index_of(answer) is not None, answer


def test_the_script_has_all_code_and_each_part_stands_alone(lesson: Lesson) -> None:
    script = lesson_script(lesson)
    assert [name for name, _ in script] == [step.id for step in lesson.steps if step_code(step)]
    for _, source in script:
        if lesson.device != "sim":
            run(source)


def test_a_lesson_opens_with_reading(lesson: Lesson) -> None:
    assert isinstance(lesson.steps[0], ReadStep)


def test_prose_and_code_fit_their_columns(placed: tuple[Lesson, Step]) -> None:
    _, step = placed
    prose = [step.prompt] if isinstance(step, ReadStep) else [step.prompt, step.after]
    assert max(len(line) for text in prose for line in text.splitlines()) <= PROSE_COLUMNS
    assert max((len(line) for line in step.code.splitlines()), default=0) < CODE_COLUMNS


def after_of(step: Step) -> str:
    return "" if isinstance(step, ReadStep) else step.after


def test_a_step_is_headed_asked_and_answered(placed: tuple[Lesson, Step]) -> None:
    _, step = placed
    tokens = MarkdownIt().parse(step.prompt)
    assert tokens[0].type == "heading_open"
    # A sentence that a line break lets begin with a number is no list.
    assert not any(token.type == "ordered_list_open" for token in MarkdownIt().parse(after_of(step)) + tokens)
    asks = any(token.type == "blockquote_open" for token in tokens)
    assert asks == isinstance(step, PredictStep) or isinstance(step, QuizStep)
    if isinstance(step, RunStep | PredictStep):
        assert step.after.strip()


def test_names_in_prose_exist_in_code(runnable: tuple[Lesson, Step]) -> None:
    """A one- or two-letter name in backquotes is a variable that the step has, or a method such as `mm`."""
    lesson, step = runnable
    namespace, _ = run(f"{prologue(lesson)}\n{step_code(step)}")
    if isinstance(step, Graded):
        for source in (step.code, *step.accepts):
            with contextlib.suppress(Exception):
                exec(f"{prologue(lesson)}\n{source}", namespace)
    after = "" if isinstance(step, ReadStep) else step.after
    if not step_code(step) or "def " in step_code(step):
        return
    for name in re.findall(r"`([a-z]{1,2})`", step.prompt + after):
        assert name in namespace or hasattr(torch.Tensor, name), name


def shares(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def view_reshape(step_id: str) -> tuple[dict[str, Any], str]:
    return run(dict(lesson_script(LESSONS["view-reshape"]))[step_id])


def test_view_reshape_shows_what_it_says() -> None:
    names, printed = view_reshape("two-parts")
    assert printed == "(1,) (3, 1)\n"
    assert shares(names["x"], names["m"])

    names, _ = view_reshape("same-input")
    assert shares(names["x"], names["v"])
    assert shares(names["x"], names["r"])
    assert names["x"].tolist() == [1, 0, 0, 0, 0, 2]

    names, printed = view_reshape("view-of-transpose")
    assert names["outcome"] == "raises"
    assert "view size is not compatible" in printed

    names, _ = view_reshape("reshape-of-transpose")
    assert not shares(names["m"], names["flat"])
    assert names["flat"].tolist() == [9, 3, 1, 4, 2, 5]

    names, _ = view_reshape("view-after-all")
    assert shares(names["m"], names["u"])

    names, printed = view_reshape("slice-contiguous")
    assert printed == "False (12, 4, 1)\n"
    assert (names["pairs"], names["row"]) == (True, False)

    names, _ = view_reshape("contiguous-itself")
    assert names["mc"] is names["m"]
    assert not shares(names["tc"], names["t"])

    names, _ = view_reshape("which-one")
    assert [shares(names["t"], names[name]) for name in "vrck"] == [True, False, False, False]


def test_the_last_step_without_its_transpose_is_as_the_prose_says() -> None:
    source = dict(lesson_script(LESSONS["view-reshape"]))["which-one"]
    names, _ = run(source.replace(".t()", "", 1))
    assert [shares(names["t"], names[name]) for name in "vrck"] == [True, True, True, False]
    assert names["c"] is names["t"]


def test_lessons_are_kept_in_plain_files() -> None:
    for path in bundled_lessons():
        text = path.read_text(encoding="utf-8")
        assert "\t" not in text
        assert text.endswith("\n")


def test_every_exercise_has_hints_ways_and_mistakes(lesson: Lesson) -> None:
    graded = [step for step in lesson.steps if isinstance(step, Graded)]
    assert graded
    for step in graded:
        assert 2 <= len(step.hints) <= 3
        # Of orders there may be only one that is right.
        assert isinstance(step, ParsonsStep) or len(step.accepts) >= 2
        assert len(step.mistakes) >= 2
        assert step.after.strip()


#: Answers that the lessons do not know, by lesson and step: right ones, and wrong ones with the fact that
#: they fail on.
ANSWERS = Path(__file__).parent / "answers"
FURTHER = {
    f"{path.stem}/{step}": answers
    for path in sorted(ANSWERS.glob("*.yaml"))
    for step, answers in yaml.safe_load(path.read_text(encoding="utf-8")).items()
}


def test_every_exercise_is_tried_with_further_answers() -> None:
    graded = {name: step for name, (_, step) in STEPS.items() if isinstance(step, Graded)}
    assert set(FURTHER) == {name for name, step in graded.items() if not isinstance(step, ParsonsStep)}


@pytest.mark.parametrize("name", FURTHER)
def test_answers_that_the_lesson_does_not_know(classroom: Class, name: str) -> None:  # noqa: F811
    lesson, step = STEPS[name]
    right = FURTHER[name]["right"]
    wrong = {each["code"]: each["fails"] for each in FURTHER[name]["wrong"]}
    assert isinstance(step, Graded)
    assert len(right) >= 5
    assert len(wrong) >= 3
    for code in right:
        failed = [each for each in classroom.answer(lesson, step, code) if not each.ok]
        assert not failed, (code, failed)
    for code, kind in wrong.items():
        failed = [each for each in classroom.answer(lesson, step, code) if not each.ok]
        assert kind in [each.kind for each in failed], (code, failed)
    for nothing in ("", "\n", "# later", "pass", step.code):
        assert any(not each.ok for each in classroom.answer(lesson, step, nothing)), nothing


def _in_a_block(code: str) -> str:
    guard = ast.parse("__name__ == '__main__'", mode="eval").body
    return ast.unparse(ast.fix_missing_locations(ast.Module([ast.If(guard, ast.parse(code).body, [])], [])))


def _in_a_function(code: str) -> str:
    tree, made = ast.parse(code), ast.parse("def main():\n    pass\nmain()")
    names = sorted(names_bound(tree.body))
    made.body[0].body = [*([ast.Global(names)] if names else ()), *tree.body]  # type: ignore[attr-defined]
    return ast.unparse(ast.fix_missing_locations(made))


def names_bound(nodes: list[Any]) -> set[str]:
    """Names that these statements bind outside of functions, classes and comprehensions."""
    found = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.DictComp):
            found |= names_bound(list(ast.iter_child_nodes(node)))
    return found


#: What starts processes takes long; torch's own `fx.wrap` wants to be called at the top level.
NOT_MOVED = ("project/spawn", "workers-pin/share-out", "define-by-run/traceable")


@pytest.mark.parametrize("moved", [_in_a_block, _in_a_function])
def test_an_answer_is_judged_alike_inside_of_a_block_and_of_a_function(
    classroom: Class,  # noqa: F811
    moved: Callable[[str], str],
) -> None:
    for name, (lesson, step) in STEPS.items():
        if not isinstance(step, Graded) or isinstance(step, ParsonsStep) or name in NOT_MOVED:
            continue
        failed = [each for each in classroom.answer(lesson, step, moved(step.solution)) if not each.ok]
        assert not failed, (name, failed)
        for mistake in step.mistakes[:1]:
            results = classroom.answer(lesson, step, moved(mistake.code))
            assert any(not each.ok for each in results), (name, mistake.code)


def test_every_bundled_lesson_has_its_place_in_the_order() -> None:
    folder = bundled_lessons()[0].parent
    order = (folder / "index.txt").read_text().split()
    assert [path.stem for path in bundled_lessons()] == order
