"""What ran in a session, as it is kept for being written to a file."""

from __future__ import annotations

from msgspec import Struct


class Ran(Struct, frozen=True):
    """A piece of code that ran in a session: its source, and the error that ended it, if one did."""

    source: str
    error: str = ""
    #: A name for where it ran; a lesson's step among them.
    place: str = ""
    #: The namespace was emptied first, as it is before the editor's code of a lesson.
    afresh: bool = False
