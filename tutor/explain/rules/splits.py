"""Datasets made of tensors, and datasets divided into parts."""

from __future__ import annotations

import ast
import re
from functools import reduce

from tutor.explain import calls
from tutor.explain.elsewhere import call_of, changed, last_set
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.wording import fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step
from tutor.translation import translated

_DATA = "torch.utils.data."


def _short(code: str) -> str:
    return code if len(code) <= 80 else f"{code[:79]}…"


# ── tensor-dataset ───────────────────────────────────────────────────────────

_SHAPE = "`{name}` is {shape}"
_TENSORS_TITLE = "The tensors of a TensorDataset must have equally many rows"
_TENSORS = """
`{code}` takes row i of each tensor for sample i, so that the first sizes must be equal: {sizes}. Look which
was made or cut otherwise.
"""
_A_LIST = "a list"
_NO_TENSOR_TITLE = "TensorDataset takes tensors, and `{name}` is {what}"
_NO_TENSOR = "`{code}` needs each argument to be a tensor. `{name}` is {what}. {instead}"
_STARRED = "The tensors stand in a {kind}: take them out of it with a star, `*{name}`."
_FROM_ARRAY = "`torch.from_numpy({name})` makes a tensor that shares its memory."
_FROM_LIST = "`torch.tensor({name})` makes one."


@failure
def tensor_dataset(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a TensorDataset gets tensors with other numbers of rows, or no tensors."""
    call, found = calls.failed(step), failing(step)
    if call is None or found is None or call.name != f"{_DATA}TensorDataset" or call.form != "class":
        return None
    code = _short(call.expression)
    odd = [one for one in call.arguments if one.kind != "tensor"]
    if not odd:
        rows = {one.shape[0] if one.shape else None for one in calls.tensors(call)}
        if len(rows) < 2:
            return None
        sizes = ", ".join(
            fill(_SHAPE, name=one.text, shape=shape_text(one.operand.shape or ()))
            for one in call.arguments
            if one.operand is not None
        )
        return Explanation("tensor-dataset", "error", _TENSORS_TITLE, fill(_TENSORS, code=code, sizes=sizes))
    first = odd[0]
    if not first.text or not first.type:
        return None
    what = calls.what(first)
    holds_tensors = first.kind in ("list", "tuple") and bool(first.items)
    template = _STARRED if holds_tensors else _FROM_ARRAY if first.kind == "array" else _FROM_LIST
    fix = None
    node = call_of(found)
    if node is not None and holds_tensors and len(node.args) == 1:
        fix = changed(found, node.args[0], f"*{first.text}")
    elif node is not None and all(one.kind in ("array", "list", "tensor") for one in call.arguments):
        plain = {one.text: one.kind for one in odd if one.kind == "array" or one.value is not None}
        args = [ast.get_source_segment(found.source, one) or ast.unparse(one) for one in node.args]
        if len(plain) == len({one.text for one in odd}):
            maker = {"array": "torch.from_numpy", "list": "torch.tensor"}
            made = [f"{maker[plain[one]]}({one})" if one in plain else one for one in args]
            fix = changed(found, node, f"{ast.unparse(node.func)}({', '.join(made)})")
    fields = {"name": first.text, "what": what if first.kind != "list" else phrase(_A_LIST)}
    instead = fill(template, name=first.text, kind=translated(first.kind))
    text = fill(_NO_TENSOR, code=code, instead=instead, **fields)
    return Explanation("tensor-dataset", "error", fill(_NO_TENSOR_TITLE, **fields), text, fix)


# ── split-lengths ────────────────────────────────────────────────────────────

_THE_DATASET = "the dataset"
_FRACTIONS_TITLE = "The fractions add up to {total}, and must add up to 1"
_FLOATS_TITLE = "Parts of a dataset have whole numbers of samples"
_FLOAT_NUMBER = "a float number of"
_LOST_TITLE = "The parts have {total} samples together, and the dataset has another number"
_AND_SIZE = "{first} and {last}"
_SPLIT_TITLE = "The parts have {total} samples together, and the dataset has {length}"
_SPLIT = """
`{code}` divides `{dataset}`, which has {length} samples, and `{lengths}` is {values}: together that is
{total}. The parts must add up to the whole. {hint}
"""
_REST = "Rounding loses samples: let the last part be what the others leave, `len({dataset}) - {others}`."
_FRACTIONS = """
`{code}` gives fractions, {values}, which add up to {total}: they must add up to 1, or be whole numbers that
add up to the length of `{dataset}`.
"""
_FLOATS = """
`{code}` gives numbers of samples that are floats, {values}, and a part cannot have {first} samples. Give
whole numbers, or the fractions themselves: `{fractions}`.
"""


@failure
def split_lengths(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the parts that `random_split` is to make do not add up, or are no whole numbers."""
    call, found = calls.failed(step), failing(step)
    if call is None or found is None or call.name != f"{_DATA}random_split":
        return None
    lengths, dataset = calls.argument(call, "lengths"), calls.argument(call, "dataset")
    if lengths is None or dataset is None or lengths.value is None:
        return None
    try:
        values = [float(one) for one in lengths.value.strip("[]()").split(",") if one.strip()]
    except ValueError:
        return None
    code, total = _short(call.expression), sum(values)
    node = calls.node_of(found, call, lengths)
    fields = {"code": code, "dataset": dataset.text or phrase(_THE_DATASET), "values": lengths.value}
    length = dataset.length or _length(step, dataset)
    if "float" in lengths.types and total <= 1.5:
        text = fill(_FRACTIONS, total=f"{total:g}", **fields)
        title = fill(_FRACTIONS_TITLE, total=f"{total:g}")
        return Explanation("split-lengths", "error", title, text)
    if "float" in lengths.types:
        fractions = f"[{', '.join(f'{one / total:g}' for one in values)}]"
        text = fill(
            _FLOATS,
            first=f"{values[0]:g}" if values[0] % 1 else _FLOAT_NUMBER,
            fractions=fractions,
            **fields,
        )
        fits = length is not None and abs(total - length) < 1e-6
        fix = changed(found, node, fractions) if fits and node is not None else None
        return Explanation("split-lengths", "error", _FLOATS_TITLE, text, fix)
    hint, fix = "", None
    members = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    if length is None:
        return _unknown(step, past, found, call, values)
    if dataset.text and len(members) > 1 and 0 < length - total < len(values):
        others = " - ".join(ast.unparse(one) for one in members[:-1])
        hint = fill(_REST, dataset=dataset.text, others=others)
        fix = changed(found, members[-1], f"len({dataset.text}) - {others}")
    text = fill(
        _SPLIT, length=length, lengths=lengths.text or "lengths", total=f"{total:g}", hint=hint, **fields
    )
    title = fill(_SPLIT_TITLE, total=f"{total:g}", length=length)
    return Explanation("split-lengths", "error", title, text, fix)


def _length(step: Step, dataset: Argument) -> int | None:
    return dataset.operand.shape[0] if dataset.operand is not None and dataset.operand.shape else None


_LOST = """
`{code}` divides `{dataset}` into parts of {values}, which is {total} together, and `len({dataset})` is
another number: the parts must add up to the whole. {hint}
"""


def _unknown(
    step: Step, past: Past, found: Failing, call: FailedCall, values: list[float]
) -> Explanation | None:
    """The same where the length of the dataset is not known, only that it is another."""
    lengths, dataset = calls.argument(call, "lengths"), calls.argument(call, "dataset")
    node = calls.node_of(found, call, lengths) if lengths is not None else None
    members = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    if len(members) < 2 or dataset is None or not dataset.text:
        return None
    code = _short(call.expression)
    hint, fix, last = "", None, members[-1]
    binding = last_set(step, past, found, ast.unparse(last)) if isinstance(last, ast.Name) else None
    written = ast.unparse(binding.value if binding is not None else last)
    if re.search(r"\bint\(|\bround\(|//", written):
        others = " - ".join(ast.unparse(one) for one in members[:-1])
        hint = fill(_REST, dataset=dataset.text, others=others)
        fix = changed(found, last, f"len({dataset.text}) - {others}")
    shown = reduce(
        lambda first, last: phrase(_AND_SIZE, first=first, last=last), [f"{one:g}" for one in values]
    )
    text = fill(_LOST, code=code, dataset=dataset.text, values=shown, total=f"{sum(values):g}", hint=hint)
    title = fill(_LOST_TITLE, total=f"{sum(values):g}")
    return Explanation("split-lengths", "error", title, text, fix)
