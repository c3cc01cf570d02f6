"""`torchtutor progress`: tells how far the learner is, and takes progress from one machine to another."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tutor.course.loader import readable_lessons
from tutor.course.luggage import LuggageError, Unpacked, pack, unpack
from tutor.course.progress import as_data, as_text, course_progress
from tutor.course.store import Store
from tutor.export import ExportError, write
from tutor.language import current_language
from tutor.translation import say

STATUS_OK, STATUS_WRONG_USE = 0, 2
#: Seconds that the answer waits for what was kept on disk.
PATIENCE = 5.0


def progress(*, as_json: bool, out: str, source: str, force: bool) -> int:
    """Import, export, or tell; the exit status."""
    if sum(map(bool, (as_json, out, source))) > 1:
        return _refuse(say("Choose one of --json, --export and --import."))
    store = Store.open(patience=PATIENCE)
    try:
        if out:
            return _export(store, Path(out), force)
        if source:
            return _import(store, Path(source))
        # What programs read is the same everywhere.
        course = course_progress(store, readable_lessons("en" if as_json else current_language()))
        print(json.dumps(as_data(course), indent=2) if as_json else as_text(course, time.time()))
    finally:
        is_kept = store.close()
    return STATUS_OK if is_kept or not source else STATUS_WRONG_USE


def _export(store: Store, path: Path, force: bool) -> int:
    try:
        write(path, pack(store) + b"\n", overwrite=force)
    except FileExistsError:
        return _refuse(say("{path} is there already: choose another file, or --force.", path=path))
    except ExportError as error:
        return _refuse(str(error))
    print(say("Wrote {path}.", path=path))
    return STATUS_OK


def _import(store: Store, path: Path) -> int:
    try:
        found = unpack(store, path.read_bytes())
    except OSError as error:
        return _refuse(
            say("{path} cannot be read ({reason}): check its name.", path=path, reason=error.strerror)
        )
    except LuggageError as error:
        return _refuse(f"{path}: {error}.")
    if not store.flush(PATIENCE):
        return _refuse(store.trouble or say("Not everything could be kept on disk in time."))
    print(_told(found))
    if found.kept:
        kept = ", ".join(found.kept)
        print(say("Your code here is another in {places}, and was left as it is.", places=kept))
    return STATUS_OK


def _told(found: Unpacked) -> str:
    steps, drafts = found.steps, found.drafts
    if drafts and steps == 1:
        return say("Took over 1 step and the code of {drafts}.", drafts=drafts)
    if drafts:
        return say("Took over {steps} steps and the code of {drafts}.", steps=steps, drafts=drafts)
    return say("Took over 1 step.") if steps == 1 else say("Took over {steps} steps.", steps=steps)


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return STATUS_WRONG_USE
