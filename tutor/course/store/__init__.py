"""What is kept across sessions: drafts, history, transcript, progress and settings, in one SQLite file.

The app never waits for the disk and never sees it fail. `Store` answers from memory; `writer` brings
changes to the disk in a thread of its own, within a fraction of a second; `database` is the file and
what several instances may do to it at once; `trouble` puts what the disk refuses into one sentence.
"""

from tutor.course.store.records import (
    SCRATCH,
    Backup,
    Draft,
    Json,
    Stamp,
    StepFacts,
    StepProgress,
    TranscriptEntry,
    draft_key,
)
from tutor.course.store.store import Store, default_path

__all__ = [
    "SCRATCH",
    "Backup",
    "Draft",
    "Json",
    "Stamp",
    "StepFacts",
    "StepProgress",
    "Store",
    "TranscriptEntry",
    "default_path",
    "draft_key",
]
