"""The report of a run for people."""

from io import StringIO

from msgspec import structs
from rich.console import Console

from tutor.facts import Explanation, Run, Snapshot
from tutor.view.palette import INK
from tutor.view.report import run_report

from .build import error, lesson_run, snapshot, step, tensor, warning


def shown(run: Run, width: int = 80, **more: object) -> list[str]:
    return [line.rstrip() for line in run_report(run, INK, width, **more).plain.split("\n")]


def test_the_lesson() -> None:
    lines = shown(lesson_run())
    assert lines[0].startswith("views.py  ───")
    assert lines[0].endswith("ran in 12 ms")
    assert lines[4] == " 4  y = x[:, 1]                             A [2] f32 view of x"
    assert lines[10] == "10  loss.backward()                         C w.grad [3] new"
    assert lines[12].endswith("6 live")
    assert lines[13].split() == ["name", "shape", "dtype", "stride", "grad", "device", "data_ptr"]
    assert lines[15][:40] == "A  y       [2]     f32    (3) +1        "
    assert lines[-1] == "x and y share memory"


def test_output_results_and_warnings_stand_below_their_line() -> None:
    printed = step("f(x)", Snapshot(), stdout="one\x1b[2J\nt\rTWO\n", result="[1,\n 2]", line=1)
    warned = step("g()", Snapshot(), warnings=(warning("UserWarning", "care\nful", 2),), line=2)
    assert shown(Run("f(x)\ng()\n", "a.py", (printed, warned), None, 0.1))[1:] == [
        "1  f(x)",
        "   │ one",
        "   │ TWO",
        "   = [1,",
        "      2]",
        "2  g()                                     UserWarning",
        "   ! UserWarning, line 2: care ful",
    ]


def test_an_error_marks_its_line_and_is_told() -> None:
    problem = error("RuntimeError", "shapes differ\nhint: \x1b[31mno", 2)
    failed = step("x @ x", Snapshot(), line=2, error=problem)
    assert shown(Run("x = 1\nx @ x\n", "a.py", (failed,), problem, 0.1))[1:] == [
        "1  x = 1",
        "2✗ x @ x                                   RuntimeError",
        "",
        "RuntimeError at line 2",
        "shapes differ",
        "hint: no",
    ]


def test_a_syntax_error_has_no_steps() -> None:
    lines = shown(Run("x = (", "a.py", (), error("SyntaxError", "'(' was never closed", 1), 0.0))
    assert lines[0].endswith("stopped in 0 ms")
    assert lines[1:] == ["1✗ x = (", "", "SyntaxError at line 1", "'(' was never closed"]


def test_sharing_in_words_and_explanations() -> None:
    names = [tensor(name, 1, (2,)) for name in "abc"]
    made = step("a = b = c", snapshot(*names), ("a", "new"))
    note = Explanation(
        "view", "note", "b shares memory", "First.\nSecond.", fix="b = a.clone()", names=("b",)
    )
    lines = shown(Run("a = b = c", "a.py", (made,), None, 0.1), explanations={0: [note]})
    assert lines[2:6] == ["   ▎ b shares memory", "   ▎ First.", "   ▎ Second.", "   ▎   b = a.clone()"]
    assert lines[-1] == "a, b and c share memory"


def test_columns_that_do_not_fit_are_left_out() -> None:
    heading = next(line for line in shown(lesson_run(), 40) if "stride" in line)
    assert heading.split() == ["name", "shape", "dtype", "stride", "grad"]


def test_names_left_out_by_the_kernel_are_counted() -> None:
    run = lesson_run()
    last = run.steps[-1]
    cut = structs.replace(last, snapshot=structs.replace(last.snapshot, omitted=812))
    assert "… and 812 more" in shown(structs.replace(run, steps=(*run.steps[:-1], cut)))


def test_without_colour_it_is_plain_text() -> None:
    out = StringIO()
    Console(file=out, width=120, color_system=None, force_terminal=False).print(run_report(lesson_run(), INK))
    assert "\x1b" not in out.getvalue()
    assert "A writes 1 of 6 y too" in out.getvalue()


def test_wide_characters_keep_the_notes_aligned() -> None:
    made = step("이름 = 1", snapshot(tensor("이름", 1, (2,))), ("이름", "new"))
    line = run_report(Run("이름 = 1", "a.py", (made,), None, 0.1), INK, 80).split("\n")[1]
    column = line.plain.index("A [2]")
    assert line[:column].cell_len == 43
