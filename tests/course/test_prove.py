"""`torchtutor check` passes what is right, names every defect with its place, and ends in time."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tutor import proving
from tutor.course.loader import bundled_lessons

HEAD = (
    "schema: 1\nid: made\ntitle: Made\ntrack: T\nsetup: |\n  import torch\n  x = torch.arange(6.)\nsteps:\n"
)
EXERCISE = """\
- id: view
  kind: exercise
  prompt: Make a view.
  starter: "v = ____"
  checks:
  - {var: v, shape: [2, 3]}
  - {var: v, shares_memory: x}
  solution: v = x.view(2, 3)
  accepts:
  - v = x.reshape(2, 3)
  mistakes:
  - {code: v = x, fails: shape}
  - {code: "v = x.reshape(2, 3).clone()", fails: shares_memory}
"""
PREDICT = "- {id: p, kind: predict, prompt: P, code: y = 1, ask: {expr: y, choices: [1, 2]}}\n"
QUIZ = "- {id: q, kind: quiz, prompt: Q, choices: [a, b], answer: 0}\n"


def check(*arguments: str | Path, patience: float = 90) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tutor", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=patience, check=False)


@pytest.mark.timeout(400)
def test_the_bundled_lessons_are_proven_with_nothing_untested() -> None:
    done = check(patience=380)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{len(bundled_lessons())} lessons checked" in done.stdout
    assert "no problems." in done.stdout
    assert "untested" not in done.stdout


TYPED = "- {id: t, kind: predict, prompt: T, code: 'y = x.view(2, 3)', ask: {expr: y.shape, form: shape}}\n"
ERROR = (
    "- {id: e, kind: predict, prompt: E, code: x.view(7), raises: {type: RuntimeError}, "
    "ask: {expr: '1', choices: [works, raises RuntimeError]}}\n"
)

# name -> (the steps of a lesson, exit status, words of the complaints)
LESSONS = {
    "predictions": (TYPED + ERROR, 0, []),
    "no shape": (TYPED.replace("y.shape", "'y'"), 1, ["9:", "is no shape"]),
    "error elsewhere": (
        ERROR.replace("raises RuntimeError]", "raises KeyError]"),
        1,
        ["none of the choices"],
    ),
    "good": (EXERCISE + PREDICT + QUIZ, 0, []),
    "solution": (
        EXERCISE.replace("solution: v = x.view(2, 3)", "solution: v = x"),
        1,
        ["16:13", "the solution"],
    ),
    "accepts": (EXERCISE.replace("- v = x.reshape(2, 3)", "- v = x.reshape(3, 2)"), 1, ["18:5", "`shape`"]),
    "starter passes": (EXERCISE.replace("v = ____", "v = x.view(2, 3)"), 1, ["12:12", "starts with"]),
    "empty passes": (
        EXERCISE.replace("- {var: v, shape: [2, 3]}\n  - {var: v, shares", "- {var: x, shares").replace(
            "v = x, fails: shape", "v = y, fails: raises"
        ),
        1,
        ["an empty answer passes"],
    ),
    "mistake passes": (
        EXERCISE.replace("{code: v = x,", "{code: 'v = x.view(2, 3)',"),
        1,
        ["passes all checks"],
    ),
    "mistake elsewhere": (EXERCISE.replace("fails: shape", "fails: dtype"), 1, ["`dtype`", "`shape`"]),
    "untested": (
        EXERCISE.replace("shape: [2, 3]}", "shape: [2, 3], dtype: float32}"),
        0,
        ["untested", "`dtype`"],
    ),
    "predict": (PREDICT.replace("[1, 2]", "[2, 3]"), 1, ["gives 1", "none of the choices"]),
    "predict name": (PREDICT.replace("expr: y", "expr: z"), 1, ["NameError"]),
    "error that no choice says": (
        ERROR.replace("raises RuntimeError]", "breaks]"),
        1,
        ["add `raises RuntimeError`"],
    ),
    "run": ("- {id: r, kind: run, prompt: R, code: 1 / 0}\n", 1, ["ZeroDivisionError", "raises"]),
    "run on purpose": (
        "- {id: r, kind: run, prompt: R, code: 1 / 0, raises: {type: ArithmeticError}}\n",
        0,
        [],
    ),
    "run without purpose": (
        "- {id: r, kind: run, prompt: R, code: y = 1, raises: {type: ValueError}}\n",
        1,
        ["ValueError"],
    ),
    "quiz": (QUIZ.replace("answer: 0", "expr: 1 + 1"), 1, ["none of the choices"]),
    "kernel death": (
        EXERCISE + "- {id: r, kind: run, prompt: R, code: 'import os; os._exit(3)'}\n" + PREDICT,
        1,
        ["KernelDied", "call that exits); correct"],
    ),
    "needs": (
        EXERCISE + "- {id: n, kind: exercise, prompt: N, needs: [view], checks: [{var: w, equals: v + 1}],"
        " solution: w = v + 1, mistakes: [{code: w = v, fails: equals}]}\n",
        0,
        [],
    ),
    # broken, exit status 2
    "needs nothing": (EXERCISE.replace("  starter", "  needs: [other]\n  starter"), 2, ["12:11", "`other`"]),
    "no var": (EXERCISE.replace("{var: v, shape", "{shape"), 2, ["14:5", "add `var`"]),
    "unknown fact": (EXERCISE.replace("shape: [2", "shap: [2"), 2, ["'shap'", "`shape`"]),
    "unknown dtype": (EXERCISE.replace("shape: [2, 3]", "dtype: float33"), 2, ["'float33'"]),
    "bad expression": (EXERCISE.replace("shape: [2, 3]", "equals: x +"), 2, ["Python expression"]),
    "bad accept": (EXERCISE.replace("- v = x.reshape(2, 3)\n", "- v = = 1\n"), 2, ["18:9", "Python"]),
    "unknown failure": (EXERCISE.replace("fails: shape}", "fails: shap}"), 2, ["`shap`"]),
    "quiz without answer": (QUIZ.replace(", answer: 0", ""), 2, ["`answer`"]),
    "quiz beyond": (QUIZ.replace("answer: 0", "answer: 2"), 2, ["0 to 1"]),
}


def status_of(row: str) -> int:
    """The exit status that a lesson would give alone, by its row in the table."""
    return 2 if "cannot be read" in row else 1 if "problem" in row else 0


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """All the lessons' folder, and the lines that one command says of them."""
    folder = tmp_path_factory.mktemp("lessons")
    for place, (steps, *_) in enumerate(LESSONS.values()):
        (folder / f"made{place:02}.yaml").write_text(HEAD.replace("id: made", f"id: made{place:02}") + steps)
    done = check(folder)
    assert (done.returncode, done.stderr) == (2, "")
    return folder, done.stdout.splitlines()


@pytest.mark.parametrize("name", LESSONS)
def test_each_defect_is_reported_with_its_place(proven: tuple[Path, list[str]], name: str) -> None:
    _, status, words = LESSONS[name]
    folder, lines = proven
    made = f"made{list(LESSONS).index(name):02}"
    told = "\n".join(line for line in lines if line.startswith(f"{folder / made}.yaml:"))
    assert all(word in told for word in words), told
    assert bool(told) >= bool(status)
    assert status_of(next(line for line in lines if line.startswith(made))) == status, told


def test_every_line_is_a_complaint_or_of_the_table(proven: tuple[Path, list[str]]) -> None:
    folder, lines = proven
    complaints = [line for line in lines if line.startswith(f"{folder}/made")]
    assert lines[: len(complaints)] == complaints
    assert len(lines) == len(complaints) + 1 + len(LESSONS) + 1


@pytest.mark.parametrize("name", ["good", "untested", "solution", "no var"])
def test_the_exit_status_is_that_of_what_was_found(tmp_path: Path, name: str) -> None:
    steps, status, words = LESSONS[name]
    path = tmp_path / "made.yaml"
    path.write_text(HEAD + steps)
    done = check(path)
    assert (done.returncode, done.stderr) == (status, ""), done.stdout
    assert all(word in done.stdout for word in words), done.stdout
    lines = done.stdout.splitlines()
    assert all(line.startswith(f"{path}:") for line in (lines if status == 2 else lines[:-1]))


BROKEN = {
    "unknown key": (HEAD + EXERCISE + "  hint: x\n").encode(),
    "wrong type": HEAD.replace("Made", "[1]").encode(),
    "tabs": b"schema: 1\nsteps:\n\t- id: a\n",
    "aliases": b"a: &a [x]\nb: [*a, *a]\n",
    "50 MB": b"#" * 50_000_000,
    "not UTF-8": b"id: \xff\n",
    "bad YAML": b"id: [\n",
}


@pytest.mark.parametrize("name", [*BROKEN, "missing", "folder.yaml", "empty folder"])
def test_a_broken_file_gets_one_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / "broken.yaml"
    if name in BROKEN:
        path.write_bytes(BROKEN[name])
    elif name != "missing":
        path = tmp_path / name
        path.mkdir()
    done = check(path)
    assert (done.returncode, done.stderr) == (2, "")
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.startswith(f"{path}:")


def hanging(folder: Path) -> tuple[Path, Path]:
    """A lesson whose code never ends, and the file that this code makes first."""
    path, trace = folder / "made.yaml", folder / "it hangs"
    code = f"open({str(trace)!r}, 'w').close()\nwhile True: pass"
    path.write_text(f"{HEAD}- {{id: r, kind: run, prompt: R, code: {json.dumps(code)}}}\n")
    return path, trace


def test_ctrl_c_ends_a_case_that_hangs(tmp_path: Path) -> None:
    path, trace = hanging(tmp_path)
    command = [sys.executable, "-m", "tutor", "check", str(path)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    deadline = time.monotonic() + 60
    while not trace.exists():
        assert time.monotonic() < deadline, "the lesson's code did not start"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "Stopped.\n", "")


def test_a_case_that_hangs_is_stopped_and_told(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("tutor.proving.bench.PATIENCE", 0.5)
    path, _ = hanging(tmp_path)
    assert proving.check([str(path)], memory="off") == 1
    assert "did not end within 0.5 seconds" in capsys.readouterr().out


def test_where_the_setup_stops_nothing_is_said_of_mistakes(tmp_path: Path, capsys) -> None:
    lesson = tmp_path / "made.yaml"
    lesson.write_text(HEAD.replace("arange(6.)", "arange(6.).lost") + EXERCISE)
    assert proving.check([str(lesson)], memory="off") == 1
    told = capsys.readouterr().out
    assert "the setup, or a solution that a step needs, stops with AttributeError" in told
    assert "untested" not in told


def test_an_error_is_of_each_class_that_its_own_is_derived_from(tmp_path: Path, capsys) -> None:
    lesson = tmp_path / "made.yaml"
    lesson.write_text(
        HEAD
        + """\
- id: typed
  kind: predict
  prompt: P
  code: torch.linalg.inv(torch.zeros(2, 2))
  ask: {expr: x, form: shape}
  raises: {type: RuntimeError}
- id: chosen
  kind: predict
  prompt: P
  code: |
    class Own(KeyError):
        pass
    raise Own("k")
  ask: {expr: x, choices: [1, raises LookupError, raises TypeError]}
  raises: {type: LookupError}
"""
    )
    assert proving.check([str(lesson)], memory="off") == 0, capsys.readouterr().out


def test_a_lesson_for_another_torch_is_not_proven(tmp_path: Path) -> None:
    lesson = tmp_path / "later.yaml"
    lesson.write_text(HEAD.replace("setup:", 'requires: {torch: ">=99"}\nsetup:', 1) + EXERCISE)
    done = check(lesson)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "not proven: This lesson is for torch >=99" in done.stdout


def test_a_lesson_is_proven_on_the_device_that_it_names(tmp_path: Path) -> None:
    steps = EXERCISE.replace("x.", "x.to(device).").replace("shares_memory: x", "device: 'sim:0'")
    steps = steps.replace("v = x, fails: shape", "'v = x.view(2, 3)', fails: device")
    steps = steps.replace("reshape(2, 3).clone()", "clone()").replace("fails: shares_memory", "fails: shape")
    path = tmp_path / "there.yaml"
    path.write_text(HEAD.replace("setup:", "device: sim\nsetup:") + steps)
    done = check(path)
    assert (done.returncode, done.stderr) == (0, "")
    path.write_text(HEAD.replace("setup:", "device: cuda\nsetup:") + QUIZ)
    if not torch.cuda.is_available():
        done = check(path)
        assert done.returncode == 1
        assert "there.yaml:5:9: not proven: There is no device `cuda` here" in done.stdout


def test_several_files_have_a_table_in_their_order(tmp_path: Path) -> None:
    files = {
        "a.yaml": HEAD.replace("id: made", "id: first") + EXERCISE + PREDICT,
        "b.yaml": HEAD.replace("id: made", "id: second") + QUIZ,
        "c.yaml": "id: [\n",
        "d.yaml": HEAD.replace("id: made", "id: last") + PREDICT.replace("[1", "[5"),
        "e.yaml": HEAD.replace("id: made", "id: first") + QUIZ,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    *told, summary = [line.rstrip() for line in done.stdout.splitlines()]
    assert [Path(line.split(":")[0]).name for line in told[:3]] == ["c.yaml", "d.yaml", "e.yaml"]
    assert f"the lesson in {tmp_path / 'a.yaml'} has the id `first` too" in told[2]
    rows = [line.split() for line in told[3:]]
    assert [row[0] for row in rows] == ["lesson", "first", "second", "c.yaml", "last", "first"]
    assert rows[1][1:4] == ["2", "1", "12"]
    assert [line.endswith("ok") for line in told[4:]] == [True, True, False, False, False]
    assert told[6].endswith("cannot be read")
    assert told[7].endswith("1 problem")
    assert told[8].endswith("1 problem")
    assert summary.startswith("4 lessons checked")


def test_watching_proves_again_what_was_saved_and_shows_how_far_it_is(tmp_path: Path) -> None:
    lesson = tmp_path / "made.yaml"
    lesson.write_text(HEAD + PREDICT)
    (tmp_path / "other.yaml").write_text(HEAD.replace("id: made", "id: other") + QUIZ)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tutor", "check", "--watch", str(tmp_path)], stdout=slave, stderr=slave
    )
    os.close(slave)
    seen = ""

    def expect(text: str) -> str:
        nonlocal seen
        deadline = time.monotonic() + 60
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([master], [], [], 0.5)[0]:
                seen += os.read(master, 65536).decode()
        before, _, seen = seen.partition(text)
        return before

    try:
        before = expect("Watching 2 files")
        assert re.search(r"[0-4]/4\b", before), before
        lesson.write_text(HEAD + PREDICT.replace("[1, 2]", "[2, 3]"))
        expect("none of the choices")
        assert "other" not in expect("1 lesson checked")
        process.send_signal(signal.SIGINT)
        expect("Stopped.")
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.wait()
        os.close(master)
