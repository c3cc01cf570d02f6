"""Answers about live values for the checks of a lesson. The learner's namespace stays as it is."""

from __future__ import annotations

import contextlib
import io
import random
import re
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from tutor.facts import Answer, Check, ErrorFacts, Probe
from tutor.kernel import raw
from tutor.kernel.cases import compare_cases
from tutor.kernel.compare import Rule, difference, kind_of, short
from tutor.kernel.errors import describe_error
from tutor.kernel.guard import GENUINE
from tutor.kernel.identity import Identities
from tutor.kernel.names import gradient_of
from tutor.kernel.questions import depends_on, is_freed, losses_fall, parameters_differ, relation, trains
from tutor.kernel.rerun import Unbound, Untried, instead, lacks, plain, run_again
from tutor.kernel.tensors import Named, describe

globals()["__builtins__"] = GENUINE

_EXPECTATION = "<expected>"


class Sink(io.TextIOBase):
    """Where output of functions under check goes: nowhere."""

    def write(self, text: str) -> int:
        return len(text)


class Missing(Exception):
    """The learner's code made no such name."""


class Before:
    """The namespace as it was before the learner's code: made anew when first asked for."""

    def __init__(self, history: Sequence[str], bindings: dict[str, Any]) -> None:
        self._history = history
        self._bindings = bindings
        self._made: dict[str, dict[str, Any]] = {}

    def namespace(self, further: str = "") -> dict[str, Any]:
        """The namespace, or one in which `further` has run as well."""
        found = self._made.get(further)
        if found is None:
            found = self._made[further] = self.fresh()
            exec(compile(further, "<lesson>", "exec", dont_inherit=True), found)
        return found

    def fresh(self) -> dict[str, Any]:
        """One that nobody else has."""
        found = {"__name__": "__main__", **self._bindings}
        for source in self._history:
            exec(compile(source, "<lesson>", "exec", dont_inherit=True), found)
        return found

    def clear(self) -> None:
        """Let go of everything."""
        for namespace in self._made.values():
            namespace.clear()
        self._made.clear()


def answer_probes(
    namespace: dict[str, Any],
    request: Check,
    history: Sequence[str],
    bindings: dict[str, Any],
    interrupts: contextlib.AbstractContextManager[Any],
) -> tuple[Answer, ...]:
    """One answer for each probe. An interrupt ends the learner's code, and all further questions."""
    before = Before(history, bindings)
    asker = Asker(namespace, request, before)
    bound = dict(namespace)
    answers: list[Answer] = []
    with _as_it_was():
        for probe in request.probes:
            try:
                with interrupts:
                    answers.append(asker.answer(probe))
            except BaseException as problem:
                answers.append(Answer(error=describe_error(problem, request.filename)))
                if isinstance(problem, KeyboardInterrupt):
                    break
    missing = len(request.probes) - len(answers)
    answers += [Answer(error=ErrorFacts("KeyboardInterrupt", "stopped", 0))] * missing
    before.clear()
    if list(bound) != list(namespace) or any(bound[name] is not namespace[name] for name in bound):
        namespace.clear()
        namespace.update(bound)
    return tuple(answers)


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """Whatever runs inside prints nothing, warns nobody and leaves random numbers as they were."""
    torch_state, python_state, numpy_state = torch.get_rng_state(), random.getstate(), np.random.get_state()
    mode, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    sink = Sink()
    try:
        with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_grad_enabled(mode)
        torch.set_default_dtype(dtype)
        torch.set_rng_state(torch_state)
        random.setstate(python_state)
        np.random.set_state(numpy_state)


class Asker:
    """Puts each question to the learner's namespace."""

    def __init__(self, namespace: dict[str, Any], request: Check, before: Before) -> None:
        self._namespace = namespace
        self._request = request
        self._before = before

    def answer(self, probe: Probe) -> Answer:
        """The answer to one probe; Missing names become an answer without a verdict."""
        question: Callable[[Probe], Answer] = getattr(self, f"_ask_{probe.kind}")
        try:
            return question(probe)
        except Missing as missing:
            return Answer(note="missing", got=str(missing))

    # ── values ───────────────────────────────────────────────────────────────

    def _value(self, expression: str) -> Any:
        """The value of a path or expression in the learner's namespace."""
        if expression.isidentifier():
            if expression not in self._namespace:
                raise Missing(expression)
            return self._namespace[expression]
        if expression.endswith(".grad"):
            owner = self._value(expression.removesuffix(".grad"))
            if raw.is_tensor(owner):  # read without the warning for tensors that keep none
                return gradient_of(owner)
        code = compile(expression, "<check>", "eval", dont_inherit=True)
        try:
            return eval(code, self._namespace, {})
        except NameError as error:
            if _is_from_inside(error):
                raise
            raise Missing(str(error.name or expression)) from None

    def _expected(self, probe: Probe) -> tuple[Any, bool]:
        """What the lesson expects, and whether it is a literal of the lesson's text."""
        if not isinstance(probe.other, str):
            return probe.other, True
        code = compile(probe.other.strip(), _EXPECTATION, "eval", dont_inherit=True)
        return eval(code, self._before.namespace()), False

    def _ask_look(self, probe: Probe) -> Answer:
        value = self._value(probe.var)
        facts = None
        if raw.is_tensor(value) or raw.is_array(value):
            with raw.Reading():
                named = Named(probe.var, probe.var, "tensor", value, gradient_of(value))
                facts, _ = describe(named, 0, Identities())
        return Answer(ok=True, got=kind_of(value), facts=facts)

    def _ask_equals(self, probe: Probe) -> Answer:
        value = self._value(probe.var)
        return self._compared(value, probe)

    def _compared(self, value: Any, probe: Probe) -> Answer:
        expected, literal = self._expected(probe)
        rule = Rule(literal=literal, **probe.options)
        found = difference(value, expected, rule)
        if found is None:
            return Answer(ok=True, expected=short(expected), got=short(value))
        return Answer(ok=False, expected=found.expected, got=found.got, kind=found.kind, note=found.note)

    def _ask_value(self, probe: Probe) -> Answer:
        value = self._value(probe.var)
        if raw.is_tensor(value) or raw.is_array(value):
            return Answer(
                ok=False, expected=short(probe.other), got=f"{kind_of(value)}: {short(value)}", kind="type"
            )
        rule = Rule(literal=True, close=isinstance(probe.other, float))
        found = difference(value, probe.other, rule)
        if found is None:
            return Answer(ok=True)
        return Answer(ok=False, expected=short(probe.other), got=short(value), kind=found.kind)

    def _ask_finite(self, probe: Probe) -> Answer:
        value = self._value(probe.var)
        if not raw.is_tensor(value):
            value = torch.as_tensor(value)
        with torch.no_grad(), raw.quiet():
            bad = int((~torch.isfinite(value)).sum())
        return Answer(ok=bad == 0, got=f"{bad:,} of {raw.numel(value):,} elements are inf or nan")

    def _ask_grad(self, probe: Probe) -> Answer:
        value = self._value(probe.var)
        gradient = gradient_of(value) if raw.is_tensor(value) else None
        if gradient is None:
            return Answer(ok=False, expected=short(self._expected(probe)[0]), got="None", kind="grad_is_none")
        if isinstance(probe.other, int | float) and raw.numel(gradient) == 1:
            gradient = gradient.detach().reshape(())
        return self._compared(gradient, probe)

    # ── memory, graph, modules ───────────────────────────────────────────────

    def _ask_relation(self, probe: Probe) -> Answer:
        return relation(self._value(probe.var), self._value(probe.other), probe.options["relation"])

    def _ask_depends(self, probe: Probe) -> Answer:
        return depends_on(self._value(probe.var), self._value(probe.other))

    def _ask_freed(self, probe: Probe) -> Answer:
        return is_freed(self._value(probe.var))

    def _ask_params(self, probe: Probe) -> Answer:
        return parameters_differ(self._value(probe.var), probe.other)

    def _ask_training(self, probe: Probe) -> Answer:
        return trains(self._value(probe.var), probe.other)

    def _ask_loss(self, probe: Probe) -> Answer:
        return losses_fall(self._value(probe.var), probe.other)

    # ── behaviour ────────────────────────────────────────────────────────────

    def _ask_raises(self, probe: Probe) -> Answer:
        wanted, match = probe.options["type"], probe.options["match"]
        try:
            value = self._value(probe.var)
        except Missing:
            raise
        except Exception as error:
            facts = describe_error(error, self._request.filename)
            fits = wanted in {each.__name__ for each in type(error).__mro__}
            ok = fits and re.search(match, facts.message) is not None
            return Answer(ok=ok, expected=wanted, got=facts.type, error=None if ok else facts)
        return Answer(ok=False, expected=wanted, got=f"no error, but {short(value)}")

    def _ask_cases(self, probe: Probe) -> Answer:
        learners = self._value(probe.var)
        if not callable(learners):
            return Answer(ok=False, expected="a function", got=kind_of(learners), kind="type")
        reference = str(probe.options.pop("reference"))
        if not reference:
            wanted = eval(probe.var, self._before.namespace(self._request.solution))
        elif reference.isidentifier() or not reference.lstrip().startswith(("def ", "import ", "from ", "@")):
            wanted = eval(compile(reference.strip(), _EXPECTATION, "eval"), self._before.namespace())
        else:
            wanted = eval(probe.var, self._before.namespace(reference))
        made_in = self._before.namespace()
        return compare_cases(learners, wanted, made_in, probe, self._request.filename)

    def _ask_rerun(self, probe: Probe) -> Answer:
        made_in = self._before.namespace()
        changes = {
            name: eval(compile(value.strip(), _EXPECTATION, "eval"), made_in) if type(value) is str else value
            for name, value in probe.other.items()
        }
        expected = plain(self._after(self._request.solution, probe.var, changes))
        source = self._request.source
        try:
            try:
                got = plain(self._after(source, probe.var, changes))
            except Unbound:
                return self._unbound(probe, changes, expected)
            answer = self._followed(probe, changes, got, expected)
            return answer if answer.ok else self._of_one_source(probe, changes, expected, answer)
        except Untried:
            return Answer(ok=True)

    def _unbound(self, probe: Probe, changes: dict[str, Any], expected: Any) -> Answer:
        """What stands for a variable that the learner's code lacks: its numbers, or nothing at all."""
        name, first, change = self._first(changes)
        source = self._request.source
        written, _ = instead(source, first, change)
        if written:
            return self._followed(probe, changes, plain(self._after(written, probe.var, {})), expected)
        if lacks(source, first, self._request.solution, self._namespace):
            return Answer(ok=False, expected=name, got=short(first), kind="exists")
        return Answer(ok=True)

    def _of_one_source(self, probe: Probe, changes: dict[str, Any], expected: Any, failed: Answer) -> Answer:
        """Computed after all, where the numbers of the variable stand in the code once, and lead there."""
        if len(changes) != 1:
            return failed
        _, first, change = self._first(changes)
        written, places = instead(self._request.source, first, change)
        if places != 1:
            return failed
        try:
            got = plain(self._after(written, probe.var, {}))
        except Untried:
            return failed
        found = self._followed(probe, changes, got, expected)
        return found if found.ok else failed

    def _first(self, changes: dict[str, Any]) -> tuple[str, Any, Any]:
        """The one variable, what it is at first in the solution, and what else it is to be."""
        if len(changes) != 1:
            raise Untried
        ((name, change),) = changes.items()
        first: list[Any] = []
        self._after(self._request.solution, name, {name: lambda old, names: first.append(plain(old))})
        return name, first[0], change

    def _followed(self, probe: Probe, changes: dict[str, Any], got: Any, expected: Any) -> Answer:
        rule = Rule(close=True, rtol=1e-4, atol=1e-5)
        if difference(got, expected, rule) is None:
            return Answer(ok=True)
        inputs = ", ".join(f"`{name}` = {short(plain(value))}" for name, value in changes.items())
        stays = difference(got, plain(self._value(probe.var)), rule) is None
        kind = "unchanged" if stays else ""
        return Answer(ok=False, expected=short(expected), got=short(got), note=inputs, kind=kind)

    def _after(self, source: str, expression: str, changes: dict[str, Any]) -> Any:
        names = run_again(source, self._before.fresh(), changes)
        try:
            return eval(compile(expression, "<check>", "eval", dont_inherit=True), names)
        except Exception as error:
            raise Untried(str(error)) from error

    def _rerun(self, seed: int | None = None, /, **changes: Any) -> types.SimpleNamespace:
        """What `py` has as `rerun`: the names after the learner's code, run once more with these changes."""
        return types.SimpleNamespace(**run_again(self._request.source, self._before.fresh(), changes, seed))

    def _ask_py(self, probe: Probe) -> Answer:
        names = dict(self._namespace)
        if "rerun(" in probe.other:
            names["rerun"] = self._rerun
        if "before" in probe.other:
            names["before"] = types.SimpleNamespace(**self._before.namespace())
        try:
            try:
                code = compile(probe.other.strip(), "<check>", "eval", dont_inherit=True)
            except SyntaxError:
                exec(compile(probe.other, "<check>", "exec", dont_inherit=True), names)
                return Answer(ok=True)
            return Answer(ok=bool(eval(code, names)))
        except AssertionError as error:
            return Answer(ok=False, note=str(error))
        except Untried:
            return Answer(ok=True)
        except NameError as error:
            if _is_from_inside(error):
                raise
            raise Missing(str(error.name or "a name")) from None


def _is_from_inside(error: BaseException) -> bool:
    """Whether it is an error of code that the check's expression called, and not of the expression."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and last.tb_frame.f_code.co_filename != "<check>"
