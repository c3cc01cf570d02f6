"""Tensors, pieces and layers' results that are taken apart into another number of names."""

from __future__ import annotations

import ast
import re
from math import ceil

from tutor.explain.edits import replace_expression
from tutor.explain.engine import failure
from tutor.explain.operands import Operand, Scope
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, path, words
from tutor.explain.wording import fill, shape_text
from tutor.facts import Explanation, Snapshot, Step

_PIECE = "1 piece"
_SOME_PIECES = "{count} pieces"
_ENTRIES = "{count} entries"
_OF = "of {size}"
_OF_LAST = "of {size}, the last one smaller"
_TITLE = "`{code}` gives {count}, and {wanted} names are to get one"
_TENSOR = """
`{text}` is {shape}: taken apart, it gives its {count} entries along the first dimension. To the left of `=`
stand {wanted} names, and there must be as many. {hint}
"""
_TENSOR_HINT = "`.T` turns it over, for its columns."
_PIECES = """
`{text}` is {shape}. `{code}` cuts its dimension {dim}, of size {size}, into {count}{each}. To the left of
`=` stand {wanted} names, and there must be as many. {hint}
"""
_SPLIT_HINT = """
The number in `split` is the size of a piece: for {wanted} pieces, `chunk({wanted}{dim})` takes their
number.
"""
_LSTM_TITLE = "An LSTM gives two results, the second of which is a pair"
_LSTM = """
`{layer}` is an LSTM layer: it gives its outputs, and a pair of its last hidden state and cell state. Two
results cannot go to {wanted} names; the pair needs parentheses: `{names} = {code}`.
"""
_ONE_TITLE = "`{layer}` gives one tensor, and {wanted} names are to get it"
_ONE = """
`{layer}` is {article} {type} layer, which gives one tensor. With {wanted} names to the left of `=`, Python
takes it apart along its first dimension, the batch: there must be one name, or as many as it has entries.
"""
_UNPACK = re.compile(r"(too many|not enough) values to unpack")
#: Layers that give one tensor.
_ONE_RESULT = re.compile(
    r"Linear|Bilinear|(Lazy)?Conv.*|\w*Norm\w*|\w*ReLU|Dropout\w*|\w*Pool\w*|Flatten|Embedding"
)


@failure
def unpack_count(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor, its pieces, or a layer's result is taken apart into the wrong number of names."""
    error = step.error
    if error is None or error.type != "ValueError" or _UNPACK.match(error.message) is None:
        return None
    found = failing(step)
    statement = found.statement if found is not None else None
    if found is None or not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    if not isinstance(target, ast.Tuple | ast.List) or any(isinstance(e, ast.Starred) for e in target.elts):
        return None
    scope = Scope(found.tensors, found.source, found.numbers)
    wanted = len(target.elts)
    operand = scope.operand(statement.value)
    if operand is not None:
        return _tensor(operand, wanted)
    if not isinstance(statement.value, ast.Call):
        return None
    return _pieces(found, scope, statement.value, wanted) or _layer(found, statement.value, target)


def _tensor(operand: Operand, wanted: int) -> Explanation | None:
    if not operand.shape or operand.shape[0] == wanted:
        return None
    count = operand.shape[0]
    turned = len(operand.shape) == 2 and operand.shape[1] == wanted
    text = fill(
        _TENSOR,
        text=operand.text,
        shape=shape_text(operand.shape),
        count=count,
        wanted=wanted,
        hint=fill(_TENSOR_HINT) if turned else "",
    )
    title = fill(_TITLE, code=operand.text, count=fill(_ENTRIES, count=count), wanted=wanted)
    return Explanation("unpack-count", "error", title, text, None, _names(operand))


def _names(operand: Operand) -> tuple[str, ...]:
    return (operand.name,) if operand.name else ()


def _pieces(found: Failing, scope: Scope, call: ast.Call, wanted: int) -> Explanation | None:
    """The pieces of `split`, `chunk` and `unbind`, as methods and functions."""
    function = call.func
    method = function.attr if isinstance(function, ast.Attribute) else ""
    if not isinstance(function, ast.Attribute) or method not in ("split", "chunk", "unbind"):
        return None
    given = list(call.args)
    receiver = given.pop(0) if path(function.value) == "torch" and given else function.value
    operand = scope.operand(receiver)
    named = {word.arg: word.value for word in call.keywords}
    if method == "unbind":
        given.insert(0, ast.Constant(1))
    number = given[0] if given else named.get("split_size", named.get("chunks"))
    place = given[1] if len(given) > 1 else named.get("dim")
    size = scope.integer(number) if number is not None else None
    dim = scope.integer(place) if place is not None else 0
    if operand is None or not size or dim is None or not -len(operand.shape) <= dim < len(operand.shape):
        return None
    whole = operand.shape[dim]
    piece = ceil(whole / size) if method == "chunk" else size
    count = ceil(whole / piece) if piece else 0
    if count == wanted:
        return None
    code = words(call, found.source)
    hint = ""
    if method == "split" and whole % wanted == 0:
        hint = fill(_SPLIT_HINT, wanted=wanted, dim=f", dim={dim}" if place is not None else "")
    text = fill(
        _PIECES,
        text=operand.text,
        shape=shape_text(operand.shape),
        code=code,
        dim=dim % len(operand.shape),
        size=whole,
        count=fill(_PIECE if count == 1 else _SOME_PIECES, count=count),
        each=" " + fill(_OF if whole % piece == 0 else _OF_LAST, size=piece),
        wanted=wanted,
        hint=hint,
    )
    title = fill(
        _TITLE, code=code, count=fill(_PIECE if count == 1 else _SOME_PIECES, count=count), wanted=wanted
    )
    return Explanation("unpack-count", "error", title, text, None, _names(operand))


def _layer(found: Failing, call: ast.Call, target: ast.Tuple | ast.List) -> Explanation | None:
    """What a layer gives: an LSTM two results, most layers one."""
    layer = path(call.func)
    kind = found.modules.get(layer or "", "").rpartition(".")[2]
    if layer is None or not kind:
        return None
    fields = {"layer": layer, "wanted": str(len(target.elts))}
    if kind == "LSTM" and len(target.elts) == 3:
        out, hidden, cell = (words(one, found.source) for one in target.elts)
        names = f"{out}, ({hidden}, {cell})"
        fix = found.changed(replace_expression(found.source, target, names))
        text = fill(_LSTM, names=names, code=words(call, found.source), **fields)
        return Explanation("unpack-count", "error", _LSTM_TITLE, text, fix, ())
    if _ONE_RESULT.fullmatch(kind) is None:
        return None
    article = "an" if kind[:1] in "AEIOU" else "a"
    text = fill(_ONE, article=article, type=kind, **fields)
    return Explanation("unpack-count", "error", fill(_ONE_TITLE, **fields), text, None, ())
