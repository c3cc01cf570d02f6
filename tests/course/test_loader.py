"""Whatever a lesson file holds, loading gives a Lesson or one sentence with an exact place."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutor.course import document, loader
from tutor.course.errors import LessonError
from tutor.course.loader import find_lesson, load_lesson
from tutor.course.schema import Ask, Lesson, PredictStep

HEAD = "schema: 1\nid: a\ntitle: A\ntrack: T\n"
STEPS = "steps:\n- id: one\n  kind: read\n  prompt: Hello.\n"
RUN = "steps:\n- id: one\n  kind: run\n  prompt: Hello.\n"
PREDICT = (
    "steps:\n- id: one\n  kind: predict\n  prompt: Hello.\n"
    "  code: x = 1\n  ask:\n    expr: x\n    choices: [0, 1]\n"
)


@pytest.fixture(params=[yaml.SafeLoader, yaml.CSafeLoader])
def both_parsers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML may come without its C parser, so places have to be right with either."""
    monkeypatch.setattr(document, "_Loader", request.param)


@pytest.fixture
def load(tmp_path: Path, both_parsers: None):
    def load(content: str | bytes) -> Lesson:
        path = tmp_path / "lesson.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_lesson(path)

    return load


def test_the_smallest_lesson(load) -> None:
    lesson = load(HEAD + STEPS)
    assert (lesson.id, lesson.device, lesson.seed, lesson.requires) == ("a", "any", 0, {})
    assert [step.id for step in lesson.steps] == ["one"]


def test_every_key_of_the_format_is_read(load) -> None:
    lesson = load(
        HEAD
        + "requires: {torch: '>=2.4, <3'}\nseed: 7\ndevice: sim\nsetup: |\n  import torch\n"
        + PREDICT
        + "  after: Yes.\n"
    )
    assert (lesson.requires, lesson.seed, lesson.device) == ({"torch": ">=2.4, <3"}, 7, "sim")
    (step,) = lesson.steps
    assert isinstance(step, PredictStep)
    assert (step.code, step.after, step.ask) == ("x = 1", "Yes.", Ask(expr="x", choices=(0, 1)))


EXERCISE = STEPS.replace("kind: read", "kind: exercise") + "  solution: v = 3\n  checks:\n"

# (content, line, column, words that the sentence must hold)
MISTAKES = {
    "empty file": ("", 1, 1, ["empty"]),
    "only a comment": ("# nothing\n", 1, 1, ["empty"]),
    "null document": ("---\n", 1, 1, ["empty"]),
    "a list": ("- 1\n", 1, 1, ["the lesson", "mapping", "list"]),
    "broken flow": (HEAD + "steps: [\n", 6, 1, ["YAML"]),
    "bad indentation": ("schema: 1\n  id: a\n", 2, 5, ["YAML", "quotes"]),
    "colon in text": ("schema: 1\ntitle: Views: why\n", 2, 13, ["YAML", "quotes"]),
    "tab": (HEAD + "steps:\n\t- id: a\n", 6, 1, ["tab", "spaces"]),
    "unclosed quote": ('title: "A\n', 1, 8, ["YAML"]),
    "second document": (HEAD + STEPS + "---\nid: b\n", 9, 1, ["second document"]),
    "alias": ("a: &x [1]\nb: *x\n", 1, 4, ["aliases"]),
    "undefined alias": ("b: *x\n", 1, 4, ["alias"]),
    "tag": ("id: !!python/object/apply:os.system ['true']\n", 1, 5, ["tag"]),
    "deep nesting": ("a: " + "[" * 5_000 + "]" * 5_000 + "\n", 1, 16, ["nested"]),
    "list as key": ("? [1]\n: 2\n", 1, 3, ["key"]),
    "long key": (f"? {'k' * 2000}\n: 2\n", 1, 3, ["key"]),
    "duplicate key": (HEAD + "title: B\n" + STEPS, 5, 1, ["`title`", "line 3"]),
    "escape character": ('title: "\\e[2J"\n', 1, 8, ["control character"]),
    "lone surrogate": ('title: "\\ud800"\n', 1, None, []),
    "raw control character": ("id: a\ntitle: A\x1b[2J\n", 2, 9, ["'\\x1b'"]),
    "future schema": ("schema: 2\nshape: round\n", 1, 9, ["schema 1", "2"]),
    "schema as text": (HEAD.replace("1", "'1'") + STEPS, 1, 9, ["whole number", "text"]),
    "no schema": ((HEAD + STEPS).replace("schema: 1\n", ""), 1, 1, ["`schema`", "add"]),
    "no steps": (HEAD, 1, 1, ["`steps`"]),
    "empty steps": (HEAD + "steps: []\n", 5, 8, ["`steps`", "at least 1"]),
    "null steps": (HEAD + "steps:\n", 5, 7, ["`steps`", "list"]),
    "a step that is text": (HEAD + "steps:\n- hello\n", 6, 3, ["step 1", "text"]),
    "unknown key": (HEAD + "titel: B\n" + STEPS, 5, 1, ["'titel'", "`title`"]),
    "unknown step key": (HEAD + STEPS + "  promt: x\n", 9, 3, ["step 1", "'promt'", "`prompt`"]),
    "unknown ask key": (HEAD + PREDICT + "    answer: 1\n", 13, 5, ["'answer'", "labels and form"]),
    "no kind": (HEAD + "steps:\n- id: one\n  prompt: x\n", 6, 3, ["step 1", "`kind`"]),
    "later kind": (HEAD + STEPS.replace("read", "watch"), 7, 9, ["'watch'", "exercise, fix and parsons"]),
    "kind is a number": (HEAD + STEPS.replace("read", "3"), 7, 9, ["3"]),
    "bad step id": (HEAD + STEPS.replace("one", "One_1"), 6, 7, ["lower-case"]),
    "bad lesson id": (HEAD.replace("id: a", "id: 'a b'") + STEPS, 2, 5, ["lower-case"]),
    "number as id": (HEAD.replace("id: a", "id: 12") + STEPS, 2, 5, ["text", "quotes"]),
    "empty prompt": (HEAD + STEPS.replace("Hello.", "''"), 8, 11, ["`prompt`", "empty"]),
    "null prompt": (HEAD + STEPS.replace("Hello.", ""), 8, 10, ["`prompt`", "text"]),
    "title on two lines": (HEAD.replace("title: A", 'title: "A\\nB"') + STEPS, 3, 8, ["one line"]),
    "run without code": (HEAD + RUN, 6, 3, ["step 1", "`code`"]),
    "same step id": (HEAD + STEPS + STEPS.removeprefix("steps:\n"), 9, 7, ["`one`", "line 6"]),
    "bad device": (HEAD + "device: gpu\n" + STEPS, 5, 9, ["'gpu'", "any, cpu, sim or cuda"]),
    "negative seed": (HEAD + "seed: -1\n" + STEPS, 5, 7, ["`seed`", ">= 0"]),
    "number as version": (HEAD + "requires: {numpy: '>=1', torch: 2.4}\n" + STEPS, 5, 33, ["torch", "text"]),
    "version without bound": (HEAD + "requires: {torch: '2.4'}\n" + STEPS, 5, 19, [">=2.4"]),
    "ask missing": (HEAD + PREDICT.partition("  ask")[0], 6, 3, ["`ask`"]),
    "choices missing": (HEAD + PREDICT.replace("    choices: [0, 1]\n", ""), 11, 5, ["`choices`", "`form`"]),
    "bad form": (
        HEAD + PREDICT.replace("choices: [0, 1]", "form: size"),
        12,
        11,
        ["'size'", "shape, number"],
    ),
    "form and choices": (HEAD + PREDICT + "    form: shape\n", 13, 11, ["either"]),
    "one choice": (HEAD + PREDICT.replace("[0, 1]", "[0]"), 12, 14, ["1 of at least 2"]),
    "ten choices": (HEAD + PREDICT.replace("[0, 1]", str(list(range(10)))), 12, 14, ["more than 9"]),
    "same choice": (HEAD + PREDICT.replace("[0, 1]", "[0, 1, 0]"), 12, 21, ["0", "already"]),
    "equal choices": (HEAD + PREDICT.replace("[0, 1]", "[1, 1.0]"), 12, 18, ["1.0", "already"]),
    "same list choice": (HEAD + PREDICT.replace("[0, 1]", "[[1, 2], [1, 2]]"), 12, 23, ["already"]),
    "mapping as choice": (HEAD + PREDICT.replace("[0, 1]", "[0, {a: 1}]"), 12, 18, ["choices"]),
    "null choice": (HEAD + PREDICT.replace("[0, 1]", "[0, null]"), 12, 18, ["nothing"]),
    "bad expression": (HEAD + PREDICT.replace("expr: x", "expr: x +"), 11, None, ["Python expression"]),
    "statement as expression": (
        HEAD + PREDICT.replace("expr: x", "expr: x = 2"),
        11,
        13,
        ["Python expression"],
    ),
    "bad inline code": (HEAD + RUN + "  code: x = = 1\n", 9, 13, ["Python"]),
    "bad quoted code": (HEAD + RUN + "  code: 'x = = 1'\n", 9, 14, ["Python"]),
    "bad code in a block": (HEAD + RUN + "  code: |\n    x = 1\n\n    y = = 2\n", 12, 9, ["Python"]),
    "bad indent in a block": (HEAD + RUN + "  code: |\n    if 1:\n    y = 2\n", 11, 5, ["Python"]),
    "bad folded code": (HEAD + RUN + "  code: >\n    x = = 1\n", 9, 9, ["Python"]),
    "return outside": (HEAD + RUN + "  code: return 3\n", 9, 9, ["Python", "return"]),
    "NUL in code": (HEAD + RUN + '  code: "x\\0"\n', 9, 9, ["control character"]),
    "bad setup": (HEAD + "setup: |\n  import\n" + STEPS, 6, 9, ["Python"]),
    "code nested too deep": (HEAD + RUN + f"  code: {'(' * 5000}{')' * 5000}\n", 9, None, ["Python"]),
    "a check of several lines without assert": (
        HEAD + EXERCISE + "  - py: |\n      total = v.sum()\n      total == 3\n",
        13,
        7,
        ["`assert`", "the value of this line is not looked at"],
    ),
    "a check whose assert is never run": (
        HEAD + EXERCISE + "  - py: |\n      def holds():\n        return v == 3\n",
        12,
        7,
        ["`assert`", "none of them can fail"],
    ),
    "a check of two statements on a line": (
        HEAD + EXERCISE + "  - {not: {py: n = 3; v == n}}\n",
        11,
        23,
        ["`assert`"],
    ),
    "an assert that always holds": (
        HEAD + EXERCISE + "  - py: |\n      n = v.sum()\n      assert True, n\n",
        13,
        7,
        ["`assert`", "none"],
    ),
    "a check that is always true": (HEAD + EXERCISE + "  - py: (v > 1, v)\n", 11, 9, ["true whatever"]),
    "quote that the next one closes": (
        HEAD + "setup: 'x = 1\nseed: 0\nsteps:\n- {id: one, kind: read, prompt: 'Hello.'}\n",
        5,
        8,
        ["begins here", "in line 8 only", "close it"],
    ),
    "quote that nothing closes": (HEAD + 'setup: "x = 1\n' + STEPS, 5, 8, ["begins here", "not closed"]),
    "backslash in quotes": (HEAD + STEPS.replace("Hello.", '"a \\is b"'), 8, 14, ["single quotes"]),
    "versions of what is not torch": (
        HEAD + 'requires: {numpy: ">=2"}\n' + STEPS,
        5,
        19,
        ["torch alone", "`numpy`"],
    ),
    "not UTF-8": (b"id: a\ntitle: caf\xe9\n", 2, 11, ["0xe9", "UTF-8"]),
    "UTF-16": ((HEAD + STEPS).encode("utf-16"), 1, 1, ["UTF-8"]),
    "huge": ("# " + "x" * loader.MAX_BYTES, 1, 1, ["256 KiB"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_place(load, mistake: str) -> None:
    content, line, column, words = MISTAKES[mistake]
    with pytest.raises(LessonError) as caught:
        load(content)
    error = caught.value
    assert (error.line, error.column) == (line, column or error.column), str(error)
    assert str(error) == f"{error.path}:{error.line}:{error.column}: {error.message}"
    assert all(word in error.message for word in words), error.message
    assert len(error.message) < 300
    assert "\n" not in error.message


def test_a_billion_laughs_is_refused_at_once(load) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    with pytest.raises(LessonError, match="aliases"):
        load("\n".join(lines))


@pytest.mark.parametrize(
    ("written", "choices"),
    [
        ("[yes, no]", ("yes", "no")),
        ("[true, false]", (True, False)),
        ("[1, true]", (1, True)),
        ("[1e-3, .5, 2., -.inf]", (0.001, 0.5, 2.0, float("-inf"))),
        ("[2024-01-01, '0']", ("2024-01-01", "0")),
        ("[[2, 3], [3, 2], []]", ([2, 3], [3, 2], [])),
        ("[0o7, 1_000, 1:30]", ("0o7", "1_000", "1:30")),
    ],
)
def test_scalars_mean_what_they_look_like(load, written: str, choices: tuple[object, ...]) -> None:
    (step,) = load(HEAD + PREDICT.replace("[0, 1]", written)).steps
    assert isinstance(step, PredictStep)
    assert step.ask.choices == choices
    assert [type(choice) for choice in step.ask.choices] == [type(choice) for choice in choices]


def test_which_choice_a_value_is() -> None:
    ask = Ask(expr="x", choices=(1, True, float("nan"), "a", [2, 3]))
    found = [
        ask.index_of(value) for value in (1, 1.0, True, float("nan"), "a", [2, 3], (2, 3), 0, None, [2], {})
    ]
    assert found == [0, 0, 1, 2, 3, 4, 4, None, None, None, None]


@pytest.mark.parametrize(
    "content", [HEAD + STEPS, "\ufeff" + HEAD + STEPS, (HEAD + STEPS).replace("\n", "\r\n")]
)
def test_files_from_other_editors_load(load, content: str) -> None:
    assert load(content).title == "A"


def test_top_level_await_is_code(load) -> None:
    load(HEAD + RUN + "  code: |\n    import asyncio\n    await asyncio.sleep(0)\n")


@pytest.mark.parametrize(
    "code",
    ["assert v == 3", "for n in range(3):\n  assert v > n", "w = v\nif w != 3:\n  raise AssertionError",
     "import torch\ntorch.testing.assert_close(v, 3)", "all(\n  v > n\n  for n in (1, 2))"],
)  # fmt: skip
def test_a_check_of_code_that_can_fail_is_one(load, code: str) -> None:
    load(HEAD + EXERCISE + "  - py: |\n" + "".join(f"      {line}\n" for line in code.split("\n")))


def test_code_that_python_warns_about_loads_in_silence(load) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(HEAD + RUN + "  code: print(1 is 1)\n")


def test_places_that_are_no_files(tmp_path: Path) -> None:
    for path, words in [
        (tmp_path, "not a file"),
        (tmp_path / "none.yaml", "No such file"),
        (Path("a\0b"), "null"),
    ]:
        with pytest.raises(LessonError, match=words) as caught:
            load_lesson(path)
        assert (caught.value.line, caught.value.column) == (1, 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX")
def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LessonError, match="not a file"):
        load_lesson(tmp_path / "pipe")


def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    with pytest.raises(LessonError, match="cannot be read"):
        load_lesson(loop)


def test_a_lesson_is_found_by_id_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "view-reshape").mkdir()
    mine = tmp_path / "mine.yaml"
    mine.write_text(HEAD + STEPS)
    assert find_lesson("view-reshape").name == "view-reshape.yaml"
    assert find_lesson("mine.yaml") == Path("mine.yaml")
    for missing in ("nothing", "a\0b", "x" * 5_000, ""):
        with pytest.raises(LessonError, match="view-reshape") if missing else pytest.raises(LessonError):
            load_lesson(find_lesson(missing))


def _lesson_or_place(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        lesson = load_lesson(path)
    except LessonError as error:
        lines = content.decode(errors="replace").removeprefix("\ufeff")
        assert error.path == path
        assert 1 <= error.line <= len(document._LINE_BREAK.split(lines))
        assert error.column >= 1
        assert error.message
    else:
        assert isinstance(lesson, Lesson)


ANY = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

TOP_KEYS = ["schema", "id", "title", "track", "steps", "requires", "seed", "device", "setup"]
STEP_KEYS = ["kind", "prompt", "code", "ask", "expr", "choices", "after"]
keys = st.sampled_from([*TOP_KEYS, *STEP_KEYS])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["read", "run", "predict"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | keys, inner, max_size=4),
    max_leaves=20,
)


@ANY
@given(
    content=st.binary() | st.text().map(str.encode) | st.text("- :[]{}'\"|>&*!%#?,\t\nab1~").map(str.encode)
)
def test_any_bytes_give_a_lesson_or_a_place(tmp_path: Path, content: bytes) -> None:
    _lesson_or_place(tmp_path / "lesson.yaml", content)


@ANY
@given(data=st.dictionaries(keys, values) | values)
def test_any_yaml_gives_a_lesson_or_a_place(tmp_path: Path, data: object) -> None:
    _lesson_or_place(
        tmp_path / "lesson.yaml", yaml.safe_dump(data, allow_unicode=True).encode("utf-8", "replace")
    )


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good lesson in which one value, anywhere, was replaced by another or one key was renamed."""
    lesson = yaml.safe_load(HEAD + "requires: {torch: '>=2'}\nsetup: x = 1\n" + PREDICT)
    node: object = lesson
    while True:
        slots = (
            list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        )
        slot = draw(st.sampled_from(slots))
        if isinstance(node[slot], dict | list) and node[slot] and draw(st.booleans()):
            node = node[slot]
            continue
        if isinstance(node, dict) and draw(st.booleans()):
            node[draw(st.text())] = node.pop(slot)
        else:
            node[slot] = draw(values)
        return yaml.safe_dump(lesson, allow_unicode=True).encode("utf-8", "replace")


@ANY
@given(content=damaged())
def test_a_damaged_lesson_gives_a_lesson_or_a_place(tmp_path: Path, content: bytes) -> None:
    _lesson_or_place(tmp_path / "lesson.yaml", content)
