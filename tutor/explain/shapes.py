"""Shapes that do not fit: views over the wrong strides, wrong numbers of elements, products of matrices."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from math import prod

from tutor.explain.engine import failure
from tutor.explain.operands import Operand, Scope
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, path, raised, rename_method, words
from tutor.explain.strides import Seam, broadcast, resolve, view_seam
from tutor.explain.wording import fill, layout_text, product_text, seam_text, shape_text
from tutor.facts import Explanation, Shape, Snapshot, Step

# ── view and reshape ─────────────────────────────────────────────────────────

_VIEW_TITLE = "`{old}` cannot be viewed as {new}"
_VIEW = """
`view` never copies: it only finds a new stride over the same memory. `{old}` has {layout}. {seam}
`reshape` gives the same values in memory of their own, so a write into its result does not reach `{name}`.
"""
_SIZE_TITLE = "{numel:,} elements do not fill shape {wanted}"
_SIZE = "`{old}` has shape {shape}: {elements} elements. {asked} {rule} {hint}"
_SIZE_ASKED = "`{code}` asks for {product}."
_SIZE_REST = """
In `{code}` the -1 stands for {numel:,} divided by the other sizes ({given}), and {numel:,} is no multiple
of {known:,}.
"""
_SIZE_RULE = "A new shape neither drops elements nor makes any, so both products must be the same."
_SIZE_HINT = "With -1 for one size, torch works that size out: {choices}."


@dataclass(frozen=True)
class _Reshaping:
    """A call of view or reshape on a known tensor. `sizes` is None where they cannot be worked out."""

    call: ast.Call
    function: ast.Attribute
    operand: Operand
    sizes: tuple[int, ...] | None

    @property
    def new(self) -> Shape | None:
        """The shape asked for, where it is known and has the right number of elements."""
        return resolve(self.sizes, self.operand.numel) if self.sizes is not None else None


def _reshapings(found: Failing, *methods: str) -> list[_Reshaping]:
    scope = Scope(found.tensors, found.source, found.numbers)
    reshapings = []
    for node in found.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.keywords:
            continue
        if node.func.attr not in methods:
            continue
        receiver, arguments = node.func.value, node.args
        if path(receiver) == "torch" and arguments:
            receiver, arguments = arguments[0], arguments[1:]
        operand = scope.operand(receiver)
        if operand is not None:
            reshapings.append(_Reshaping(node, node.func, operand, scope.sizes(arguments)))
    return reshapings


@failure
def view_incompatible(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `view` wanted a shape that no stride can describe over the tensor's memory."""
    found = failing(step) if raised(step, "view size is not compatible") else None
    if found is None:
        return None
    broken = [
        (reshaping, seam, reshaping.new)
        for reshaping in _reshapings(found, "view")
        if reshaping.new is not None and (seam := _seam(reshaping.operand, reshaping.new)) is not None
    ]
    if len(broken) != 1:
        return None
    reshaping, seam, new = broken[0]
    operand = reshaping.operand
    title = fill(_VIEW_TITLE, old=operand.text, new=shape_text(new))
    layout = layout_text(operand.shape, operand.stride)
    text = fill(_VIEW, old=operand.text, name=operand.name, layout=layout, seam=seam_text(seam, new))
    fix = found.changed(rename_method(found.source, reshaping.function, "reshape"))
    return Explanation("view-incompatible", "error", title, text, fix, (operand.name,))


def _seam(operand: Operand, new: Shape) -> Seam | None:
    return view_seam(operand.shape, operand.stride, new) if operand.numel else None


@failure
def view_size(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the sizes given to view or reshape do not multiply to the tensor's number of elements."""
    told = re.match(r"shape '\[([-\d, ]*)\]' is invalid for input of size (\d+)", _message(step))
    found = failing(step) if told is not None else None
    if told is None or found is None:
        return None
    # Sizes held in plain variables are not among the facts, but torch quotes them.
    wanted = tuple(int(size) for size in told[1].split(",") if size.strip())
    fitting = [r for r in _reshapings(found, "view", "reshape") if _is_it(r, wanted, int(told[2]))]
    if len(fitting) != 1:
        return None
    operand, code = fitting[0].operand, words(fitting[0].call, found.source)
    text = fill(
        _SIZE,
        old=operand.text,
        shape=shape_text(operand.shape),
        elements=product_text(operand.shape),
        asked=_asked(code, wanted, operand.numel),
        rule=_SIZE_RULE,
        hint=_hint(wanted, operand.numel),
    )
    title = fill(_SIZE_TITLE, numel=operand.numel, wanted=shape_text(wanted))
    return Explanation("view-size", "error", title, text, None, (operand.name,))


def _message(step: Step) -> str:
    return step.error.message if step.error is not None and step.error.type == "RuntimeError" else ""


def _is_it(reshaping: _Reshaping, wanted: Shape, numel: int) -> bool:
    """Whether this call is the one that torch's message is about."""
    return reshaping.operand.numel == numel and reshaping.sizes in (None, wanted)


def _asked(code: str, wanted: Shape, numel: int) -> str:
    if -1 not in wanted:
        return fill(_SIZE_ASKED, code=code, product=product_text(wanted))
    sizes = tuple(size for size in wanted if size != -1)
    return fill(_SIZE_REST, code=code, numel=numel, given=product_text(sizes), known=prod(sizes))


def _hint(wanted: Shape, numel: int) -> str:
    """What -1 in place of one of the sizes would give, where that works."""
    choices = []
    for at in range(len(wanted)):
        sizes = [-1 if i == at else size for i, size in enumerate(wanted)]
        found = resolve(sizes, numel)
        if found is not None and -1 not in wanted:
            choices.append(f"{shape_text(sizes)} would be {shape_text(found)}")
    return fill(_SIZE_HINT, choices=" and ".join(choices[:2])) if choices else ""


# ── matmul ───────────────────────────────────────────────────────────────────

_PRODUCT_TITLE = "The shapes {left} and {right} do not fit in `{code}`"
_PRODUCT = "{shapes} {reason} {choices}"
_SHAPES = "`{left}` has shape {left_shape} and `{right}` has {right_shape}."
_SHAPE_OF_BOTH = "`{left}` has shape {left_shape}, on both sides."
_MATRICES = """
`mm` multiplies two matrices, with two dimensions each, and `{wrong}` has {count}; `@` also takes vectors and
batches of matrices.
"""
_NUMBER = "`{wrong}` is a single number without dimensions: to scale by it, use `*`."
_INNER = """
For `{code}`, the last size of `{left}` ({last}) must equal {which} of `{right}` ({inner}), because each row
on the left is multiplied with each column on the right.
"""
_BATCHES = """
The last two sizes fit, but those before them, which count the matrices, are {left} and {right}: read from the
right, each pair must be equal, or one of the two must be 1.
"""
_ONE_CHOICE = "{choices}, if that is the product you mean."
_CHOICES = "{choices}: which one you mean depends on what the dimensions stand for."


@dataclass(frozen=True)
class _Product:
    """A product of two known tensors. `is_mm` where only matrices are taken."""

    code: str
    left: Operand
    right: Operand
    is_mm: bool


@failure
def matmul_shapes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the shapes of the two sides of `@`, matmul or mm do not fit together."""
    message = _message(step)
    if not message or re.search(r"dtype|device|same type", message):
        return None
    found = failing(step)
    products = _products(found) if found is not None else []
    wrong = [(product, reason) for product in products if (reason := _misfit(product)) is not None]
    if len(wrong) != 1:
        return None
    product, reason = wrong[0]
    left, right = product.left, product.right
    shapes = {"left_shape": shape_text(left.shape), "right_shape": shape_text(right.shape)}
    template = _SHAPE_OF_BOTH if left.text == right.text else _SHAPES
    text = fill(
        _PRODUCT,
        shapes=fill(template, left=left.text, right=right.text, **shapes),
        reason=reason,
        choices=_transposes(product),
    )
    title = fill(_PRODUCT_TITLE, left=shapes["left_shape"], right=shapes["right_shape"], code=product.code)
    return Explanation(
        "matmul-shapes", "error", title, text, None, tuple(dict.fromkeys((left.name, right.name)))
    )


def _products(found: Failing) -> list[_Product]:
    scope = Scope(found.tensors, found.source, found.numbers)
    products = []
    for node in found.nodes:
        sides = _sides(node)
        left, right = map(scope.operand, sides) if sides is not None else (None, None)
        if left is not None and right is not None:
            is_mm = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "mm"
            products.append(_Product(words(node, found.source), left, right, is_mm))
    return products


def _sides(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.MatMult):
        return node.target, node.value
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.keywords:
        return None
    if node.func.attr not in ("matmul", "mm"):
        return None
    receiver, arguments = node.func.value, node.args
    if path(receiver) == "torch":
        return (arguments[0], arguments[1]) if len(arguments) == 2 else None
    return (receiver, arguments[0]) if len(arguments) == 1 else None


def _misfit(product: _Product) -> str | None:
    """The rule of matmul that the two shapes break; None where they fit."""
    left, right = product.left, product.right
    if product.is_mm and (len(left.shape) != 2 or len(right.shape) != 2):
        wrong = left if len(left.shape) != 2 else right
        return fill(_MATRICES, wrong=wrong.text, count=len(wrong.shape))
    if not left.shape or not right.shape:
        return fill(_NUMBER, wrong=(right if left.shape else left).text)
    inner = right.shape[-2:][0]
    if left.shape[-1] != inner:
        fields = {"last": left.shape[-1], "inner": inner, "which": _which_size(right)}
        return fill(_INNER, code=product.code, left=left.text, right=right.text, **fields)
    if broadcast(left.shape[:-2], right.shape[:-2]) is None:
        return fill(_BATCHES, left=shape_text(left.shape[:-2]), right=shape_text(right.shape[:-2]))
    return None


def _which_size(right: Operand) -> str:
    return {1: "the only size", 2: "the first size"}.get(len(right.shape), "the first-but-last size")


def _transposes(product: _Product) -> str:
    """The products with one side transposed that would work, as choices."""
    left, right = product.left, product.right
    if len(left.shape) != 2 or len(right.shape) != 2 or left.shape[1] == right.shape[0]:
        return ""
    (rows, inner), (other, columns) = left.shape, right.shape
    choices = []
    if inner == columns:
        choices.append(f"`{left.text} @ {right.text}.T` gives {shape_text((rows, other))}")
    if rows == other:
        choices.append(f"`{left.text}.T @ {right.text}` gives {shape_text((inner, columns))}")
    if not choices:
        return ""
    return fill(_ONE_CHOICE if len(choices) == 1 else _CHOICES, choices=" and ".join(choices))
