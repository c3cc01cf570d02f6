"""What goes wrong with the disk is told in one sentence, and the app goes on."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from course.storage import eventually, fill, is_one_sentence, sql, works

from tutor.course.store import Draft, Store, file, writer

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert eventually(lambda: not [t for t in threading.enumerate() if t.name == "store"])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience and pauses of tenths of a second."""
    monkeypatch.setattr(file, "PATIENCE", 0.2)
    monkeypatch.setattr(writer, "RETRY", 0.1)


def test_a_file_of_a_newer_version_is_left_alone(path: Path, said: list[str]) -> None:
    fill(path)
    sql(path, "PRAGMA journal_mode = DELETE", "PRAGMA user_version = 7")
    before = path.read_bytes()
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        assert works(store)
        assert not store.flush()
        assert not store.on_disk
        assert store.trouble == said[0]
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == ["tutor.db"]
    assert len(said) == 1
    assert is_one_sentence(said[0])
    assert "7" in said[0]
    assert "upgrade" in said[0]


def test_a_file_that_a_newer_version_migrates_meanwhile_is_left_alone(path: Path, said: list[str]) -> None:
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        store.add_history("before")
        assert store.flush()
        sql(path, "PRAGMA user_version = 2")
        store.add_history("after")
        assert not store.flush()
        assert works(store)
        assert store.history()[1:] == ["after", "before"]
    assert len(said) == 1
    assert "newer" in said[0]
    assert sql(path, "SELECT body FROM history") == [(b"before",)]


def test_nobody_waits_for_a_locked_file(path: Path, said: list[str]) -> None:
    """A write that waited would take as long as the lock is held."""
    fill(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with Store.open(path, on_trouble=said.append, patience=10) as store:
            assert store.draft("scratch") == Draft("x = 1\n" * 500)
            slowest = 0.0
            for _ in range(100):
                began = time.perf_counter()
                assert works(store)
                slowest = max(slowest, time.perf_counter() - began)
            began = time.perf_counter()
            assert not store.close(timeout=0.1)
            assert time.perf_counter() - began < 1.0
            other.execute("ROLLBACK")
            assert store.close(10)
    assert slowest < 0.3
    assert said == []
    with Store.open(path, patience=10) as later:
        assert later.history()[0] == "new line"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("when", ["before", "while"])
def test_a_file_that_stays_locked_is_told_and_written_when_it_is_free(
    path: Path, said: list[str], when: str
) -> None:
    fill(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        if when == "before":
            other.execute("PRAGMA journal_mode = DELETE")
            other.execute("BEGIN EXCLUSIVE")
        with Store.open(path, on_trouble=said.append, patience=10) as store:
            if when == "while":
                other.execute("BEGIN IMMEDIATE")
            assert works(store)
            assert eventually(lambda: said)
            assert store.trouble == said[0]
            assert not store.on_disk
            # Behind the lock a transaction may be half written: nothing is read there.
            assert (store.draft("scratch") is None) == (when == "before")
            other.execute("ROLLBACK")
            assert eventually(lambda: store.on_disk)
            assert store.trouble == ""
            assert works(store)
            assert store.draft("scratch") == Draft("x = 1\n" * 500)
            other.execute("BEGIN IMMEDIATE")
            assert works(store)
            assert eventually(lambda: store.trouble)
            other.execute("ROLLBACK")
    assert len(said) == 1
    assert is_one_sentence(said[0])
    assert "locked" in said[0]
    with Store.open(path, patience=10) as later:
        assert later.history()[:2] == ["new line", "line 199"]
        assert later.backups("new")[0].text == "y = 2"


@pytest.mark.usefixtures("quick")
def test_trouble_that_follows_from_trouble_is_told_once(path: Path, said: list[str]) -> None:
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert works(store)
            assert eventually(lambda: said)
            other.execute("PRAGMA user_version = 7")
            other.execute("COMMIT")
        assert not store.flush()
        assert "newer" in store.trouble
        assert works(store)
    assert len(said) == 1


@pytest.mark.usefixtures("quick")
def test_a_file_that_vanishes_in_the_middle_of_trouble_is_written_again(path: Path) -> None:
    fill(path)
    with Store.open(path, patience=10) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            store.add_history("one more")
            assert eventually(lambda: store.trouble)
            shutil.rmtree(path.parent)
        assert store.flush()
    with Store.open(path, patience=10) as later:
        assert later.history()[:2] == ["one more", "line 199"]


def below_a_file(path: Path) -> None:
    path.parent.write_text("in the way")


def a_folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)


def a_link_to_nowhere(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(path.parent / "missing" / "tutor.db")


@pytest.mark.parametrize("hinder", [below_a_file, a_folder_in_its_place, a_link_to_nowhere])
def test_a_place_that_cannot_be_written_is_told(
    path: Path, said: list[str], hinder: Callable[[Path], None]
) -> None:
    hinder(path)
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        assert works(store)
        assert not store.flush()
        assert works(store)
        assert not store.on_disk
        assert store.trouble == said[0]
    assert len(said) == 1
    assert is_one_sentence(said[0])
    assert str(path) in said[0]
    assert "TORCHTUTOR_HOME" in said[0]


def test_a_store_that_is_deleted_meanwhile_is_written_again(path: Path, said: list[str]) -> None:
    fill(path)
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        for _ in range(2):
            shutil.rmtree(path.parent)
            assert works(store)
            assert store.flush()
    assert said == []
    with Store.open(path, patience=10) as later:
        assert later.history()[:2] == ["new line", "line 199"]
        assert later.draft("scratch") == Draft("x = 1\n" * 500)
        assert later.setting("theme", "") == "paper"


def test_two_instances_write_again_what_was_deleted(path: Path) -> None:
    with Store.open(path, patience=10) as one, Store.open(path, patience=10) as two:
        one.add_history("one")
        two.add_history("two")
        assert one.flush()
        assert two.flush()
        shutil.rmtree(path.parent)
        for store in (one, two):
            store.set_setting("theme", "paper")
            assert store.flush()
    with Store.open(path, patience=10) as later:
        assert later.history() == ["two", "one"]


def test_where_there_can_be_no_log_the_old_journal_does(path: Path) -> None:
    """A file system without shared memory, as this way of locking has none."""
    path.parent.mkdir()
    with closing(sqlite3.connect(f"{path.as_uri()}?vfs=unix-dotfile", uri=True)) as connection:
        assert file.prefer_log(connection) == "delete"
        connection.execute("CREATE TABLE t (x)")
    with closing(sqlite3.connect(path)) as connection:
        assert file.prefer_log(connection) == "wal"


def run_apart(script: str, folder: Path, *, namespace: bool = False) -> None:
    """Run a script in a process of its own; with `namespace`, where it may mount what it likes."""
    command = [sys.executable, "-c", PROLOGUE + script, folder]
    done = subprocess.run(
        [*(_unshare() if namespace else []), *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ok\n"


def _unshare() -> list[str]:
    for options in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        try_it = ["unshare", *options, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if (
            shutil.which("unshare")
            and not subprocess.run(try_it, capture_output=True, check=False).returncode
        ):
            return ["unshare", *options]
    pytest.skip("no file system can be mounted here")


PROLOGUE = """
import os, resource, subprocess, sys
from pathlib import Path
from tutor.course.store import Draft, Store
said = []
folder = Path(sys.argv[1])
def mount(options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
"""


def test_a_process_that_may_write_no_more_goes_on_in_memory(tmp_path: Path) -> None:
    run_apart(
        """
with Store.open(folder / "tutor.db", on_trouble=said.append, patience=10) as store:
    store.save_draft("scratch", "before")
    assert store.flush()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    for number in range(20):
        store.save_draft("scratch", f"{number} " * 100_000)
        store.add_history(f"line {number}")
        store.flush()
    assert not store.on_disk
    assert store.trouble == said[0]
    assert store.draft("scratch") == Draft("19 " * 100_000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert store.flush(10) and store.on_disk and store.trouble == ""
    assert len(said) == 1, said
with Store.open(folder / "tutor.db", patience=10) as later:
    assert later.draft("scratch") == Draft("19 " * 100_000)
    assert later.history() == [f"line {number}" for number in range(20)][::-1]
print("ok")
""",
        tmp_path,
    )


def test_a_full_disk_is_told_and_written_to_when_there_is_room(tmp_path: Path) -> None:
    run_apart(
        """
mount("size=2m")
with Store.open(folder / "tutor.db", on_trouble=said.append, patience=10) as store:
    store.save_draft("scratch", "before")
    assert store.flush()
    (folder / "filler").write_bytes(bytes(1_700_000))
    for number in range(10):
        store.save_draft("scratch", f"{number} " * 100_000)
        store.flush()
    assert not store.on_disk
    assert len(said) == 1 and "No room" in said[0] and str(folder) in said[0], said
    (folder / "filler").unlink()
    assert store.flush(10) and store.on_disk and store.trouble == ""
with Store.open(folder / "tutor.db", on_trouble=said.append, patience=10) as store:
    assert store.draft("scratch") == Draft("9 " * 100_000)
# Full from the beginning: what is there can still be read.
free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_bsize
(folder / "filler").write_bytes(bytes(free))
said.clear()
with Store.open(folder / "tutor.db", on_trouble=said.append, patience=10) as store:
    assert store.draft("scratch") == Draft("9 " * 100_000)
    store.save_draft("scratch", "after")
    store.flush()
    assert store.draft("scratch") == Draft("after")
    assert len(said) == 1, said
print("ok")
""",
        tmp_path,
        namespace=True,
    )


def test_a_home_that_is_read_only_is_told_and_read(tmp_path: Path) -> None:
    run_apart(
        """
mount("size=4m")
with Store.open(folder / "tutor.db", patience=10) as store:
    store.save_draft("scratch", "before")
    store.record("lesson", "step", done=True)
subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
for path, draft in (folder / "tutor.db", Draft("before")), (folder / "new" / "tutor.db", None):
    said.clear()
    with Store.open(path, on_trouble=said.append, patience=10) as store:
        assert store.draft("scratch") == draft
        store.save_draft("scratch", "after")
        assert not store.flush()
        assert store.draft("scratch") == Draft("after")
        assert len(said) == 1 and said[0] == store.trouble and "read-only" in said[0].lower(), said
print("ok")
""",
        tmp_path,
        namespace=True,
    )
