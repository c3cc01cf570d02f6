"""Results that do not fit into the dtype of the tensor that they are written into."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls, dtypes, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing, replace
from tutor.explain.wording import fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_TITLE = "{name} is {dtype}, and what is written into it would be {result}"
_TEXT = """
`{code}` works in place: the result must go into the memory of {name}, which holds {holds} ({dtype}), and
{why} {result}. torch does not throw away what is behind the point by itself. {cure}
"""
_WHY = "with {other} it would be"
_WHY_DIVIDED = "a division always gives"
_WHY_ALONE = "it would be"
_NEW = """
Make a new tensor instead, `{code}`; or keep decimals from the beginning, with `{name} = {name}.float()`.
"""
_DIVIDE = """
Make a new tensor instead, `{name} = {name} / {other}`, or divide without a remainder, `{name} //= {other}`.
"""
_FLOAT = "Let it hold decimals from the beginning: `{name} = {name}.float()`."

_OVER_TITLE = "{value} does not fit into {dtype}"
_OVER = """
{value_is} and a tensor of dtype {dtype} can hold only whole numbers from {low:,} to {high:,}. {where}
"""
_SAID, _WAS_GIVEN = "{said},", "{name} was given,"
_OVER_REAL = "{value_is} and that is more than a number of dtype {dtype} can hold. {where}"
_OVER_WHERE = "Take a dtype with more room, such as int64, or check the value."

_CAST = re.compile(r"result type (\w+) can't be cast to the desired output type (\w+)")
_OVERFLOW = re.compile(r"value cannot be converted to type ([\w:<> ]+?) without overflow")
_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.Mod: "%", ast.FloorDiv: "//",
}  # fmt: skip


@failure
def result_cast(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an in-place operation has a result that its tensor's dtype cannot hold."""
    told = _CAST.search(step.error.message) if step.error is not None else None
    call = calls.failed(step)
    if told is None or call is None or not call.arguments:
        return None
    result, dtype = dtypes.plain(told[1]), dtypes.plain(told[2])
    target = calls.argument(call, "out") or call.arguments[0]
    if target.operand is None or target.operand.dtype != dtype:
        return None
    name, other = calls.label(target), _other(call, target)
    plain = name.strip("`")
    divided = calls.operation(call) in ("div", "divide", "true_divide")
    if (
        divided
        and plain.isidentifier()
        and other is not None
        and not dtypes.is_real(other.operand.dtype if other.operand else None)
    ):
        cure, fix = fill(_DIVIDE, name=plain, other=other.text or "n"), None
    else:
        cure, fix = _new(step, plain)
    why = _WHY_ALONE if other is None else _WHY_DIVIDED if divided else fill(_WHY, other=calls.label(other))
    text = fill(
        _TEXT, code=call.expression, name=name, holds=dtypes.holds(dtype), dtype=dtype, why=why,
        result=result, cure=cure,
    )  # fmt: skip
    title = fill(_TITLE, name=name, dtype=dtype, result=result)
    names = (target.operand.name,) if target.operand.name in step.snapshot.tensors else ()
    return Explanation("result-cast", "error", title, text, fix, names)


def _other(call: FailedCall, target: Argument) -> Argument | None:
    rest = [one for one in call.arguments if one is not target and one.kind in ("tensor", "number", "array")]
    return rest[0] if rest else None


def _new(step: Step, name: str) -> tuple[str, str | None]:
    """`x += 0.5` as `x = x + 0.5`, where `x` is a plain name."""
    found = failing(step)
    statement = found.statement if found is not None else None
    if found is None or not isinstance(statement, ast.AugAssign) or type(statement.op) not in _OPERATORS:
        return fill(_FLOAT, name=re.split(r"[\[(]", name)[0]), None
    if not isinstance(statement.target, ast.Name):
        return fill(_FLOAT, name=re.split(r"[\[(]", name)[0]), None
    value = repairs.code_of(statement.value, found.source)
    simple = isinstance(statement.value, ast.Name | ast.Constant | ast.Call | ast.Attribute | ast.Subscript)
    value = value if simple else f"({value})"
    code = f"{name} = {name} {_OPERATORS[type(statement.op)]} {value}"
    return fill(_NEW, code=code, name=name), found.changed(replace(found.source, statement, [code]))


@failure
def value_overflow(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a number does not fit into the dtype that it was to be written as."""
    told = _OVERFLOW.search(step.error.message) if step.error is not None else None
    call = calls.failed(step)
    if told is None or call is None:
        return None
    dtype = dtypes.plain(told[1])
    room = dtypes.least(dtype)
    value = next(
        (
            one
            for one in reversed(call.arguments)
            if one.kind in ("number", "list", "tuple") and _beyond(one, room)
        ),
        None,
    )
    if value is None:
        return None
    said, name = calls.said(value), calls.label(value)
    said = phrase(_SAID, said=said) if said != name else phrase(_WAS_GIVEN, name=name)
    if room is None:
        text = fill(_OVER_REAL, value_is=_first(said), dtype=dtype, where=_OVER_WHERE)
    else:
        text = fill(_OVER, value_is=_first(said), dtype=dtype, low=room[0], high=room[1], where=_OVER_WHERE)
    title = fill(_OVER_TITLE, value=calls.label(value), dtype=dtype)
    return Explanation("value-overflow", "error", title, text)


def _beyond(one: Argument, room: tuple[int, int] | None) -> bool:
    numbers = [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", one.value or "")]
    return any(room is None or not room[0] <= each <= room[1] for each in numbers)


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
