"""Backward passes as lines of text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tutor.facts import BackwardFacts, GradientFacts, LeafGradient, PassedNode, Snapshot
from tutor.view.palette import INK
from tutor.view.replay import count, name_at, node_at, pass_lines, replay_lines, title_of


def gradient(*values: str, **more: object) -> GradientFacts:
    return GradientFacts((len(values),), "float32", "cpu", values, **more)  # type: ignore[arg-type]


LEAF = LeafGradient(
    1, "w", (2,), (2,), 4, 4, 2, gradient("3.", "4."), gradient("1.", "1."), gradient("4.", "5.")
)
PASS = BackwardFacts(
    seq=9,
    call="backward",
    line=4,
    expression="loss.backward()",
    nodes=(
        PassedNode(1, "MulBackward0", "h", (gradient("1.", "2."),), (gradient("3.", "4."), None), (2, None)),
        PassedNode(2, "AccumulateGrad", "w", (gradient("3.", "4."),)),
    ),
    leaves=(LEAF,),
    freed=(1,),
    hit=2,
    hits=1_500,
)


def text(backward: BackwardFacts, at: int, room: int = 60) -> str:
    return "\n".join(line.plain.rstrip() for line in replay_lines(backward, at, Snapshot(), INK, room))


def test_a_node_is_told_with_what_came_in_and_went_out() -> None:
    told = text(PASS, 0)
    assert "node 1 of 2  loss.backward()" in told
    assert "MulBackward0  made h" in told
    assert "in        [2] [1. 2.]" in told
    assert "→ w       [2] [3. 4.]" in told
    assert "frees     what it had saved" in told
    assert told.count("→") == 1  # the input that asks for no gradient is not told
    assert (count(PASS), name_at(PASS, 1), node_at(PASS, 0)) == (2, "w", 1)
    assert title_of(PASS) == "line 4 · pass 2 of 1,500"


def test_a_leaf_is_told_as_a_sum_with_its_passes() -> None:
    told = text(PASS, 1)
    assert "w.grad was [1. 1.] + [3. 4.] = [4. 5.]" in told
    assert "2 passes are added up" in told
    assert "frees" not in told


@pytest.mark.parametrize("room", [24, 30, 44, 80])
def test_no_line_is_too_long(room: int) -> None:
    for at in range(count(PASS)):
        assert all(cell_len(line.plain) <= room for line in replay_lines(PASS, at, Snapshot(), INK, room))


def test_what_could_not_be_recorded_says_why() -> None:
    assert "Not recorded: the profiler is on." in text(
        BackwardFacts(1, "grad", 3, unread="the profiler is on"), 0
    )


def test_a_failure_is_told_where_the_pass_stopped() -> None:
    failed = BackwardFacts(
        1, "backward", 3, nodes=PASS.nodes[:1], error="RuntimeError: [bold]no[/]", omitted=7
    )
    told = text(failed, 0)
    assert "✗ It stopped here. RuntimeError: [bold]no[/]" in told
    assert "up to 7 nodes more" in told


def test_values_of_many_are_first_ones_and_a_norm_and_broken_ones_are_marked() -> None:
    big = GradientFacts((1_000,), "float32", "cpu", ("1.", "nan"), partial=True, norm=2.5, broken=True)
    lines = replay_lines(
        BackwardFacts(1, "backward", 1, nodes=(PassedNode(1, "ExpBackward0", None, (big, None)),)),
        0,
        Snapshot(),
        INK,
        60,
    )
    told = "\n".join(line.plain for line in lines)
    assert "[1000] [1. nan …]  norm 2.5" in told
    assert "in 1      none" in told
    (line,) = [line for line in lines if "nan" in line.plain]
    assert any(span.style == INK.warning for span in line.spans)


def test_a_whole_pass_as_text() -> None:
    told = "\n".join(line.plain for line in pass_lines(PASS, Snapshot(), INK, 80, most=1))
    assert told.count("loss.backward()") == 1
    assert "MulBackward0" in told
    assert "… and 1 more nodes" in told
