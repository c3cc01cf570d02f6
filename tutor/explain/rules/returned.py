"""Functions that return nothing, and methods that were not called."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls
from tutor.explain.elsewhere import changed, codes, defined, last_set
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.wording import fill, phrase
from tutor.facts import Explanation, Snapshot, Step


def _short(code: str) -> str:
    return code if len(code) <= 80 else f"{code[:79]}…"


# ── missing-return ───────────────────────────────────────────────────────────

_RETURN_TITLE = "`{name}` is None: `{function}` returns nothing"
_RETURN = """
`{name}` is what `{code}` gave{at}, and that is None: `{function}` ({where}) computes something and has no
`return`, so that its result is dropped. End it with `return`: {last}.
"""


@failure
def missing_return(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when something is asked of the None that a `forward` or function without `return` gave."""
    error, found = step.error, failing(step)
    missing = error.missing if error is not None else None
    if missing is None or found is None or missing.kind != "attribute" or missing.type != "NoneType":
        return None
    try:
        owner = ast.parse(missing.owner, mode="eval").body
    except SyntaxError:
        return None
    binding = last_set(step, past, found, missing.owner) if isinstance(owner, ast.Name) else None
    value = binding.value if binding is not None else owner
    if not isinstance(value, ast.Call):
        return None
    told = _function(step, past, found, value.func)
    if told is None:
        return None
    name, function, where = told
    inside = [node for node in ast.walk(function) if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom)]
    if inside:
        return None
    last = function.body[-1]
    better = "`return …`"
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Constant):
        better = f"`return {ast.unparse(last.value)}`"
    elif isinstance(last, ast.Assign) and isinstance(last.targets[0], ast.Name):
        better = f"`return {last.targets[0].id}`"
    at = f" ({binding.at})" if binding is not None else ""
    fields = {"name": missing.owner, "function": name, "where": where, "at": at, "last": better}
    text = fill(_RETURN, code=_short(ast.unparse(value)), **fields)
    return Explanation("missing-return", "error", fill(_RETURN_TITLE, **fields), text)


def _function(
    step: Step, past: Past, found: Failing, called: ast.expr
) -> tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, str] | None:
    """The learner's function that a call runs, its name, and where it stands."""
    written = ast.unparse(called)
    kind = found.modules.get(written, "")
    made = last_set(step, past, found, written) if not kind and isinstance(called, ast.Name) else None
    maker = called if isinstance(called, ast.Call) else made.value if made is not None else None
    if isinstance(maker, ast.Call):
        kind = ast.unparse(maker.func)
    own = defined(step, past, kind) if kind else None
    if own is not None and "forward" in own.methods:
        method = own.methods["forward"]
        return f"{kind}.forward", method, str(own.code.at(method))
    for code in codes(step, past) if isinstance(called, ast.Name) else ():
        for root in code.tree:
            if isinstance(root, ast.FunctionDef) and root.name == written:
                return written, root, str(code.at(root))
    return None


# ── method-uncalled ──────────────────────────────────────────────────────────

_USED_SO = "used so"
_UNCALLED_TITLE = "`{name}` is the method itself: it has not been called"
_UNCALLED = """
`{name}` without brackets is the method, and not what it gives: that cannot be {used}. Call it: `{name}()`.
"""
_METHODS = re.compile(
    r"'(?:method|builtin_function_or_method|function)' object (?:is not (\w+)|has no attribute)"
    r"|object of type '(?:method|builtin_function_or_method)' has no len"
)
_USED = {"iterable": "gone through", "subscriptable": "indexed"}
_GIVING = frozenset({
    "parameters", "named_parameters", "children", "modules", "state_dict", "buffers", "size", "dim", "numel",
    "item", "tolist", "numpy", "detach", "clone", "mean", "sum", "max", "min", "keys", "values", "items",
    "stride", "float", "long", "int", "half", "double", "cpu", "t", "std", "var", "abs", "sqrt", "exp",
})  # fmt: skip


@failure
def method_uncalled(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a method is gone through, indexed or asked for something, since its brackets lack."""
    error, found = step.error, failing(step)
    told = _METHODS.search(error.message) if error is not None else None
    if error is None or told is None or found is None:
        return None
    call = calls.failed(step)
    if call is not None and call.name.startswith("torch.optim."):  # what optimizers take is told elsewhere
        return None
    inside = [one for each in found.nodes for one in ast.walk(each)]
    if isinstance(found.statement, ast.For):
        inside = [*ast.walk(found.statement.iter), *inside]
    called = {id(one.func) for one in inside if isinstance(one, ast.Call)}
    for node in inside:
        if not isinstance(node, ast.Attribute) or node.attr not in _GIVING or id(node) in called:
            continue
        name = ast.get_source_segment(found.source, node) or ast.unparse(node)
        text = fill(_UNCALLED, name=name, used=phrase(_USED.get(told[1] or "", _USED_SO)))
        fix = changed(found, node, f"{name}()")
        return Explanation("method-uncalled", "error", fill(_UNCALLED_TITLE, name=name), text, fix)
    return None


# ── iterator-used ────────────────────────────────────────────────────────────

_INDEXED, _COUNTED, _ASKED_FOR = "indexed", "counted", "asked for `.{name}`"
_ITERATOR_TITLE = "`{code}` is an iterator: it gives one after the other"
_ITERATOR = """
`{code}` makes no list: it gives its members one by one, so that it cannot be {used}. {choice}
"""
_AS_LIST = "Make a list of it first: `{better}`."
_AS_DICT = "Make a dictionary of its pairs first: `{better}`."
_EACH = "Ask each of them: `for one in {code}: one.{name}`."
_GIVERS = re.compile(r"\.(named_)?(parameters|children|modules|buffers)\([^()]*\)$")


@failure
def iterator_used(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when what `parameters()` and the like give is indexed, counted, or asked like a tensor."""
    error, found = step.error, failing(step)
    if error is None or found is None or "'generator'" not in error.message:
        return None
    for node in (one for each in found.nodes for one in ast.walk(each)):
        if isinstance(node, ast.Subscript) and "subscriptable" in error.message:
            inner, used, name = node.value, phrase(_INDEXED), ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "len" and "len()" in error.message:
            inner, used, name = node.args[0], phrase(_COUNTED), ""
        elif isinstance(node, ast.Attribute) and f"no attribute '{node.attr}'" in error.message:
            inner, used, name = node.value, phrase(_ASKED_FOR, name=node.attr), node.attr
        else:
            continue
        code = ast.unparse(inner)
        told = _GIVERS.search(code)
        if told is None:
            continue
        key = node.slice if isinstance(node, ast.Subscript) else None
        by_name = told[1] and isinstance(key, ast.Constant) and isinstance(key.value, str)
        maker = "dict" if by_name else "list"
        better = ast.unparse(node).replace(code, f"{maker}({code})")
        fix = None if name else changed(found, inner, f"{maker}({code})")
        choice = _EACH if name else _AS_DICT if by_name else _AS_LIST
        text = fill(_ITERATOR, code=code, used=used, choice=fill(choice, code=code, name=name, better=better))
        return Explanation("iterator-used", "error", fill(_ITERATOR_TITLE, code=code), text, fix)
    return None
