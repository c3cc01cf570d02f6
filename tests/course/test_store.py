"""What the store remembers, from one session to the next and between two at once."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from course.storage import sql
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tutor.course.store import Draft, StepProgress, Store, TranscriptEntry, default_path, draft_key, schema
from tutor.course.store.state import BACKUPS, HISTORY, TRANSCRIPT

#: Everything that a Python string can hold, lone surrogates and NUL included.
any_text = st.text(st.characters(exclude_categories=()), max_size=40)


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path, patience=10) as opened:
        yield opened
        assert opened.trouble == ""


def again(store: Store) -> Store:
    """The same file, in the next session."""
    assert store.close()
    return Store.open(store.path, patience=10)


def test_a_draft_is_there_in_the_next_session(store: Store) -> None:
    store.save_draft(draft_key("view-reshape", "guess"), "v = x.view(2, 3)", (0, 4))
    with again(store) as later:
        assert later.draft("view-reshape/guess") == Draft("v = x.view(2, 3)", (0, 4))
        assert later.draft("view-reshape/other") is None


@given(text=any_text, line=any_text.filter(str.strip))
@example(text="\ud83d\0", line="\udcff")
@settings(max_examples=40, deadline=None)
def test_text_comes_back_as_it_was(text: str, line: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = Store.open(Path(folder) / "tutor.db", patience=10)
        first.save_draft(text, text)
        first.add_history(line)
        entry = TranscriptEntry(text, line, head=text, tail=line, remarks=(("error", text),))
        first.add_entry(entry)
        first.record(text, line, prediction=text)
        first.set_setting(text, text)
        with again(first) as later:
            assert later.draft(text) == Draft(text)
            assert later.history() == [line]
            assert later.transcript(text) == [entry]
            assert later.progress(text)[line].prediction == text
            assert later.setting(text, "") == text


def test_a_reset_backs_up_the_draft(store: Store) -> None:
    for text in ("first", "second"):
        store.save_draft("scratch", text)
        store.reset_draft("scratch")
    assert store.draft("scratch") is None
    with again(store) as later:
        assert later.draft("scratch") is None
        assert [(b.text, b.why) for b in later.backups("scratch")] == [
            ("second", "reset"),
            ("first", "reset"),
        ]


def test_the_latest_backups_are_kept(store: Store) -> None:
    for number in range(BACKUPS + 3):
        store.save_draft("scratch", str(number))
        store.reset_draft("scratch")
    latest = [str(number) for number in range(3, BACKUPS + 3)][::-1]
    assert [backup.text for backup in store.backups("scratch")] == latest
    with again(store) as later:
        assert [backup.text for backup in later.backups("scratch")] == latest


def test_history_is_newest_first_without_repeats_and_searchable(store: Store) -> None:
    for line in ("x = 1", "X.view(3)", "X.view(3)", "x = 1", "x", "  "):
        store.add_history(line)
    with again(store) as later:
        later.add_history("x")
        assert later.history() == ["x", "x = 1", "X.view(3)", "x = 1"]
        assert later.history("x") == ["x", "x = 1", "X.view(3)"]
        assert later.history("VIEW") == ["X.view(3)"]
        assert later.history(limit=2) == ["x", "x = 1"]


@pytest.mark.parametrize("line", ["x", "x" * 1_000], ids=["by count", "by size"])
def test_history_is_bounded_in_memory_and_on_disk(path: Path, line: str) -> None:
    with Store.open(path, patience=10) as store:
        for number in range(HISTORY[0] + 500):
            store.add_history(f"{line}{number}")
            if number % 1_000 == 0:
                store.flush()
        kept = store.history()
        assert kept[0] == f"{line}{HISTORY[0] + 499}"
        assert len(kept) <= HISTORY[0]
        assert sum(map(len, kept)) <= HISTORY[1]
        assert len(kept) > HISTORY[0] - 500 or sum(map(len, kept)) > HISTORY[1] - 2_000
    with Store.open(path, patience=10) as later:
        assert later.history() == kept
        later.add_history("one more")
    assert sql(path, "SELECT count(*) FROM history") <= [(len(kept) + 101,)]


def test_a_run_is_kept_from_its_beginning_and_brought_up_to_date(store: Store) -> None:
    stamp = store.add_entry(TranscriptEntry("scratch", "train()"))
    store.flush()
    store.update_entry(stamp, TranscriptEntry("scratch", "train()", head="epoch 1", fact="2 s"))
    store.add_entry(TranscriptEntry("view-reshape/guess", "v"))
    with again(store) as later:
        assert [entry.head for entry in later.transcript("scratch")] == ["epoch 1"]
        assert [entry.source for entry in later.transcript()] == ["train()", "v"]
        assert [entry.source for entry in later.transcript(limit=1)] == ["v"]


def test_both_ends_of_a_long_output_are_kept(store: Store) -> None:
    store.add_entry(TranscriptEntry("scratch", "flood()", head="a" * 50_000 + "z" * 50_000, elided=7))
    (entry,) = store.transcript()
    assert entry.head[0] == "a"
    assert entry.tail[-1] == "z"
    assert len(entry.head) + len(entry.tail) + entry.elided == 100_007
    assert entry.elided > 7


def test_the_transcript_is_bounded(store: Store) -> None:
    for number in range(TRANSCRIPT[0] + 50):
        store.add_entry(TranscriptEntry("scratch", str(number), head="." * 20_000))
    kept = store.transcript(limit=10_000)
    assert kept[-1].source == str(TRANSCRIPT[0] + 49)
    assert 100 < len(kept) < 300
    assert sum(len(entry.head) + len(entry.tail) for entry in kept) < TRANSCRIPT[1]
    with again(store) as later:
        assert later.transcript(limit=10_000) == kept


def test_progress_is_kept_field_by_field(store: Store) -> None:
    store.record("view-reshape", "guess", visited=True)
    store.record("view-reshape", "guess", done=True, prediction=[1, 2.5], right=False)
    store.record("view-reshape", "guess", right=None)
    store.record("other", "guess", hints=2)
    with again(store) as later:
        guess = StepProgress(visited=True, done=True, prediction=[1, 2.5], right=None)
        assert later.progress("view-reshape") == {"guess": guess}
        assert later.progress("other") == {"guess": StepProgress(hints=2)}
        assert later.progress("never seen") == {}


def test_a_setting_of_another_type_is_as_none(store: Store) -> None:
    store.set_setting("theme", "paper")
    store.set_setting("width", 40)
    with again(store) as later:
        assert later.setting("theme", "ink") == "paper"
        assert later.setting("width", "narrow") == "narrow"
        assert later.setting("device", "auto") == "auto"
    with pytest.raises(TypeError):
        store.set_setting("theme", {1, 2})  # type: ignore[arg-type]


def test_rows_that_cannot_be_read_are_passed_over(store: Store) -> None:
    store.record("lesson", "step", visited=True)
    store.set_setting("theme", "paper")
    assert store.close()
    sql(store.path, "UPDATE settings SET value = '{'")
    sql(store.path, "INSERT INTO progress VALUES ('lesson', 'step', 'done', '\"perhaps\"')")
    sql(store.path, "INSERT INTO progress VALUES ('lesson', 'step', 'unheard-of', '1')")
    sql(store.path, "INSERT INTO transcript VALUES (1, 1, x'ff')")
    sql(store.path, "INSERT INTO drafts VALUES ('k', x'61ff62', 'x', 1, 1, 1)")
    sql(store.path, "INSERT INTO history VALUES (1, 1, 'text')")
    with Store.open(store.path, patience=10) as later:
        assert later.progress("lesson") == {"step": StepProgress(visited=True)}
        assert later.setting("theme", "ink") == "ink"
        assert later.transcript() == []
        assert later.draft("k") == Draft("a\ufffdb", (0, 1))
        assert later.history() == ["text"]
        assert later.trouble == ""


def test_an_older_file_is_migrated_and_keeps_its_content(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_draft("scratch", "x = 1")
    assert store.close()
    more = "ALTER TABLE drafts ADD COLUMN note TEXT; CREATE TABLE notes (text BLOB)"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, more))
    monkeypatch.setattr(schema, "VERSION", 2)
    with Store.open(store.path, patience=10) as later:
        assert later.draft("scratch") == Draft("x = 1")
        assert later.trouble == ""
    assert sql(store.path, "PRAGMA user_version") == [(2,)]
    assert sql(store.path, "SELECT count(note) FROM drafts") == [(0,)]


def test_a_clock_that_was_set_back_does_not_bury_what_is_new(store: Store) -> None:
    store.add_history("before")
    store.save_draft("scratch", "before")
    assert store.close()
    sql(store.path, "UPDATE history SET at = at + 9000000000000000")
    sql(store.path, "UPDATE drafts SET at = at + 9000000000000000")
    with Store.open(store.path, patience=10) as later:
        later.save_draft("scratch", "after")
        later.add_history("after")
    with Store.open(store.path, patience=10) as last:
        assert last.history() == ["after", "before"]
        assert last.draft("scratch") == Draft("after")


def test_the_folder_is_the_users_alone_and_can_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHTUTOR_HOME", str(tmp_path / "mine"))
    with Store.open(patience=10) as store:
        store.set_setting("theme", "paper")
    assert store.path == tmp_path / "mine" / "tutor.db"
    assert store.path.is_file()
    assert store.path.parent.stat().st_mode & 0o077 == 0
    monkeypatch.delenv("TORCHTUTOR_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_path().name == "tutor.db"
    assert "torchtutor" in default_path().parts


def test_what_another_instance_writes_is_seen_after_a_refresh(store: Store) -> None:
    with Store.open(store.path, patience=10) as other:
        other.add_history("from the other")
        store.add_history("from this")
        other.record("lesson", "step", done=True)
        other.flush()
    store.refresh()
    assert store.flush()
    assert store.history() == ["from this", "from the other"]
    assert store.progress("lesson")["step"].done


def test_a_draft_that_was_shown_may_be_overwritten_and_one_that_was_not_is_backed_up(store: Store) -> None:
    with Store.open(store.path, patience=10) as other:
        store.save_draft("shown", "this")
        store.save_draft("unseen", "this")
        store.flush()
        other.refresh()
        other.flush()
        assert other.draft("shown") == Draft("this")
        for key in ("shown", "unseen"):
            other.save_draft(key, "other 1")
            other.flush()
            other.save_draft(key, "other 2")
        assert other.backups("shown") == []
        other.flush()
        assert [(b.text, b.why) for b in other.backups("unseen")] == [("this", "conflict")]
        store.save_draft("unseen", "this again")
    with again(store) as later:
        assert later.draft("unseen") == Draft("this again")
        assert {b.text for b in later.backups("unseen")} == {"this", "other 2"}
        assert later.draft("shown") == Draft("other 2")


def test_a_text_that_two_instances_typed_is_the_work_of_both(store: Store) -> None:
    with Store.open(store.path, patience=10) as other:
        store.save_draft("scratch", "same")
        store.flush()
        other.refresh()
        other.flush()
        other.save_draft("scratch", "same")
        other.flush()
        store.save_draft("scratch", "other")
        store.flush()
        assert [backup.text for backup in store.backups("scratch")] == ["same"]


def test_of_two_instances_the_later_keystroke_wins(store: Store) -> None:
    with Store.open(store.path, patience=10) as other:
        store.save_draft("scratch", "a")
        store.flush()
        store.save_draft("scratch", "ab")
        other.save_draft("scratch", "z")
        other.flush()
    with again(store) as later:
        assert later.draft("scratch") == Draft("z")
        assert "ab" in {backup.text for backup in later.backups("scratch")}


def test_two_instances_that_type_on_leave_one_backup_each(store: Store) -> None:
    store.save_draft("scratch", "old")
    store.reset_draft("scratch")
    with Store.open(store.path, patience=10) as other:
        for number in range(2 * BACKUPS):
            for typist in (store, other):
                typist.save_draft("scratch", f"{number}")
                typist.flush()
        assert [backup.text for backup in other.backups("scratch")] == ["19"]
    with again(store) as later:
        texts = [backup.text for backup in later.backups("scratch")]
    assert "old" in texts
    assert len(texts) == 3


def test_what_is_said_during_a_refresh_is_not_forgotten(store: Store) -> None:
    for number in range(500):
        store.add_history(f"old {number}")
    give_up = time.monotonic() + 0.4
    while time.monotonic() < give_up:
        store.refresh()
        store.add_history(line := f"line {time.monotonic_ns()}")
        for _ in range(5):
            time.sleep(0.001)
            assert store.history(limit=1) == [line]


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from("AB"),
        st.sampled_from(
            ["draft", "draft", "draft", "reset", "history", "progress", "flush", "refresh", "show"]
        ),
        st.sampled_from(["one", "two"]),
    ),
    max_size=18,
)


@given(OPERATIONS)
@settings(max_examples=40, deadline=None)
def test_two_instances_in_any_order_lose_nothing(operations: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tutor.db"
        stores = {name: Store.open(path, patience=10) for name in "AB"}
        latest: dict[tuple[str, str], str] = {}
        lines: list[str] = []
        steps: set[str] = set()
        for number, (name, operation, key) in enumerate(operations):
            store, text = stores[name], f"{name}{number}"
            match operation:
                case "draft":
                    store.save_draft(key, text)
                    latest[name, key] = text
                case "reset":
                    store.reset_draft(key)
                case "history":
                    store.add_history(text)
                    lines.append(text)
                case "progress":
                    store.record("lesson", text, done=True)
                    steps.add(text)
                case "show":
                    store.draft(key)
                case "flush":
                    assert store.flush(10)
                case "refresh":
                    store.refresh()
        assert all(store.close(10) for store in stores.values())
        assert [store.trouble for store in stores.values()] == ["", ""]
        with Store.open(path, patience=10) as later:
            assert later.history() == lines[::-1]
            assert set(later.progress("lesson")) == steps
            for (_, key), text in latest.items():
                drafts = [draft] if (draft := later.draft(key)) else []
                assert text in {kept.text for kept in (*drafts, *later.backups(key))}
