"""The facts of checks that a run's records decide by themselves: pure functions, one a fact."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from tutor.course.claims import Raises, Warns
from tutor.course.evidence import Evidence
from tutor.course.reading import root_of
from tutor.course.source_checks import find_use
from tutor.facts import ErrorFacts, TensorFacts
from tutor.translation import later, say, translated

#: Numbers that names in shapes stand for, by name; grows as checks are read in order.
Bindings = dict[str, int]


class Verdict(Struct, frozen=True):
    """Whether a fact holds. `clause` says how it is with the variable, after its name; `line` is where."""

    ok: bool
    expected: str = ""
    got: str = ""
    clause: str = ""
    line: int | None = None
    #: The fact that failed where it is another than asked for.
    kind: str = ""
    #: The fact whose line is told, where that is narrower than the one asked for.
    about: str = ""
    #: The clause says what was expected as well.
    says_all: bool = False


# ── facts of one tensor ──────────────────────────────────────────────────────


def shape(facts: TensorFacts, wanted: tuple[int | str, ...], bindings: Bindings) -> Verdict:
    """The shape, where a name stands for the same size wherever it is written."""
    known = ", ".join(f"{name} = {bindings[name]}" for name in wanted if name in bindings)
    expected = _sizes(wanted)
    if known:
        expected = say("{sizes} with {known}", sizes=expected, known=known)
    got = facts.shape
    ok = got is not None and len(got) == len(wanted) and _unify(got, wanted, bindings)
    return Verdict(
        ok, expected, _sizes(got) if got is not None else say("no shape"), translated("has shape {got}")
    )


def _unify(got: Iterable[int], wanted: Iterable[int | str], bindings: Bindings) -> bool:
    trial = dict(bindings)
    for size, want in zip(got, wanted, strict=True):
        if (trial.setdefault(want, size) if isinstance(want, str) else want) != size:
            return False
    bindings.update(trial)
    return True


def _sizes(sizes: Iterable[int | str]) -> str:
    parts = [str(size) for size in sizes]
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def _same(attribute: str, clause: str) -> Callable[[TensorFacts, Any, Bindings], Verdict]:
    def decide(facts: TensorFacts, wanted: Any, _: Bindings) -> Verdict:
        got = getattr(facts, attribute)
        return Verdict(got == wanted, _text(wanted), _text(got), translated(clause))

    return decide


def _yes(attribute: str, yes: str, no: str) -> Callable[[TensorFacts, Any, Bindings], Verdict]:
    def decide(facts: TensorFacts, wanted: Any, _: Bindings) -> Verdict:
        got = bool(getattr(facts, attribute))
        words = {True: translated(yes), False: translated(no)}
        return Verdict(got is wanted, words[wanted], words[got], words[got])

    return decide


def _ndim(facts: TensorFacts, wanted: int, _: Bindings) -> Verdict:
    got = None if facts.shape is None else len(facts.shape)
    return Verdict(got == wanted, str(wanted), f"{got}", translated("has {got} dimensions"))


def _dtype(facts: TensorFacts, wanted: str, _: Bindings) -> Verdict:
    name = wanted.removeprefix("torch.")
    return Verdict(facts.dtype == name, name, str(facts.dtype), translated("has dtype {got}"))


def _device(facts: TensorFacts, wanted: str, _: Bindings) -> Verdict:
    got = facts.device or ""
    ok = got == wanted or (":" not in wanted and got.partition(":")[0] == wanted)
    return Verdict(ok, wanted, got, translated("is on {got}"))


def _stride(facts: TensorFacts, wanted: tuple[int, ...], _: Bindings) -> Verdict:
    got = facts.stride
    return Verdict(got == wanted, _sizes(wanted), _sizes(got or ()), translated("has stride {got}"))


def _grad_is_none(facts: TensorFacts, wanted: bool, _: Bindings) -> Verdict:
    is_none = facts.grad is None
    words = {True: say("has no gradient: its .grad is None"), False: say("has a gradient")}
    return Verdict(
        is_none is wanted, "None" if wanted else say("a gradient"), _text(facts.grad), words[is_none]
    )


def _grad_fn(facts: TensorFacts, wanted: bool | str, _: Bindings) -> Verdict:
    got = facts.grad_fn
    if isinstance(wanted, bool):
        ok, expected = (got is not None) is wanted, say("a grad_fn") if wanted else "None"
    else:
        ok, expected = got is not None and re.sub(r"(Backward)?\d*\Z", "", got) in _stems(wanted), wanted
        ok = ok or got == wanted
    return Verdict(
        ok, expected, _text(got), translated("has the grad_fn {got}") if got else say("has no grad_fn")
    )


def _stems(name: str) -> set[str]:
    return set() if re.search(r"\d\Z", name) else {re.sub(r"Backward\Z", "", name)}


def _text(value: object) -> str:
    return _sizes(value) if isinstance(value, tuple) else str(value)


#: Facts that one tensor's record decides.
OF_TENSOR: dict[str, Callable[[TensorFacts, Any, Bindings], Verdict]] = {
    "shape": shape,
    "ndim": _ndim,
    "dtype": _dtype,
    "device": _device,
    "contiguous": _yes("is_contiguous", later("is contiguous"), later("is not contiguous")),
    "stride": _stride,
    "storage_offset": _same("offset", later("starts at element {got} of its storage")),
    "requires_grad": _yes(
        "requires_grad", later("requires a gradient"), later("does not require a gradient")
    ),
    "is_leaf": _yes("is_leaf", later("is a leaf"), later("is not a leaf: an operation made it")),
    "grad_is_none": _grad_is_none,
    "grad_fn": _grad_fn,
}


# ── facts of what happened to a variable ─────────────────────────────────────


def unchanged(evidence: Evidence, name: str, wanted: bool) -> Verdict:
    """The variable still is the setup's object, and nobody wrote to its memory."""
    writers = evidence.writers(name)
    rebound = evidence.was_rebound(name)
    line = writers[-1] if writers else evidence.line_of(name)
    if writers:
        clause = say("was written to")
    elif rebound:
        clause = say("is no longer the tensor that it was: the name was given to another")
    else:
        known = evidence.compared(name)
        clause = say("is as it was") if known else say("is as it was, as far as torch counts writes")
        line = None
    kept = not writers and not rebound
    return Verdict(kept is wanted, say("unchanged") if wanted else say("changed"), clause, clause, line)


def mutated_in_place(evidence: Evidence, name: str, wanted: bool) -> Verdict:
    """The memory that the variable had at first was written, and the name still stands for it."""
    writers, rebound = evidence.writers(name), evidence.was_rebound(name)
    written = bool(writers) or evidence.was_made_and_written(name)
    ok = written and not rebound
    if rebound:
        clause = say("is another tensor now: the name was rebound, the tensor not written")
    else:
        unseen = say("was not written to, as far as torch counts writes")
        unwritten = say("was not written to") if evidence.compared(name) else unseen
        clause = say("was written in place") if written else unwritten
    line = writers[-1] if writers and not rebound else evidence.line_of(name)
    return Verdict(
        ok is wanted, say("written in place") if wanted else say("not written"), clause, clause, line
    )


def state_changed(evidence: Evidence, name: str, wanted: bool | str | tuple[str, ...]) -> Verdict:
    """Parameters and buffers of a module that were written, since it was there first."""
    written: dict[str, int] = {}
    for step in evidence.run.steps:
        for change in step.changes:
            path = change.name
            inside = root_of(path) == root_of(name) and path.startswith(name) and not path.endswith(".grad")
            if inside and path != name and change.kind in ("written", "rebound"):
                written[path[len(name) :].lstrip(".")] = evidence.effects.within(step, path)
    got = ", ".join(written) or say("nothing")
    if isinstance(wanted, bool):
        return Verdict(
            bool(written) is wanted,
            say("a change") if wanted else say("no change"),
            got,
            translated("changed {got}"),
            max(written.values()) if written and not wanted else None,
        )
    names = (wanted,) if isinstance(wanted, str) else wanted
    missing = [each for each in names if each not in written]
    return Verdict(not missing, ", ".join(names), got, translated("changed {got}"))


#: Facts that the records of the run decide about a variable.
OF_VARIABLE: dict[str, Callable[[Evidence, str, Any], Verdict]] = {
    "unchanged": unchanged,
    "mutated_in_place": mutated_in_place,
    "state_changed": state_changed,
}


# ── facts of the run ─────────────────────────────────────────────────────────


def raises(evidence: Evidence, _: str, wanted: bool | Raises) -> Verdict:
    """The code ended with this exception."""
    error = evidence.run.error
    got = say("no error") if error is None else f"{error.type}: {error.message.splitlines()[0][:120]}"
    line = None if error is None else error.line
    if isinstance(wanted, bool):
        expected = say("an error") if wanted else say("no error")
        return Verdict((error is not None) is wanted, expected, got, translated("your code gave {got}"), line)
    expected = wanted.type
    if wanted.match:
        expected = say("{type} that says {match!r}", type=wanted.type, match=wanted.match)
    return Verdict(fits_error(error, wanted), expected, got, translated("your code gave {got}"), line)


def fits_error(error: ErrorFacts | None, wanted: Raises) -> bool:
    """Whether an exception is of the class, or of one below it."""
    if error is None:
        return False
    is_type = wanted.type in (error.type, *error.bases) or _is_below(error.type, wanted.type)
    return is_type and re.search(wanted.match, error.message) is not None


def _is_below(name: str, base: str) -> bool:
    if base in ("Exception", "BaseException"):
        return base == "BaseException" or name not in ("KeyboardInterrupt", "SystemExit", "KernelDied")
    one, other = getattr(builtins, name, None), getattr(builtins, base, None)
    return isinstance(one, type) and isinstance(other, type) and issubclass(one, other)


def no_error(evidence: Evidence, _: str, wanted: bool) -> Verdict:
    """The code ran to its end."""
    return raises(evidence, "", not wanted)


def warns(evidence: Evidence, _: str, wanted: bool | Warns) -> Verdict:
    """Some statement gave this warning."""
    found = [warning for step in evidence.run.steps for warning in step.warnings]
    claim = Warns() if isinstance(wanted, bool) else wanted
    fitting = [
        each
        for each in found
        if claim.type in ("", "Warning", each.category) and re.search(claim.match, each.message)
    ]
    got = f"{found[0].category}: {found[0].message.splitlines()[0][:100]}" if found else say("no warning")
    expected = say("no warning") if wanted is False else (claim.type or say("a warning"))
    line = found[0].line or None if found else None
    holds = bool(fitting) is not (wanted is False)
    return Verdict(holds, expected, got, translated("your code gave {got}"), line)


def stdout(evidence: Evidence, _: str, wanted: str | tuple[str, ...]) -> Verdict:
    """What was printed: this text but for white space at the ends of lines, or all of these parts."""
    printed = "".join(step.stdout for step in evidence.run.steps)
    got = printed.strip()[:120] or say("nothing")
    line = next((step.line for step in reversed(evidence.run.steps) if step.stdout), None)
    if isinstance(wanted, str):
        return Verdict(
            _lines(printed) == _lines(wanted),
            wanted.strip()[:120],
            got,
            translated("your code printed {got}"),
            line,
        )
    ok = all(part in printed for part in wanted)
    return Verdict(ok, ", ".join(wanted), got, translated("your code printed {got}"), line)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().split("\n")]


def uses(evidence: Evidence, _: str, wanted: str | tuple[str, ...]) -> Verdict:
    """The code uses all of these."""
    names = (wanted,) if isinstance(wanted, str) else wanted
    missing = [name for name in names if find_use(evidence.tree, name) is None]
    got = say("no {names}", names=", ".join(missing)) if missing else ""
    clause = say("your code does not use {names}", names=f" {say('or')} ".join(missing))
    return Verdict(not missing, ", ".join(names), got, clause)


def avoids(evidence: Evidence, _: str, wanted: str | tuple[str, ...]) -> Verdict:
    """The code uses none of these."""
    names = (wanted,) if isinstance(wanted, str) else wanted
    used = [(line, name) for name in names if (line := find_use(evidence.tree, name)) is not None]
    if not used:
        return Verdict(True)
    line, name = min(used)
    return Verdict(False, say("no {names}", names=name), name, say("your code uses {name}", name=name), line)


#: Facts that the records of the run decide by themselves.
OF_RUN: dict[str, Callable[[Evidence, str, Any], Verdict]] = {
    "raises": raises,
    "no_error": no_error,
    "warns": warns,
    "stdout": stdout,
    "uses": uses,
    "avoids": avoids,
}
