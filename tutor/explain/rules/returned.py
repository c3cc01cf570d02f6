"""Functions that return nothing, and methods that were not called."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls
from tutor.explain.elsewhere import changed, codes, defined, last_set
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.wording import fill
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
        text = fill(_UNCALLED, name=name, used=_USED.get(told[1] or "", "used so"))
        fix = changed(found, node, f"{name}()")
        return Explanation("method-uncalled", "error", fill(_UNCALLED_TITLE, name=name), text, fix)
    return None
