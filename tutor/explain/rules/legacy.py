"""The classes of tensors, called as if they were `torch.tensor`."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls, repairs
from tutor.explain.engine import certain
from tutor.explain.past import Past
from tutor.explain.reading import failing
from tutor.explain.wording import code_list, fill
from tutor.facts import Explanation, Snapshot, Step

_ONE_DTYPE = "one dtype"
_TITLE = "`{name}` is a class and takes no {keywords}: `torch.tensor` does"
_TEXT = """
`{name}` is a class of tensors. Called, it makes {dtype} of what it is given, as in old code, and knows of no
{keywords}. `torch.tensor(...)`, in small letters, is the function that makes a tensor of your data: it takes
`dtype=`, `device=` and `requires_grad=`, and without `dtype` keeps whole numbers whole. {sizes}
"""
_SIZES = "`{code}` gives sizes rather than data: for those there are `torch.zeros` and `torch.empty`."
_CLASS = re.compile(r"torch\.(?:Tensor|(?:Float|Double|Half|Long|Int|Short|Char|Byte|Bool)Tensor)")
_TAKEN = frozenset({"dtype", "device", "requires_grad", "pin_memory"})


@certain
def tensor_class(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `torch.Tensor` or another class of tensors is given a keyword that it does not take."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or error.type != "TypeError" or _CLASS.fullmatch(call.name) is None:
        return None
    keywords = [one.place for one in call.arguments if one.place in _TAKEN - {"device"}]
    if not keywords:
        return None
    data = calls.at_place(call, 0)
    count = sum(one.place.isdecimal() for one in call.arguments)
    sizes = data is not None and data.kind == "number"
    fields = {"name": call.name, "keywords": code_list(keywords)}
    dtype = "float32" if call.name == "torch.Tensor" else _ONE_DTYPE
    more = fill(_SIZES, code=call.expression) if sizes else ""
    text = fill(_TEXT, dtype=dtype, sizes=more, **fields)
    fix = _made(step) if count == 1 and not sizes else None
    return Explanation("tensor-class", "error", fill(_TITLE, **fields), text, fix)


def _made(step: Step) -> str | None:
    """The statement with the function in the place of the class."""
    found = failing(step)
    node = found.expression if found is not None else None
    if found is None or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    return repairs.exchange(found, node.func, f"{repairs.code_of(node.func.value, found.source)}.tensor")
