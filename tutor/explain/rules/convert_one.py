"""Tensors of many elements, or of none, where Python wants one number or one truth value."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import replace

from tutor.explain import calls, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, words
from tutor.explain.wording import count_text, fill, phrase
from tutor.facts import Explanation, FailedCall, Operand, Snapshot, Step

_TRUTH_TITLE = "{name} has {count}, and `{asks}` needs one truth value"
_TRUTH = """
{name} is {what}: {count}, each True or False by itself. `{asks}` asks for one answer, and there are many.
{cure}
"""
_ANY_ALL = """
Say what you mean: `{closed}.any()` is True where at least one is, `{closed}.all()` where every one is.
"""
_EQUAL = "To know whether two tensors are the same in all elements: `{code}`."
_AND = (
    "To join masks element by element write `{operator}` for `{word}`, with brackets around each comparison."
)
_CHAIN = """
Python reads it as two comparisons joined by `and`. Element by element it is written `{code}`.
"""
_LIST_TIMES = """
A list times a whole number repeats the list. To compute with its numbers make a tensor of it: `{code}`.
"""
_REPEATED = """
`{left}` is no number and no tensor: of a list, a tuple or text `*` makes repetitions. To compute with its
numbers make a tensor of it, `torch.tensor({left})`; of written numbers, `float({left})`.
"""
_NOT = "For the opposite of each element: `~{closed}`."
_IN = """
`in` asks every member of the list with `==`. Ask for each by itself: `any(torch.equal({left}, one) for one in
{right})`.
"""
_BUILTIN = "Python's `{name}` compares with `<`; torch has its own: `{code}`."
_SORT = """
Python's `{name}` compares with `<`: say by which number, for example `{name}(..., key=lambda t:
t.sum())`.
"""

_MANY_TITLE = "{name} has {count}, and `{asks}` needs exactly one"
_MANY = """
{name} is {what}: {count}. `{asks}` gives one number of Python, so it works only on a tensor of exactly one
element. {cure}
"""
_ITEM = """
For all of them as a list write `{closed}.tolist()`; for one number say which, as in `{closed}[0]` or
`{closed}.mean()`, before `.item()`.
"""
_CONVERT = """
To convert every element write `{closed}.{method}()`; for one number say which, as in `{closed}.mean()`.
"""
_MATH = "Python's `math` works on one number, torch's functions of the same name on all elements: `{code}`."
_EMPTY = "It has no element at all: look where it was made, or ask `{closed}.numel()` first."
_INDEX_TITLE = "{name} cannot be used as a whole number"
_INDEX = """
{name} is {what}, and `{code}` needs one whole number of Python there. {cure}
"""
_INDEX_FLOAT = "Its dtype is {dtype}: convert it, `int({text})`, which cuts off what is behind the point."
_INDEX_MANY = "It has {count}: say which one, for example `{text}[0]`, or go through them: `{text}.tolist()`."
_EACH = "each comparison in `{code}`"
_TENSOR_IN = "the tensor in `{code}`"
_A_CHAIN = "a chain of comparisons"
_BUILTINS = {"max": "max", "min": "min", "sorted": "sort", "any": "any", "all": "all"}
_ASKS = {
    "__bool__": "bool",
    "__float__": "float",
    "__int__": "int",
    "item": "item",
    "int": "int",
    "float": "float",
}


def _looked_at(found: Failing) -> Failing:
    """With the condition as the expression, where only its statement is known."""
    statement = found.statement
    if isinstance(found.expression, ast.expr) or not isinstance(statement, ast.If | ast.While | ast.Assert):
        return found
    return replace(found, expression=statement.test)


@failure
def truth_of_many(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `if`, `and`, `not`, `in` or a function of Python asked a tensor of many for its truth."""
    call = _conversion(step, "__bool__")
    found = failing(step)
    operand = _operand(call)
    if call is None or found is None or operand is None or operand.shape is None:
        return None
    if isinstance(found.expression, ast.If | ast.While | ast.Assert):  # the test is all that it can be
        found = replace(found, expression=found.expression.test)
    count = math.prod(operand.shape)
    if count == 1:
        return None
    found = _looked_at(found)
    asks, cure = _truth(found, call, operand)
    fix = _masked(found)
    name = _name(found, call, operand)
    fields = {"name": name, "count": count_text(count, "element"), "asks": asks}
    text = fill(_TRUTH, what=calls.tensor_text(operand), cure=cure, **fields)
    return Explanation("truth-of-many", "error", _first(fill(_TRUTH_TITLE, **fields)), _first(text), fix, ())


def _conversion(step: Step, *names: str) -> FailedCall | None:
    """The deepest call in the failed one, where that is such a conversion of a tensor."""
    found = list(calls.chain(calls.failed(step)))
    last = found[-1] if found else None
    if last is None or last.name.rpartition(".")[2] not in names or "Tensor" not in last.name:
        return None
    return last


def _operand(call: FailedCall | None) -> Operand | None:
    return next((one.operand for one in call.arguments if one.operand is not None), None) if call else None


def _name(found: Failing, call: FailedCall, operand: Operand) -> str:
    """The code of the tensor, where the failing code has it."""
    code = next((one.text for one in call.arguments if one.operand is operand and one.text), "")
    node = found.expression
    whole = words(node, found.source) if isinstance(node, ast.expr) else ""
    asked = _asked(node)
    if asked is not None and asked is not node:
        return f"`{words(asked, found.source)}`"
    if isinstance(node, ast.Compare) and (len(node.ops) > 1 or isinstance(node.ops[0], ast.In | ast.NotIn)):
        return phrase(_EACH, code=whole)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _BUILTINS:
        return phrase(_EACH, code=whole)
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Compare):
        return f"`{whole}`"
    if code and code != whole:
        return f"`{code}`"
    inner = _inner(node)
    return f"`{words(inner, found.source)}`" if inner is not None else phrase(_TENSOR_IN, code=whole)


def _asked(node: ast.AST | None) -> ast.expr | None:
    """What of an expression is asked for its truth."""
    if isinstance(node, ast.IfExp):
        return node.test
    if isinstance(node, ast.BoolOp):
        return node.values[0] if len(node.values) == 2 else None
    return node if isinstance(node, ast.expr) else None


def _inner(node: ast.AST | None) -> ast.expr | None:
    if isinstance(node, ast.UnaryOp):
        return node.operand
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        return node.args[0]
    return None


def _truth(found: Failing, call: FailedCall, operand: Operand) -> tuple[str, str]:
    """What asks for one truth value, and what to write instead."""
    node = found.expression
    for parent in _parents(found, node):
        if isinstance(parent, ast.BoolOp):
            word = "and" if isinstance(parent.op, ast.And) else "or"
            sign = "&" if word == "and" else "|"
            return word, f"{_choice(found, node)} {fill(_AND, word=word, operator=sign)}"
        if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not):
            return "not", fill(_NOT, closed=repairs.closed(parent.operand, found.source))
        if isinstance(parent, ast.Compare) and isinstance(parent.ops[0], ast.In | ast.NotIn):
            left, right = (words(one, found.source) for one in (parent.left, parent.comparators[0]))
            return "in", fill(_IN, left=left, right=right)
        if isinstance(parent, ast.Compare) and len(parent.ops) > 1:
            return _A_CHAIN, fill(_CHAIN, code=_joined(found, parent))
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
            return parent.func.id, _of_builtin(found, parent)
        for kind, word in _WORDS.items():
            if isinstance(parent, kind):
                return word, _choice(found, node)
    return "bool", _choice(found, node)


def _joined(found: Failing, node: ast.expr) -> str:
    """`0 < x < 2`, or `a > 0 and b > 0`, element by element; empty where that is something else."""
    if isinstance(node, ast.Compare) and all(type(one) in _SIGNS for one in node.ops):
        sides = [repairs.code_of(one, found.source) for one in (node.left, *node.comparators)]
        pairs = zip(sides, node.ops, sides[1:], strict=False)
        return " & ".join(f"({left} {_SIGNS[type(op)]} {right})" for left, op, right in pairs)
    if isinstance(node, ast.BoolOp) and all(isinstance(one, ast.Compare) for one in node.values):
        sign = " & " if isinstance(node.op, ast.And) else " | "
        return sign.join(f"({repairs.code_of(one, found.source)})" for one in node.values)
    return ""


_SIGNS: dict[type, str] = {
    ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


def _masked(found: Failing) -> str | None:
    """The statement with masks joined element by element, where a mask is what it wants."""
    node = found.expression
    joins = isinstance(node, ast.BoolOp) or (isinstance(node, ast.Compare) and len(node.ops) > 1)
    tests = [
        one.test
        for one in ast.walk(found.statement)
        if isinstance(one, ast.If | ast.While | ast.Assert | ast.IfExp)
    ]
    if not joins or not isinstance(node, ast.expr) or any(node in ast.walk(one) for one in tests):
        return None
    code = _joined(found, node)
    return repairs.exchange(found, node, code) if code else None


_WORDS: dict[type, str] = {ast.If: "if", ast.While: "while", ast.Assert: "assert", ast.IfExp: "if"}


def _parents(found: Failing, node: ast.AST | None) -> Iterator[ast.AST]:
    """The expression itself, and what stands around it, from inside out."""
    around = [one for one in ast.walk(found.statement) if any(child is node for child in ast.walk(one))]
    if isinstance(found.expression, ast.Compare | ast.UnaryOp | ast.Call | ast.BoolOp):
        yield found.expression
    yield from (one for one in reversed(around) if one is not node)


def _choice(found: Failing, node: ast.AST | None) -> str:
    inner = _asked(node)
    if (
        isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Name)
        and inner.func.id == "bool"
        and inner.args
    ):
        inner = inner.args[0]
    if inner is None:
        return fill(_ANY_ALL, closed="x")
    text = fill(_ANY_ALL, closed=repairs.closed(inner, found.source))
    if isinstance(inner, ast.Compare) and isinstance(inner.ops[0], ast.Eq) and len(inner.ops) == 1:
        left, right = (words(one, found.source) for one in (inner.left, inner.comparators[0]))
        if not isinstance(inner.comparators[0], ast.Constant):
            text += " " + fill(_EQUAL, code=f"torch.equal({left}, {right})")
    return text


def _of_builtin(found: Failing, node: ast.Call) -> str:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name == "bool":
        return _choice(found, node)
    if name in _BUILTINS and len(node.args) == 1 and not isinstance(node.args[0], ast.List):
        part = node.args[0]
        facts = found.tensors.get(words(part, found.source))
        if facts is not None or not isinstance(part, ast.Name):
            return fill(_BUILTIN, name=name, code=f"{repairs.closed(part, found.source)}.{_BUILTINS[name]}()")
    return fill(_SORT, name=name) if name in ("sorted", "max", "min") else ""


_FROM_NUMBERS = frozenset(
    f"torch.{kind}Tensor" for kind in ("", "Float", "Double", "Half", "BFloat16", "Int", "Long", "Bool")
)


@failure
def one_element(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor of many elements, or of none, was to become one number of Python."""
    call, found = (
        _conversion(step, "item", "__float__", "__int__", "__complex__", "int", "float"),
        failing(step),
    )
    operand = _operand(call)
    if call is None or found is None or operand is None or operand.shape is None:
        return None
    if isinstance(found.expression, ast.Call) and words(found.expression.func, found.source) in _FROM_NUMBERS:
        return None  # it asked each member of a list for its number
    count = math.prod(operand.shape)
    if count == 1:
        return None
    name = _name(found, call, operand)
    asks, cure, fix = _number(found, call, name, count)
    fields = {"name": name, "count": count_text(count, "element"), "asks": asks}
    text = fill(_MANY, what=calls.tensor_text(operand), cure=cure, **fields)
    return Explanation("one-element", "error", _first(fill(_MANY_TITLE, **fields)), _first(text), fix, ())


def _number(found: Failing, call: FailedCall, name: str, count: int) -> tuple[str, str, str | None]:
    node = found.expression
    closed = name.strip("`") if re.fullmatch("`[^`]*`", name) is not None else "x"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "item":
        closed = repairs.closed(node.func.value, found.source)
    elif (inner := _inner(node)) is not None:
        closed = repairs.closed(inner, found.source)
    method = _ASKS.get(call.name.rpartition(".")[2], "item")
    if not count:
        return method, fill(_EMPTY, closed=closed), None
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute) and words(function.value, found.source) == "math":
        assert isinstance(node, ast.Call)
        code = f"torch.{function.attr}({', '.join(repairs.code_of(one, found.source) for one in node.args)})"
        known = function.attr in _OF_MATH
        fix = repairs.exchange(found, node, code) if known else None
        return f"math.{function.attr}", fill(_MATH, code=code) if known else "", fix
    if method == "item":
        return "item()", fill(_ITEM, closed=closed), None
    return f"{method}()", fill(_CONVERT, closed=closed, method=method), None


_OF_MATH = frozenset({
    "sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "floor", "ceil", "log2", "log10",
    "log1p", "expm1", "atan", "asin", "acos", "isnan", "isinf", "trunc", "erf", "lgamma",
})  # fmt: skip


@failure
def index_of_tensor(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor stood where Python wants one whole number: in `range`, or as a place in a list."""
    call, found = _conversion(step, "__index__"), failing(step)
    operand = _operand(call)
    if call is None or found is None or operand is None or operand.shape is None:
        return None
    count, node = math.prod(operand.shape), found.expression
    place = node.slice if isinstance(node, ast.Subscript) else _inner(node)
    text = words(place, found.source) if place is not None else "x"
    whole = words(node, found.source) if node is not None else call.expression
    fields = {
        "text": text,
        "name": f"`{text}`" if place is not None else phrase(_TENSOR_IN, code=whole),
        "code": whole,
    }
    if isinstance(node, ast.BinOp) and isinstance(node.left, ast.List):
        left = repairs.code_of(node.left, found.source)
        fix = repairs.exchange(found, node.left, f"torch.tensor({left})")
        fields["name"] = f"`{words(node.right, found.source)}`"
        cure = fill(_LIST_TIMES, code=words(node, found.source).replace(left, f"torch.tensor({left})", 1))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left = repairs.code_of(node.left, found.source)
        fields["name"] = f"`{words(node.right, found.source)}`"
        cure, fix = fill(_REPEATED, left=left), None
    elif count != 1:
        cure, fix = fill(_INDEX_MANY, count=count_text(count, "element"), **fields), None
    else:
        cure = fill(_INDEX_FLOAT, dtype=operand.dtype, **fields)
        fix = repairs.exchange(found, place, f"int({text})") if place is not None else None
    body = fill(_INDEX, what=calls.tensor_text(operand), cure=cure, **fields)
    return Explanation(
        "index-of-tensor", "error", _first(fill(_INDEX_TITLE, **fields)), _first(body), fix, ()
    )


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
