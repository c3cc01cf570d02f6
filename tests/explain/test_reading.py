"""Reading statements: what failed, what is written, edits that keep the rest as it was."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tutor
from tutor.explain import engine, explain_step, reading
from tutor.explain.operands import Scope
from tutor.facts import Change, ErrorFacts, Snapshot, Step, StorageFacts, TensorFacts


def facts(name: str, *shape: int) -> TensorFacts:
    """A contiguous leaf that requires grad."""
    stride = tuple(int(s) for s in (1,) * len(shape))
    return TensorFacts(
        name, "tensor", "Tensor", 1, shape, stride, 0, "float32", numel=6, itemsize=4,
        requires_grad=True, is_leaf=True, retains_grad=False, storage=1, block=1, data_ptr=64,
    )  # fmt: skip


def step(source: str, line: int, message: str = "", names: tuple[str, ...] = ()) -> Step:
    """A step that starts on line 1 and failed on `line`, with these names written by it."""
    tensors = {name: facts(name, 2, 3) for name in names}
    block = StorageFacts(1, (1,), 64, 24, "cpu", "float32", 4, names, ("0.",) * 6, ((0, 3),))
    return Step(
        0, 1, source.count("\n") + 1, source, "", 0, None, (), Snapshot(tensors, {1: block}),
        tuple(Change(name, "written" if len(name) % 2 else "rebound") for name in names),
        ErrorFacts("RuntimeError", message, line), 0.0,
    )  # fmt: skip


BLOCK = "for i in r(\n    3,\n):\n    if a:\n        b = (c +\n             d)\n    else:\n        e()\n"


@pytest.mark.parametrize(
    ("line", "found"), [(1, "for"), (2, "for"), (4, "if"), (5, "b ="), (6, "b ="), (8, "e()")]
)
def test_the_innermost_statement_on_the_line_failed(line: int, found: str) -> None:
    failing = reading.failing(step(BLOCK, line))
    assert failing is not None
    assert (ast.get_source_segment(BLOCK, failing.statement) or "").startswith(found)


def test_a_header_is_read_without_the_statements_below_it() -> None:
    failing = reading.failing(step(BLOCK, 1))
    assert failing is not None
    assert {node.id for node in failing.nodes if isinstance(node, ast.Name)} == {"i", "r"}


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("w += 1", "w"),
        ("w[0] = 1", "w"),
        ("w.data[0][1] = 1", "w"),
        ("w.view(-1).add_(1)", "w"),
        ("lin.weight.zero_()", "lin.weight"),
        ("model[0].bias.data.fill_(1)", "model[0].bias"),
        ("torch.mul(u, 2, out=w)", "w"),
        ("x, w[0] = 1, 2", None),
        ("w = w + 1", None),
        ("w.requires_grad_()", None),
        ("w.__init__()", None),
        ("v = [w.add_(1) for w in ws]", None),
        ("def f():\n    w.add_(1)", None),
    ],
)
def test_writes_that_code_spells_out(code: str, name: str | None) -> None:
    known = {"w", "lin.weight", "model[0].bias"}
    found = {write.name for write in reading.writes(reading.evaluated(reading.parse(code)[0]), known)}
    assert found == ({name} if name else set())


@pytest.mark.parametrize(
    ("code", "value"),
    [("7", 7), ("-1", -1), ("2 * 3 + 1", 7), ("x.size(0)", 2), ("x.shape[-1]", 3), ("x.numel() // 2", 3),
     ("len(x)", 2), ("x.T.shape[0]", 3), ("x[:, 1:].shape[1]", 2), ("n", None), ("True", None), ("2.5", None),
     ("x.size(5)", None), ("1 // 0", None), ("len(n)", None)],
)  # fmt: skip
def test_whole_numbers_are_worked_out_from_the_facts(code: str, value: int | None) -> None:
    assert Scope({"x": facts("x", 2, 3)}, code).integer(ast.parse(code, mode="eval").body) == value


@pytest.mark.parametrize(
    ("source", "fixed"),
    [
        ("a.view(6)", "a.reshape(6)"),
        ("é = 'ü', a.view(6)", "é = 'ü', a.reshape(6)"),
        ("b = (a\n     .view(6)  # view\n)", "b = (a\n     .reshape(6)  # view\n)"),
        ("a.view.view(6)", "a.view.reshape(6)"),
    ],
)
def test_renaming_a_method_leaves_all_else_as_it_was(source: str, fixed: str) -> None:
    call = next(node for node in ast.walk(reading.parse(source)[0]) if isinstance(node, ast.Call))
    assert isinstance(call.func, ast.Attribute)
    assert reading.rename_method(source, call.func, "reshape") == fixed


@pytest.mark.parametrize(
    ("source", "line", "wrapped"),
    [
        ("w -= 1", 1, "with h:\n    w -= 1"),
        ("w -= (\n    1)  # ok", 1, "with h:\n    w -= (\n        1)  # ok"),
        ("for i in x:\n    w -= 1\n    y()", 2, "for i in x:\n    with h:\n        w -= 1\n    y()"),
        ("for i in x: w -= 1", 1, None),
        ("if a:\n    b = 1; w -= 1", 2, None),
        ("if a:\n    w -= 1; b = 1", 2, None),
        ("w -= f('''a\nb''')", 1, None),
    ],
)
def test_wrapping_a_statement_keeps_the_program(source: str, line: int, wrapped: str | None) -> None:
    statement = next(node for node in ast.walk(reading.parse(source)[0]) if isinstance(node, ast.AugAssign))
    assert statement.lineno == line
    assert reading.wrap(source, statement, "with h:") == wrapped


MESSAGES = (
    "Trying to backward through the graph a second time",
    "element 0 of tensors does not require grad and does not have a grad_fn",
    "grad can be implicitly created only for scalar outputs",
    "a leaf Variable that requires grad is being used in an in-place operation.",
    "view size is not compatible with input tensor's size and stride",
    "shape '[4, 2]' is invalid for input of size 6",
    "mat1 and mat2 shapes cannot be multiplied",
)


@pytest.mark.parametrize(
    "path", sorted(Path(tutor.__file__).parent.rglob("*.py"))[::6], ids=lambda path: path.stem
)
def test_no_rule_breaks_on_any_statement(path: Path) -> None:
    """Whatever the code looks like, a rule speaks or is silent; here every name in it is a tensor."""
    text = path.read_text(encoding="utf-8")
    for statement in ast.parse(text).body:
        source = ast.get_source_segment(text, statement) or ""
        names = tuple(dict.fromkeys(re.findall(r"\b[a-z]\w*", source)))[:20]
        for number, message in enumerate(MESSAGES):
            line = 1 + number * (source.count("\n") + 1) // len(MESSAGES)
            failed = step(source, line, message, names)
            for explanation in explain_step(failed, failed.snapshot):
                assert explanation.text


@pytest.mark.parametrize(
    "source", ["", "  ", "x = (", "\0", "x" + ".t()" * 20_000, "(" * 500, "await x", "a; b"]
)
def test_no_rule_breaks_on_odd_source(source: str) -> None:
    for message in MESSAGES:
        failed = step(source, 1, message, ("x", "ab"))
        assert all(explanation.rule for explanation in explain_step(failed, failed.snapshot))


def test_the_first_rule_that_knows_an_error_is_the_one_taken() -> None:
    failed = step("x @ x", 1, "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", ("x",))
    found = engine.explain_error(failed, Snapshot())
    assert found is not None
    assert found.rule == "matmul-shapes"
    assert found in explain_step(failed, Snapshot())
