"""Lessons and sessions as scripts and notebooks run to their ends in a plain Python without torchtutor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import nbformat
import pytest

from tutor.course.loader import bundled_lessons, load_lesson
from tutor.course.notebook import notebook, script
from tutor.course.schema import Lesson, PredictStep
from tutor.course.sheets import Ran, guarded, lesson_cells, session_cells
from tutor.course.store import Store, TranscriptEntry
from tutor.export import ExportError
from tutor.takeaway import lesson_file, session_file

#: Runs files one after another, each in a namespace of its own, and tells what each printed or raised.
#: Nothing of torchtutor can be imported.
RUNNER = """
import contextlib, io, json, os, sys, tempfile, types, warnings
class Wall:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "tutor":
            raise ImportError("there is no torchtutor here")
sys.meta_path.insert(0, Wall())
warnings.simplefilter("ignore")
import torch
told = {}
for path in sys.argv[1:]:
    os.chdir(tempfile.mkdtemp(dir=os.path.dirname(path)))
    text = open(path, encoding="utf-8").read()
    if path.endswith(".py"):
        cells = [text]
    else:
        cells = ["".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    printed, failed = io.StringIO(), ""
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        try:
            for number, cell in enumerate(cells):
                exec(compile(cell, f"{path}[{number}]", "exec"), module.__dict__)
        except BaseException as error:
            failed = f"cell {number}: {type(error).__name__}: {error}"
    told[os.path.basename(path)] = [failed, printed.getvalue()]
json.dump(told, sys.stdout)
"""


def run_elsewhere(folder: Path, files: dict[str, str]) -> dict[str, list[str]]:
    """By file: what was raised, if anything, and what was printed."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    paths = [str(folder / name) for name in files]
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUNNER, *paths], capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_every_lesson_runs_elsewhere_as_a_script_and_as_a_notebook(tmp_path: Path) -> None:
    lessons = [load_lesson(path) for path in bundled_lessons()]
    able = [lesson for lesson in lessons if lesson.device in ("any", "cpu")]
    files = {f"{lesson.id}.py": script(lesson_cells(lesson)) for lesson in able}
    files |= {f"{lesson.id}.ipynb": notebook(lesson_cells(lesson)) for lesson in able}
    told = run_elsewhere(tmp_path, files)
    assert {name: failed for name, (failed, _) in told.items() if failed} == {}
    for lesson in able:
        printed = told[f"{lesson.id}.py"][1].splitlines()
        for step in lesson.steps:
            if isinstance(step, PredictStep):
                if not step.ask.offered:
                    continue
                choices = [*step.ask.offered, *(tuple(c) for c in step.ask.offered if isinstance(c, list))]
                assert {str(choice) for choice in choices} & set(printed), (lesson.id, step.id)


def step(**more: Any) -> dict[str, Any]:
    return {"id": "a", "kind": "run", "prompt": "# Look\n\nText.", "code": "y = x + 1", **more}


def made(*steps: dict[str, Any]) -> Lesson:
    document = {"schema": 1, "id": "made", "title": "Made", "track": "T", "setup": "x = 1", "steps": steps}
    return msgspec.convert(document, Lesson)


def test_what_the_learner_wrote_stands_where_the_step_is_done(tmp_path: Path) -> None:
    task = {"kind": "exercise", "prompt": "P", "checks": [{"var": "v", "value": 2}], "solution": "v = x + 1"}
    lesson = made({"id": "one", **task}, {"id": "two", **task}, {"id": "three", **task})
    with Store.open(tmp_path / "tutor.db", patience=5) as store:
        store.save_draft("made/one", "v = 2 * x  # mine")
        store.save_draft("made/two", "v = later")
        store.record("made", "one", done=True)
        store.record("made", "two", visited=True)
        store.save_draft("made/three", "v = (  # broken since")
        store.record("made", "three", done=True)
        mine = lesson_file(lesson, store, "made.py", mine=True).decode()
        theirs = lesson_file(lesson, store, "made.py", mine=False).decode()
        with pytest.raises(ExportError, match=r"neither \.py nor \.ipynb"):
            lesson_file(lesson, store, "made.txt", mine=False)
    assert "# mine" in mine
    assert "later" not in mine
    assert mine.count("v = x + 1") == 1
    assert theirs.count("v = x + 1") == 3
    compile(mine, "mine.py", "exec")
    assert "# v = (  # broken since" in mine


#: Code that raises, an expression for what it leaves behind, and the value of that.
RAISING = [
    ("x = 1\nint('a')\nx = 2", "x", "1"),
    ('t = """a\n  b"""\nint(t)', "repr(t)", r"'a\n  b'"),
    ("error = 5\nint('a')", "error", "5"),
    ("def f():\n    return 1\nf(1)", "f()", "1"),
]


def test_code_that_raises_is_gone_on_from_and_leaves_what_it_left(tmp_path: Path) -> None:
    files = {f"{n}.py": f"{guarded(code)}\nprint({expr})" for n, (code, expr, _) in enumerate(RAISING)}
    told = run_elsewhere(tmp_path, files)
    for n, (_, _, value) in enumerate(RAISING):
        failed, printed = told[f"{n}.py"]
        assert not failed
        caught, shown = printed.splitlines()
        assert caught.startswith(("ValueError: ", "TypeError: "))
        assert shown == value


SESSION = [
    Ran("a = torch.ones(2, device=device)", place="scratch"),
    Ran("a.foo", "AttributeError: 'Tensor' object has no attribute 'foo'", place="scratch"),
    Ran("a = = 1", "SyntaxError: invalid syntax", place="scratch"),
    Ran("import asyncio\nawait asyncio.sleep(0)", place="scratch"),
    Ran("return 5", "SyntaxError: 'return' outside function", place="scratch"),
    Ran("from __future__ import annotations\ndef f(x: nowhere): pass", place="scratch"),
    Ran(
        "from __future__ import division  # so\n1 / 0", "ZeroDivisionError: division by zero", place="scratch"
    ),
    Ran("import sys\nsys.exit()", "SystemExit: None", place="scratch"),
    Ran("y = x + 1\nx = 5", place="made/a", afresh=True),
    Ran("print('y is', y)", place="made/a"),
    Ran("print('x is', x)", place="made/a", afresh=True),
]


def test_a_session_runs_elsewhere_with_its_errors_and_the_setups_of_its_lessons(tmp_path: Path) -> None:
    cells = session_cells(SESSION, {"made": made(step())})
    failed, printed = run_elsewhere(tmp_path, {"s.py": script(cells)})["s.py"]
    assert not failed
    assert "AttributeError: 'Tensor' object has no attribute 'foo'" in printed
    assert "y is 2\nx is 1\n" in printed
    book = nbformat.reads(notebook(cells), as_version=4)
    assert "import asyncio\nawait asyncio.sleep(0)" in [cell.source for cell in book.cells]
    told = "".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    assert "a = = 1" in told
    assert "return 5" in told
    code = [cell.source for cell in book.cells if cell.cell_type == "code"]
    assert code[0] == "from __future__ import annotations\nfrom __future__ import division  # so"


def test_a_session_is_what_one_instance_ran(tmp_path: Path) -> None:
    path = tmp_path / "tutor.db"
    with Store.open(path, patience=5) as store:
        store.add_entry(TranscriptEntry("scratch", "before = 1", mark="›"))
    with Store.open(path, patience=5) as store:
        store.add_entry(TranscriptEntry("scratch", "a = 1", mark="›"))
        store.add_entry(TranscriptEntry("scratch", "b = a.c", mark="›", remarks=(("error", "E: c"),)))
        own = session_file(store, "s.py")
    with Store.open(path, patience=5) as store:
        assert session_file(store, "s.py", own=False) == own
        with pytest.raises(ExportError, match="Nothing has run"):
            session_file(store, "s.py")
    text = own.decode()
    assert "before" not in text
    assert text.index("a = 1") < text.index("try:") < text.index("b = a.c")


def test_the_same_lesson_gives_the_same_file() -> None:
    lesson = made(step())
    assert notebook(lesson_cells(lesson)) == notebook(lesson_cells(lesson))


def test_the_command_writes_once_and_names_what_it_cannot(tmp_path: Path) -> None:
    def export(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tutor", "export", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    out = tmp_path / "lesson.ipynb"
    assert export("view-reshape", "-o", out).returncode == 0
    nbformat.validate(nbformat.read(out, as_version=4))
    again = export("view-reshape", "-o", out)
    assert (again.returncode, len(again.stderr.splitlines())) == (2, 1)
    assert export("view-reshape", "-o", out, "--force").returncode == 0
    wrong = export("no-such", "-o", tmp_path / "b.py")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
    assert export("view-reshape").stdout.startswith("# %% [markdown]\n# # View or reshape?")
