"""Which names fit what has been typed, best first."""

from __future__ import annotations

from collections.abc import Collection, Iterable

#: More are not offered.
MOST = 60


def rank(word: str, names: Iterable[str], familiar: Collection[str] = ()) -> tuple[str, ...]:
    """Names that begin with `word`, then those that begin with it in other case, then those that have its
    letters in order; those that are `familiar` before others as good. Private ones only where `word` is
    private too; nothing where only `word` itself fits."""
    folded = word.lower()
    fitting = sorted(
        (grade, name not in familiar, name.lower(), name)
        for name in set(names)
        if (grade := _grade(word, folded, name)) is not None and (word[:1] == "_" or name[:1] != "_")
    )
    ranked = tuple(name for *_, name in fitting[:MOST])
    return () if ranked == (word,) else ranked


def _grade(word: str, folded: str, name: str) -> int | None:
    if name.startswith(word):
        return 0
    lower = name.lower()
    if lower.startswith(folded):
        return 1
    # A single letter is in every other name.
    if len(word) > 1 and lower[:1] == folded[:1] and _in_order(folded, lower):
        return 2
    return None


def _in_order(letters: str, name: str) -> bool:
    rest = iter(name)
    return all(letter in rest for letter in letters)
