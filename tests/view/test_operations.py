"""A statement's operations as lines: the learner's words, what came out, folding, room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tutor.explain.verdicts import ruling, say
from tutor.facts import OpCount, Operand, OpFacts, Write
from tutor.view.operations import OperationLines, rows_of
from tutor.view.palette import ANSI, INK

from . import build

X = Operand(1, "x", "0", shape=(2, 3), stride=(3, 1), offset=0, dtype="float32", device="cpu", storage=10)
T = Operand(2, "x.T", "0", shape=(3, 2), stride=(1, 3), offset=0, dtype="float32", device="cpu", storage=10)
FLAT = Operand(3, "", "0", shape=(6,), stride=(1,), offset=0, dtype="float32", device="cpu", storage=20)
TURN = OpFacts(1, "T", 4, "x.T", "x.T", (4, 4, 4, 7), "cell", ins=(X,), outs=(T,), verdict="view", of=0)
LAY = OpFacts(
    2, "reshape", 4, "x.T.reshape(6)", ".reshape(6)", (4, 4, 4, 18), "cell",
    ins=(T,), outs=(FLAT,), verdict="copy", of=0,
)  # fmt: skip


def drawn(*ops: OpFacts, room: int = 45, opened: bool = False, counts: tuple[OpCount, ...] = (), **more):
    after = build.snapshot(build.tensor("x", 1, (2, 3)), build.tensor("y", 2, (6,)))
    step = build.step("y = x.T.reshape(6)", after, line=4, operations=ops, counts=counts, **more)
    rows = rows_of(step)
    maker = OperationLines(rows, after, say, INK, room)
    return [
        line.text.plain.rstrip()
        for line in maker.lines(frozenset(r.key for r in rows) if opened else frozenset())
    ]


def test_each_operation_has_its_words_its_letter_and_its_verdict():
    lines = drawn(TURN, LAY)
    assert lines[0].startswith("x.T")
    assert "A [3, 2] f32 (1, 3)" in lines[0]
    assert "view of x" in lines[0] + lines[1]
    row = next(line for line in lines if line.startswith(".reshape(6)"))
    assert "B [6] f32" in row
    assert "copy of x.T" in " ".join(lines)


def test_a_copy_says_why_without_being_asked():
    said = " ".join(" ".join(drawn(TURN, LAY)).split())
    assert "no stride gives [6] here: a step along dimension 0 goes 1 on, not 6" in said


def test_opened_rows_show_arguments_and_results():
    lines = drawn(TURN, LAY, opened=True, room=60)
    arguments = [line.split() for line in lines if line.lstrip().startswith("in ")]
    assert ["in", "x", "A", "[2,", "3]", "f32", "(3,", "1)", "cpu"] in arguments
    assert ["in", "x.T", "A", "[3,", "2]", "f32", "(1,", "3)", "cpu"] in arguments


def test_calls_at_one_place_are_one_row_with_their_number():
    again = [
        OpFacts(
            n, "add", 2, "s + k", "s + k", (2, 4, 2, 9), "cell", ins=(X,), outs=(FLAT,), verdict="new", hit=n
        )
        for n in range(1, 4)
    ]
    counts = (OpCount("add", 2, "s + k", count=1_000),)
    lines = drawn(*again, counts=counts)
    assert len([line for line in lines if "s + k" in line]) == 1
    assert "1,000×" in " ".join(lines)
    assert "≥ 1,000×" in " ".join(drawn(*again, counts=counts, unwatched=True))
    calls = drawn(*again, counts=counts, opened=True)
    assert [line.split(" [")[0].split() for line in calls if "calls 1" in line] == [
        ["calls", "1", "to", "3", "B"]
    ]
    assert any("997 more calls, counted only" in line for line in calls)


def test_a_write_in_place_tells_the_versions():
    op = OpFacts(
        5,
        "add_",
        3,
        "x.add_(1)",
        "x.add_(1)",
        ins=(X,),
        outs=(X,),
        verdict="in place",
        of=0,
        wrote=(Write(0, 0, 1),),
    )
    assert ruling(op).text == "writes x"
    assert ruling(op).why == "version 0 → 1"
    assert any("v0→1" in line for line in drawn(op, opened=True, room=60))


def test_a_long_call_loses_its_modules_first():
    op = OpFacts(8, "linear", 1, "torch.nn.functional.linear(x, w)", ins=(X,), outs=(FLAT,), verdict="new")
    assert drawn(op)[0].startswith("…linear(x, w)")
    assert drawn(op, room=100)[0].startswith("torch.nn.functional.linear(x, w)")


def test_a_failing_call_is_told_by_its_error():
    op = OpFacts(6, "view", 3, "x.T.view(6)", ".view(6)", ins=(T,), error="RuntimeError: no such view\nmore")
    lines = drawn(op)
    assert "raised RuntimeError" in " ".join(lines)
    assert "no such view" not in " ".join(lines), "the error itself is told elsewhere"


@pytest.mark.parametrize(
    ("had", "has", "why"),
    [
        ({"dtype": "float64"}, {"dtype": "float32"}, "float64 had to become float32"),
        ({"device": "cuda:0"}, {"device": "cpu"}, "its elements had to go from cuda:0 to cpu"),
    ],
)
def test_a_conversion_says_what_changed(had, has, why):
    op = OpFacts(7, "to", 1, ins=(replace(X, **had),), outs=(replace(FLAT, **has),), verdict="copy", of=0)
    assert ruling(op).why == why


words = st.text(max_size=30)
operands = st.builds(
    Operand,
    object=st.integers(1, 5),
    name=words,
    place=words,
    shape=st.none() | st.lists(st.integers(0, 10**6), max_size=5).map(tuple),
    dtype=st.none() | words,
    device=st.none() | words,
    storage=st.none() | st.sampled_from([10, 20, 30]),
)
operations = st.builds(
    OpFacts,
    seq=st.integers(1, 9),
    name=words,
    line=st.integers(1, 99),
    expression=words,
    part=words,
    within=words,
    ins=st.lists(operands, max_size=3).map(tuple),
    outs=st.lists(operands, max_size=3).map(tuple),
    verdict=st.sampled_from(["same", "view", "copy", "new", "in place", "none"]),
    of=st.none() | st.integers(0, 3),
    wrote=st.lists(st.builds(Write, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), max_size=2).map(
        tuple
    ),
    error=st.none() | words,
)


@given(st.lists(operations, max_size=4), st.integers(20, 120), st.booleans(), st.sampled_from([INK, ANSI]))
def test_any_operation_fits_in_any_room_on_one_line_each(ops, room, opened, palette):
    after = build.snapshot(build.tensor("x", 1, (2, 3)))
    rows = rows_of(build.step("y", after, operations=tuple(ops)))
    maker = OperationLines(rows, after, say, palette, room)
    for line in maker.lines(frozenset(row.key for row in rows) if opened else frozenset()):
        assert cell_len(line.text.plain) <= room
        assert "\n" not in line.text.plain


def test_layers_called_at_one_place_are_told_apart_by_their_parameters():
    def linear(seq: int, layer: str) -> OpFacts:
        weight = replace(X, object=seq, name=f"{layer}.weight")
        return OpFacts(
            seq, "linear", 1, "model(x)", within="Linear", ins=(X, weight), outs=(FLAT,), verdict="new"
        )

    step = build.step(
        "model(x)", build.snapshot(), operations=(linear(1, "a"), linear(2, "b"), linear(3, "a"))
    )
    assert [(row.op.ins[1].name, row.count) for row in rows_of(step)] == [("a.weight", 2), ("b.weight", 1)]
