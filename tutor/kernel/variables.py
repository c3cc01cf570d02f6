"""Which of the learner's variables a snapshot looks at, also when there are very many."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from tutor.kernel import names

#: Variables that are looked at in a big namespace: the newest, those mentioned, those shown before.
MAX_LOOKED_AT = 4_096
#: The tensors of a big namespace are counted again when it grew or shrank by this many variables.
_RECOUNT_AFTER = 1_024


class Variables:
    """The variables of one namespace. Holds names only."""

    def __init__(self, namespace: dict[str, object], ignore: frozenset[str]) -> None:
        self._namespace = namespace
        self._ignore = ignore
        #: Names that hold something trackable, kept only for a big namespace.
        self._counted: set[str] = set()
        self._counted_at: int | None = None

    def look(self, wanted: Collection[str]) -> tuple[list[str], list[object]]:
        """Names and values in the order of the namespace; all, or the newest and those `wanted`.

        May hold keys that are not names of the learner's: see `is_variable`.
        """
        if len(self._namespace) <= MAX_LOOKED_AT:
            self._counted_at = None
            looked_at = self._namespace
        else:
            looked_at = self._newest(wanted)
        names, values = list(looked_at), list(looked_at.values())
        if len(names) != len(values):  # a thread of the learner's made a variable in between
            looked_at = dict.copy(looked_at)
            return list(looked_at), list(looked_at.values())
        return names, values

    def _newest(self, wanted: Collection[str]) -> dict[str, object]:
        items = list(islice(reversed(self._namespace.items()), MAX_LOOKED_AT))
        items.reverse()
        newest = dict(items)
        missing = object()
        looked_at: dict[str, object] = {}
        for name in wanted:
            if name not in newest and (value := self._namespace.get(name, missing)) is not missing:
                looked_at[name] = value
        looked_at.update(newest)
        return looked_at

    def is_variable(self, name: object) -> bool:
        """Whether a key of the namespace is a name of the learner's."""
        if type(name) is not str or name in self._ignore:
            return False
        if name[:2] == "__" and name[-2:] == "__":
            return False
        return name.isascii() or _is_text(name)

    def count_beyond(self, looked_at: Collection[str], tracked: Collection[str]) -> int:
        """How many tensors, arrays and modules there are that were not looked at.

        Exact when the namespace has just grown or shrunk by much, else as last counted.
        """
        size = len(self._namespace)
        if len(looked_at) >= size:
            return 0
        if self._counted_at is None or abs(size - self._counted_at) > _RECOUNT_AFTER:
            everything = dict.copy(self._namespace)
            self._counted = {k for k, v in everything.items() if self.is_variable(k) and names.is_tracked(v)}
            self._counted_at = size
        self._counted.difference_update(looked_at)
        beyond = len(self._counted)
        self._counted.update(tracked)
        return beyond


def _is_text(name: str) -> bool:
    """Whether a name can be written down: a learner may put lone surrogates into `globals()`."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
