"""The kernel's answers about live values as verdicts with a clause for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tutor.course.answers import in_words
from tutor.course.checks import Verdict
from tutor.facts import Answer, ErrorFacts
from tutor.translation import later, say, translated

#: Longer values are told by the first place in which they differ.
_LONG = 40


def error_text(error: ErrorFacts) -> str:
    """An exception on one line."""
    message = error.message.strip().split("\n", 1)[0][:160].rstrip(".")
    return f"{error.type}: {message}" if message else error.type


def _compared(_: str, __: Any, answer: Answer) -> Verdict:
    clauses = {
        "shape": translated("has shape {got}"),
        "dtype": translated("has dtype {got}"),
        "grad_is_none": say("has no gradient: its .grad is None"),
    }
    clause = clauses.get(answer.kind, translated("is {got}"))
    note = in_words(answer.note)
    if note and (len(answer.got) > _LONG or answer.got == answer.expected):  # shapes alone, say
        clause = say("is not as it should be: {note}", note=note)
    elif note and answer.note != answer.got:
        clause += f": {note}"
    return Verdict(
        bool(answer.ok),
        in_words(answer.expected),
        in_words(answer.got),
        clause,
        kind=answer.kind if answer.kind in ("type", "grad_is_none") else "",
        about=answer.kind if answer.kind in ("shape", "dtype") else "",
        says_all=_says_all(answer),
    )


def _says_all(answer: Answer) -> bool:
    """Whether the note tells what was expected."""
    return "instead of" in answer.note


def _gradient(name: str, wanted: Any, answer: Answer) -> Verdict:
    found = _compared(name, wanted, answer)
    if found.ok or answer.kind in ("grad_is_none", "type"):
        return found
    clause = {
        "shape": translated("has a gradient of shape {got}"),
        "dtype": translated("has a gradient of dtype {got}"),
    }.get(answer.kind, translated("has a gradient {got}"))
    clause += f": {in_words(answer.note)}" if answer.note else ""
    if answer.note and answer.got == answer.expected:
        clause = say("has a gradient that is not as it should be: {note}", note=in_words(answer.note))
    return Verdict(False, found.expected, found.got, clause, says_all=found.says_all)


def _finite(_: str, wanted: bool, answer: Answer) -> Verdict:
    expected = say("finite values only") if wanted else say("inf or nan")
    return Verdict(answer.ok is wanted, expected, in_words(answer.got), translated("has {got}"))


_ITS_OWN = "memory of its own"


def _relation(wish: str, lack: str) -> Callable[[str, Any, Answer], Verdict]:
    def decide(_: str, wanted: str, answer: Answer) -> Verdict:
        if answer.kind == "type":
            return Verdict(
                False,
                say("a tensor or array"),
                in_words(answer.got),
                translated("cannot be compared: it is {got}"),
                kind="type",
            )
        got = in_words(answer.got)
        clause = say(lack, other=wanted) + (f": {got}" if answer.got != _ITS_OWN else "")
        if answer.got == "the same object":
            clause = say("is `{other}` itself, not a view of it", other=wanted)
        return Verdict(bool(answer.ok), say(wish, other=wanted), got, clause)

    return decide


#: What the kernel says of the tensor to which a gradient is to lead, with its name.
_OF_THE_SOURCE = {
    "the source is no tensor": later("`{wanted}` is no tensor"),
    "the source does not require a gradient": later("`{wanted}` does not require a gradient"),
}


def _depends(_: str, wanted: str, answer: Answer) -> Verdict:
    why = ""
    if answer.note in _OF_THE_SOURCE:
        why = f": {say(_OF_THE_SOURCE[answer.note], wanted=wanted)}"
    elif answer.note:
        why = f": {in_words(answer.note)}"
    if answer.kind == "type" and not answer.note:
        return Verdict(
            False,
            say("a tensor"),
            in_words(answer.got),
            translated("is {got}, so no gradient leads anywhere"),
            kind="type",
        )
    clause = say("does not depend on `{wanted}`", wanted=wanted) + why
    expected = say("a graph that reaches `{wanted}`", wanted=wanted)
    return Verdict(bool(answer.ok), expected, "" if answer.ok else say("no such path"), clause)


def _freed(_: str, wanted: bool, answer: Answer) -> Verdict:
    words = {True: say("freed"), False: say("not freed")}
    got = words[bool(answer.ok)]
    clause = say("has a graph that is {state}", state=got)
    clause += f" ({in_words(answer.note)})" if answer.note else ""
    return Verdict(answer.ok is wanted, words[wanted], got, clause)


def _module(clause: str) -> Callable[[str, Any, Answer], Verdict]:
    def decide(_: str, __: Any, answer: Answer) -> Verdict:
        if answer.kind == "type":
            got = in_words(answer.got)
            return Verdict(False, say("a module"), got, translated("is {got}, not a module"), kind="type")
        return Verdict(bool(answer.ok), in_words(answer.expected), in_words(answer.got), translated(clause))

    return decide


def _loss(_: str, __: Any, answer: Answer) -> Verdict:
    clause = translated("goes from {got}") if " to " in answer.got else translated("has {got}")
    clause += f" ({in_words(answer.note)})" if answer.note else ""
    return Verdict(bool(answer.ok), in_words(answer.expected), in_words(answer.got), clause)


def _raises(_: str, __: Any, answer: Answer) -> Verdict:
    got = in_words(answer.got) if answer.error is None else error_text(answer.error)
    return Verdict(bool(answer.ok), answer.expected, got.split("\n", 1)[0], translated("gives {got}"))


def _cases(_: str, __: Any, answer: Answer) -> Verdict:
    if answer.ok:
        return Verdict(True)
    what = {
        "type": translated("gives {got}"),
        "shape": translated("gives shape {got}"),
        "dtype": translated("gives dtype {got}"),
        "device": translated("gives a tensor on {got}"),
        "raises": translated("ends with {got}"),
        "shares_memory": translated("gives a result that {got}"),
        "unchanged": say("changes its argument"),
        "mutated_in_place": say("does not change its argument as it should"),
    }.get(answer.kind, translated("gives {got}"))
    got = in_words(answer.got)
    if answer.error is not None:
        got = error_text(answer.error)
    elif answer.kind == "raises":
        what = say("ends without an error")
    place, colon, detail = answer.note.partition(": at ")
    if colon and answer.kind == "equals":
        what = say("gives other values: {detail}", detail=in_words(f"at {detail}"))
    place = in_words(place)
    clause = say("{place} {what}", place=place, what=what) if place else translated("is {got}")
    line = answer.error.line or None if answer.error is not None else None
    expected = in_words(answer.expected)
    return Verdict(False, expected, got, clause, line, answer.kind, says_all=_says_all(answer))


def _rerun(_: str, __: Any, answer: Answer) -> Verdict:
    if answer.ok:
        return Verdict(True)
    if answer.kind == "exists":
        clause = say("was not computed from `{name}`: your code has no such name", name=answer.expected)
        return Verdict(False, "", "", clause)
    template = (
        later("stays {got} when your code is tried with {inputs}: it is not computed from that")
        if answer.kind == "unchanged"
        else later("is {got} when your code is tried with {inputs}")
    )
    clause = say(template, got=in_words(answer.got), inputs=answer.note)
    return Verdict(False, in_words(answer.expected), in_words(answer.got), clause)


def _py(_: str, wanted: str, answer: Answer) -> Verdict:
    clause = answer.note or say(
        "after your code, `{code}` does not hold", code=wanted.strip().splitlines()[0]
    )
    return Verdict(bool(answer.ok), "", "", clause)


#: Facts that need live values -> how their answer is told.
LIVE: dict[str, Callable[[str, Any, Answer], Verdict]] = {
    "equals": _compared,
    "close": _compared,
    "value": _compared,
    "all_finite": _finite,
    "grad": _gradient,
    "shares_memory": _relation(
        later("it to share memory with `{other}`"), later("does not share memory with `{other}`")
    ),
    "same_storage": _relation(
        later("it to have the storage of `{other}`"), later("does not have the storage of `{other}`")
    ),
    "is_view_of": _relation(later("it to be a view of `{other}`"), later("is no view of `{other}`")),
    "depends_on": _depends,
    "graph_freed": _freed,
    "params": _module(later("has {got}")),
    "training": _module(later("is in {got}")),
    "loss_decreases": _loss,
    "raises": _raises,
    "cases": _cases,
    "rerun": _rerun,
    "py": _py,
}
