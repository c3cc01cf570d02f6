"""Custom functions of autograd: how they are called, what forward keeps, what backward gives."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing, words
from tutor.explain.subjects import sentence
from tutor.explain.wording import count_text, fill, phrase
from tutor.facts import Explanation, Snapshot, Step
from tutor.translation import translated

_APPLY_TITLE = "A custom function is called by `apply`"
_APPLY = """
`{code}` makes an object of `{name}` and calls that. Functions of autograd keep nothing in objects:
forward and backward are static, and `apply` runs them and records the step: `{fix}`.
"""
_COUNT_TITLE = "The backward of `{name}` must return one gradient for each argument of forward"
_COUNT = """
`{name}.forward` was given {expected} besides `ctx`, and its `backward` returned {got}. Backward must
return as many results as that, in the same order; for what needs no gradient, such as a number or a flag,
return None.
"""
_SHAPE_TITLE = "The backward of `{name}` returned a gradient of shape {got} for an input of shape {expected}"
_SHAPE = """
Result {index} of `{name}.backward` has shape {got}, and the input that it belongs to has shape
{expected}. A gradient must have the shape of its input: one number for each element. Where forward
broadcast or summed, backward must do the opposite: sum, or expand.
"""
_TYPE_TITLE = "The backward of `{name}` returned something that is no tensor"
_TYPE = """
`{name}.backward` returned a {got}, and each result must be a tensor of the shape of its input, or None.
Compute it from the gradient that comes in, for example `grad_output * 2`.
"""
_SAVE_TITLE = "`ctx.save_for_backward` takes only tensors"
_SAVE = """
`{name}.forward` gave it {what} at position {at}, and it must be given tensors only: it watches over their
memory and version. Everything else is kept as an attribute, `ctx.{attribute} = ...`, and read there in
backward.
"""
_BACKWARD_TITLE = "`{name}` has no backward"
_BACKWARD = """
A custom function must say how gradients go back through it: `{name}` has a `forward` and no static method
`backward(ctx, grad_output)`. torch knows nothing of what forward computes, since it does not record
inside of it.
"""
_UNSAVED_TITLE = "Backward reads tensors that forward has not kept"
_UNSAVED = """
`{code}` takes {count} out of `ctx.saved_tensors`, and there {are} {kept}. Forward must keep in
`ctx.save_for_backward(...)`, in one call, exactly the tensors that backward takes out, in the same order.
"""


_THE_FUNCTION = "the function"
_A_TYPE = "a{n} {type}"
_MORE, _NONE = "more", "none"
_SHAPED = re.compile(
    r"[Ff]unction (\w+) returned an invalid gradient at index (\d+) - got (\[.*?\]) but expected "
    r"shape compatible with (\[.*?\])"
)


def _told(step: Step, pattern: str | re.Pattern[str]) -> re.Match[str] | None:
    return re.search(pattern, step.error.message) if step.error is not None else None


def _plain(name: str) -> str:
    return name.removesuffix("Backward")


@failure
def function_called(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a custom function was called as an object, not by `apply`."""
    found = failing(step)
    node = found.expression if found is not None else None
    if found is None or _told(step, "Legacy autograd function|should not be instantiated") is None:
        return None
    if not isinstance(node, ast.Call):
        return None
    made = node.func.func if isinstance(node.func, ast.Call) else node.func
    name = words(made, found.source)
    arguments = ", ".join(
        [repairs.code_of(one, found.source) for one in node.args]
        + [f"{word.arg}={repairs.code_of(word.value, found.source)}" for word in node.keywords]
    )
    known = isinstance(node.func, ast.Call)
    code = f"{name}.apply({arguments})" if known else "MyFunction.apply(x)"
    fix = repairs.exchange(found, node, code) if known and not node.keywords else None
    text = fill(_APPLY, code=words(node, found.source), name=name, fix=code)
    return Explanation("custom-function", "error", _APPLY_TITLE, text, fix)


@failure
def function_gradients(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the backward of a custom function returned too few, too many, misshapen or no tensors."""
    counted = _told(
        step, r"function (\w+) returned an incorrect number of gradients \(expected (\d+), got (\d+)\)"
    )
    shaped = _told(step, _SHAPED)
    if counted is not None:
        name, expected, got = counted.groups()
        fields = {
            "name": _plain(name),
            "expected": count_text(int(expected), "argument"),
            "got": count_text(int(got), "result"),
        }
        return Explanation("custom-function", "error", fill(_COUNT_TITLE, **fields), fill(_COUNT, **fields))
    if shaped is not None and not shaped[1].endswith("0"):
        name, index, got, expected = shaped.groups()
        fields = {"name": _plain(name), "index": str(int(index) + 1), "got": got, "expected": expected}
        return Explanation("custom-function", "error", fill(_SHAPE_TITLE, **fields), fill(_SHAPE, **fields))
    other = _told(step, r"expected Variable or None \(got (\w+)\)")
    if other is None:
        return None
    names = _functions(step, past)
    fields = {"name": names[0] if len(names) == 1 else phrase(_THE_FUNCTION), "got": other[1]}
    return Explanation("custom-function", "error", fill(_TYPE_TITLE, **fields), fill(_TYPE, **fields))


def _functions(step: Step, past: Past) -> list[str]:
    """Classes of custom functions that the learner has defined."""
    nodes = (node for code in (*past.codes, past.now(step)) for node in code.tree)
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    return [one.name for one in classes if any("Function" in ast.unparse(base) for base in one.bases)]


@failure
def function_saves(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a custom function kept what is no tensor, or read what it had not kept."""
    told = _told(step, r"save_for_backward can only save variables, but argument (\d+) is of type ([\w.]+)")
    if told is not None:
        name = _class(step) or sentence(phrase(_THE_FUNCTION))
        what = phrase(_A_TYPE, n="n" if told[2][:1] in "aeiou" else "", type=told[2].rpartition(".")[2])
        text = fill(_SAVE, name=name, what=what, at=told[1], attribute="factor")
        return Explanation("custom-function", "error", _SAVE_TITLE, text)
    unpacked = _told(step, r"not enough values to unpack \(expected (?:at least )?(\d+), got (\d+)\)|"
                           r"too many values to unpack \(expected (\d+)\)")  # fmt: skip
    found = failing(step)
    if unpacked is None or found is None or not isinstance(found.statement, ast.Assign):
        return None
    code = words(found.statement, found.source)
    if not code.endswith(".saved_tensors"):
        return None
    wanted = int(unpacked[1] or unpacked[3])
    kept = _MORE if unpacked[2] is None else unpacked[2] if unpacked[2] != "0" else _NONE
    fields = {"code": code, "count": count_text(wanted, "tensor"), "kept": kept}
    are = "is" if kept == "1" else "are"
    fields["kept"] = translated(kept) if kept in (_MORE, _NONE) else kept
    return Explanation("custom-function", "error", _UNSAVED_TITLE, fill(_UNSAVED, are=are, **fields))


def _class(step: Step) -> str:
    """`Square` of the failing `Square.apply(x)`."""
    call = calls.failed(step)
    told = re.match(r"([\w.]+)\.apply\(", call.expression) if call is not None else None
    return told[1] if told is not None else ""


@failure
def function_without_backward(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a backward pass came to a custom function that has no backward."""
    if _told(step, "must implement either the backward or vjp") is None:
        return None
    names = _functions(step, past)
    name = names[0] if len(names) == 1 else sentence(phrase(_THE_FUNCTION))
    return Explanation(
        "custom-function", "error", fill(_BACKWARD_TITLE, name=name), fill(_BACKWARD, name=name)
    )
