"""Modules that were not set up: no `super().__init__()`, or an `__init__` that goes by another name."""

from __future__ import annotations

import ast
import re
from difflib import SequenceMatcher

from tutor.explain import calls
from tutor.explain.elsewhere import Defined, defined, is_module
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, insert_line
from tutor.explain.wording import fill
from tutor.facts import Explanation, Snapshot, Step

#: What Module.__init__ makes; a module without one of these never ran it.
_MADE = re.compile(
    r"has no attribute '_(parameters|buffers|modules|backward_hooks|forward_hooks|backward_pre_hooks"
    r"|forward_pre_hooks|non_persistent_buffers_set|is_full_backward_hook|state_dict_hooks"
    r"|state_dict_pre_hooks|load_state_dict_pre_hooks|load_state_dict_post_hooks)'"
)
_BEFORE = re.compile(r"before Module.__init__\(\) call")

# ── super-init ───────────────────────────────────────────────────────────────

_TITLE = "{type} does not call `super().__init__()` before it is used"
_TITLE_LATE = "{type} calls `super().__init__()` too late"
_TEXT = """
`{code}` {does}, and {type} has not been set up as a module yet: that is what `super().__init__()` does,
which must run before. {where}
"""
_REGISTERS = "registers {what} with the module"
_NEEDS = "needs the lists of layers and parameters that every module has"
_LAYER = "a layer"
_PARAMETER = "a parameter"
_BUFFER = "a buffer"
_ABSENT = "`__init__` of {type} ({at}) never calls it: make it the first line there, above all `self.…`."
_LATE = """
`__init__` of {type} calls it afterwards ({at}): move that line to the top, since it starts with empty lists
and would drop what was set before.
"""
_UNCALLED = """
`{written}` ({at}) does not call it: without brackets behind `__init__` it is only named. Write
`super().__init__()`.
"""
_WRONG = """
`{written}` ({at}) is not that of the parent class: write `super().__init__()`, with nothing in `super()`.
"""
_FIRST = "Make it the first line of `{method}` ({at})."
_UNKNOWN = "Make it the first line of `__init__`."


@failure
def super_init(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a module is used or given layers, and its class never ran Module.__init__ before."""
    error = step.error
    if error is None or error.type != "AttributeError":
        return None
    sets = _BEFORE.search(error.message) is not None
    if not sets and _MADE.search(error.message) is None:
        return None
    found = failing(step)
    kind = _type(step, found)
    if found is None or kind is None:
        return None
    own = _culprit(step, past, found, defined(step, past, kind))
    late = _late(own) if own is not None else None
    if late is not None and own is not None and found.line(found.statement) > own.code.line(late) and sets:
        return None
    kind = own.node.name if own is not None else kind
    where, fixable = _where(step, past, own, kind)
    frame = error.frames[-1]
    post = own.methods.get(frame.function) if own is not None and "__init__" not in own.methods else None
    if post is not None and own is not None:
        where = fill(_FIRST, method=frame.function, at=own.code.at(post))
    code = ast.get_source_segment(found.source, found.statement) or ""
    does = fill(_REGISTERS, what=_what(step)) if sets else _NEEDS
    fields = {"code": _short(code), "type": kind, "does": does, "where": where}
    fix = None
    made = own.methods.get("__init__") if own is not None else None
    here = own is not None and made is not None and own.code.line(made) == found.first_line
    if sets and fixable and here:
        fix = found.changed(insert_line(found.source, found.statement, "super().__init__()", after=False))
    title = _TITLE_LATE if late is not None else _TITLE
    return Explanation("super-init", "error", fill(title, type=kind), fill(_TEXT, **fields), fix)


def _culprit(step: Step, past: Past, found: Failing, own: Defined | None) -> Defined | None:
    """The class whose `__init__` fails to call its parent's: its own, or one that it derives from."""
    for _ in range(8):
        if own is None:
            return None
        made = own.methods.get("__init__")
        called = _late(own)
        line = own.code.line(called) if called is not None else 0
        here = made is not None and own.code.line(made) == found.first_line
        if made is not None and (called is None or (here and line > found.line(found.statement))):
            return own
        parents = (defined(step, past, base) for base in own.bases)
        parent = next((one for one in parents if one is not None), None)
        if parent is None:
            return own
        own = parent
    return own


def _type(step: Step, found: Failing | None) -> str | None:
    call = calls.failed(step)
    if call is not None and call.module is not None:
        return call.module.type
    told = (
        re.match(r"'(\w+)' object has no attribute", step.error.message) if step.error is not None else None
    )
    if told is not None:
        return told[1]
    return found.modules.get("self") if found is not None else None


def _what(step: Step) -> str:
    message = step.error.message if step.error is not None else ""
    return _PARAMETER if "param" in message else _BUFFER if "buffer" in message else _LAYER


def _where(step: Step, past: Past, own: Defined | None, kind: str) -> tuple[str, bool]:
    """Where the call is missing, and whether a line that makes it repairs the class."""
    made = own.methods.get("__init__") if own is not None else None
    if own is None or made is None:
        return _UNKNOWN, False
    at = own.code.at(made)
    called = _late(own)
    if called is not None:
        return fill(_LATE, type=kind, at=own.code.at(called)), False
    for node in ast.walk(made):
        if isinstance(node, ast.Attribute) and node.attr == "__init__":
            written = _call_text(own, made, node)
            called_so = written.endswith(")")
            template = _WRONG if called_so else _UNCALLED
            return fill(template, written=written, at=own.code.at(node)), True
    return fill(_ABSENT, type=kind, at=at), True


def _late(own: Defined) -> ast.AST | None:
    """The call of the parent's `__init__` that `__init__` makes, in any right form."""
    made = own.methods.get("__init__")
    for node in ast.walk(made) if made is not None else ():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr != "__init__":
            continue
        base = node.func.value
        through = isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super"
        if through and isinstance(base, ast.Call) and len(base.args) in (0, 2):
            return node
        if ast.unparse(base).rpartition(".")[2] in own.bases and node.args:
            return node
    return None


def _call_text(own: Defined, made: ast.AST, attribute: ast.Attribute) -> str:
    called = next((n for n in ast.walk(made) if isinstance(n, ast.Call) and n.func is attribute), None)
    return ast.unparse(called if called is not None else attribute)


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 80 else f"{line[:79]}…"


# ── misspelled-init ──────────────────────────────────────────────────────────

_INIT_TITLE = "{type} has `{name}` where Python looks for `__init__`"
_INIT = """
{what} {type} defines `{name}` ({at}), which Python does not call: a new object is set up by `__init__`,
with two underscores on each side. Rename it, and it runs when `{type}(...)` is made.
"""
_INIT_ATTRIBUTE = "`{owner}.{attribute}` was never set: only `{name}` sets it."
_INIT_ARGUMENTS = "`{code}` gives arguments, and no `__init__` of {type}'s own takes them."
_UNLIKE = frozenset({"__call__", "__len__", "__getitem__", "__iter__", "__repr__", "__str__", "__next__"})


@failure
def misspelled_init(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a module lacks what its `_init_` or `__int__` sets, or does not take the arguments of it."""
    error = step.error
    if error is None or error.type not in ("AttributeError", "TypeError"):
        return None
    missing = error.missing
    call = calls.failed(step)
    found = failing(step)
    if error.type == "AttributeError":
        if missing is None or missing.kind != "attribute":
            return None
        kind = missing.type
    elif call is not None and call.form == "class" and found is not None:
        function = getattr(found.expression, "func", None)
        kind = ast.unparse(function) if isinstance(function, ast.Name) else ""
    else:
        return None
    own = defined(step, past, kind)
    if own is None or "__init__" in own.methods or not is_module(step, past, own):
        return None
    name = next((one for one in own.methods if like_init(one)), None)
    if name is None:
        return None
    if missing is not None and missing.kind == "attribute":
        if missing.name not in own.set_in(name):
            return None
        what = fill(_INIT_ATTRIBUTE, owner=missing.owner, attribute=missing.name, name=name)
    else:
        what = fill(_INIT_ARGUMENTS, code=call.expression if call is not None else kind, type=kind)
    text = fill(_INIT, what=what, type=kind, name=name, at=own.code.at(own.methods[name]))
    return Explanation("misspelled-init", "error", fill(_INIT_TITLE, type=kind, name=name), text)


def like_init(name: str) -> bool:
    """Whether a method's name is `__init__` with a slip: `_init_`, `__int__`, `init`."""
    if name in _UNLIKE:
        return False
    bare = name.strip("_").lower()
    return bare in ("init", "int", "inti", "initt", "iniit", "initialize", "constructor") or (
        name.startswith("_") and SequenceMatcher(None, name, "__init__").ratio() > 0.85
    )
