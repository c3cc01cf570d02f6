"""Deriving from nn.Module: the call of its `__init__`, the base class, and methods that attributes hide."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls
from tutor.explain.elsewhere import Defined, changed, codes, defined, is_module
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.rules.initialised import like_init
from tutor.explain.wording import fill
from tutor.facts import Explanation, Snapshot, Step

# ── super-call ───────────────────────────────────────────────────────────────

_TITLE = "`{code}` is not how a module's `__init__` is called"
_TEXT = """
In `__init__` of {type}, `{code}` is to set the object up as a module. {problem} Write `super().__init__()`.
"""
_NO_BRACKETS = "`super` is a class, and only `super()`, with brackets, leads to the parent of this object."
_SPELLED = "The method is spelled `__init__`, with two underscores on each side."
_ARGUMENTS = """
The `__init__` of nn.Module takes nothing besides the object itself, which Python puts in: settings such as
sizes are for the lines that make layers.
"""
_NO_SELF = "Asked of the class nn.Module itself, it is not told which object to set up."


@failure
def super_call(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a module's `__init__` calls that of nn.Module in a way that fails."""
    error, found = step.error, failing(step)
    if error is None or found is None or error.type not in ("TypeError", "AttributeError", "RuntimeError"):
        return None
    node = _init_called(found)
    own = _class_of(step, past, found)
    if node is None or own is None or not is_module(step, past, own):
        return None
    function, code = node.func if isinstance(node, ast.Call) else node, ast.unparse(node)
    if not isinstance(function, ast.Attribute):
        return None
    arguments = [*node.args, *node.keywords] if isinstance(node, ast.Call) else []
    through = isinstance(function.value, ast.Call)
    direct = any(base == "Module" for base in own.bases)
    if isinstance(function.value, ast.Name) and function.value.id == "super":
        problem = _NO_BRACKETS
    elif function.attr != "__init__":
        problem = _SPELLED
    elif direct and through and arguments:
        problem = fill(_ARGUMENTS)
    elif direct and not through and not arguments:
        problem = _NO_SELF
    else:
        return None
    inside = "" if direct else ", ".join(ast.unparse(one) for one in arguments)
    fix = changed(found, node, f"super().__init__({inside})")
    text = fill(_TEXT, type=own.node.name, code=code, problem=problem)
    return Explanation("super-call", "error", fill(_TITLE, code=code), text, fix)


def _init_called(found: Failing) -> ast.Call | None:
    """The call of a parent's `__init__`, or of what is spelled almost so, in the failing statement."""
    for node in ast.walk(found.statement):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named = node.func.attr == "__init__" or like_init(node.func.attr)
        value = node.func.value
        name = value.func if isinstance(value, ast.Call) else value
        if named and (ast.unparse(name) == "super" or ast.unparse(name).endswith("Module")):
            return node
    return None


def _class_of(step: Step, past: Past, found: Failing) -> Defined | None:
    """The class whose method is running."""
    if found.own:
        return None
    for code in codes(step, past):
        for root in code.tree:
            for node in ast.walk(root):
                if isinstance(node, ast.ClassDef):
                    own = Defined(code, node)
                    if any(code.line(one) == found.first_line for one in own.methods.values()):
                        return own
    return None


# ── base-class ───────────────────────────────────────────────────────────────

_AN_OBJECT = "an object, made by the brackets behind the class"
_PYTHON_MODULE = "a Python module, a file of many classes"
_BASE_TITLE = "A class derives from a class, and `{base}` is {what}"
_BASE = """
`class {name}({base})` names in its brackets what it derives from, which must be a class: `{base}` is
{what}. Write `class {name}({better}):`.
"""


@failure
def base_class(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a class is to derive from a module made of nn.Module, or from `nn` itself."""
    error, found = step.error, failing(step)
    if error is None or found is None or error.type != "TypeError":
        return None
    statement = found.statement
    if not isinstance(statement, ast.ClassDef) or len(statement.bases) != 1:
        return None
    base = statement.bases[0]
    written = ast.unparse(base)
    if isinstance(base, ast.Call) and ast.unparse(base.func).endswith("Module") and not base.args:
        what, better = _AN_OBJECT, ast.unparse(base.func)
    elif written in ("nn", "torch.nn"):
        what, better = _PYTHON_MODULE, f"{written}.Module"
    else:
        return None
    fields = {"name": statement.name, "base": written, "what": what, "better": better}
    fix = changed(found, base, better)
    return Explanation("base-class", "error", fill(_BASE_TITLE, **fields), fill(_BASE, **fields), fix)


# ── method-hidden ────────────────────────────────────────────────────────────

_HIDDEN_TITLE = "`self.{name}` hides the method `{name}` that every module has"
_HIDDEN = """
`{code}` needs the method `{name}` of nn.Module, and `__init__` of {type} sets `self.{name}` to `{value}`
({at}), which is found first and cannot be called so. Give the attribute another name.
"""
_METHODS = frozenset({
    "train", "eval", "parameters", "named_parameters", "children", "named_children", "modules",
    "named_modules", "buffers", "named_buffers", "state_dict", "load_state_dict", "to", "type", "apply",
    "cpu", "cuda", "float", "half", "double", "requires_grad_", "zero_grad", "forward", "register_buffer",
    "register_parameter", "add_module", "get_parameter", "share_memory",
})  # fmt: skip
_FAILS = re.compile(r"'\w+' object is not (?:callable|iterable)|missing 1 required positional")


@failure
def method_hidden(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a module's own attribute has the name of a method of nn.Module that is needed."""
    error, call, found = step.error, calls.failed(step), failing(step)
    if error is None or found is None or error.type != "TypeError":
        return None
    if _FAILS.search(error.message) is None:
        return None
    node = found.expression
    kind = call.module.type if call is not None and call.module is not None else ""
    if not kind and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        kind = found.modules.get(ast.unparse(node.func.value), "")
    own = defined(step, past, kind) if kind else None
    if own is None or not is_module(step, past, own):
        return None
    held = {name: one for name, one in own.set_in("__init__").items() if name in _METHODS}
    asked = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    name = asked if asked in held else next(iter(held), None)
    if name is None or (asked and asked not in _METHODS):
        return None
    statement, value = held[name]
    fields = {"name": name, "type": kind, "value": ast.unparse(value), "at": own.code.at(statement)}
    code = ast.unparse(node) if node is not None else kind
    text = fill(_HIDDEN, code=code, **fields)
    return Explanation("method-hidden", "error", fill(_HIDDEN_TITLE, **fields), text)
