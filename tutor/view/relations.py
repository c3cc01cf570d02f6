"""Who lives in the memory of one tensor, and which of its elements they have in common with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tutor.facts import Overlap, Snapshot, TensorFacts
from tutor.view.reach import common

#: Names that are related to one tensor, and elements listed for one of them.
PAIRS = 20
ELEMENTS = 8_192


@dataclass(frozen=True)
class Relation:
    """What the selected tensor has in common with `name`; None where it is not known (yet)."""

    name: str
    same_object: bool
    #: None where one of the two has no torch storage, as a numpy array.
    same_storage: bool | None
    #: Elements of the selected tensor that are elements of the other too, of how many.
    shared: tuple[int, int] | None
    overlap: bool | None


def relations(name: str, snapshot: Snapshot, answers: Mapping[str, Overlap]) -> tuple[list[Relation], int]:
    """Relations to the others in the same block, and how many more there are.

    Exact from the facts where that is quick; `answers` of the kernel tell the rest.
    """
    facts = snapshot.tensors.get(name)
    block = snapshot.storages.get(facts.block) if facts is not None and facts.block is not None else None
    if facts is None or block is None:
        return [], 0
    others = [other for other in block.residents if other != name and other in snapshot.tensors]
    found = []
    for other in others[:PAIRS]:
        theirs = snapshot.tensors[other]
        shared = common(facts, theirs, block, ELEMENTS)
        answer = answers.get(other)
        overlap = shared[0] > 0 if shared is not None else answer.overlap if answer is not None else None
        same = facts.object == theirs.object
        found.append(Relation(other, same, _same_storage(facts, theirs), shared, overlap))
    return found, len(others) - len(found)


def _same_storage(one: TensorFacts, other: TensorFacts) -> bool | None:
    if one.storage is None or other.storage is None:
        return None
    return one.storage == other.storage


def relation_words(relation: Relation) -> tuple[str, str]:
    """What is said before and after the other's name."""
    storage = {True: "same storage", False: "same bytes, another storage", None: "same memory"}
    where = storage[relation.same_storage]
    if relation.same_object:
        return "the same tensor as", ""
    if relation.overlap is None:
        return f"{where} as", "cannot tell which elements they share"
    if not relation.overlap:
        return f"{where} as", "no element in common"
    if relation.shared is None:
        return "shares elements with", where
    shared, count = relation.shared
    what = "its one element" if count == 1 else f"all {count:,} elements" if shared == count else None
    return f"shares {what or f'{shared:,} of {count:,} elements'} with", where


def unsettled(found: list[Relation]) -> list[str]:
    """Names that only the kernel can relate exactly."""
    return [relation.name for relation in found if relation.shared is None and not relation.same_object]
