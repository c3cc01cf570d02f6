"""Offset and strides in words, and as the sum that takes an index to its cell."""

from __future__ import annotations

from tutor.facts import Shape, StorageFacts, TensorFacts
from tutor.translation import say
from tutor.view.places import first_byte, spelled, steps_of
from tutor.view.words import TIMES, clean, stride_word

_LETTERS = "ijklmn"


def layout_words(facts: TensorFacts) -> str:
    """`offset 1, stride 3`; empty where there is nothing to say or nothing known."""
    if facts.stride is None or facts.shape is None or 0 in facts.shape:
        return ""
    words = [say("offset {offset:,}", offset=facts.offset)] if facts.offset else []
    if len(facts.stride) == 1:
        words.append(say("stride {stride}", stride=f"{facts.stride[0]:,}"))
    elif facts.stride:
        words.append(say("strides {strides}", strides=stride_word(facts.stride, None)))
    return ", ".join(words)


def formula(facts: TensorFacts, block: StorageFacts, index: Shape | None = None) -> str:
    """How the index makes the number of the cell; empty where its cells are not the block's."""
    steps, first = steps_of(facts), first_byte(facts, block)
    if steps is None or first is None or facts.shape is None or 0 in facts.shape:
        return ""
    size = facts.itemsize or 1
    if size != block.itemsize or any(part % size for part in (first, *steps)) or len(steps) > len(_LETTERS):
        return ""
    places = [step // size for step in steps]
    offset = first // size
    if index is None:
        named = f"{clean(facts.name)}[{', '.join(_LETTERS[: len(places)])}]" if places else clean(facts.name)
        terms = [(place, letter) for place, letter in zip(places, _LETTERS, strict=False)]
        return say("{element} is cell {cell}", element=named, cell=_sum(offset, terms, ""))
    total = offset + sum(at * place for at, place in zip(index, places, strict=True))
    terms = [(place, str(at)) for place, at in zip(places, index, strict=True)]
    said = _sum(offset, terms, TIMES)
    named = spelled(clean(facts.name), index)
    cell = f"{total:,}" if said == str(total) else f"{said} = {total:,}"
    return say("{element} is cell {cell}", element=named, cell=cell)


def _sum(offset: int, terms: list[tuple[int, str]], times: str) -> str:
    """`1 + 3i`; a stride of 0 is there to be seen."""
    said = str(offset) if offset or not terms else ""
    for place, factor in terms:
        size = abs(place)
        sign = " − " if place < 0 else " + "
        word = factor if size == 1 else f"{size}{times or (TIMES if size == 0 else '')}{factor}"
        said += (sign if said else sign.strip().replace("+", "")) + word
    return said
