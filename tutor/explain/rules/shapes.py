"""Shapes that views cannot have: over the wrong strides, or with the wrong number of elements."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from tutor.explain.edits import closed
from tutor.explain.engine import failure
from tutor.explain.operands import Operand, Scope
from tutor.explain.past import Past
from tutor.explain.reading import (
    Failing,
    evaluated,
    failing,
    insert_after,
    path,
    raised,
    rename_method,
    words,
)
from tutor.explain.strides import Seam, resolve, view_seam
from tutor.explain.wording import and_text, code_list, fill, layout_text, product_text, seam_text, shape_text
from tutor.facts import Explanation, Shape, Snapshot, Step

_VIEW_TITLE = "`{old}` cannot be viewed as {new}"
_VIEW = """
`view` never copies: it only finds a new stride over the same memory. `{old}` has {layout}. {seam} `reshape`
gives the same values in memory of their own, so a write into its result does not reach `{name}`.
"""
_TURNED = """
But it would read `{old}` in the order that its dimensions have now, and the sizes {new} fit another order:
with `{turn}` first, its shape is {shape}, and neighbouring dimensions only have to be joined.
"""
_ALSO = "The same holds for {others} in this statement."
_VIEW_UNKNOWN_TITLE = "`{old}` cannot be viewed in this shape"
_VIEW_UNKNOWN = """
`view` never copies: it only finds a new stride over the same memory, and the elements of `{old}` do not lie
in memory in the order in which the new shape reads them, as after a transpose, a slice or an expand.
`reshape` gives the same values in memory of their own, so a write into its result does not reach the
original.
"""
_SIZE_TITLE = "{numel:,} elements do not fill shape {wanted}"
_SIZE = "`{old}` has shape {shape}: {elements} elements. {asked} {rule} {hint}"
_SIZE_UNKNOWN = "The tensor has {numel:,} elements. {asked} {rule} {hint}"
_SIZE_ASKED = "`{code}` asks for {product}."
_SIZE_REST = """
In `{code}` the -1 stands for {numel:,} divided by the other sizes ({given}), and {numel:,} is no multiple
of {known:,}.
"""
_WOULD_BE = "{sizes} would be {shape}"
_SIZE_RULE = "A new shape neither drops elements nor makes any, so both products must be the same."
_SIZE_BATCH = """
Each of the {batch:,} entries in the first dimension has {rest} numbers: `{text}.flatten(1)` gives a row of
them for each.
"""
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


def _reshapings(found: Failing, nodes: Iterable[ast.AST], *methods: str) -> list[_Reshaping]:
    scope = Scope(found.tensors, found.source, found.numbers)
    reshapings = []
    for node in nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr.removesuffix("_as") not in methods or any(w.arg == "dtype" for w in node.keywords):
            continue
        receiver, arguments = node.func.value, [*node.args, *(word.value for word in node.keywords)]
        if path(receiver) in ("torch", "torch.Tensor", "Tensor") and arguments:
            receiver, arguments = arguments[0], arguments[1:]
        if node.func.attr.endswith("_as") and len(arguments) == 1:
            arguments = [ast.Attribute(arguments[0], "shape", ast.Load())]
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
    broken = _broken(found, found.nodes)
    if not broken or (len(broken) > 1 and found.expression is not None):
        return _unknown_view(found)
    reshaping, seam, new = broken[0]
    others = [r for r, _, _ in _broken(found, evaluated(found.statement, nested=False))]
    others = [each for each in others if each.call is not reshaping.call]
    operand = reshaping.operand
    title = fill(_VIEW_TITLE, old=operand.text, new=shape_text(new))
    layout = layout_text(operand.shape, operand.stride)
    text = fill(_VIEW, old=operand.text, name=operand.name, layout=layout, seam=seam_text(seam, new))
    back = _turned_back(operand.shape, new)
    if back is not None:
        turn = f".transpose({back[0]}, {back[1]})"
        shape = [*operand.shape]
        shape[back[0]], shape[back[1]] = shape[back[1]], shape[back[0]]
        text += " " + fill(_TURNED, old=operand.text, turn=turn, new=shape_text(new), shape=shape_text(shape))
        renamed = rename_method(found.source, reshaping.function, "reshape")
        turned = insert_after(renamed, reshaping.function.value, turn) if renamed is not None else None
        return Explanation("view-incompatible", "error", title, text, found.changed(turned), (operand.name,))
    if reshaping.call.keywords:  # `size=` of view is `shape=` of reshape
        return Explanation("view-incompatible", "error", title, text, None, (operand.name,))
    if others:
        text += " " + fill(_ALSO, others=code_list([words(each.call, found.source) for each in others]))
    fix = found.changed(_all_reshaped(found.source, [reshaping, *others]))
    return Explanation("view-incompatible", "error", title, text, fix, (operand.name,))


def _broken(found: Failing, nodes: Iterable[ast.AST]) -> list[tuple[_Reshaping, Seam, Shape]]:
    """Calls of view that no stride can serve."""
    return [
        (reshaping, seam, reshaping.new)
        for reshaping in _reshapings(found, nodes, "view")
        if reshaping.new is not None and (seam := _seam(reshaping.operand, reshaping.new)) is not None
    ]


def _all_reshaped(source: str, every: list[_Reshaping]) -> str | None:
    """`source` with reshape for each view, the last one first, so that the others stay where they are."""
    functions = [each.function for each in every if not each.call.keywords]
    functions.sort(key=lambda one: (one.end_lineno or 0, one.end_col_offset or 0), reverse=True)
    changed: str | None = source
    for function in functions:
        changed = (
            rename_method(changed, function, function.attr.replace("view", "reshape")) if changed else None
        )
    return changed


def _turned_back(shape: Shape, new: Shape) -> tuple[int, int] | None:
    """Two dimensions that stand the wrong way round for `new`: swapped, neighbours merge into its sizes."""
    if len(shape) < 3 or _merges(shape, new):
        return None
    swaps = []
    for first in range(len(shape)):
        for second in range(first + 1, len(shape)):
            turned = [*shape]
            turned[first], turned[second] = turned[second], turned[first]
            if turned != [*shape] and _merges(tuple(turned), new):
                swaps.append((first, second))
    return swaps[0] if len(swaps) == 1 else None


def _merges(shape: Shape, new: Shape) -> bool:
    """Whether every size of `new` is the product of neighbouring sizes of `shape`, in order."""
    at = 0
    for size in new:
        count = 1
        while at < len(shape) and (count < size or shape[at] == 1):
            count *= shape[at]
            at += 1
        if count != size:
            return False
    return at == len(shape)


def _unknown_view(found: Failing) -> Explanation | None:
    """A refused view of a tensor that has no name, so that its strides are not among the facts."""
    node = found.expression
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    method = node.func.attr
    if method not in ("view", "view_as"):
        return None
    old = words(node.func.value, found.source)
    fix = found.changed(rename_method(found.source, node.func, method.replace("view", "reshape")))
    title = fill(_VIEW_UNKNOWN_TITLE, old=old)
    return Explanation("view-incompatible", "error", title, fill(_VIEW_UNKNOWN, old=old), fix, ())


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
    fitting = [
        r
        for r in _reshapings(found, found.nodes, "view", "reshape", "view_copy")
        if _is_it(r, wanted, int(told[2]))
    ]
    if len(fitting) != 1:
        return _unknown_size(found, wanted, int(told[2]))
    operand, code = fitting[0].operand, words(fitting[0].call, found.source)
    text = fill(
        _SIZE,
        old=operand.text,
        shape=shape_text(operand.shape),
        elements=product_text(operand.shape),
        asked=_asked(code, wanted, operand.numel),
        rule=_SIZE_RULE,
        hint=_batch_hint(operand, wanted) or _hint(wanted, operand.numel),
    )
    title = fill(_SIZE_TITLE, numel=operand.numel, wanted=shape_text(wanted))
    return Explanation("view-size", "error", title, text, None, (operand.name,))


def _unknown_size(found: Failing, wanted: Shape, numel: int) -> Explanation | None:
    """The same for a tensor that has no name, as far as torch's message tells."""
    node = found.expression
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    fields = {"numel": numel, "wanted": shape_text(wanted)}
    asked = _asked(words(node, found.source), wanted, numel)
    text = fill(_SIZE_UNKNOWN, numel=numel, asked=asked, rule=_SIZE_RULE, hint=_hint(wanted, numel))
    return Explanation("view-size", "error", fill(_SIZE_TITLE, **fields), text, None, ())


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


def _batch_hint(operand: Operand, wanted: Shape) -> str:
    """What a batch that is to be made flat has, where the number that was given for it is wrong."""
    if len(operand.shape) < 3 or len(wanted) != 2 or wanted[0] not in (-1, operand.shape[0]):
        return ""
    rest = product_text(operand.shape[1:])
    return fill(_SIZE_BATCH, batch=operand.shape[0], rest=rest, text=closed(operand.text))


def _hint(wanted: Shape, numel: int) -> str:
    """What -1 in place of one of the sizes would give, where that works."""
    choices = []
    for at in range(len(wanted)):
        sizes = [-1 if i == at else size for i, size in enumerate(wanted)]
        found = resolve(sizes, numel)
        if found is not None and -1 not in wanted:
            choices.append(fill(_WOULD_BE, sizes=shape_text(sizes), shape=shape_text(found)))
    return fill(_SIZE_HINT, choices=and_text(choices[:2])) if choices else ""
