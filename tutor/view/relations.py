"""Who lives in the memory of one tensor, and which of its elements they have in common with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tutor.facts import Overlap, Snapshot, TensorFacts
from tutor.translation import later, parted, say
from tutor.view.reach import common
from tutor.view.words import clean

#: What two names have in common, by whether both are of one storage.
_WHERE = {
    True: later("same storage"),
    False: later("same bytes, another storage"),
    None: later("same memory"),
}

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
    name, where = clean(relation.name), say(_WHERE[relation.same_storage])
    if relation.same_object:
        return parted("the same tensor as {name}", name)
    if relation.overlap is None:
        return parted("{where} as {name}, cannot tell which elements they share", name, where=where)
    if not relation.overlap:
        return parted("{where} as {name}, no element in common", name, where=where)
    if relation.shared is None:
        return parted("shares elements with {name}, {where}", name, where=where)
    shared, count = relation.shared
    if count == 1:
        return parted("shares its one element with {name}, {where}", name, where=where)
    if shared == count:
        return parted("shares all {count:,} elements with {name}, {where}", name, count=count, where=where)
    template = later("shares {shared:,} of {count:,} elements with {name}, {where}")
    return parted(template, name, shared=shared, count=count, where=where)


def unsettled(found: list[Relation]) -> list[str]:
    """Names that only the kernel can relate exactly."""
    return [relation.name for relation in found if relation.shared is None and not relation.same_object]
