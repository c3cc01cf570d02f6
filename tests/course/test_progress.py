"""The map of lessons tells what the store knows, and progress travels without undoing anything."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutor.course.luggage import LuggageError, pack, unpack
from tutor.course.progress import Predictions, as_data, as_text, calibration, course_progress, remember, since
from tutor.course.schema import Lesson
from tutor.course.store import StepProgress, Store
from tutor.language import use_language

STEPS = [
    {"id": "a", "kind": "read", "prompt": "P"},
    {"id": "b", "kind": "predict", "prompt": "P", "code": "x = 1", "ask": {"expr": "x", "choices": [1, 2]}},
    {"id": "c", "kind": "predict", "prompt": "P", "code": "x = 1", "ask": {"expr": "x", "choices": [1, 2]}},
    {"id": "q", "kind": "quiz", "prompt": "P", "choices": ["x", "y"], "answer": 0},
]


def lesson(name: str, track: str = "T") -> Lesson:
    document = {"schema": 1, "id": name, "title": name.title(), "track": track, "steps": STEPS}
    return msgspec.convert(document, Lesson)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Store.open(tmp_path / f"{n}.db", patience=5)) for n in range(3)]


def test_the_map_tells_states_times_and_how_often_predictions_were_right(stores: list[Store]) -> None:
    store, now = stores[0], 1_700_000_000
    for step in "abcq":
        store.record("done", step, visited=True, done=True, at=now - 3 * 86_400)
    store.record("done", "b", right=True)
    store.record("done", "c", right=False, hints=2, solution_shown=True)
    store.record("done", "q", right=True)  # a quiz is no prediction
    store.record("begun", "a", visited=True, at=now)
    store.record("begun", "gone", done=True)
    store.record("begun", "b", right=True)
    course = course_progress(store, [lesson("done"), lesson("begun"), lesson("new", "U")])
    assert [each.state for each in course.lessons] == ["done", "begun", "new"]
    assert course.predictions == Predictions(2, 3)
    assert course.lessons[0].hints == 2
    text = as_text(course, now).splitlines()
    assert [line.split()[0] for line in text if line] == ["T", "Done", "Begun", "U", "New", "1"]
    assert text[1].endswith("✓ done     3 days ago")
    assert text[2].endswith("0 of 4     today")
    assert text[-1] == "1 of 3 lessons done. You were right in 2 of 3 predictions."
    data = json.loads(json.dumps(as_data(course)))
    assert data["predictions"] == {"right": 2, "of": 3}
    assert dt.datetime.fromisoformat(data["lessons"][1]["last"]).timestamp() == now
    assert data["lessons"][2]["last"] is None


def test_lessons_from_elsewhere_are_on_the_map_once_begun(stores: list[Store], tmp_path: Path) -> None:
    store = stores[0]
    remember(store, lesson("mine", "Own"), tmp_path / "mine.yaml")
    remember(store, lesson("opened", "Own"), tmp_path / "opened.yaml")
    store.record("mine", "a", done=True)
    store.record("mine", "b", right=True, first_right=False)
    store.record("unknown", "a", done=True)
    course = course_progress(store, [lesson("done")])
    assert [each.id for each in course.lessons] == ["done", "mine"]
    assert course.files == {"mine": str(tmp_path.resolve() / "mine.yaml")}
    assert as_text(course, 0).splitlines()[-4:] == [
        "Own", "  Mine  1 of 4", "", "0 of 2 lessons done. You were right in 0 of 1 predictions.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "today"), (1, "yesterday"), (6, "6 days ago"), (15, "2 weeks ago"), (70, "2 months ago"),
     (400, "1 year ago"), (-5, "today")],
)  # fmt: skip
def test_time_is_told_as_people_tell_it(days: int, words: str) -> None:
    now = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC).timestamp()
    assert since(int(now) - days * 86_400, now) == words
    assert since(None, now) == ""


def test_nothing_is_said_of_predictions_that_were_not_made() -> None:
    assert calibration(Predictions()) == "No predictions yet."


def test_progress_and_code_arrive_and_nothing_is_undone(stores: list[Store]) -> None:
    old, new, _ = stores
    old.record("l", "a", visited=True, done=True, hints=3, at=5)
    old.record("l", "b", prediction=[1, 2], right=False)
    old.save_draft("l/a", "x = 'old'")
    old.save_draft("l/b", "y = 1")
    old.save_draft("scratch", "not a lesson's")
    old.save_draft("l/b/prompt", "half typed")
    old.save_draft("l/c", "")
    old.record("l", "c", prediction=2, right=True, first_right=False)
    new.record("l", "a", visited=True, hints=1, at=9)
    new.record("l", "b", prediction=[3], right=True)
    new.save_draft("l/a", "x = 'new'")
    found = unpack(new, pack(old))
    assert (found.steps, found.drafts, found.kept) == (2, 1, ("l/a",))
    assert new.progress("l")["a"] == StepProgress(visited=True, done=True, hints=3, at=9)
    assert new.progress("l")["b"] == StepProgress(prediction=[3], right=True)
    assert new.progress("l")["c"].first_right is False, "a second try counts nowhere"
    assert new.drafts() == {"l/a": "x = 'new'", "l/b": "y = 1"}
    assert unpack(new, pack(old)).steps == 0


facts = st.builds(
    StepProgress,
    visited=st.booleans(),
    done=st.booleans(),
    prediction=st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=5)),
    right=st.one_of(st.none(), st.booleans()),
    first_right=st.one_of(st.none(), st.booleans()),
    hints=st.integers(0, 9),
    solution_shown=st.booleans(),
    at=st.integers(0, 2**40),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    known=st.dictionaries(st.text("abc/é", min_size=1, max_size=3), facts, max_size=4), number=st.integers(0)
)
def test_what_was_exported_arrives_whole_in_an_empty_store(
    stores: list[Store], known: dict[str, StepProgress], number: int
) -> None:
    old, new, _ = stores
    name = f"l{number}-{sum(map(len, old.all_progress()))}"
    for step, progress in known.items():
        old.record(name, step, **msgspec.structs.asdict(progress))
    unpack(new, pack(old))
    assert new.all_progress().get(name, {}) == {
        step: each for step, each in old.progress(name).items() if each != StepProgress()
    }


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"\xff", b'{"torchtutor_progress": 2, "progress": {}}',
     b'{"torchtutor_progress": 1, "progress": {"l": {"s": {"hints": "many"}}}}'],
)  # fmt: skip
def test_a_file_that_is_something_else_changes_nothing(stores: list[Store], data: bytes) -> None:
    with pytest.raises(LuggageError):
        unpack(stores[0], data)
    assert stores[0].all_progress() == {}


def test_the_command_tells_exports_and_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def progress(*arguments: str | Path, home: str = "here") -> subprocess.CompletedProcess[str]:
        monkeypatch.setenv("TORCHTUTOR_HOME", str(tmp_path / home))
        command = [sys.executable, "-m", "tutor", "progress", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    with Store.open(tmp_path / "here" / "tutor.db", patience=5) as store:
        store.record("view-reshape", "view-of-transpose", done=True, right=True, at=1_700_000_000)
    assert "You were right in 1 of 1 predictions." in progress().stdout
    file = tmp_path / "progress.json"
    assert progress("--export", file).returncode == 0
    assert progress("--export", file).returncode == 2
    done = progress("--import", file, home="there")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(progress("--json", home="there").stdout)
    found = next(each for each in data["lessons"] if each["id"] == "view-reshape")
    assert (found["state"], found["done"], found["predictions"]) == ("begun", 1, {"right": 1, "of": 1})
    file.write_text("else")
    wrong = progress("--import", file)
    assert (wrong.returncode, wrong.stdout, len(wrong.stderr.splitlines())) == (2, "", 1)


def test_the_map_is_told_in_korean(stores: list[Store]) -> None:
    stores[0].record("done", "a", done=True, at=1_700_000_000)
    stores[0].record("done", "b", right=True)
    use_language("ko")
    try:
        text = as_text(course_progress(stores[0], [lesson("done")]), 1_700_000_000 + 5 * 86_400)
    finally:
        use_language("en")
    assert "1/4단계" in text
    assert "5일 전" in text
    assert text.endswith("레슨 1개 가운데 0개를 끝냈습니다. 예측 1개 가운데 1개가 맞았습니다.")
