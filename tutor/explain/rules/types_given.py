"""Arguments of a type that a call does not take: a list where a tensor is wanted, 2.0 where 2 is."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from tutor.explain import calls, cures, repairs, signatures
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing
from tutor.explain.wording import fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_AS = "as `{name}`"
_OTHER = "{name} is a tensor"
_ONLY_TENSOR = "a tensor"
_EITHER = "a tensor or a number"
_TITLE = "`{function}` takes {wanted}{as_}, and {name} is {kind}"
_TEXT = "{is_}, and `{function}` takes {wanted}{as_}. {cure}"
_MEMBER_TITLE = "`{function}` takes a list of tensors, and element {at} of {name} is {kind}"
_MEMBER = """
Every element of {name} must be a tensor, and element {at} is {kind}. {cure}
"""
_MEMBER_CURE = "Make a tensor of each one first, for example `[torch.as_tensor(one) for one in {code}]`."
_OPERATOR_TITLE = "`{operator}` has a tensor on one side and {kind} on the other"
_OPERATOR = """
In `{code}` {name} is {kind_value}, and {other}. torch's `{operator}` takes {wanted} there. {cure}
"""

_ERRORS = frozenset({"TypeError", "AttributeError"})
_POINTED = re.compile(r"argument '(\w+)'(?: \(position \d+\))? must be ([\w. ]+?),? (?:not|but got) ([\w.]+)")
_SHOULD = re.compile(r"^(\w+) should be of type (\w+), got: (\w+)")
_OPERANDS = re.compile(
    r"unsupported operand type\(s\) for (\S+?)=?(?: or pow\(\))?: '([\w.]+)' and '([\w.]+)'"
    r"|'(\S+)' not supported between instances of '([\w.]+)' and '([\w.]+)'"
)
_MEMBER_TOLD = re.compile(r"expected Tensor as element (\d+) in argument \d+, but got ([\w.]+)")
#: Types of the learner's values that the words of errors call otherwise.
_SHORT = {"numpy.ndarray": "ndarray", "builtin_function_or_method": "function", "method": "function"}


@dataclass(frozen=True)
class Wrong:
    """The argument that a call does not take, and what it takes there."""

    call: FailedCall
    argument: Argument
    wanted: str
    parameter: str


@failure
def operand_type(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an operator was put between a tensor and what no tensor can be reckoned with."""
    error = step.error
    told = _operands(error.message) if error is not None and error.type == "TypeError" else None
    call = calls.failed(step) or _written(step)
    if error is None or told is None or call is None or call.form != "operator" or len(call.arguments) < 2:
        return None
    operator, *types = told
    types = [_SHORT.get(one, one.rpartition(".")[2]) for one in types]
    if "Tensor" not in types and "Parameter" not in types:
        return None
    at = next((n for n, one in enumerate(types) if one not in ("Tensor", "Parameter")), None)
    if at is None:
        return None
    argument, other = call.arguments[at], call.arguments[1 - at]
    product = operator == "@"
    cure, fix = cures.cure(step, call, argument, "Tensor" if product else "Tensor or number", types[at])
    text = fill(
        _OPERATOR,
        code=call.expression,
        name=calls.label(argument),
        kind_value=cures.kind_value(argument, types[at]),
        other=calls.said(other) if other.operand is not None else phrase(_OTHER, name=calls.label(other)),
        operator=operator,
        wanted=_ONLY_TENSOR if product else _EITHER,
        cure=cure,
    )
    title = fill(_OPERATOR_TITLE, operator=operator, kind=cures.kind(argument, types[at]))
    return Explanation("operand-type", "error", title, text, fix, _names(call, step))


def _operands(message: str) -> list[str] | None:
    """An operator and the types on its sides, from Python's words."""
    told = _OPERANDS.match(message)
    if told is not None:
        return [each for each in told.groups() if each is not None]
    joined = re.match(r'can only concatenate (\w+) \(not "(\w+)"\) to', message)
    return ["+", joined[1], joined[2]] if joined is not None else None


def _written(step: Step) -> FailedCall | None:
    """The operator as it is written, where its operands are not known."""
    found = failing(step)
    node = found.expression if found is not None else None
    if found is None or not isinstance(node, ast.BinOp):
        return None
    both = [repairs.code_of(one, found.source) for one in (node.left, node.right)]
    operands = tuple(Argument(str(at), text=text) for at, text in enumerate(both))
    return FailedCall("", "operator", repairs.code_of(node, found.source), arguments=operands)


@failure
def element_type(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a list of tensors has something in it that is no tensor."""
    told = _MEMBER_TOLD.match(step.error.message) if step.error is not None else None
    call = calls.failed(step)
    if told is None or call is None or not call.arguments:
        return None
    argument = call.arguments[0]
    kind = cures.type_words(_SHORT.get(told[2], told[2]))
    fields = {"function": call.name, "at": told[1], "kind": kind, "name": calls.label(argument)}
    code = argument.text or "tensors"
    cure = fill(_MEMBER_CURE, code=code)
    if told[2] == "NoneType":
        cure = fill(cures.NONE)
    elif told[2] in argument.layers:
        cure = fill(cures.LAYER, text=_member(step, call, argument, int(told[1])))
    title = fill(_MEMBER_TITLE, **fields)
    return Explanation("element-type", "error", title, fill(_MEMBER, cure=cure, **fields), None)


def _member(step: Step, call: FailedCall, argument: Argument, at: int) -> str:
    """The code of a list's member, `xs[1]` where the list is not written out."""
    found = failing(step)
    node = calls.node_of(found, call, argument) if found is not None else None
    if isinstance(node, ast.List | ast.Tuple) and at < len(node.elts):
        return repairs.code_of(node.elts[at], found.source if found is not None else "")
    return f"{argument.text or 'tensors'}[{at}]"


@failure
def argument_type(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an argument is of a type that the called function or layer does not take there."""
    wrong = _wrong(step)
    if wrong is None or step.error is None:
        return None
    call, argument = wrong.call, wrong.argument
    got = _got(step.error.message)
    cure, fix = cures.cure(step, call, argument, wrong.wanted, got)
    alone = wrong.parameter in ("", "self")
    fields = {
        "function": _function(call),
        "wanted": cures.wanted(wrong.wanted),
        "as_": "" if alone else f" {fill(_AS, name=wrong.parameter)}",
        "name": calls.label(argument),
    }
    text = fill(_TEXT, is_=_first(cures.is_(argument, got)), cure=cure, **fields)
    title = fill(_TITLE, kind=cures.kind(argument, got), **fields)
    return Explanation("argument-type", "error", title, text, fix, _names(call, step))


def _wrong(step: Step) -> Wrong | None:
    error, call = step.error, calls.failed(step)
    if error is None or call is None or error.type not in _ERRORS:
        return None
    missing = error.missing
    if missing is not None and not (
        missing.kind == "attribute" and missing.type in {a.type for a in call.arguments}
    ):
        return None
    if call.form in ("operator", "index", "assignment", "attribute", "iteration"):
        return None
    told = _POINTED.search(error.message) or _SHOULD.search(error.message)
    call = signatures.typed(call, error.message)
    if call.form == "module":
        return _of_layer(step, call, told[2] if told is not None else "Tensor", error.message)
    found = _by_signature(call) or _by_message(call, told, error.message)
    if missing is not None and (found is None or found.argument.type != missing.type):
        return None
    return found


def _by_signature(call: FailedCall) -> Wrong | None:
    if call.name.startswith("numpy."):
        return None
    found = signatures.faults(call)
    if any(one.what in ("unknown", "twice") for one in found):
        return None
    one = next((one for one in found if one.what == "type"), None)
    if one is None or one.argument is None or one.parameter is None:
        return None
    return Wrong(call, one.argument, signatures.kinds(call, one.argument), one.parameter.name)


def _by_message(call: FailedCall, told: re.Match[str] | None, message: str) -> Wrong | None:
    """The argument that torch's words point at, or a flag that is a number, where they point at none."""
    if told is None and "invalid combination of arguments" in message:
        kinds = {one.name: one.kind for way in signatures.ways(call)[:1] for one in way.parameters}
        flags = [one for one in call.arguments if kinds.get(one.parameter) == "bool"]
        wrong = next((one for one in flags if one.kind == "number" and one.type != "bool"), None)
        return Wrong(call, wrong, "bool", wrong.parameter) if wrong is not None else None
    asked = re.match(
        r"'([\w.]+)' object has no attribute '(?:detach|dim|size|shape|is_sparse|dtype|device)'", message
    )
    if told is None and asked is not None:
        same = [one for one in call.arguments if one.type == _SHORT.get(asked[1], asked[1])]
        return Wrong(call, same[0], "Tensor", same[0].parameter) if len(same) == 1 else None
    if told is None:
        return None
    parameter, wanted, got = told.groups()
    got = _SHORT.get(got, got).rpartition(".")[2]
    place = re.search(r"\(position (\d+)\)", message)
    own = 0 if call.name.startswith("torch.Tensor.") else -1
    at = calls.at_place(call, int(place[1]) + own) if place is not None else None
    named = calls.argument(call, parameter) or (at if at is not None and at.type == got else None)
    same = [one for one in call.arguments if one.type == got or not one.type]
    argument = named or (same[0] if len(same) == 1 else None)
    return Wrong(call, argument, wanted, parameter) if argument is not None else None


def _of_layer(step: Step, call: FailedCall, wanted: str, message: str) -> Wrong | None:
    """What a layer of torch.nn was called on that is no tensor."""
    if not call.name.startswith("torch.nn."):
        return None
    got = _got(message)
    for one in call.arguments:
        loss = "Loss" in call.name and one.place in ("1", "target")
        if (one.place not in ("0", "input") and not loss) or one.kind == "tensor":
            continue
        if one.kind == "none" and got != "NoneType":
            continue
        if one.type or got:
            parameter = one.parameter if one.parameter != "self" else "input"
            argument = one if one.text else repairs.outer(step, call, one)
            return Wrong(call, argument, wanted if "Tensor" in wanted else "Tensor", parameter)
    return None


def _got(message: str) -> str:
    """The type that torch's or Python's words name, where they do."""
    told = _POINTED.search(message)
    if told is not None:
        return _SHORT.get(told[3], told[3].rpartition(".")[2])
    told = re.match(r"'([\w.]+)' object has no attribute", message)
    return _SHORT.get(told[1], told[1]) if told is not None else ""


def _function(call: FailedCall) -> str:
    if call.form == "module" and call.module is not None and call.module.path:
        return call.module.path
    return call.name


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _names(call: FailedCall, step: Step) -> tuple[str, ...]:
    found = dict.fromkeys(one.name for one in calls.tensors(call) if one.name in step.snapshot.tensors)
    return tuple(found)[:4]
