"""`einsum` equations that do not fit their tensors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce

from tutor.explain import calls, subjects
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import count_text, fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_COUNT_TITLE = "The equation has {terms} before `->`, for {given}"
_COUNT = """
In {equation}, each group of letters before `->` stands for one tensor, and they are separated by commas:
that needs {terms}, and here there are {given}.
"""
_LETTERS_TITLE = "`{term}` names {letters} for {who}, which has {count}"
_LETTERS = """
{shape}, with {count}, and in {equation} it is `{term}`: {letters}. Each dimension needs one letter, or
`...` for those that are not named.
"""
_SIZES_TITLE = "The letter `{letter}` stands for {a} and for {b}"
_SIZES = """
In {equation}, a letter means one size wherever it stands. `{letter}` is dimension {at} of {first}, which
has size {a:,}, and dimension {place} of {second}, which has size {b:,}: {shapes}. They must be equal.
"""
_SHAPES = "{first}, and {second}"
_SHAPED = "{first} and {second}"
_OUTPUT_TITLE = "`{letter}` stands behind `->` only"
_OUTPUT = """
In {equation}, the result is `{output}`, but `{letter}` names no dimension of {given}: each letter of the
result must stand before `->` too.
"""
_TWICE_TITLE = "`{letter}` stands twice behind `->`"
_TWICE = """
In {equation}, the result is `{output}`, and each letter can name only one of its dimensions. Here it is
given {given}.
"""


@failure
def einsum_subscripts(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an einsum equation does not fit the number, dimensions or sizes of its tensors."""
    call = subjects.refused(step)
    if call is None or calls.operation(call) != "einsum" or not call.arguments:
        return None
    equation = subjects.plain(call.arguments[0])
    if not isinstance(equation, str):
        return None
    told = _misfit(call, equation.replace(" ", ""))
    if told is None:
        return None
    return Explanation("einsum-subscripts", "error", *told, None, subjects.all_evidence(step, call))


def _misfit(call: FailedCall, equation: str) -> tuple[str, str] | None:
    """The first thing that does not fit, as a title and a text."""
    inputs, arrow, output = equation.partition("->")
    terms = inputs.split(",")
    given = [one for one in call.arguments[1:] if subjects.shape(one) is not None]
    written = {"equation": f"`{equation}`"}
    if len(given) != len(call.arguments) - 1:
        return None
    if len(terms) != len(given):
        fields = {"terms": count_text(len(terms), "group"), "given": count_text(len(given), "tensor")}
        names = f"{fields['given']}: {', '.join(subjects.shape_of(one, listed=True) for one in given)}"
        return fill(_COUNT_TITLE, **fields), fill(_COUNT, terms=fields["terms"], given=names, **written)
    if any(not re.fullmatch(r"[a-zA-Z.]*", term) for term in terms):
        return None
    seen: dict[str, tuple[int, int, Argument]] = {}
    for term, one in zip(terms, given, strict=True):
        told = _letters(term, one, written) or _sizes(term, one, seen, written)
        if told is not None:
            return told
    return _result(output, terms, given, written) if arrow else None


def _letters(term: str, given: Argument, written: dict[str, str]) -> tuple[str, str] | None:
    sizes, letters = subjects.shape(given) or (), term.replace("...", "")
    fits = len(letters) <= len(sizes) if "..." in term else len(letters) == len(sizes)
    if fits:
        return None
    count = subjects.dims_text(len(sizes))
    fields = {"term": term, "letters": count_text(len(letters), "letter"), "count": count}
    shape = subjects.sentence(subjects.shape_of(given))
    title = fill(_LETTERS_TITLE, who=subjects.name_of(given), **fields)
    return title, fill(_LETTERS, shape=shape, **fields, **written)


def _sizes(
    term: str, given: Argument, seen: dict[str, tuple[int, int, Argument]], written: dict[str, str]
) -> tuple[str, str] | None:
    if "..." in term:
        return None
    for at, (letter, size) in enumerate(zip(term, subjects.shape(given) or (), strict=True)):
        a, place, other = seen.setdefault(letter, (size, at, given))
        if a != size and 1 not in (a, size):
            text = fill(
                _SIZES,
                letter=letter,
                at=place,
                first=subjects.name_of(other),
                a=a,
                place=at,
                second=subjects.name_of(given),
                b=size,
                shapes=_together(
                    _SHAPES, dict.fromkeys(subjects.shape_of(each, listed=True) for each in (other, given))
                ),
                **written,
            )
            return fill(_SIZES_TITLE, letter=letter, a=a, b=size), text
    return None


def _result(
    output: str, terms: list[str], given: list[Argument], written: dict[str, str]
) -> tuple[str, str] | None:
    letters = output.replace("...", "")
    shapes = _together(_SHAPED, map(_with_shape, given))
    new = next((letter for letter in letters if letter not in "".join(terms)), None)
    if new is not None:
        text = fill(_OUTPUT, output=output, letter=new, given=shapes, **written)
        return fill(_OUTPUT_TITLE, letter=new), text
    twice = next((letter for letter in letters if letters.count(letter) > 1), None)
    if twice is not None:
        return fill(_TWICE_TITLE, letter=twice), fill(_TWICE, output=output, given=shapes, **written)
    return None


def _together(template: str, shapes: Iterable[str]) -> str:
    return reduce(lambda first, second: phrase(template, first=first, second=second), shapes)


def _with_shape(given: Argument) -> str:
    return f"{subjects.name_of(given)} {shape_text(subjects.shape(given) or ())}"
