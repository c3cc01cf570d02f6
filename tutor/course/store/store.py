"""The store as the app sees it: it answers at once, from memory, and never raises for the disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

from tutor.course.store import records
from tutor.course.store.records import (
    Backup,
    Cursor,
    Draft,
    Json,
    Stamp,
    StepFacts,
    StepProgress,
    TranscriptEntry,
)
from tutor.course.store.state import Version
from tutor.course.store.writer import Writer

T = TypeVar("T", bound=Json)


def default_path() -> Path:
    """`tutor.db` in the folder that TORCHTUTOR_HOME names, or in the user's data folder."""
    if home := os.environ.get("TORCHTUTOR_HOME"):
        return Path(home).expanduser() / "tutor.db"
    from platformdirs import user_data_path

    return user_data_path("torchtutor") / "tutor.db"


class Store:
    """Drafts, history, transcript, progress and settings; several instances may share one file.

    Changes are on disk within a fraction of a second. `trouble` is the sentence that says why they are
    not, while they are not; all else goes on as before, in memory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._instance = int.from_bytes(os.urandom(8), "big") >> 2
        self._now = 0
        #: The version of each draft that the learner has been shown.
        self._shown: dict[str, Stamp] = {}
        self._writer = Writer(path, self._instance)

    @classmethod
    def open(
        cls,
        path: Path | None = None,
        *,
        on_trouble: Callable[[str], None] | None = None,
        patience: float = 0.05,
    ) -> Store:
        """The store at `path`, or at `default_path()`; waits at most `patience` seconds for its content.

        What is read before `wait` says True may be missing what is in the file.
        """
        store = cls((path or default_path()).absolute())
        store.listen(on_trouble)
        store.wait(patience)
        return store

    def wait(self, seconds: float) -> bool:
        """Wait until the file has been read, or could not be; whether that is so."""
        return self._writer.loaded.wait(seconds)

    def listen(self, on_trouble: Callable[[str], None] | None) -> None:
        """Who is told of trouble: once a kind, in the store's own thread; at once of what came before."""
        self._writer.listen(on_trouble)

    @property
    def trouble(self) -> str:
        """The sentence that holds now; empty when all is well."""
        return self._writer.trouble

    @property
    def on_disk(self) -> bool:
        """The file was there and took the last changes."""
        return self._writer.on_disk

    def refresh(self) -> None:
        """Soon know what other instances have written; to be called when the learner comes back to this."""
        self._writer.refresh()

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until all is on disk, or refused by it, at most `timeout` seconds; whether it is on disk."""
        return self._writer.flush(timeout)

    def close(self, timeout: float = 2.0) -> bool:
        """Write what is left, at most for `timeout` seconds; whether all is on disk."""
        return self._writer.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def draft(self, key: str) -> Draft | None:
        """The draft under `key` that the learner is shown from now on; None where there is none."""
        with self._writer.lock:
            version = self._writer.state.drafts.get(key)
            if version is None:
                return None
            self._shown[key] = version.stamp
            return version.draft

    def save_draft(self, key: str, text: str, cursor: Cursor = (0, 0)) -> None:
        """Keep code as it stands; to be called at every keystroke.

        What another instance wrote there since the learner was shown the draft becomes a backup.
        """
        line, column = (min(max(number, 0), 2**31) for number in cursor)
        self._put_draft(key, Draft(text, (line, column)))

    def reset_draft(self, key: str) -> None:
        """Back up the draft under `key`, and have none."""
        with self._writer.lock:
            version = self._writer.state.drafts.get(key)
            if version is None or version.draft is None:
                return
            stamp = self._stamp()
            backup = Backup(version.draft.text, version.draft.cursor, stamp[0], "reset")
            self._writer.change(lambda state: state.keep_backup(key, stamp, backup))
            self._put_draft(key, None)

    def backups(self, key: str) -> list[Backup]:
        """Earlier texts of a draft, newest first: those that were reset and those of other instances."""
        with self._writer.lock:
            kept = self._writer.state.backups.get(key, {})
            return [kept[stamp] for stamp in sorted(kept, reverse=True)]

    def _put_draft(self, key: str, draft: Draft | None) -> None:
        with self._writer.lock:
            known = self._writer.state.drafts.get(key)
            if known is not None and known.draft == draft and self._has_seen(key, known):
                return
            version = Version(self._stamp(), self._shown.get(key), draft)
            self._writer.change(lambda state: state.drafts.__setitem__(key, version))

    def _has_seen(self, key: str, version: Version) -> bool:
        return version.stamp[1] == self._instance or version.stamp == self._shown.get(key)

    def add_history(self, text: str) -> None:
        """Remember a line of the prompt; the same one again is remembered once."""
        row = records.text_bytes(text)
        with self._writer.lock:
            newest = self._writer.state.history.newest
            if not text.strip() or (newest is not None and newest[1] == row):
                return
            stamp = self._stamp()
            self._writer.change(lambda state: state.history.put(stamp, row))

    def history(self, containing: str = "", limit: int | None = None) -> list[str]:
        """Lines of all sessions, newest first, without consecutive repeats.

        With `containing`, those that have it, whatever the case, and each of them once.
        """
        with self._writer.lock:
            rows = self._writer.state.history.newest_first()
        lines = [records.bytes_text(row) for row in rows]
        if containing:
            wanted = containing.casefold()
            lines = list(dict.fromkeys(line for line in lines if wanted in line.casefold()))
        else:
            lines = [line for line, newer in zip(lines, [None, *lines], strict=False) if line != newer]
        return lines[:limit]

    def add_entry(self, entry: TranscriptEntry) -> Stamp:
        """Keep a run from its beginning; the stamp is for `update_entry`. Long texts are cut."""
        with self._writer.lock:
            stamp = self._stamp()
        self.update_entry(stamp, entry)
        return stamp

    def update_entry(self, stamp: Stamp, entry: TranscriptEntry) -> None:
        """What has become of a run since; as often as one likes."""
        row = records.entry_bytes(entry)
        with self._writer.lock:
            self._writer.change(lambda state: state.transcript.put(stamp, row))

    def transcript(self, place: str | None = None, limit: int = 50) -> list[TranscriptEntry]:
        """The last runs, oldest first: of all sessions, everywhere or in one place (a draft key)."""
        with self._writer.lock:
            rows = self._writer.state.transcript.newest_first()
        found: list[TranscriptEntry] = []
        for row in rows:
            if len(found) == limit:
                break
            entry = records.bytes_entry(row)
            if entry is not None and place in (None, entry.place):
                found.append(entry)
        return found[::-1]

    def session(self, *, own: bool = True) -> list[TranscriptEntry]:
        """All runs of this session that are kept, oldest first; else those of the session that ran last."""
        with self._writer.lock:
            rows = list(self._writer.state.transcript)
        last = rows[-1][0][1] if rows else self._instance
        instance = self._instance if own else last
        found = (records.bytes_entry(row) for stamp, row in rows if stamp[1] == instance)
        return [entry for entry in found if entry is not None]

    def record(self, lesson: str, step: str, **facts: Unpack[StepFacts]) -> None:
        """Record what is now true of a step, by permanent ids; what is not named stays as it is."""
        rows = {(lesson, step, name): records.json_bytes(value) for name, value in facts.items()}
        with self._writer.lock:
            known = self._writer.state.progress
            news = {key: row for key, row in rows.items() if known.get(key) != row}
            if news:
                self._writer.change(lambda state: state.progress.update(news))

    def progress(self, lesson: str) -> dict[str, StepProgress]:
        """The steps of a lesson that anything is known of, by id."""
        with self._writer.lock:
            rows = [(key[1:], row) for key, row in self._writer.state.progress.items() if key[0] == lesson]
        fields: dict[str, dict[str, bytes]] = {}
        for (step, name), row in rows:
            fields.setdefault(step, {})[name] = row
        return {step: records.progress_of(found) for step, found in fields.items()}

    def all_progress(self) -> dict[str, dict[str, StepProgress]]:
        """Everything that is known of every lesson, by id."""
        with self._writer.lock:
            lessons = dict.fromkeys(key[0] for key in self._writer.state.progress)
        return {lesson: self.progress(lesson) for lesson in lessons}

    def drafts(self) -> dict[str, str]:
        """All code that is kept, by key; the learner is not shown it by that."""
        with self._writer.lock:
            found = self._writer.state.drafts.items()
            return {key: version.draft.text for key, version in found if version.draft is not None}

    def setting(self, name: str, default: T) -> T:
        """The setting, or `default` where there is none of its type."""
        with self._writer.lock:
            row = self._writer.state.settings.get(name)
        value = None if row is None else records.bytes_json(row)
        return value if type(value) is type(default) else default

    def set_setting(self, name: str, value: Json) -> None:
        """Keep a setting; raises TypeError or ValueError for a value that is not JSON."""
        row = records.json_bytes(value)
        with self._writer.lock:
            if self._writer.state.settings.get(name) != row:
                self._writer.change(lambda state: state.settings.__setitem__(name, row))

    def _stamp(self) -> Stamp:
        """Later than every stamp before, also where the clock was set back; the caller holds the lock."""
        known = min(self._writer.state.latest, 2**62)
        self._now = max(time.time_ns(), self._now + 1, known + 1)
        return self._now, self._instance
