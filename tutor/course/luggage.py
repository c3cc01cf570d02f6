"""Progress as a file: to another machine and back, without undoing what was done there."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from tutor.course.store import Store
from tutor.course.store.records import StepProgress
from tutor.translation import say

VERSION = 1


class LuggageError(Exception):
    """A file that is no exported progress; the text is one sentence."""


class Luggage(Struct, frozen=True, omit_defaults=True):
    """What is exported: progress by lesson and step, and the learner's code by its key."""

    torchtutor_progress: int
    progress: dict[str, dict[str, StepProgress]]
    drafts: dict[str, str] = {}


class Unpacked(Struct, frozen=True):
    """What an import has brought."""

    steps: int
    drafts: int
    #: Code that is another here, and was left as it is.
    kept: tuple[str, ...]


def pack(store: Store) -> bytes:
    """All progress, with the learner's code in lessons, as JSON."""
    drafts = {key: text for key, text in store.drafts().items() if _is_code(key) and text.strip()}
    return msgspec.json.format(msgspec.json.encode(Luggage(VERSION, store.all_progress(), drafts)), indent=1)


def _is_code(key: str) -> bool:
    """Whether a draft is the code of a step: that of scratch, and what stands at a prompt, are not."""
    return key.count("/") == 1


def unpack(store: Store, data: bytes) -> Unpacked:
    """Join exported progress to what the store has: what is done in either is done, and no code is lost.

    LuggageError for a file that is something else; nothing has been changed then."""
    try:
        luggage = msgspec.json.decode(data, type=Luggage)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LuggageError(
            say("this is no progress that torchtutor exported ({error})", error=error)
        ) from None
    if luggage.torchtutor_progress != VERSION:
        raise LuggageError(
            say(
                "this is progress in format {found}, and this torchtutor reads {known}",
                found=luggage.torchtutor_progress,
                known=VERSION,
            )
        )
    steps = sum(
        _join(store, lesson, step, found)
        for lesson, known in luggage.progress.items()
        for step, found in known.items()
    )
    here = store.drafts()
    coming = {key: text for key, text in luggage.drafts.items() if _is_code(key) and text.strip()}
    for key, text in coming.items():
        if key not in here:
            store.save_draft(key, text)
    taken = sum(key not in here for key in coming)
    kept = tuple(key for key, text in coming.items() if here.get(key, text) != text)
    return Unpacked(steps, taken, kept)


def _join(store: Store, lesson: str, step: str, coming: StepProgress) -> bool:
    """Record what is more than the store knows; whether that was anything."""
    here = store.progress(lesson).get(step, StepProgress())
    joined = msgspec.structs.replace(
        here,
        visited=here.visited or coming.visited,
        done=here.done or coming.done,
        hints=max(here.hints, coming.hints),
        solution_shown=here.solution_shown or coming.solution_shown,
        at=max(here.at, coming.at),
    )
    if here.first_right is None:
        joined = msgspec.structs.replace(joined, first_right=coming.first_right)
    if here.right is None:
        joined = msgspec.structs.replace(
            joined, prediction=coming.prediction, outcome=coming.outcome, right=coming.right
        )
    if joined == here:
        return False
    store.record(lesson, step, **msgspec.structs.asdict(joined))
    return True
