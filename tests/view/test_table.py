"""The tensor table."""

from tutor.facts import Change, Snapshot, TensorFacts
from tutor.view.palette import INK
from tutor.view.table import COLUMNS, tensor_rows

from .build import lesson_run, start_of


def test_the_picture() -> None:
    rows = tensor_rows(lesson_run().steps[-1].snapshot, (), INK)
    assert [[cell.plain for cell in row.cells[:6]] for row in rows] == [
        ["A", "x", "[2, 3]", "f32", "(3, 1)", ""],
        ["A", "y", "[2]", "f32", "(3) +1", ""],
        ["B", "w", "[3]", "f32", "(1)", "leaf"],
        ["C", "w.grad", "[3]", "f32", "(1)", ""],
        ["D", "h", "[2]", "f32", "(1)", "Mv"],
        ["E", "loss", "[]", "f32", "()", "Mean"],
    ]
    assert [cell.plain for cell in rows[1].cells[6:]] == ["cpu", hex(start_of(1) + 4)]
    assert {len(row.cells) for row in rows} == {len(COLUMNS)}


def test_letters_have_their_hue_and_leaves_the_accent() -> None:
    row = tensor_rows(lesson_run().steps[-1].snapshot, (), INK)[2]
    assert row.cells[0].style.color.name == INK.hue(2)
    assert row.cells[5].style.color.name == INK.accent


def test_changed_rows_are_told_apart() -> None:
    rows = tensor_rows(lesson_run().steps[-1].snapshot, [Change("w", "altered")], INK)
    assert [row.name for row in rows if row.changed] == ["w"]
    assert [row.name for row in rows if row.cells[1].style.bold] == ["w"]


def test_what_could_not_be_read_is_said_and_brackets_are_no_markup() -> None:
    odd = TensorFacts("[b]", "unreadable", "Hostile", 1, unread="its shape\x1b raises")
    row = tensor_rows(Snapshot(tensors={"[b]": odd}), (), INK)[0]
    assert [cell.plain for cell in row.cells] == ["", "[b]", "its shape␛ raises", "", "", "", "", ""]
    assert row.block is None
