"""`torchtutor progress`: tells how far the learner is, and takes progress from one machine to another."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tutor.course.loader import readable_lessons
from tutor.course.luggage import LuggageError, pack, unpack
from tutor.course.progress import as_data, as_text, course_progress
from tutor.course.store import Store
from tutor.export import ExportError, write
from tutor.language import current_language

STATUS_OK, STATUS_WRONG_USE = 0, 2
#: Seconds that the answer waits for what was kept on disk.
PATIENCE = 5.0


def progress(*, as_json: bool, out: str, source: str, force: bool) -> int:
    """Import, export, or tell; the exit status."""
    if sum(map(bool, (as_json, out, source))) > 1:
        return _refuse("Choose one of --json, --export and --import.")
    store = Store.open(patience=PATIENCE)
    try:
        if out:
            return _export(store, Path(out), force)
        if source:
            return _import(store, Path(source))
        course = course_progress(store, readable_lessons(current_language()))
        print(json.dumps(as_data(course), indent=2) if as_json else as_text(course, time.time()))
    finally:
        is_kept = store.close()
    return STATUS_OK if is_kept or not source else STATUS_WRONG_USE


def _export(store: Store, path: Path, force: bool) -> int:
    try:
        write(path, pack(store) + b"\n", overwrite=force)
    except FileExistsError:
        return _refuse(f"{path} is there already: choose another file, or --force.")
    except ExportError as error:
        return _refuse(str(error))
    print(f"Wrote {path}.")
    return STATUS_OK


def _import(store: Store, path: Path) -> int:
    try:
        found = unpack(store, path.read_bytes())
    except OSError as error:
        return _refuse(f"{path} cannot be read ({error.strerror}): check its name.")
    except LuggageError as error:
        return _refuse(f"{path}: {error}.")
    if not store.flush(PATIENCE):
        return _refuse(store.trouble or "Not everything could be kept on disk in time.")
    code = f" and the code of {found.drafts}" if found.drafts else ""
    print(f"Took over {found.steps} {'step' if found.steps == 1 else 'steps'}{code}.")
    if found.kept:
        print(f"Your code here is another in {', '.join(found.kept)}, and was left as it is.")
    return STATUS_OK


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return STATUS_WRONG_USE
