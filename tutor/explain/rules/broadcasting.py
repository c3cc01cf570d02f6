"""Shapes that cannot be stretched to each other: arithmetic, comparisons, losses, writes in place."""

from __future__ import annotations

import ast
import re
from itertools import combinations

from tutor.explain import calls, subjects
from tutor.explain.arguments import called_with, operand, parts
from tutor.explain.edits import closed
from tutor.explain.engine import failure
from tutor.explain.lineage import tells_makers
from tutor.explain.operands import Operand
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, insert_after, path, words
from tutor.explain.strides import broadcast
from tutor.explain.wording import fill, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step

_TITLE = "The shapes {left} and {right} do not fit in `{code}`"
_TEXT = """
`{left}` has shape {left_shape} and `{right}` has shape {right_shape}. Element by element, shapes are
compared from the last dimension backwards: two sizes fit where they are equal or one of them is 1 (or
missing). {clash} {hint}
"""
_CLASH = "Here, {place}, {a} meets {b}."
_PLACE_OF = "in dimension {dim} (counted from the end)"
_HAS_SHAPE = "`{name}` has shape {shape}."
_WRITTEN = "The place that is written"
_ASKED_FOR = "The shape asked for"
_GIVEN_FOR = "the tensor given for it"
_PLACES = {-1: "in the last dimension", -2: "in the last but one dimension"}
_HINT_COLUMN = """
If each number of `{small}` belongs to one index of dimension {dimension} of `{big}`, give it sizes of 1
behind: `{code}` has shape {shape}.
"""
_HINT_SAME = "For a loss, both must have the same shape: one prediction for each target."
_GROW_TITLE = "`{target}` has shape {shape} and cannot grow in place"
_GROW = """
`{target}` has shape {shape}, and the result of `{code}` has shape {result}. An operation in place writes
into the memory that `{target}` has, so its result must have the shape of `{target}`. To get the bigger
result, let a new tensor be made: `{fixed}`.
"""
_SIZES = re.compile(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at .*?(\d+)")
_OUTPUT = re.compile(r"output with shape \[([\d, ]*)\] doesn't match the broadcast shape \[([\d, ]*)\]")
_EXPANDED = re.compile(r"expanded size .*Target sizes: \[([\d, -]*)\].*Tensor sizes: \[([\d, ]*)\]")
_SIZES_TITLE = "Sizes {first} and {second} do not fit in `{code}`"
_SIZES_TEXT = """
Element by element, shapes are compared from the last dimension backwards: two sizes fit where they are
equal or one of them is 1 (or missing). In `{code}`, one tensor has {first} and the other {second} in
dimension {dimension} of the result. {shapes}
"""
_EXPAND_TITLE = "Shape {given} cannot be stretched to {wanted}"
_EXPAND = """
{what} in `{code}` is {wanted}, and {who} has shape {given}. Only a size of 1, or a missing one in front,
can be stretched to another size. {clash}
"""
_EXPAND_COLUMN = "With a size of 1 behind it fits: `{fixed}` has shape {shape}."
_OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//", ast.Mod: "%",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}  # fmt: skip


@failure
@tells_makers
def broadcast_shapes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when shapes do not fit together element by element."""
    error = step.error
    if error is None or error.type not in ("RuntimeError", "ValueError"):
        return None
    sizes = _SIZES.search(error.message)
    found = failing(step)
    if found is None or not found.nodes:
        return None
    if (output := _OUTPUT.search(error.message)) is not None:
        return _cannot_grow(found, _shape(output[1]), _shape(output[2]))
    if (expanded := _EXPANDED.search(error.message)) is not None:
        return _cannot_expand(step, found, error.failed, _shape(expanded[1]), _shape(expanded[2]))
    if sizes is None:
        return None
    node = found.nodes[0]
    if isinstance(getattr(node, "op", None), ast.MatMult):
        return None
    pair = _pair(step, found, node)
    if pair is None:
        return _by_sizes(found, node, sizes)
    left, right = pair
    loss = calls.operation(error.failed) if error.failed is not None else ""
    same = loss.endswith("_loss") or (error.call is not None and "loss" in error.call.function)
    hint, fix = _hint(found, node, left, right)
    text = fill(
        _TEXT,
        left=left.text,
        right=right.text,
        left_shape=shape_text(left.shape),
        right_shape=shape_text(right.shape),
        clash=_clash(left.shape, right.shape),
        hint=fill(_HINT_SAME) if same else hint,
    )
    code = words(node, found.source)
    title = fill(_TITLE, left=shape_text(left.shape), right=shape_text(right.shape), code=code)
    names = tuple(dict.fromkeys(name for name in (left.name, right.name) if name))
    return Explanation("broadcast-shapes", "error", title, text, None if same else found.changed(fix), names)


def _by_sizes(found: Failing, node: ast.AST, sizes: re.Match[str]) -> Explanation:
    """What torch's message alone tells, where the operands have no names."""
    known = [one for part in _flat(node) if (one := operand(found, part)) is not None and one.shape]
    shapes = " ".join(fill(_HAS_SHAPE, name=one.text, shape=shape_text(one.shape)) for one in known[:2])
    code = words(node, found.source)
    fields = {"first": sizes[1], "second": sizes[2], "dimension": sizes[3], "code": code}
    names = tuple(dict.fromkeys(one.name for one in known if one.name))
    text = fill(_SIZES_TEXT, shapes=shapes, **fields)
    return Explanation("broadcast-shapes", "error", fill(_SIZES_TITLE, **fields), text, None, names)


def _cannot_expand(
    step: Step, found: Failing, call: FailedCall | None, wanted: Shape, given: Shape
) -> Explanation:
    node = found.nodes[0]
    whole = found.statement if isinstance(found.statement, ast.Assign) and node is found.statement else node
    code = words(whole, found.source)
    written = isinstance(found.statement, ast.Assign) and any(
        isinstance(target, ast.Subscript) for target in found.statement.targets
    )
    what = _WRITTEN if written else _ASKED_FOR
    fields = {"code": code, "what": what, "wanted": shape_text(wanted), "given": shape_text(given)}
    argument = _stretched(call, given) if call is not None else None
    fields["who"] = subjects.name_of(argument) if argument is not None else _GIVEN_FOR
    clash, fix = _stretch_clash(wanted, given), None
    grown = (*given, *(1,) * (len(wanted) - len(given)))
    if written and call is not None and argument is not None and _becomes_column(wanted, given):
        method = ".unsqueeze(1)" if len(wanted) == 2 else f".view(-1{', 1' * (len(wanted) - 1)})"
        fixed = subjects.with_text(argument, method)
        clash = f"{clash} {fill(_EXPAND_COLUMN, fixed=fixed, shape=shape_text(grown))}"
        fix = subjects.on_argument(step, call, argument, method)
    nodes = (path(one) for one in ast.walk(found.statement))
    names = tuple(dict.fromkeys(name for name in nodes if name is not None and name in found.tensors))
    title = fill(_EXPAND_TITLE, **fields)
    return Explanation("broadcast-shapes", "error", title, fill(_EXPAND, clash=clash, **fields), fix, names)


def _stretched(call: FailedCall, given: Shape) -> Argument | None:
    """The argument that was to be stretched: the value that is written, or the only one of that shape."""
    place = 2 if calls.operation(call) == "setitem" else 0
    argument = calls.at_place(call, place)
    if subjects.shape(argument) == given:
        return argument
    fitting = [one for one in call.arguments if subjects.shape(one) == given]
    return fitting[0] if len(fitting) == 1 else None


def _becomes_column(wanted: Shape, given: Shape) -> bool:
    """Whether a row of numbers fits the place as a column, and only so."""
    return len(given) == 1 and len(wanted) > 1 and given[0] == wanted[0] != 1 and set(wanted[1:]) == {1}


def _stretch_clash(wanted: Shape, given: Shape) -> str:
    """Where a size is neither the one that is wanted nor 1."""
    for at, (a, b) in enumerate(zip(wanted[::-1], given[::-1], strict=False), start=1):
        if b not in (a, 1):
            place = _PLACES.get(-at) or fill(_PLACE_OF, dim=-at)
            return fill(_CLASH, place=place, a=f"{a:,}", b=f"{b:,}")
    return ""


def _shape(text: str) -> Shape:
    return tuple(int(part) for part in text.split(",") if part.strip())


def _pair(step: Step, found: Failing, node: ast.AST) -> tuple[Operand, Operand] | None:
    """The two operands that do not fit."""
    known = [one for part in _flat(node) if (one := operand(found, part)) is not None]
    call = step.error.call if step.error is not None else None
    written = subjects.written_operands(step.error.failed if step.error is not None else None)
    for operands in (known, called_with(found, call, node), written):
        for left, right in combinations(operands, 2):
            if broadcast(left.shape, right.shape) is None:
                return left, right
    return None


def _flat(node: ast.AST) -> list[ast.expr]:
    flat: list[ast.expr] = []
    for part in parts(node):
        flat.extend(part.elts if isinstance(part, ast.List | ast.Tuple) else [part])
    return flat


def _clash(left: Shape, right: Shape) -> str:
    for at in range(1, min(len(left), len(right)) + 1):
        a, b = left[-at], right[-at]
        if a != b and 1 not in (a, b):
            place = _PLACES.get(-at) or fill(_PLACE_OF, dim=-at)
            return fill(_CLASH, place=place, a=f"{a:,}", b=f"{b:,}")
    return ""


def _hint(found: Failing, node: ast.AST, left: Operand, right: Operand) -> tuple[str, str | None]:
    """What a row of numbers would need to go with another dimension, and the code with it."""
    small, big = (left, right) if len(left.shape) < len(right.shape) else (right, left)
    if len(small.shape) != 1 or len(big.shape) < 2 or big.shape.count(small.shape[0]) != 1:
        return "", None
    dimension = big.shape.index(small.shape[0])
    behind = len(big.shape) - 1 - dimension
    if behind == 0:
        return "", None
    code = ".unsqueeze(1)" if behind == 1 else f".view(-1{', 1' * behind})"
    shape = shape_text((small.shape[0], *(1,) * behind))
    text = closed(small.text)
    simple = text == small.text
    hint = fill(
        _HINT_COLUMN, small=small.text, big=big.text, dimension=dimension, code=text + code, shape=shape
    )
    place = next((part for part in _flat(node) if words(part, found.source) == small.text), None)
    in_place = isinstance(node, ast.AugAssign) and place is node.target
    return hint, insert_after(
        found.source, place, code
    ) if place is not None and simple and not in_place else None


def _cannot_grow(found: Failing, target: Shape, result: Shape) -> Explanation | None:
    node = found.nodes[0]
    name, fixed, fix = "", "", None
    if isinstance(node, ast.AugAssign):
        name = words(node.target, found.source)
        sign = _OPERATORS.get(type(node.op), "+")
        fixed = f"{name} = {name} {sign} {words(node.value, found.source)}"
        fix = _with(found.source, node, fixed)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name, method = words(node.func.value, found.source), node.func.attr.removesuffix("_")
        values = ", ".join(words(one, found.source) for one in node.args)
        fixed = f"{name} = {name}.{method}({values})"
        if isinstance(found.statement, ast.Expr) and found.statement.value is node:
            fix = _with(found.source, found.statement, fixed)
    if not name:
        return None
    code = words(node, found.source)
    title = fill(_GROW_TITLE, target=name, shape=shape_text(target))
    text = fill(
        _GROW, target=name, shape=shape_text(target), code=code, result=shape_text(result), fixed=fixed
    )
    names = (name,) if name in found.tensors else ()
    return Explanation("broadcast-shapes", "error", title, text, found.changed(fix), names)


def _with(source: str, statement: ast.stmt, code: str) -> str | None:
    """`source` with the code of a statement replaced."""
    lines = [line.encode() for line in source.split("\n")]
    first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
    joined = lines[first][: statement.col_offset] + code.encode() + lines[last][statement.end_col_offset :]
    return b"\n".join([*lines[:first], joined, *lines[last + 1 :]]).decode() if "…" not in code else None
