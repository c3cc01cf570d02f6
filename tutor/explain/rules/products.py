"""Products of matrices and vectors whose shapes do not fit, also inside layers."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from tutor.explain import calls, subjects
from tutor.explain.arguments import called_with, is_function, operand, quoted_shapes
from tutor.explain.engine import failure
from tutor.explain.lineage import tells_makers
from tutor.explain.operands import Operand
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, insert_after, path, words
from tutor.explain.strides import broadcast
from tutor.explain.wording import and_text, count_text, fill, phrase, shape_text
from tutor.facts import ErrorFacts, Explanation, FailedCall, Shape, Snapshot, Step

_TITLE = "The shapes {left} and {right} do not fit in `{code}`"
_TEXT = "{shapes} {reason} {choices}"
_SHAPES = "`{left}` has shape {left_shape} and `{right}` has {right_shape}."
_SHAPE_OF_BOTH = "`{left}` has shape {left_shape}, on both sides."
_MATRICES = """
`{method}` multiplies {what}, and `{wrong}` has {count}; `@` also takes vectors and batches of matrices.
"""
_NUMBER = "`{wrong}` is a single number without dimensions: to scale by it, use `*`."
_INNER = """
For `{code}`, the last size of `{left}` ({last}) must equal {which} of `{right}` ({inner}), because each row
on the left is multiplied with each column on the right.
"""
_VECTORS = """
`{code}` multiplies element by element and adds up, so both need the same length: {last} and {inner} differ.
"""
_LINEAR = """
`linear` multiplies by the transpose of the weight: the last size of `{left}` ({last}) must equal the last
size of `{right}` ({inner}).
"""
_BATCHES = """
The last two sizes fit, but those before them, which count the matrices, are {left} and {right}: read from
the right, each pair must be equal, or one of the two must be 1.
"""
_ONE_CHOICE = "{choices}, if that is the product you mean."
_CHOICES = "{choices}: which one you mean depends on what the dimensions stand for."
_LAYER_TITLE = "`{layer}` takes {needs}, and its input has {has}"
_LAYER = """
`{layer}` is a Linear layer with a weight of shape {weight}: from each input of {numbers}, in the last
dimension, it makes {makes:,}. {input} has shape {shape}, so its last dimension has {has:,}. {cure}
"""
_LAYER_SIZE = "Make the layer for its input, `nn.Linear({has}, {makes})`, or change what comes before it."
_LAYER_FLATTEN = """
All dimensions but the first multiply to {takes:,}, so flattening is probably missing: `{text}.flatten(1)`.
"""
_LAYER_ROW = """
All its dimensions multiply to {takes:,}: if it is one example without a batch, `{text}.flatten()` makes a
row of it, and `{text}.reshape(1, -1)` a batch of one row.
"""
_LAYER_COLUMN = """
It has one dimension: if these are {has:,} examples of one number each, `{text}.unsqueeze(1)` has shape
{shape}.
"""
_LAYER_TURN = "Turned over, it would fit: `{text}.T` has shape {shape}."

_LAYER_FLATTEN_BEFORE = """
All dimensions but the first multiply to {takes:,}, so flattening is probably missing: put `nn.Flatten()`
before this layer.
"""
_UNKNOWN_TITLE = "The matrices in `{code}` do not fit"
_UNKNOWN = """
`{code}` multiplies matrices of shapes {left} and {right}. The last size of the left one ({last}) must equal
the first size of the right one ({inner}), because each row is multiplied with each column.
"""
_UNKNOWN_BATCHES = """
In `{code}` the last size on the left is {last}, and the first-but-last size on the right is {inner}. They
must be equal, because each row on the left is multiplied with each column on the right: often one side has
to be transposed, with `.mT`.
"""

_MATMUL = frozenset({"matmul", "mm", "bmm", "mv", "dot", "vdot", "inner", "linear", "__matmul__"})
#: What multiplies matrices inside, and has a rule of its own.
_OTHERS = frozenset({"scaled_dot_product_attention"})
_ADDING = {"addmm": 1, "addmv": 1, "baddbmm": 1, "addbmm": 1}


@dataclass(frozen=True)
class _Product:
    """A product of two tensors, by the method that makes it."""

    code: str
    left: Operand
    right: Operand
    method: str
    sides: tuple[ast.expr, ast.expr]


@failure
@tells_makers
def matmul_shapes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when two shapes do not fit in `@`, in a product function or in a Linear layer."""
    error = step.error
    message = error.message if error is not None and error.type == "RuntimeError" else ""
    if not message or re.search(r"dtype|device|same type", message):
        return None
    found = failing(step)
    if found is None or error is None:
        return None
    layer = _layer(step, found, error)
    if layer is not None:
        return layer
    products = _products(found, message, {one.text: one for one in subjects.written_operands(error.failed)})
    wrong = [(product, reason) for product in products if (reason := _misfit(product)) is not None]
    if len(wrong) != 1:
        if products or (error.failed is not None and calls.operation(error.failed) in _OTHERS):
            return None
        return _unknown(found, message)
    product, reason = wrong[0]
    left, right = product.left, product.right
    shapes = {"left_shape": shape_text(left.shape), "right_shape": shape_text(right.shape)}
    template = _SHAPE_OF_BOTH if left.text == right.text else _SHAPES
    choices, fix = _transposes(product, found)
    text = fill(
        _TEXT,
        shapes=fill(template, left=left.text, right=right.text, **shapes),
        reason=reason,
        choices=choices,
    )
    title = fill(_TITLE, left=shapes["left_shape"], right=shapes["right_shape"], code=product.code)
    names = tuple(dict.fromkeys(name for name in (left.name, right.name) if name))
    return Explanation("matmul-shapes", "error", title, text, found.changed(fix), names)


def _unknown(found: Failing, message: str) -> Explanation | None:
    """What torch's message alone tells of a product whose sides have no names."""
    quoted = quoted_shapes(message)
    batches = re.search(r"of batch2 tensor to be: \[\d+, (\d+)\] but got: \[\d+, (\d+)\]", message)
    expression = found.expression
    if not isinstance(expression, ast.Call | ast.BinOp | ast.AugAssign):
        return None
    code = words(expression, found.source)
    if batches is not None:
        title = fill(_UNKNOWN_TITLE, code=code)
        text = fill(_UNKNOWN_BATCHES, code=code, last=batches[1], inner=batches[2])
    elif "cannot be multiplied" in message and len(quoted) == 2:
        title = fill(_TITLE, left=shape_text(quoted[0]), right=shape_text(quoted[1]), code=code)
        fields = {"last": quoted[0][-1], "inner": quoted[1][0], "code": code}
        shapes = {"left": shape_text(quoted[0]), "right": shape_text(quoted[1])}
        text = fill(_UNKNOWN, **fields, **shapes)
    else:
        return None
    return Explanation("matmul-shapes", "error", title, text, None, ())


def _products(found: Failing, message: str, written: dict[str, Operand]) -> list[_Product]:
    quoted = quoted_shapes(message)
    products = []
    for node in found.nodes:
        told = _sides(node)
        if told is None:
            continue
        method, first, second = told
        left = operand(found, first) or written.get(words(first, found.source))
        right = operand(found, second) or written.get(words(second, found.source))
        if len(quoted) == 2 and (left is None or right is None):
            turned = quoted[1][::-1] if method == "linear" else quoted[1]
            left = left or operand(found, first, quoted[0])
            right = right or operand(found, second, turned)
        if left is not None and right is not None:
            products.append(_Product(words(node, found.source), left, right, method, (first, second)))
    return products


def _sides(node: ast.AST) -> tuple[str, ast.expr, ast.expr] | None:
    """The method and the two factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return "@", node.left, node.right
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.MatMult):
        return "@", node.target, node.value
    if not isinstance(node, ast.Call):
        return None
    name = (path(node.func) or "").rpartition(".")[2]
    if isinstance(node.func, ast.Attribute):
        name = node.func.attr
    name = name.removesuffix("_")
    skip = _ADDING.get(name)
    if name not in _MATMUL and skip is None:
        return None
    given = {word.arg: word.value for word in node.keywords}
    factors: list[ast.expr] = []
    if isinstance(node.func, ast.Attribute) and not is_function(node):
        factors.append(node.func.value)
    factors += node.args
    keys = (
        "input",
        "self",
        "mat1",
        "batch1",
        "mat",
        "other",
        "mat2",
        "batch2",
        "vec",
        "tensor",
        "weight",
        "vec2",
    )
    factors += [given[key] for key in keys if key in given]
    factors = factors[skip or 0 :]
    return (name, factors[0], factors[1]) if len(factors) >= 2 else None


_RANKS = {"mm": (2, 2), "addmm": (2, 2), "bmm": (3, 3), "baddbmm": (3, 3), "mv": (2, 1), "addmv": (2, 1)}
_SIDES = {1: "the only size", 2: "the first size", 3: "the first-but-last size"}
_GIVES = "`{code}` gives {shape}"
_THE_LAYER = "the Linear layer"
_REACHES = "What reaches it"
_WHAT = {
    (2, 2): "two matrices, with two dimensions each",
    (3, 3): "two batches of matrices, with three dimensions each",
    (2, 1): "a matrix by a vector, with two dimensions and one",
    (1, 1): "two vectors, with one dimension each",
}


def _misfit(product: _Product) -> str | None:
    """The rule of the product that the two shapes break; None where they fit."""
    left, right, method = product.left, product.right, product.method
    ranks = (1, 1) if method in ("dot", "vdot") else _RANKS.get(method)
    if ranks is not None and (len(left.shape), len(right.shape)) != ranks:
        wrong = left if len(left.shape) != ranks[0] else right
        fields = {"wrong": wrong.text, "count": len(wrong.shape), "what": _WHAT[ranks]}
        return fill(_MATRICES, method=method, **fields)
    if not left.shape or not right.shape:
        return fill(_NUMBER, wrong=(right if left.shape else left).text)
    last = left.shape[-1]
    if method in ("dot", "vdot", "inner", "linear") or (len(left.shape) == len(right.shape) == 1):
        template = _LINEAR if method == "linear" else _VECTORS
        fields = {"code": product.code, "left": left.text, "right": right.text}
        inner = right.shape[-1]
        return fill(template, last=last, inner=inner, **fields) if last != inner else None
    inner = right.shape[-2:][0]
    if last != inner:
        numbers = {"last": last, "inner": inner, "which": _which_size(right)}
        return fill(_INNER, code=product.code, left=left.text, right=right.text, **numbers)
    if broadcast(left.shape[:-2], right.shape[:-2]) is None or (
        method == "bmm" and left.shape[0] != right.shape[0]
    ):
        return fill(_BATCHES, left=shape_text(left.shape[:-2]), right=shape_text(right.shape[:-2]))
    return None


def _which_size(right: Operand) -> str:
    return _SIDES.get(len(right.shape), _SIDES[3])


def _transposes(product: _Product, found: Failing) -> tuple[str, str | None]:
    """The products with one side transposed that would work, as choices; the code where there is one."""
    left, right = product.left, product.right
    count = len(left.shape)
    if count != len(right.shape) or count < 2 or left.shape[-1] == right.shape[-2]:
        return "", None
    # A row that only the message quotes may be a vector.
    if (not left.stride and left.shape[0] == 1) or left.text.endswith(".T") or right.text.endswith(".T"):
        return "", None
    if product.method == "linear" or left.shape[:-2] != right.shape[:-2]:
        return "", None
    turn = ".T" if count == 2 else ".mT"
    (rows, inner), (other, columns), batch = left.shape[-2:], right.shape[-2:], left.shape[:-2]
    choices: list[tuple[str, ast.expr]] = []
    first, second = (_closed(one.text) for one in (left, right))
    if inner == columns:
        choices.append((_gives(f"{first} @ {second}{turn}", (*batch, rows, other)), product.sides[1]))
    if rows == other:
        choices.append((_gives(f"{first}{turn} @ {second}", (*batch, inner, columns)), product.sides[0]))
    if not choices:
        return "", None
    template = _ONE_CHOICE if len(choices) == 1 else _CHOICES
    text = fill(template, choices=and_text([choice for choice, _ in choices]))
    side = choices[0][1]
    simple = isinstance(side, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    writes = isinstance(found.nodes[0], ast.AugAssign) and side is product.sides[0]
    clear = len(choices) == 1 and simple and not writes and product.method not in _ADDING
    fix = insert_after(found.source, side, turn) if clear else None
    return text, fix


def _gives(code: str, shape: Shape) -> str:
    return fill(_GIVES, code=code, shape=shape_text(shape))


def _closed(text: str) -> str:
    """Code that a method can be put behind."""
    simple = re.fullmatch(r"[\w.]+(?:[\[(].*[\])])?", text) is not None
    return text if simple else f"({text})"


# ── layers ───────────────────────────────────────────────────────────────────


def _layer(step: Step, found: Failing, error: ErrorFacts) -> Explanation | None:
    """A Linear layer whose input has another number of features."""
    call = error.call
    if call is None or call.module is None or "Linear" not in call.module or call.function != "forward":
        return None
    weight = call.tensors.get("self.weight")
    given = call.tensors.get("input")
    node = found.nodes[0]
    if weight is None or given is None or not weight.shape or not given.shape or len(weight.shape) != 2:
        return None
    makes, takes = weight.shape
    has, shape = given.shape[-1], given.shape
    if has == takes:
        return None
    layer = call.path or phrase(_THE_LAYER)
    # Only the layer's own call has the layer's own input as its argument.
    direct = isinstance(node, ast.Call) and path(node.func) == call.path
    arguments = called_with(found, call, node) if direct else _handed_on(step, found, error.failed)
    text = arguments[0].text if arguments else ""
    cure, fix = _layer_cure(found, node, text, shape, (makes, takes)) if text else ("", None)
    rest = 1
    for size in shape[1:]:
        rest *= size
    if not text and len(shape) > 2 and rest == takes:
        cure = fill(_LAYER_FLATTEN_BEFORE, takes=takes)
    if not cure:
        cure = fill(_LAYER_SIZE, has=has, makes=makes)
    told = fill(
        _LAYER,
        layer=layer,
        weight=shape_text(weight.shape),
        numbers=count_text(takes, "number"),
        makes=makes,
        input=f"`{text}`" if text else _REACHES,
        shape=shape_text(shape),
        has=has,
        cure=cure,
    )
    title = fill(_LAYER_TITLE, layer=layer, needs=count_text(takes, "feature"), has=has)
    names = tuple(
        name
        for name in (arguments[0].name if arguments else "", f"{call.path}.weight")
        if name in found.tensors
    )
    return Explanation("matmul-shapes", "error", title, told, found.changed(fix), names)


def _handed_on(step: Step, found: Failing, call: FailedCall | None) -> list[Operand]:
    """What a model was given, where that is what reaches the layer inside of it."""
    given = calls.at_place(call, 0) if call is not None and call.form == "module" else None
    handed = subjects.handed_on(step, given) if given is not None else None
    known = operand(found, handed[0]) if handed is not None else None
    return [known] if known is not None else []


def _layer_cure(
    found: Failing, node: ast.AST, text: str, shape: Shape, sizes: tuple[int, int]
) -> tuple[str, str | None]:
    takes = sizes[1]
    argument = node.args[0] if isinstance(node, ast.Call) and node.args else None
    simple = isinstance(argument, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    closed, rest = _closed(text), 1
    for size in shape[1:]:
        rest *= size
    if len(shape) > 2 and rest == takes:
        fix = insert_after(found.source, argument, ".flatten(1)") if argument is not None and simple else None
        return fill(_LAYER_FLATTEN, takes=takes, text=closed), fix
    if takes == len(shape) == 1:
        fix = (
            insert_after(found.source, argument, ".unsqueeze(1)") if argument is not None and simple else None
        )
        return fill(_LAYER_COLUMN, text=closed, has=shape[0], shape=shape_text((shape[0], 1))), fix
    if len(shape) > 1 and shape[0] * rest == takes:
        return fill(_LAYER_ROW, takes=takes, text=closed), None
    if len(shape) == 2 and shape[0] == takes:
        fix = insert_after(found.source, argument, ".T") if argument is not None and simple else None
        return fill(_LAYER_TURN, text=closed, shape=shape_text(shape[::-1])), fix
    return "", None
