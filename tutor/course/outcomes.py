"""What the code of a prediction gave, as it is kept for whoever comes back to it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tutor.course.store import Json
from tutor.facts import ErrorFacts, Evaluated

#: Characters of an answer that is kept.
LONGEST = 4_000


def kept(answer: Evaluated, question: str) -> Json:
    """An answer as plain data, with a digest of what it answers; None for one that is too long to keep."""
    found: dict[str, Json] = {"of": _digest(question), "value": answer.value, "text": answer.text}
    if answer.error is not None:
        found |= {"error": answer.error.type, "message": answer.error.message[: LONGEST // 2]}
        found["bases"] = list(answer.error.bases)
    try:
        return found if len(json.dumps(found)) <= LONGEST else None
    except (TypeError, ValueError, RecursionError):
        return None


def read(found: Any, question: str) -> Evaluated | None:
    """The answer that was kept, where it answers this very question."""
    if not isinstance(found, dict) or found.get("of") != _digest(question):
        return None
    text, name = found.get("text"), found.get("error")
    above = found.get("bases")
    bases = tuple(map(str, above)) if isinstance(above, list) else ()
    error = ErrorFacts(name, str(found.get("message", "")), 0, bases=bases) if isinstance(name, str) else None
    return Evaluated(0, text, found.get("value"), error) if isinstance(text, str) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
