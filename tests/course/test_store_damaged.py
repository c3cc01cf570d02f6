"""A file that is no sound store is set aside, whole, and the app begins a new one."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from course.storage import fill, is_one_sentence, sql, works
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutor.course.store import Store, file


def cut_in_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def cut_within_a_page(content: bytes) -> bytes:
    return content[:-1000]


def random_bytes(content: bytes) -> bytes:
    return random.Random(1).randbytes(len(content))


def zeros_in_the_middle(content: bytes) -> bytes:
    return content[:4096] + bytes(16 * 4096) + content[17 * 4096 :]


def another_kind_of_file(_: bytes) -> bytes:
    return b"Dear diary,\n"


@pytest.mark.parametrize(
    "damage", [cut_in_half, cut_within_a_page, random_bytes, zeros_in_the_middle, another_kind_of_file]
)
def test_a_damaged_file_is_set_aside_and_kept(
    path: Path, said: list[str], damage: Callable[[bytes], bytes]
) -> None:
    fill(path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        assert works(store)
        assert store.flush()
        assert store.on_disk
        assert store.trouble == said[0]
    aside = path.with_name("tutor.db.corrupt-1")
    assert aside.read_bytes() == damaged
    assert len(said) == 1
    assert is_one_sentence(said[0])
    assert str(path) in said[0]
    assert aside.name in said[0]
    with Store.open(path, patience=10) as later:
        assert later.history() == ["new line"]
        assert later.trouble == ""


def test_every_damaged_file_is_kept(path: Path, said: list[str]) -> None:
    path.parent.mkdir()
    for number in range(3):
        path.write_bytes(b"not a store, %d" % number)
        with Store.open(path, on_trouble=said.append, patience=10) as store:
            assert works(store)
    kept = {found.read_bytes() for found in path.parent.glob("*.corrupt-*")}
    assert kept == {b"not a store, %d" % number for number in range(3)}
    assert len(said) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE drafts",
        "ALTER TABLE history DROP COLUMN body",
        "PRAGMA user_version = -1",
        "PRAGMA user_version = 0",
    ],
)
def test_a_database_that_is_no_store_of_ours_is_set_aside(
    path: Path, said: list[str], statement: str
) -> None:
    fill(path)
    sql(path, statement)
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        assert works(store)
        assert store.flush()
    assert len(said) == 1
    assert sql(path.with_name("tutor.db.corrupt-1"), "SELECT count(*) FROM transcript") == [(200,)]


@given(content=st.binary(max_size=300))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_of_the_file_stops_the_app(path: Path, content: bytes) -> None:
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    path.write_bytes(content)
    said: list[str] = []
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        assert works(store)
        assert store.flush()
    assert all(map(is_one_sentence, said))
    kept = [found.read_bytes() for found in path.parent.glob("*.corrupt-*")]
    assert kept == [content] if said else kept == []


def test_the_log_of_a_damaged_file_goes_with_it(path: Path, tmp_path: Path, said: list[str]) -> None:
    """Else SQLite would take it for the log of the new file."""
    elsewhere = tmp_path / "elsewhere" / "tutor.db"
    fill(elsewhere)
    with Store.open(elsewhere, patience=10) as live:
        live.add_history("in the log")
        assert live.flush()
        shutil.copytree(elsewhere.parent, path.parent)
    log = path.with_name("tutor.db-wal").read_bytes()
    assert b"in the log" in log
    path.write_bytes(b"not a store" * 1_000)
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        assert works(store)
    assert len(said) == 1
    assert path.with_name("tutor.db.corrupt-1-wal").read_bytes() == log
    with Store.open(path, patience=10) as later:
        assert later.history() == ["new line"]


def test_two_instances_that_find_a_damaged_file_set_it_aside_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_aside = file._set_aside

    def slowly(place: Path) -> Path:
        time.sleep(0.03)
        return set_aside(place)

    monkeypatch.setattr(file, "_set_aside", slowly)
    for _ in range(5):
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir()
        path.write_bytes(b"not a store")
        stores = [Store.open(path, patience=0) for _ in range(4)]
        for number, store in enumerate(stores):
            store.add_history(str(number))
        assert all(store.close(10) for store in stores)
        assert len(list(path.parent.glob("*.corrupt-*"))) == 1
        with Store.open(path, patience=10) as later:
            assert set(later.history()) == {"0", "1", "2", "3"}


def test_trouble_before_anybody_listens_is_told_later_and_once(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a store")
    first: list[str] = []
    second: list[str] = []
    with Store.open(path, patience=10) as store:
        store.listen(first.append)
        store.listen(second.append)
    assert len(first) == 1
    assert second == []


def test_a_listener_that_fails_is_no_harm(path: Path) -> None:
    def gone(_: str) -> None:
        raise RuntimeError("the app has ended")

    path.parent.mkdir()
    path.write_bytes(b"not a store")
    with Store.open(path, on_trouble=gone, patience=10) as store:
        assert works(store)
        assert store.flush()
