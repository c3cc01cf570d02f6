"""Which moments are kept, in which order, and what is known of each."""

from __future__ import annotations

import pytest

from tutor.facts import Change, Snapshot, Step, TensorFacts
from tutor.tui import chronicle
from tutor.tui.chronicle import Chronicle, Told
from tutor.tui.follow import Following, RunKind


def step(index: int, *, printed: str = "", source: str = "", lines: int = 1) -> Step:
    facts = TensorFacts(f"t{index}", "tensor", "Tensor", index, shape=(index,))
    return Step(
        index=index,
        line=index * lines + 1,
        end_line=(index + 1) * lines,
        source=source or f"t{index} = {index}",
        stdout=printed,
        stdout_elided=0,
        result=None,
        warnings=(),
        snapshot=Snapshot(tensors={facts.name: facts}),
        changes=(Change(facts.name, "new"),),
        error=None,
        elapsed=0.0,
    )


def run(count: int, kind: RunKind = "step", *, printed: str = "") -> Told:
    told = Told(Following(kind, Snapshot()), "", kind)
    for index in range(count):
        told.following.add(step(index, printed=printed))
    return told


def places(kept: Chronicle) -> list[tuple[str, int]]:
    """All moments from now back to the first."""
    found = []
    while kept.earlier():
        assert kept.moment is not None
        found.append((kept.moment.told.title, kept.moment.at))
    return found


def test_goes_back_through_all_runs_and_forward_to_now() -> None:
    kept = Chronicle()
    for told in (run(2), run(0), run(1, "line")):
        kept.begin(told)
    assert places(kept) == [("line", 0), ("step", 1), ("step", 0)]
    assert not kept.earlier()
    assert kept.moment is not None
    assert not kept.moment.is_oldest_kept
    forward = []
    while kept.later():
        forward.append(kept.moment.at if kept.moment is not None else None)
    assert forward == [1, 0, None]
    assert not kept.later()


def test_a_moment_has_the_facts_of_its_statement_and_of_the_one_before() -> None:
    kept = Chronicle()
    kept.begin(run(3))
    kept.earlier()
    kept.earlier()
    moment = kept.moment
    assert moment is not None
    assert list(moment.snapshot.tensors) == ["t1"]
    assert list(moment.before.tensors) == ["t0"]
    assert [change.name for change in moment.changes] == ["t1"]
    assert moment.place == "line 2, statement 2 of 3"
    kept.first()
    assert kept.moment is not None
    assert kept.moment.at == 0
    assert kept.moment.before == Snapshot()


def test_a_run_that_waits_counts_the_statements_to_come() -> None:
    told = run(2)
    told.total = 6
    kept = Chronicle()
    kept.begin(told)
    kept.earlier()
    assert kept.moment is not None
    assert kept.moment.place == "line 2, statement 2 of 6"


def test_a_new_run_is_now() -> None:
    kept = Chronicle()
    kept.begin(run(2))
    kept.earlier()
    kept.begin(run(1))
    assert kept.moment is None


def test_the_editors_notes_are_those_of_its_last_run_up_to_the_moment() -> None:
    kept = Chronicle()
    first, line, second = run(1), run(1, "line"), run(1)
    for told in (first, line, second):
        kept.begin(told)
    assert kept.last_in_editor() is second
    kept.earlier()
    kept.earlier()
    assert kept.last_in_editor() is first


def test_lines_of_output_belong_to_the_statement_that_wrote_them() -> None:
    told = run(0)
    for index, printed in enumerate(("a\nb\n", "", "c", "d\n")):
        told.following.add(step(index, printed=printed))
    told.ends = [2, 2, 3, 3]
    kept = Chronicle()
    kept.begin(told)
    found = []
    while kept.earlier():
        assert kept.moment is not None
        found.append(kept.moment.output())
    assert found == [range(2, 3), range(2, 3), range(2, 2), range(2)]


def test_old_runs_go_and_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "KEPT_RUNS", 3)
    kept = Chronicle()
    for _ in range(5):
        kept.begin(run(2))
    assert len(places(kept)) == 6
    assert kept.moment is not None
    assert kept.moment.is_oldest_kept
    kept.later()
    assert not kept.moment.is_oldest_kept


def test_long_output_and_many_statements_make_old_runs_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "KEPT_TEXT", 100)
    kept = Chronicle()
    for _ in range(4):
        kept.begin(run(1, printed="x" * 40))
    assert len(places(kept)) == 2
    monkeypatch.setattr(chronicle, "KEPT_STEPS", 10)
    many = Chronicle()
    many.begin(run(8))
    many.begin(run(50))
    assert len(places(many)) == 50
    monkeypatch.setattr(chronicle, "KEPT_STEPS", 1_000)
    monkeypatch.setattr(chronicle, "KEPT_FACTS", 10)
    wide = Chronicle()
    for _ in range(5):
        wide.begin(run(4))
    assert len(places(wide)) == 8
