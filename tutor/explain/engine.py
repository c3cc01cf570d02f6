"""Rules register themselves here; an explanation is the first thing that each rule has to say."""

from __future__ import annotations

import importlib
import pkgutil
from collections import deque
from collections.abc import Callable
from functools import cache

from msgspec.structs import replace

from tutor.explain.past import Past
from tutor.facts import Explanation, Snapshot, Step
from tutor.language import current_language
from tutor.translation import translated

#: A rule looks at one step, the snapshot before it and the steps before it, and knows nothing else.
Rule = Callable[[Step, Snapshot, Past], Explanation | None]

_outcomes: list[Rule] = []
_errors: list[Rule] = []
_certain: list[Rule] = []
_fallbacks: list[Rule] = []
#: Which rules failed themselves, and how: each costs its own explanation and no other.
_troubles: deque[str] = deque(maxlen=20)


def outcome(rule: Rule) -> Rule:
    """Register a rule about what a statement did."""
    _outcomes.append(rule)
    return rule


def failure(rule: Rule) -> Rule:
    """Register a rule about the error that ended a statement; the first that applies is taken."""
    _errors.append(rule)
    return rule


def certain(rule: Rule) -> Rule:
    """Register a rule about errors whose cause is beyond doubt: it is asked before the `failure` rules."""
    _certain.append(rule)
    return rule


def fallback(rule: Rule) -> Rule:
    """Register a rule that is asked about an error once no `failure` rule knows it."""
    _fallbacks.append(rule)
    return rule


def explain_step(step: Step, before: Snapshot, past: Past | None = None) -> tuple[Explanation, ...]:
    """Everything the rules have to say about one step, its error included."""
    load_rules()
    past = past if past is not None else Past()
    found = [explanation for rule in _outcomes if (explanation := _ask(rule, step, before, past)) is not None]
    error = explain_error(step, before, past)
    return (*found, error) if error is not None else tuple(found)


def explain_error(step: Step, before: Snapshot, past: Past | None = None) -> Explanation | None:
    """The explanation of a step's error, None where no rule knows it."""
    if step.error is None:
        return None
    load_rules()
    past = past if past is not None else Past()
    asked = (_ask(rule, step, before, past) for rule in (*_certain, *_errors, *_fallbacks))
    return next((found for found in asked if found is not None), None)


def take_troubles() -> tuple[str, ...]:
    """What rules failed themselves since this was asked last: a fault of ours, for tests and reports."""
    told = tuple(_troubles)
    _troubles.clear()
    return told


def _ask(rule: Rule, step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """What a rule has to say; nothing of code that is nested deeper than Python can follow."""
    try:
        found = rule(step, before, past)
    except RecursionError:
        return None
    except Exception as error:
        _troubles.append(f"{rule.__module__}.{rule.__name__}: {type(error).__name__}: {error}")
        return None
    if found is not None and found.fix is not None and step.crowded:
        # A fix stands for whole lines, and these are not the statement's own.
        found = replace(found, fix=None)
    if found is None or current_language() == "en":
        return found
    return replace(found, title=translated(found.title), text=translated(found.text))


@cache
def load_rules() -> None:
    """Import all rules, which takes a fifth of a second; explaining does so where nobody has before."""
    from tutor.explain import rules

    for module in sorted(pkgutil.iter_modules(rules.__path__), key=lambda module: module.name):
        importlib.import_module(f"{rules.__name__}.{module.name}")
