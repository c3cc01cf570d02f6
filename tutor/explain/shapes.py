"""Shapes that views cannot have: over the wrong strides, or with the wrong number of elements."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from math import prod

from tutor.explain.engine import failure
from tutor.explain.operands import Operand, Scope
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, path, raised, rename_method, words
from tutor.explain.strides import Seam, resolve, view_seam
from tutor.explain.wording import fill, layout_text, product_text, seam_text, shape_text
from tutor.facts import Explanation, Shape, Snapshot, Step

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
