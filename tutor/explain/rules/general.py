"""What is said of an error that no other rule knows: the failing call, what it was given, what it takes.

Nothing here says why: the facts, torch's own signature and torch's own words stand for themselves.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from tutor.explain import calls
from tutor.explain.engine import fallback
from tutor.explain.past import Past
from tutor.explain.reading import failing, words
from tutor.explain.wording import fill, phrase, shape_text
from tutor.facts import (
    Argument,
    ErrorFacts,
    Explanation,
    FailedCall,
    LayerFacts,
    Snapshot,
    Step,
    TensorFacts,
)

#: Errors that are no statement's fault, and those of the learner's own making.
_GIVEN = "Given: {listed}."
_WITH_VALUES = "{what} with values {values}"
_GIVEN_IS = "{name} is {given}"
_AS = "(as `{name}`)"
_MORE = "and {count} more"
_THERE = ": there {listed}"
_QUIET = frozenset({"KeyboardInterrupt", "SystemExit", "KernelDied", "GeneratorExit", "SyntaxError"})
_MOST_ARGUMENTS = 6
_MOST_SETTINGS = 6
_MOST_SIGNATURES = 2
_LONGEST_MESSAGE = 300
_LONGEST_CODE = 80

_IN_FUNCTION = " in `{function}`"
_WITH = " with {settings}"
_NAME_IS = "`{name}` is {value}"
_TITLE = "`{code}` raised {type}"
_TITLE_INSIDE = "{type} inside of `{code}`"
_CALL = "{who} {given} {inside} {takes} {says}"
_WHO = "`{code}` calls `{name}`."
_WHO_ITERATION = "`{code}` goes through a DataLoader, which takes samples and puts them together to batches."
_WHO_LAYER = "`{layer}` is {article} {type} layer{settings}, called here by `{code}`."
_WHO_UNNAMED = "`{code}` calls {article} {type} layer{settings}."
_INSIDE = "Inside of it, `{name}` failed{given}."
_INSIDE_ONLY = "`{code}` led to `{name}`, which failed."
_TAKES = "It takes `{signature}`."
_TAKES_EITHER = "It takes `{first}`, or else `{second}`."
_SAYS = "The error says: “{message}”"
_SAYS_NOTHING = "{type} came without a message."

_PLAIN = "`{code}`{function} raised {type}{message}. {values}"
_VALUES = "Here {values}."


@fallback
def failed_call(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a call of torch or numpy raised, and no rule knows why."""
    call = calls.failed(step)
    if call is None or step.error is None or step.error.type in _QUIET:
        return None
    code = _short(call.expression) or call.name
    about = _about(step.error.message)
    text = fill(
        _CALL,
        who=_who(call, code),
        given=_given(call, about=about),
        inside=_inside(call, about=about),
        takes=_takes(call),
        says=_says(step.error),
    )
    title = fill(_TITLE, code=code, type=step.error.type)
    names = dict.fromkeys(one.name for one in calls.tensors(call) if one.name in step.snapshot.tensors)
    return Explanation("failed-call", "error", title, text, None, tuple(names))


@fallback
def plain_error(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when other code than torch's raised: the expression, and what its names stood for."""
    error = step.error
    if error is None or error.type in _QUIET or not error.frames:
        return None
    found = failing(step)
    frame = error.frames[-1]
    if found is None or isinstance(found.statement, ast.Raise | ast.Assert):
        return None
    node = found.expression if isinstance(found.expression, ast.expr) else None
    code = words(node or found.statement, found.source) if node or not _has_body(found.statement) else ""
    code = code or found.source.split("\n")[found.statement.lineno - 1].strip().removesuffix(":")
    function = "" if frame.function == "<module>" else phrase(_IN_FUNCTION, function=frame.function)
    message = cleaned(error.message)
    text = fill(
        _PLAIN,
        code=code,
        function=function,
        type=error.type,
        message=f": {_quoted(message)}" if message else "",
        values=_values(node or found.statement, found.numbers, found.tensors),
    )
    return Explanation("plain-error", "error", fill(_TITLE, code=code, type=error.type), text)


# ── the failed call ──────────────────────────────────────────────────────────


def _who(call: FailedCall, code: str) -> str:
    if call.form == "inner":
        return fill(_INSIDE_ONLY, code=code, name=call.name)
    if call.form == "module" and call.module is not None:
        return _layer(call.module, code)
    if call.form == "iteration":
        return fill(_WHO_ITERATION, code=code)
    if call.name in code:
        return ""
    return fill(_WHO, code=code, name=call.name)


def _layer(layer: LayerFacts, code: str) -> str:
    shown = [f"{key}={value}" for key, value in layer.settings.items()][:_MOST_SETTINGS]
    settings = phrase(_WITH, settings=", ".join(shown)) if shown else ""
    article = "an" if layer.type[:1] in "AEIOU" or layer.type[:2] in ("LS", "RN", "RM") else "a"
    fields = {"article": article, "type": layer.type, "settings": settings, "code": code}
    if layer.path:
        return fill(_WHO_LAYER, layer=layer.path, **fields)
    return fill(_WHO_UNNAMED, **fields)


def _given(call: FailedCall, *, about: frozenset[str]) -> str:
    """Its arguments, each with what it is."""
    listed = list(_listed(call, about=about))
    return phrase(_GIVEN, listed="; ".join(listed)) if listed else ""


def _listed(call: FailedCall, *, about: frozenset[str]) -> Iterator[str]:
    device = len({one.device for one in calls.tensors(call)}) > 1
    shown = [one for one in call.arguments if one.type and (one.text or _matters(call, one))]
    for one in shown[:_MOST_ARGUMENTS]:
        alone = len([each for each in shown if each.parameter == one.parameter]) > 1 or len(shown) == 1
        yield _said(one, device=device, alone=alone, about=about)
    if len(shown) > _MOST_ARGUMENTS:
        yield phrase(_MORE, count=len(shown) - _MOST_ARGUMENTS)


def _matters(call: FailedCall, argument: Argument) -> bool:
    """Whether an argument that the learner did not write is told: tensors, and what a library gave."""
    if argument.operand is not None or argument.items:
        return True
    return call.form == "inner" and argument.kind not in ("none", "constant")


def _said(argument: Argument, *, device: bool, alone: bool, about: frozenset[str]) -> str:
    told = calls.what(argument, device=device)
    dtype = argument.operand.dtype if argument.operand is not None else None
    matters = "all" in about or ("whole" in about and (dtype or "").startswith(("int", "uint")))
    values = calls.range_text(argument) if matters and dtype is not None else ""
    told = phrase(_WITH_VALUES, what=told, values=values) if values else told
    if not argument.text:
        operand = argument.operand
        name = operand.name if operand is not None and operand.name else argument.parameter
        return told if name in ("", "self") else phrase(_GIVEN_IS, name=f"`{name}`", given=told)
    plain = argument.parameter in ("self", "input") and argument.operand is not None
    word = "" if argument.place.isdecimal() else argument.place
    parameter = "" if plain or alone else argument.parameter or word
    place = f" {phrase(_AS, name=parameter)}" if parameter not in ("", argument.text) else ""
    literal = calls.said(argument) == calls.label(argument)
    name = f"`{argument.text}`{place}"
    return name if literal else phrase(_GIVEN_IS, name=name, given=told)


def _inside(call: FailedCall, *, about: frozenset[str]) -> str:
    inner = list(calls.chain(call))[-1]
    of_torch = call.form == "module" and call.name != "torch.nn.Module"
    if inner is call or of_torch:
        return ""
    listed = "; ".join(_listed(inner, about=about))
    return fill(_INSIDE, name=inner.name, given=phrase(_THERE, listed=listed) if listed else "")


def _takes(call: FailedCall) -> str:
    last = call.name.rpartition(".")[2]
    if call.form == "module" or not call.signatures or last.startswith("__"):
        return ""
    if len(call.signatures) < _MOST_SIGNATURES:
        return fill(_TAKES, signature=call.signatures[0])
    first, second = (one for one in call.signatures[:2])
    return fill(_TAKES_EITHER, first=first, second=second)


def _says(error: ErrorFacts) -> str:
    message = cleaned(error.message)
    if not message:
        return fill(_SAYS_NOTHING, type=error.type)
    return fill(_SAYS, message=message)


#: Messages that speak of elements, not of shapes and dtypes: of any, and of whole numbers.
_VALUES_MATTER = re.compile(
    r"\b(?:inf|nan|infinit\w+|probabilit\w+|all elements|singular|between 0 and 1)\b", re.IGNORECASE
)
_NUMBERS_MATTER = re.compile(
    r"\b(?:index|indices|class|target|labels?|negative|positive|values?|out of (?:bounds|range))\b",
    re.IGNORECASE,
)
_DIMENSIONS = re.compile(r"\bdim(?:ension)? out of range", re.IGNORECASE)
#: Where the part of a message begins that is for those who write torch.
_TRACES = re.compile(
    r"\n?Exception raised from .*|\nC\+\+ CapturedTraceback.*|\(Triggered internally at .*?\)\.?"
    r"|\n?CUDA kernel errors might be .*|\nCompile with `?TORCH_.*|\nFor debugging consider .*",
    re.DOTALL,
)
_WORKER = re.compile(r"Caught (\w+) in .*?process \d+\.\nOriginal Traceback .*\n(\w[^\n]*)\s*$", re.DOTALL)


def cleaned(message: str) -> str:
    """A message without traces of C++ and lists of overloads, on one line."""
    worker = _WORKER.match(message)
    message = worker[2] if worker is not None else _TRACES.sub("", message)
    message = re.split(r",? but expected one of:?\s*\n", message)[0]
    text = " ".join(message.split())
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[: _LONGEST_MESSAGE - 1]}…"


def _about(message: str) -> frozenset[str]:
    """Whether a message is about elements: `all`, or those of whole numbers."""
    if _DIMENSIONS.search(message):
        return frozenset()
    found = {"all"} if _VALUES_MATTER.search(message) else set()
    return frozenset(found | ({"whole"} if _NUMBERS_MATTER.search(message) else set()))


def _quoted(message: str) -> str:
    return f"“{message}”"


def _short(code: str) -> str:
    return code if len(code) <= _LONGEST_CODE else f"{code[: _LONGEST_CODE - 1]}…"


# ── plain errors ─────────────────────────────────────────────────────────────


def _has_body(statement: ast.stmt) -> bool:
    return hasattr(statement, "body")


def _values(node: ast.AST, numbers: Mapping[str, int], tensors: Mapping[str, TensorFacts]) -> str:
    """What the names in an expression stood for."""
    told: dict[str, str] = {}
    for one in ast.walk(node):
        name = one.id if isinstance(one, ast.Name) else ""
        if name in numbers:
            told[name] = phrase(_NAME_IS, name=name, value=numbers[name])
        elif name in tensors and (shape := tensors[name].shape) is not None:
            value = f"{shape_text(shape)} {tensors[name].dtype}"
            told[name] = phrase(_NAME_IS, name=name, value=value)
    listed = list(told.values())[:_MOST_ARGUMENTS]
    return fill(_VALUES, values=", ".join(listed)) if listed else ""
