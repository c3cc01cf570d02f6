"""Numbers that are cut off on their way into a tensor, and writes that reach a copy only."""

from __future__ import annotations

import ast
import re

from tutor.explain.engine import outcome
from tutor.explain.flow import Flow, one_line
from tutor.explain.past import Past
from tutor.explain.reading import insert_line, path
from tutor.explain.wording import fill, phrase
from tutor.facts import Explanation, Operand, OpFacts, Snapshot, Step

# ── cut-to-whole ─────────────────────────────────────────────────────────────

_THE_TENSOR, _THE_VALUE = "the tensor", "the value"
_CUT_TITLE = "`{code}` cuts off what stands behind the decimal point"
_CUT = """
`{name}` holds whole numbers ({dtype}), and a tensor keeps its dtype: what is written into it is
converted, and {what}. {how}
"""
_OF_NUMBER = "{value} became {whole}"
_OF_TENSOR = "`{value}`, which is {dtype}, lost all fractions"
_HOW_CUT = "Make it a tensor of floating point numbers first: `{name} = {name}.float()`{made}."
_MADE = ", or write `dtype=torch.float32` where it is made ({at})"
_STORING = frozenset(
    {"setitem", "fill_", "copy_", "masked_fill_", "index_fill_", "index_copy_", "masked_scatter_"}
)
_WHOLE = ("int", "uint", "long", "short")


@outcome
def cut_to_whole(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a number with a fraction, or a tensor of floating point numbers, was written into a tensor
    of whole numbers by an assignment or a method that sets elements."""
    flow = Flow(step, past)
    for op in flow.calls(_STORING):
        if op.within or not op.ins or not (op.ins[0].dtype or "").startswith(_WHOLE):
            continue
        what = _what(op)
        if what is None:
            continue
        target = op.ins[0]
        name = target.name.removesuffix(".data") or phrase(_THE_TENSOR)
        code = flow.code(op)
        made = flow.lineage.maker(target.object)
        how = fill(_HOW_CUT, name=name, made=fill(_MADE, at=made.at) if made is not None else "")
        text = fill(_CUT, name=name, dtype=target.dtype, what=what, how=how if name.isidentifier() else "")
        alone = name.isidentifier() and not any(name in group for group in step.snapshot.sharing)
        fix = None
        if alone and code is not None and code[0] is flow.here and len(flow.here.tree) == 1:
            fix = insert_line(step.source, flow.here.tree[0], f"{name} = {name}.float()", after=False)
        names = (name,) if name in step.snapshot.tensors else ()
        return Explanation("cut-to-whole", "warning", fill(_CUT_TITLE, code=op.expression), text, fix, names)
    return None


def _what(op: OpFacts) -> str | None:
    """What became of the value: of a number with a fraction, or of a tensor that was not whole."""
    place = {"setitem": "2", "masked_fill_": "2", "index_copy_": "3", "index_fill_": "3"}.get(op.name, "1")
    value = op.plain.get(place) or op.plain.get("value")
    if value is not None and re.fullmatch(r"-?\d*\.?\d+(e-?\d+)?", value):
        number = float(value)
        return None if number == int(number) else fill(_OF_NUMBER, value=value, whole=int(number))
    source = next((one for one in op.ins if one.place == place), None)
    if source is None or not _is_real(source):
        return None
    return fill(_OF_TENSOR, value=source.name or phrase(_THE_VALUE), dtype=source.dtype)


def _is_real(operand: Operand) -> bool:
    return (operand.dtype or "").startswith(("float", "bfloat"))


# ── write-lost ───────────────────────────────────────────────────────────────

_ARE_MEANT, _PICKS, _ASSIGNMENT = "are meant", "`{name}` picks", "The assignment"
_LOST_TITLE = "`{code}` wrote into a copy that nobody keeps"
_LOST = """
`{copy}` gathers the elements of `{name}` that {index} into a new tensor: a list, a tensor or a mask as
index always copies. {method} changed that copy, which is dropped at the end of the statement, and
`{name}` is as it was. {how}
"""
_HOW_ONE = "Write it as one assignment, which goes into `{name}` itself: `{better}`."
_HOW_MANY = (
    "Put both indices into one pair of brackets, or give the copy a name, change it and assign it back."
)
_AS_ASSIGNMENT = {"add_": "+=", "sub_": "-=", "mul_": "*=", "div_": "/=", "fill_": "="}


@outcome
def write_lost(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a statement writes in place into what an index that copies gave, and nothing else has it."""
    flow = Flow(step, past)
    for op in step.operations:
        if not op.wrote or op.within or op.wrote[0].argument >= len(op.ins):
            continue
        target = op.ins[op.wrote[0].argument]
        made = flow.lineage.maker(target.object)
        if made is None or made.op.name != "getitem" or made.op.verdict != "copy" or made.op.seq > op.seq:
            continue
        found = flow.code(op)
        if found is None or not made.op.ins or any(True for _ in flow.users(target.object, op.seq)):
            continue
        node = found[1]
        inner = (
            node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        )
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            inner = node.targets[0].value
        direct = isinstance(inner, ast.Subscript) and one_line(inner, found[0].source) == made.op.expression
        kept = any(facts.object == target.object for facts in step.snapshot.tensors.values())
        if (
            not direct
            or kept
            or not isinstance(inner, ast.Subscript)
            or not _is_statement(found[0].tree, node)
        ):
            continue
        return _lost(flow, op, node, inner, made.op)
    return None


def _is_statement(tree: tuple[ast.stmt, ...], node: ast.AST) -> bool:
    every = [one for root in tree for one in ast.walk(root)]
    return node in every and (
        isinstance(node, ast.Assign) or any(isinstance(s, ast.Expr) and s.value is node for s in every)
    )


def _lost(flow: Flow, op: OpFacts, node: ast.AST, inner: ast.Subscript, made: OpFacts) -> Explanation:
    name = made.ins[0].name or phrase(_THE_TENSOR)
    better = None
    if isinstance(node, ast.Call):
        sign = _AS_ASSIGNMENT.get(op.name)
        source = flow.source_of(op)
        if op.name == "zero_" and not node.args:
            better = f"{made.expression} = 0"
        elif sign is not None and len(node.args) == 1 and not node.keywords:
            better = f"{made.expression} {sign} {one_line(node.args[0], source)}"
    how = fill(_HOW_ONE, name=name, better=better) if better else _HOW_MANY
    text = fill(
        _LOST,
        copy=made.expression,
        name=name,
        index=phrase(_ARE_MEANT if path(inner.slice) is None else _PICKS, name=path(inner.slice)),
        method=f"`{op.name}`" if isinstance(node, ast.Call) else _ASSIGNMENT,
        how=how,
    )
    fix = flow.fixed(node, better) if better and flow.own(op) is node else None
    names = (name,) if name in flow.step.snapshot.tensors else ()
    title = fill(_LOST_TITLE, code=op.expression)
    return Explanation("write-lost", "warning", title, text, fix, names)
