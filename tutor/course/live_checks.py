"""The kernel's answers about live values as verdicts with a clause for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tutor.course.checks import Verdict
from tutor.facts import Answer, ErrorFacts

#: Longer values are told by the first place in which they differ.
_LONG = 40


def error_text(error: ErrorFacts) -> str:
    """An exception on one line."""
    message = error.message.strip().split("\n", 1)[0][:160].rstrip(".")
    return f"{error.type}: {message}" if message else error.type


def _compared(_: str, __: Any, answer: Answer) -> Verdict:
    clauses = {
        "shape": "has shape {got}",
        "dtype": "has dtype {got}",
        "type": "is {got}",
        "grad_is_none": "has no gradient: its .grad is None",
    }
    clause = clauses.get(answer.kind, "is {got}")
    if answer.note and len(answer.got) > _LONG:
        clause = f"is not as it should be: {answer.note}"
    elif answer.note and answer.note != answer.got:
        clause += f": {answer.note}"
    kind = "type" if answer.kind == "type" else "grad_is_none" if answer.kind == "grad_is_none" else ""
    return Verdict(bool(answer.ok), answer.expected, answer.got, clause, kind=kind)


def _gradient(name: str, wanted: Any, answer: Answer) -> Verdict:
    found = _compared(name, wanted, answer)
    if found.ok or answer.kind in ("grad_is_none", "type"):
        return found
    clause = "has a gradient " + {"shape": "of shape {got}", "dtype": "of dtype {got}"}.get(
        answer.kind, "{got}"
    )
    return Verdict(False, found.expected, found.got, clause + (f": {answer.note}" if answer.note else ""))


def _finite(_: str, wanted: bool, answer: Answer) -> Verdict:
    expected = "finite values only" if wanted else "inf or nan"
    return Verdict(answer.ok is wanted, expected, answer.got, "has {got}")


def _relation(yes: str, no: str) -> Callable[[str, Any, Answer], Verdict]:
    def decide(_: str, wanted: str, answer: Answer) -> Verdict:
        if answer.kind == "type":
            return Verdict(
                False, "a tensor or array", answer.got, "cannot be compared: it is {got}", kind="type"
            )
        clause = f"does not {no} `{wanted}`" + (f" ({answer.note})" if answer.note else "")
        return Verdict(bool(answer.ok), f"it to {yes} `{wanted}`", "memory of its own", clause)

    return decide


def _depends(_: str, wanted: str, answer: Answer) -> Verdict:
    why = f": {answer.note}" if answer.note else ""
    if answer.kind == "type" and not answer.note:
        return Verdict(False, "a tensor", answer.got, "is {got}, so no gradient leads anywhere", kind="type")
    clause = f"does not depend on `{wanted}`{why}"
    return Verdict(bool(answer.ok), f"a graph that reaches `{wanted}`", "no such path", clause)


def _freed(_: str, wanted: bool, answer: Answer) -> Verdict:
    words = {True: "freed", False: "not freed"}
    got = words[bool(answer.ok)]
    clause = f"has a graph that is {got}" + (f" ({answer.note})" if answer.note else "")
    return Verdict(answer.ok is wanted, words[wanted], got, clause)


def _module(clause: str) -> Callable[[str, Any, Answer], Verdict]:
    def decide(_: str, __: Any, answer: Answer) -> Verdict:
        if answer.kind == "type":
            return Verdict(False, "a module", answer.got, "is {got}, not a module", kind="type")
        return Verdict(bool(answer.ok), answer.expected, answer.got, clause)

    return decide


def _loss(_: str, __: Any, answer: Answer) -> Verdict:
    return Verdict(
        bool(answer.ok),
        answer.expected,
        answer.got,
        "goes from {got}" if " to " in answer.got else "has {got}",
    )


def _raises(_: str, __: Any, answer: Answer) -> Verdict:
    got = answer.got if answer.error is None else f"{answer.error.type}: {answer.error.message}"
    return Verdict(bool(answer.ok), answer.expected, got.split("\n", 1)[0], "gives {got}")


def _cases(_: str, __: Any, answer: Answer) -> Verdict:
    if answer.ok:
        return Verdict(True)
    what = {
        "type": "gives {got}",
        "shape": "gives shape {got}",
        "dtype": "gives dtype {got}",
        "device": "gives a tensor on {got}",
        "raises": "ends with {got}",
        "shares_memory": "gives a result that {got}",
        "unchanged": "changes its argument",
        "mutated_in_place": "does not change its argument as it should",
    }.get(answer.kind, "gives {got}")
    got = answer.got
    if answer.error is not None:
        got = error_text(answer.error)
    place, colon, detail = answer.note.partition(": at ")
    if colon and answer.kind == "equals":
        what = f"gives other values: at {detail}"
    clause = f"{place} {what}" if place else f"is {got}"
    line = answer.error.line or None if answer.error is not None else None
    return Verdict(False, answer.expected, got, clause, line, answer.kind)


def _py(_: str, wanted: str, answer: Answer) -> Verdict:
    clause = answer.note or f"after your code, `{wanted.strip().splitlines()[0]}` does not hold"
    return Verdict(bool(answer.ok), "", "", clause)


#: Facts that need live values -> how their answer is told.
LIVE: dict[str, Callable[[str, Any, Answer], Verdict]] = {
    "equals": _compared,
    "close": _compared,
    "value": _compared,
    "all_finite": _finite,
    "grad": _gradient,
    "shares_memory": _relation("share memory with", "share memory with"),
    "same_storage": _relation("have the storage of", "have the storage of"),
    "is_view_of": _relation("be a view of", "look into the memory of"),
    "depends_on": _depends,
    "graph_freed": _freed,
    "params": _module("has {got}"),
    "training": _module("is in {got}"),
    "loss_decreases": _loss,
    "raises": _raises,
    "cases": _cases,
    "py": _py,
}
