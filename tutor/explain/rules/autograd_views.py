"""Views and inference tensors that autograd does not let change or take part."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing, replace, words
from tutor.explain.wording import fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_PIECE_TITLE = "{name} is one of several views that `{maker}` made at once"
_PIECE = """
{name} came out of `{maker}`, which gave several views of one tensor in one go. Autograd can follow a
change in place of a single view, but not of one among many, so such a piece must not be changed in place.
Make a new tensor instead{code}.
"""
_DETACH_TITLE = "{name} is a view, and a view cannot be detached in place"
_DETACH = """
{name} shares its memory and its history with the tensor that it is a view of, so it cannot be cut off
alone by `detach_()`. `detach()` gives a new tensor with the same numbers and without a history: `{code}`.
"""
_ACROSS_TITLE = "{name} is a view made under `no_grad`, and cannot be changed in place outside of it"
_ACROSS = """
{name} shares the memory of a tensor that autograd watches, and was made where nothing is recorded;
`{code}` stands where autograd records. Whether this change is to be recorded cannot be told. If it sets
new values, put it under `with torch.no_grad():` too; if it is a part of the computation, make the view
outside of that block.
"""
_INFERENCE_TITLE = "{name} was made in inference mode, and autograd cannot use it"
_INFERENCE = """
{name} is {what} and was made under `torch.inference_mode()`: such tensors leave out what autograd needs, for
good. {here} {cure}
"""
_SAVED = "`{code}` would have to keep it for backward."
_WRITTEN = "Outside of that mode it cannot be changed in place either."
_FLAGGED = "So it cannot be told to require grad."
_CURE = "A copy made outside is an ordinary tensor: `{code}`."
_CURE_MODE = "Or make it under `torch.no_grad()`, which only stops the recording."

_THIS, _BY_LINE = "This tensor", ", `{line}`"

_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.Mod: "%", ast.FloorDiv: "//",
}  # fmt: skip

_PLAIN = {"Unbind": "unbind", "Split": "split", "SplitWithSizes": "split", "Chunk": "chunk"}


@failure
def piece_in_place(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when one of several views of `unbind`, `split` or `chunk` was to be changed in place."""
    error, call = step.error, calls.failed(step)
    told = (
        re.match(r"Output \d+ of (\w+) is a view and is being modified inplace", error.message)
        if error
        else None
    )
    if told is None or error is None or "multiple views" not in error.message:
        return None
    maker = _PLAIN.get(told[1].removesuffix("Backward0"), told[1].removesuffix("Backward0").lower())
    found = failing(step)
    statement = found.statement if found is not None else None
    one = call.arguments[0] if call is not None and call.arguments else None
    name = calls.label(one) if one is not None and (one.text or one.operand) else phrase(_THIS)
    code, fix = "", None
    if found is not None and isinstance(statement, ast.AugAssign) and type(statement.op) in _OPERATORS:
        target = words(statement.target, found.source)
        plain = isinstance(statement.value, ast.Constant)
        value = (words if plain else repairs.closed)(statement.value, found.source)
        line = f"{target} = {target} {_OPERATORS[type(statement.op)]} {value}"
        code = phrase(_BY_LINE, line=line)
        if isinstance(statement.target, ast.Name):
            fix = found.changed(replace(found.source, statement, [line]))
    text = fill(_PIECE, name=name, maker=maker, code=code)
    title = fill(_PIECE_TITLE, name=name, maker=maker)
    return Explanation("piece-in-place", "error", title, text, fix, _names(step, one))


@failure
def detach_of_view(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a view was to be detached in place."""
    call = calls.find(step, {"detach"})
    if call is None or step.error is None or "Can't detach views in-place" not in step.error.message:
        return None
    one = call.arguments[0] if call.arguments else None
    if one is None:
        return None
    found = failing(step)
    name = calls.label(one)
    plain = name.strip("`")
    code, fix = f"{plain} = {plain}.detach()", None
    if found is not None and plain.isidentifier() and isinstance(found.statement, ast.Expr):
        fix = found.changed(replace(found.source, found.statement, [code]))
    text = fill(_DETACH, name=name, code=code)
    return Explanation(
        "detach-of-view", "error", fill(_DETACH_TITLE, name=name), text, fix, _names(step, one)
    )


@failure
def view_across_no_grad(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a view that was made under `no_grad` was to be changed in place outside of it."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or "view was created in no_grad mode" not in error.message:
        return None
    one = call.arguments[0] if call.arguments else None
    if one is None:
        return None
    name = calls.label(one)
    text = fill(_ACROSS, name=name, code=call.expression, plain=name.strip("`"))
    title = fill(_ACROSS_TITLE, name=name)
    return Explanation("view-across-no-grad", "error", title, text, None, _names(step, one))


@failure
def inference_tensor(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor made in inference mode was to take part in what autograd records."""
    error, call = step.error, calls.failed(step)
    if (
        error is None
        or call is None
        or "inference" not in error.message.lower()
        or error.type != "RuntimeError"
    ):
        return None
    one = _made_there(call)
    if one is None or one.operand is None:
        return None
    one = one if one.text else repairs.outer(step, call, one)
    name, found = calls.label(one), failing(step)
    flagged, written = "requires_grad" in error.message, "nplace" in error.message
    here = fill(_FLAGGED if flagged else _WRITTEN if written else _SAVED, code=call.expression)
    plain = name.strip("`")
    fix, code = None, f"{plain}.clone()"
    if not (flagged or written):
        code, fix = repairs.given(step, call, one, "{closed}.clone()")
    elif found is not None and plain.isidentifier() and isinstance(found.statement, ast.Expr):
        code = f"{plain} = {plain}.clone()"
        line = words(found.statement, found.source)
        fix = found.changed(replace(found.source, found.statement, [code, line]))
    text = fill(
        _INFERENCE,
        name=name,
        what=calls.what(one),
        here=here,
        cure=f"{fill(_CURE, code=code)} {fill(_CURE_MODE)}",
    )
    return Explanation(
        "inference-tensor", "error", fill(_INFERENCE_TITLE, name=name), text, fix, _names(step, one)
    )


def _made_there(call: FailedCall) -> Argument | None:
    """The tensor among the arguments that no history leads to."""
    known = [one for one in call.arguments if one.operand is not None]
    plain = [one for one in known if one.operand is not None and not one.operand.requires_grad]
    return plain[0] if len(plain) == 1 else known[0] if len(known) == 1 else None


def _names(step: Step, one: Argument | None) -> tuple[str, ...]:
    operand = one.operand if one is not None else None
    return (operand.name,) if operand is not None and operand.name in step.snapshot.tensors else ()
