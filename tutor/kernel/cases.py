"""The learner's function beside a reference, on the same inputs."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tutor.facts import Answer, ErrorFacts, Probe
from tutor.kernel import raw, storage
from tutor.kernel.compare import Difference, Rule, difference, short
from tutor.kernel.errors import describe_error
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_SEED = 20_240


def compare_cases(
    learners: Callable[..., Any],
    reference: Callable[..., Any],
    namespace: dict[str, Any],
    probe: Probe,
    filename: str,
) -> Answer:
    """The first input on which the two differ, or that there is none."""
    options = probe.options
    rule = Rule(close=True, rtol=options["rtol"], atol=options["atol"])
    codes = [(text, compile(text.strip(), "<case>", "eval")) for text in options["inputs"]]
    for turn in range(options["count"]):
        for text, code in codes:
            wanted = _Call(reference, code, namespace, turn)
            wanted.run()
            call = _Call(learners, code, namespace, turn)
            given = ", ".join(short(each) for each in call.arguments)  # before the call can write to them
            call.run()
            found = _differ(call, wanted, rule, options)
            if found is not None:
                error = None if call.error is None else describe_error(call.error, filename)
                return _answer(found, text, given, error)
    return Answer(ok=True)


class _Call:
    """One call: its arguments, made afresh, and what came of it."""

    def __init__(self, function: Callable[..., Any], code: Any, namespace: dict[str, Any], turn: int) -> None:
        _seed(turn)
        made = eval(code, namespace, {})
        self.arguments: tuple[Any, ...] = made if type(made) is tuple else (made,)
        self.function = function
        self.result: Any = None
        self.error: Exception | None = None
        self._turn = turn

    def run(self) -> None:
        """Call; an exception is an outcome, an interrupt is not."""
        _seed(self._turn + 1_000)
        self.versions = [_version(each) for each in self.arguments]
        try:
            self.result = self.function(*self.arguments)
        except Exception as error:
            self.error = error

    @property
    def written(self) -> list[bool]:
        """Which arguments the call wrote to, as far as their versions tell."""
        return [_version(each) != was for each, was in zip(self.arguments, self.versions, strict=True)]

    @property
    def aliases(self) -> list[bool]:
        """Which arguments the result shares elements with."""
        return [storage.compare(self.result, each)[2] is True for each in self.arguments]


def _seed(turn: int) -> None:
    torch.manual_seed(_SEED + turn)
    random.seed(_SEED + turn)
    np.random.seed(_SEED + turn)


def _version(value: Any) -> int:
    try:
        return int(raw.version(value)) if raw.is_tensor(value) else 0
    except Exception:  # inference tensors have none
        return 0


def _differ(call: _Call, wanted: _Call, rule: Rule, options: dict[str, Any]) -> Difference | None:
    if wanted.error is not None or call.error is not None:
        return _different_errors(call.error, wanted.error)
    found = difference(call.result, wanted.result, rule)
    if found is not None:
        return found
    if options["aliasing"] and call.aliases != wanted.aliases:
        if any(wanted.aliases):
            return Difference("shares_memory", "memory shared with its argument", "has memory of its own")
        return Difference("shares_memory", "memory of its own", "shares memory with its argument")
    if options["arguments"]:
        return _different_arguments(call, wanted)
    return None


def _different_errors(got: Exception | None, wanted: Exception | None) -> Difference | None:
    if wanted is not None and got is not None and isinstance(got, type(wanted)):
        return None
    expected = "no error" if wanted is None else type(wanted).__name__
    return Difference("raises", expected, "no error" if got is None else type(got).__name__)


def _different_arguments(call: _Call, wanted: _Call) -> Difference | None:
    exact = Rule()
    for index, (one, other) in enumerate(zip(call.arguments, wanted.arguments, strict=True)):
        if not (raw.is_tensor(one) or raw.is_array(one) or type(one) in (list, dict)):
            continue
        found = difference(one, other, exact)
        if found is not None or (call.written[index] and not wanted.written[index]):
            kind = "mutated_in_place" if wanted.written[index] else "unchanged"
            wish = "an argument that is written to" if wanted.written[index] else "an unchanged argument"
            return Difference(kind, wish, "it was changed by the call")
    return None


def _answer(found: Difference, text: str, given: str, error: ErrorFacts | None) -> Answer:
    note = f"called with `{text}`" + (f" ({given})" if len(given) <= 60 else "")
    if found.note:
        note += f": {found.note}"
    return Answer(False, found.expected, found.got, found.kind, note, None, error)
