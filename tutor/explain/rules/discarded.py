"""Results that nobody keeps, methods that are named and not called, and settings that set nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.explain.bindings import Code
from tutor.explain.engine import outcome
from tutor.explain.flow import Flow, one_line, swap
from tutor.explain.past import Past
from tutor.explain.reading import path, statement_of
from tutor.explain.wording import fill
from tutor.facts import Explanation, OpFacts, Snapshot, Step

# ── result-unused ────────────────────────────────────────────────────────────

_words = str.split
#: Methods that compute and have a twin that writes in place.
_TWINNED = frozenset(
    _words("""
    abs add sub mul div pow neg exp log sqrt rsqrt square clamp clip relu sigmoid tanh round floor
    ceil masked_fill index_fill index_add index_copy scatter scatter_add fill copy lerp addcmul
    addcdiv addmm fmod remainder floor_divide reciprocal sign trunc frac nan_to_num tril triu cumsum
    cumprod unsqueeze squeeze transpose t swapaxes relu6 erf sin cos
    """)
)
#: Methods that give a converted or otherwise laid out tensor.
_CONVERTING = frozenset(
    _words("""
    to float double half bfloat16 int long short bool byte type type_as cpu cuda view reshape
    flatten permute contiguous expand repeat detach clone ravel squeeze sort flip roll
    """)
)
#: Code that says that it runs operations for the time that they take.
_TIMED = ("perf_counter", "timeit", "time.time(", "profile", "synchronize", "monotonic")

_UNUSED_TITLE = "The result of `{code}` is thrown away"
_UNUSED = """
`{code}` leaves `{name}` as it is and gives a new tensor, which no name keeps: after {at}, `{name}` is still
{shape} {dtype}{same}. {how}
"""
_SAME = " (on another device it would still be where it is now)"
_HOW_TWIN = """
Write `{name} = {code}` to have `{name}` stand for the result, or `{twin}`, with an underscore, to write
into the tensor itself, which every other name of it sees.
"""
_HOW = "Methods of tensors do not change their tensor: write `{name} = {code}`."


@outcome
def result_unused(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a method of a named tensor that changes nothing is a statement by itself, its value is
    neither shown nor caught, and the code does not take the time of it."""
    flow = Flow(step, past)
    for op in flow.calls(_TWINNED | _CONVERTING):
        if op.within or op.wrote or not op.outs or op.verdict in ("in place", "none"):
            continue
        found = flow.code(op)
        if found is None or not _is_thrown_away(step, flow, *found):
            continue
        call = found[1]
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        name = path(call.func.value)
        about = op.ins[0] if op.ins else None
        if name is None or about is None or about.name != name or call.func.attr != op.name:
            continue
        return _unused(flow, op, call, name)
    return None


def _unused(flow: Flow, op: OpFacts, call: ast.Call, name: str) -> Explanation:
    twin = op.name in _TWINNED
    about = op.ins[0]
    how = fill(
        _HOW_TWIN if twin else _HOW,
        name=name,
        code=op.expression,
        twin=op.expression.replace(f".{op.name}(", f".{op.name}_(", 1),
    )
    text = fill(
        _UNUSED,
        code=op.expression,
        name=name,
        at=flow.at(op),
        shape=list(about.shape or ()),
        dtype=about.dtype,
        same=_SAME if op.name in ("to", "cuda", "cpu") and op.verdict == "same" else "",
        how=how,
    )
    # Where somebody else reads the same memory, or autograd takes the tensor for a leaf, both ways differ.
    tensors = flow.step.snapshot.tensors
    facts = tensors.get(name)
    alone = facts is not None and not any(name in group for group in flow.step.snapshot.sharing)
    plain = alone and facts is not None and not (facts.requires_grad and facts.is_leaf)
    node = flow.own(op)
    fix = (
        flow.fixed(node, f"{name} = {op.expression}")
        if node is call and plain and name.isidentifier()
        else None
    )
    title = fill(_UNUSED_TITLE, code=op.expression)
    return Explanation("result-unused", "warning", title, text, fix, (name,) if name in tensors else ())


def _is_thrown_away(step: Step, flow: Flow, code: Code, call: ast.AST) -> bool:
    if any(word in one.source for one in flow.around for word in _TIMED):
        return False
    for statement, around in _statements(code.tree):
        if isinstance(statement, ast.Expr) and statement.value is call:
            # In the middle of a file a value is shown as well, and the lines below go on without it.
            shown = code is flow.here and not around and step.result is not None and step.last
            return not shown and not any(isinstance(one, ast.Try) for one in around)
    return False


def _statements(
    body: tuple[ast.stmt, ...] | list[ast.stmt], around: tuple[ast.stmt, ...] = ()
) -> Iterator[tuple[ast.stmt, tuple[ast.stmt, ...]]]:
    """All statements, with those that they stand in."""
    for statement in body:
        yield statement, around
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(statement, part, [])
            for one in inner if isinstance(inner, list) else []:
                block = [one] if isinstance(one, ast.stmt) else getattr(one, "body", [])
                yield from _statements(block, (*around, statement))


# ── not-called ───────────────────────────────────────────────────────────────

#: Methods that are for what they do.
_ACTIONS = {
    "backward": "no gradient was computed",
    "step": "nothing was updated",
    "zero_grad": "the gradients are as they were",
    "requires_grad_": "it requires grad no more than before",
    "eval": "its mode is what it was",
    "train": "its mode is what it was",
    "zero_": "its elements are what they were",
    "detach_": "it has its history still",
    "retain_grad": "it will keep no gradient",
    "cuda": "it is where it was",
    "cpu": "it is where it was",
    "close": "it is open still",
}
_UNCALLED_TITLE = "`{code}` names the method and does not call it"
_UNCALLED = """
Without parentheses `{code}` is only the method itself, which nobody called: {effect}. Python takes it for
an expression like any other and says nothing. Write `{code}()`.
"""


@outcome
def not_called(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a statement that ran consists of the name of a method that only does something, without
    a call."""
    if step.error is not None:
        return None
    here = past.now(step)
    for statement, around in _statements(here.tree):
        value = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(value, ast.Attribute) or value.attr not in _ACTIONS or path(value.value) is None:
            continue
        if any(isinstance(one, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) for one in around):
            continue  # whether that ran is not known
        code = one_line(value, step.source)
        text = fill(_UNCALLED, code=code, effect=_ACTIONS[value.attr])
        name = path(value.value) or ""
        names = (name,) if name in step.snapshot.tensors else ()
        fix = swap(step.source, value, f"{code}()")
        return Explanation("not-called", "warning", fill(_UNCALLED_TITLE, code=code), text, fix, names)
    return None


# ── module-requires-grad ─────────────────────────────────────────────────────

_MODULE_TITLE = "`{code}` sets nothing of the layers in `{name}`"
_MODULE = """
A module has no `requires_grad` of its own: this made a new attribute of `{name}` that nobody reads, and its
{count} parameters, such as `{parameter}`, require grad as before. Write
`{name}.requires_grad_({value})`, which asks every parameter.
"""


@outcome
def module_requires_grad(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `requires_grad` was assigned to a module, where it is an attribute like any other."""
    statement = statement_of(step)
    if step.error is not None or not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    aim = statement.targets[0]
    if not isinstance(aim, ast.Attribute) or aim.attr != "requires_grad":
        return None
    name = path(aim.value)
    if name is None or name in step.snapshot.tensors:
        return None
    parts = [
        facts
        for key, facts in step.snapshot.tensors.items()
        if facts.kind == "parameter" and key.startswith((f"{name}.", f"{name}["))
    ]
    value = one_line(statement.value, step.source)
    if not parts or value not in ("True", "False") or all(str(f.requires_grad) == value for f in parts):
        return None
    code = one_line(statement, step.source)
    text = fill(_MODULE, name=name, count=len(parts), parameter=parts[0].name, value=value)
    title = fill(_MODULE_TITLE, code=code, name=name)
    fix = step.source.replace(code, f"{name}.requires_grad_({value})") if code in step.source else None
    return Explanation("module-requires-grad", "warning", title, text, fix, (parts[0].name,))


# ── context-unused ───────────────────────────────────────────────────────────

_CONTEXTS = frozenset(
    {"torch.no_grad", "torch.inference_mode", "torch.enable_grad", "torch.autograd.no_grad", "torch.autocast"}
)
_CONTEXT_TITLE = "`{code}` by itself does nothing"
_CONTEXT = """
`{code}` makes an object that switches when a `with` block enters it and back when it leaves. As a
statement by itself nobody enters it: what comes after runs as before. Write `with {code}:` and put under
it what it is for.
"""


@outcome
def context_unused(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `torch.no_grad()`, or a context like it, is a statement by itself."""
    if step.error is not None:
        return None
    for statement, around in _statements(past.now(step).tree):
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or path(call.func) not in _CONTEXTS:
            continue
        if any(isinstance(one, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) for one in around):
            continue
        code = one_line(call, step.source)
        title = fill(_CONTEXT_TITLE, code=code)
        return Explanation("context-unused", "warning", title, fill(_CONTEXT, code=code))
    return None


# ── misspelled-attribute ─────────────────────────────────────────────────────

_MISSPELLED = {
    "require_grad": "requires_grad",
    "required_grad": "requires_grad",
    "requires_gradient": "requires_grad",
}
_SPELLED_TITLE = "`{code}` sets a new attribute, not `{right}`"
_SPELLED = """
Python lets any name be set on {what}, so there is a new attribute `{wrong}` now that nobody reads. The
one that torch asks for is `{right}`.
"""


@outcome
def misspelled_attribute(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `requires_grad` was assigned to under a name that is spelled almost like it."""
    if step.error is not None:
        return None
    for statement, around in _statements(past.now(step).tree):
        aims = statement.targets if isinstance(statement, ast.Assign) else []
        aim = aims[0] if len(aims) == 1 else None
        if not isinstance(aim, ast.Attribute) or aim.attr not in _MISSPELLED or path(aim.value) is None:
            continue
        if any(isinstance(one, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) for one in around):
            continue
        right, code = _MISSPELLED[aim.attr], one_line(aim, step.source)
        better = f"{one_line(aim.value, step.source)}.{right}"
        what = f"`{path(aim.value)}`"
        text = fill(_SPELLED, what=what, wrong=aim.attr, right=right)
        title = fill(_SPELLED_TITLE, code=code, right=right)
        fix = swap(step.source, aim, better)
        return Explanation("misspelled-attribute", "warning", title, text, fix)
    return None
