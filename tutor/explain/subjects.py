"""What rules about shapes ask of a failed call: its tensors, its whole numbers, its layer, in words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from tutor.explain import calls, operands
from tutor.explain.edits import closed, with_method
from tutor.explain.reading import failing, path, words
from tutor.explain.wording import count_text, or_text, phrase, shape_text
from tutor.facts import Argument, FailedCall, Operand, Shape, Step

_LONGEST = 80
_INSIDE_OF = "a tensor inside of `{code}`"
_REACHES = "what reaches it"
_IS = "`{name}` is {value}"
_IS_WRITTEN = "`{name}` is `{code}`, which is {value}"
_NO_DIMENSIONS = "no dimensions"
_SHAPE = "{name} is {shape}"
_SHAPE_LISTED = "{name} is {sizes}"
_SHAPE_NUMBER = "{name} is {shape}, a single number"
_THE_LAYER = "the {type} layer"
_CALLS = "`{code}` calls `{name}`"
_LAYER = "{name} is {article} {type} layer"
_CALLS_LAYER = "`{code}` calls {article} {type} layer"
_NONE_THERE = "none, for it is empty"
_SPAN = "from {first} to {last}"
_AHEAD_SHORT = "{ahead}, or counted from the end {behind}"
_AHEAD = "{ahead}, or {behind} counted from the end"
_HOLDS_ONE = "holds {value:g}"
_HOLDS = "holds numbers from {low:g} to {high:g}"
#: Place of an argument that is not what the code names, but inside of it.
INSIDE = "inside"
#: What a refusal says that is not about shapes, whatever else is wrong.
_OTHER_REASONS = re.compile(
    r"scalar type|dtype|[Ii]nput type|same device|device type|requires? grad|not implemented for '"
)
#: What torch raises where sizes, dimensions or indices do not fit.
REFUSALS = frozenset({"RuntimeError", "ValueError", "IndexError", "AssertionError", "NotImplementedError"})


def refused(step: Step) -> FailedCall | None:
    """The failed call, where torch refused what it was given: its shapes, sizes, dimensions or indices."""
    error = step.error
    if error is None or error.type not in REFUSALS or _OTHER_REASONS.search(error.message) is not None:
        return None
    return error.failed


def message(step: Step) -> str:
    """torch's own words."""
    return step.error.message if step.error is not None else ""


def tensor(call: FailedCall, *parameters: str) -> Argument | None:
    """The argument of one of these parameters, where it is a tensor of known shape."""
    found = calls.argument(call, *parameters)
    return found if found is not None and shape(found) is not None else None


def shape(argument: Argument | None) -> Shape | None:
    """The shape of an argument that is a tensor."""
    return argument.operand.shape if argument is not None and argument.operand is not None else None


def input_of(call: FailedCall, step: Step | None = None) -> Argument | None:
    """The tensor that a function or layer works on: its input, or what a layer was given first.

    With `step`, what reaches a layer inside of a model is known by its name where the model was given it."""
    found = tensor(call, "input") or (calls.at_place(call, 0) if call.form == "module" else None)
    if found is None or shape(found) is None:
        return None
    handed = handed_on(step, found) if step is not None and not found.text else None
    return found if handed is None else replace(found, text=handed[1])


def handed_on(step: Step, argument: Argument) -> tuple[ast.expr, str] | None:
    """The argument of the learner's own call of the model, where the same tensor reaches the layer inside."""
    found = failing(step)
    node = found.expression if found is not None else None
    if found is None or not isinstance(node, ast.Call) or len(node.args) != 1 or argument.operand is None:
        return None
    facts = found.tensors.get(path(node.args[0]) or "")
    if facts is None or facts.object != argument.operand.object:
        return None
    return node.args[0], words(node.args[0], found.source)


def numbers(argument: Argument | None) -> tuple[int, ...] | None:
    """The whole numbers that an argument is: one, or a list or tuple of them."""
    value = plain(argument)
    values = value if isinstance(value, list | tuple) else (value,)
    return tuple(values) if all(type(one) is int for one in values) else None


def plain(argument: Argument | None) -> object:
    """The value of a number, text, list or tuple of plain values; None for everything else."""
    return value_of(argument.value) if argument is not None and argument.value is not None else None


def value_of(text: str | None) -> object:
    """The value that a short text of a plain value stands for; None where it stands for none."""
    try:
        found: object = ast.literal_eval(text or "None")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return found


def setting(call: FailedCall, name: str) -> object:
    """The value of a plain attribute of the layer that was called."""
    return value_of(calls.setting(call, name))


# ── words ────────────────────────────────────────────────────────────────────


def name_of(argument: Argument) -> str:
    """What to call an argument; one that the learner's code does not write is what reaches the layer."""
    if argument.place == INSIDE:
        return phrase(_INSIDE_OF, code=argument.text)
    if not argument.text and (argument.operand is None or not argument.operand.name):
        reaches = argument.parameter in ("", "input", "self")
        return phrase(_REACHES) if reaches else f"`{argument.parameter}`"
    return calls.label(argument)


def given_as(argument: Argument) -> str:
    """A number or list as the learner wrote it: `` `dim` is 2 ``, `` `n` (`dim`) is 2 ``."""
    written, value, parameter = argument.text, calls.what(argument), argument.parameter
    if not parameter or parameter == written:
        return phrase(_IS, name=written, value=value) if written and written != value else f"`{value}`"
    if written and _squeezed(written) != _squeezed(value):
        return phrase(_IS_WRITTEN, name=parameter, code=written, value=value)
    return phrase(_IS, name=parameter, value=value)


def _squeezed(code: str) -> str:
    return code.replace("'", '"').replace(" ", "").strip("()[]").rstrip(",")


def sentence(words: str) -> str:
    """Words as the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def dims_text(count: int) -> str:
    """`no dimensions`, `1 dimension`, `2 dimensions`."""
    return count_text(count, "dimension") if count else phrase(_NO_DIMENSIONS)


def shape_of(argument: Argument, *, listed: bool = False) -> str:
    """`` `x` is [2, 3] ``; of a number without dimensions that it is one.

    `listed` where it is one of a list, and no clause of its own."""
    sizes = shape(argument)
    if sizes is None:
        return name_of(argument)
    if listed and sizes:
        return phrase(_SHAPE_LISTED, name=name_of(argument), sizes=shape_text(sizes))
    return phrase(_SHAPE if sizes else _SHAPE_NUMBER, name=name_of(argument), shape=shape_text(sizes))


def code_of(call: FailedCall) -> str:
    """The learner's code of the call."""
    code = call.expression or call.name
    return code if len(code) <= _LONGEST else f"{code[: _LONGEST - 1]}…"


def layer_of(call: FailedCall) -> str:
    """What to call the layer: its path, or its kind where no name leads to it."""
    if call.module is None:
        return f"`{call.name}`"
    return f"`{call.module.path}`" if call.module.path else phrase(_THE_LAYER, type=call.module.type)


def layer_is(call: FailedCall) -> str:
    """`` `net[2]` is a BatchNorm2d layer ``; of a layer without a name, what is called."""
    if call.module is None:
        return phrase(_CALLS, code=code_of(call), name=call.name)
    kind = call.module.type
    article = "an" if kind[:1] in "AEIOU" or kind[:2] in ("LS", "RN", "RM", "LP") else "a"
    if call.module.path:
        return phrase(_LAYER, name=f"`{call.module.path}`", article=article, type=kind)
    return phrase(_CALLS_LAYER, code=code_of(call), article=article, type=kind)


def reach_text(size: int, *, back: bool = True) -> str:
    """The positions of so many entries: `from 0 to 4, or from -5 to -1 counted from the end`."""
    if size < 1:
        return phrase(_NONE_THERE)
    if size <= 2:
        ahead, behind = ("0", "-1") if size == 1 else (or_text(("0", "1")), or_text(("-1", "-2")))
        return phrase(_AHEAD_SHORT, ahead=ahead, behind=behind) if back else ahead
    ahead, behind = phrase(_SPAN, first=0, last=size - 1), phrase(_SPAN, first=-size, last=-1)
    return phrase(_AHEAD, ahead=ahead, behind=behind) if back else ahead


def evidence(step: Step, operands: Iterable[Operand | Argument | None]) -> tuple[str, ...]:
    """Names of these tensors, where they are the learner's variables."""
    found = [one.operand if isinstance(one, Argument) else one for one in operands]
    names = (one.name for one in found if one is not None)
    tensors = step.snapshot.tensors
    frame = step.error.frames[-1].tensors if step.error is not None and step.error.frames else {}
    return tuple(dict.fromkeys(name for name in names if name and (name in tensors or name in frame)))


def all_evidence(step: Step, call: FailedCall) -> tuple[str, ...]:
    """Names of all tensors of the call."""
    return evidence(step, calls.tensors(call))


def shapes_text(shapes: Sequence[Shape]) -> str:
    """`[2, 3], [4]`."""
    return ", ".join(shape_text(one) for one in shapes)


def on_argument(step: Step, call: FailedCall, argument: Argument, method: str) -> str | None:
    """The learner's code with a method called on an argument that it writes; None where it does not."""
    found = failing(step)
    node = calls.node_of(found, call, argument) if found is not None else None
    if node is None and argument.span is None and (handed := handed_on(step, argument)) is not None:
        node = handed[0]
    if found is None or node is None:
        return None
    return found.changed(with_method(found.source, node, method))


def with_text(argument: Argument, method: str) -> str:
    """How a sentence shows a method called on an argument; alone where the code does not write it."""
    return f"{closed(argument.text)}{method}" if argument.text else method


def counted(values: Sequence[int]) -> str:
    """`2`, `2 or 3`, `2, 3 or 4`."""
    return or_text([str(value) for value in values])


def holds(argument: Argument) -> str:
    """`holds 4`, `holds numbers from 0 to 4`; nothing where the numbers are not known."""
    low, high = argument.low, argument.high
    if low is None or high is None:
        return ""
    return phrase(_HOLDS_ONE, value=low) if low == high else phrase(_HOLDS, low=low, high=high)


def written_operands(call: FailedCall | None) -> list[operands.Operand]:
    """The tensors of a call that the learner's code writes, whether they have names or not."""
    found = []
    for one in call.arguments if call is not None else ():
        facts = one.operand
        if facts is not None and facts.shape is not None and one.text:
            name = facts.name if facts.name.isidentifier() else ""
            found.append(operands.Operand(one.text, name, facts.shape, facts.stride or ()))
    return found
