"""Gradients: where they are kept, what backward needs, and what may not be changed in place."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from tutor.explain.engine import failure, outcome
from tutor.explain.reading import (
    Failing,
    Write,
    evaluated,
    failing,
    insert_after,
    path,
    raised,
    statement_of,
    words,
    wrap,
    writes,
)
from tutor.explain.wording import code_list, fill, maker, shape_text
from tutor.facts import Explanation, Snapshot, Step, TensorFacts

# ── non-leaf-grad ────────────────────────────────────────────────────────────

_NON_LEAF_TITLE = "`{name}` does not keep its gradient"
_NON_LEAF = """
`{name}.grad` is None: `{name}` was computed{made} from other tensors, and backward keeps gradients only in
leaves, the tensors that a computation starts from. It passes through `{name}` and drops the gradient there.
To keep it, insert `{name}.retain_grad()` after `{name}` is made and before `backward()`, then run both again.
If `{name}` was meant to be a parameter, compute its values first and make it a leaf last, with
`.detach().requires_grad_()`.
"""


@outcome
def non_leaf_grad(step: Step, before: Snapshot) -> Explanation | None:
    """Holds when the statement reads `.grad` of a computed tensor that does not retain its gradient."""
    statement = statement_of(step) if ".grad" in step.source else None
    if statement is None:
        return None
    branches = any(isinstance(node, ast.IfExp | ast.BoolOp) for node in ast.walk(statement))
    certain = isinstance(statement, ast.Expr | ast.Assign) and not branches
    # Where part of the statement may have been skipped, torch's own warning says that it was not.
    warned = {w.line - step.line + 1 for w in step.warnings if "not a leaf Tensor" in w.message}
    tensors = before.tensors if certain else step.snapshot.tensors
    for node in evaluated(statement):
        if isinstance(node, ast.Attribute) and node.attr == "grad" and isinstance(node.ctx, ast.Load):
            facts = tensors.get(path(node.value) or "")
            if facts is not None and _drops_grad(facts) and (certain or node.lineno in warned):
                made = f" by `{maker(facts.grad_fn)}`" if facts.grad_fn else ""
                title = fill(_NON_LEAF_TITLE, name=facts.name)
                text = fill(_NON_LEAF, name=facts.name, made=made)
                return Explanation("non-leaf-grad", "warning", title, text, None, (facts.name,))
    return None


def _drops_grad(facts: TensorFacts) -> bool:
    return facts.is_leaf is False and facts.retains_grad is False and facts.requires_grad is True


# ── backward ─────────────────────────────────────────────────────────────────

_SECOND_TITLE = "The graph of `{start}` was already used up"
_SECOND = """
To save memory, backward frees the values that the computation had kept for it, and `{call}` came to a part
of the graph of `{start}` where an earlier backward has been. Either it ran on this result before: then
compute the result afresh before each backward. Or `{start}` builds on something from an earlier round, such
as a carried state: then cut that off with `.detach()`. torch's hint `retain_graph=True` would keep all these
values in memory, and in a loop each backward would go through all earlier rounds again; it is right only if
you mean two passes over one graph, and then it belongs in the first call.
"""
_NO_HISTORY_TITLE = "`{start}` has no history to go back through"
_NO_HISTORY = """
`{start}` has requires_grad False and no grad_fn: there is no record of how it was computed, so `{call}` has
nothing to go back through. {why} Do not write `{start}.requires_grad = True`: the error would go away, but
`{start}` would become a start of its own, and no other tensor would get a gradient.
"""
_WHY_DTYPE = "Its dtype is {dtype}, and only floating point and complex tensors can have gradients."
_WHY_CUT = """
{recorded} require{s} grad, but `{start}` was not computed from {them} in a way that autograd
follows: look for `.detach()`, `.item()`, `.data`, `torch.tensor(...)`, `torch.no_grad()` or an operation
without a gradient, such as `argmax` or a comparison, on the way.
"""
_WHY_NONE = """
No tensor that you gave a name requires grad: make those that are to be learned with `requires_grad=True`
before computing with them.
"""
_WHY_UNKNOWN = (
    "Compute it from tensors that require grad, without `.detach()` or `torch.no_grad()` on the way."
)
_NOT_SCALAR_TITLE = "`{start}` is not a single number"
_NOT_SCALAR = """
A gradient says how one number changes, and `{start}` has {what}. If you want the gradient of their sum, which
for an elementwise computation is each element's own, write `{start}.sum().backward()`; for a loss per sample,
`{start}.mean().backward()` is usual. If you have a weight for each element, pass the weights, in the shape of
`{start}`, as `gradient=`.
"""


@dataclass(frozen=True)
class _Backward:
    """The one backward call of a failing statement, and the tensor that it starts from."""

    failing: Failing
    #: `loss.backward()` and `loss`, as written.
    call: str
    start: str
    node: ast.expr
    #: Whether it is a method of the tensor, not a function of torch.autograd.
    is_method: bool

    @property
    def facts(self) -> TensorFacts | None:
        return self.failing.tensors.get(path(self.node) or "")

    @property
    def names(self) -> tuple[str, ...]:
        return (self.facts.name,) if self.facts is not None else ()


def _backward(step: Step) -> _Backward | None:
    found = failing(step)
    calls = [c for node in found.nodes if (c := _backward_call(node, found)) is not None] if found else []
    return calls[0] if len(calls) == 1 else None


def _backward_call(node: ast.AST, found: Failing) -> _Backward | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    start: ast.expr | None = None
    function = (path(node.func) or "").endswith(("autograd.grad", "autograd.backward"))
    if function and node.args:
        start = node.args[0]
        if isinstance(start, ast.Tuple | ast.List):
            start = start.elts[0] if len(start.elts) == 1 else None
    elif node.func.attr == "backward" and not function:
        start = node.func.value
    if start is None:
        return None
    return _Backward(found, words(node, found.source), words(start, found.source), start, not function)


@failure
def second_backward(step: Step, before: Snapshot) -> Explanation | None:
    """Holds when a backward call met a part of the graph whose saved values an earlier one freed."""
    found = _backward(step) if raised(step, "backward through the graph a second time") else None
    if found is None or (found.facts is not None and found.facts.requires_grad is False):
        return None
    title = fill(_SECOND_TITLE, start=found.start)
    text = fill(_SECOND, start=found.start, call=found.call)
    return Explanation("second-backward", "error", title, text, None, found.names)


@failure
def no_grad_fn(step: Step, before: Snapshot) -> Explanation | None:
    """Holds when backward was to start from a tensor that autograd did not record."""
    found = _backward(step) if raised(step, "does not require grad and does not have a grad_fn") else None
    if found is None or (found.facts is not None and found.facts.requires_grad):
        return None
    title = fill(_NO_HISTORY_TITLE, start=found.start)
    text = fill(_NO_HISTORY, start=found.start, call=found.call, why=_why_no_history(found, step.snapshot))
    return Explanation("no-grad-fn", "error", title, text, None, found.names)


def _why_no_history(found: _Backward, snapshot: Snapshot) -> str:
    facts = found.facts
    if facts is not None and not (facts.dtype or "float").startswith(("float", "bfloat", "complex")):
        return fill(_WHY_DTYPE, dtype=facts.dtype)
    recorded = [t.name for t in snapshot.tensors.values() if t.requires_grad and t.is_leaf]
    if recorded and found.failing.tensors:
        one = len(recorded) == 1
        fields = {"s": "s" if one else "", "them": "it" if one else "them"}
        return fill(_WHY_CUT, start=found.start, recorded=code_list(recorded), **fields)
    return fill(_WHY_UNKNOWN if snapshot.omitted or not found.failing.tensors else _WHY_NONE)


@failure
def non_scalar_backward(step: Step, before: Snapshot) -> Explanation | None:
    """Holds when backward without a gradient argument started from a tensor of several elements."""
    found = (
        _backward(step) if raised(step, "grad can be implicitly created only for scalar outputs") else None
    )
    if found is None or (found.facts is not None and found.facts.numel == 1):
        return None
    what, facts = "several elements", found.facts
    if facts is not None and facts.shape is not None:
        what = f"shape {shape_text(facts.shape)}, {facts.numel:,} elements"
    fix = None
    if facts is not None and found.failing.own and found.is_method:
        fix = insert_after(found.failing.source, found.node, ".sum()")
    title = fill(_NOT_SCALAR_TITLE, start=found.start)
    text = fill(_NOT_SCALAR, start=found.start, what=what)
    return Explanation("non-scalar-backward", "error", title, text, fix, found.names)


# ── leaf-in-place ────────────────────────────────────────────────────────────

#: Methods that overwrite values whatever they were: setting up, not computing.
_SETTING = frozenset(
    {"zero_", "fill_", "copy_", "normal_", "uniform_", "random_", "exponential_", "bernoulli_"}
)

_LEAF_TITLE = "`{leaf}` requires grad and cannot be changed in place while autograd records"
_LEAF = """
`{leaf}` is a leaf: a computation starts from its values and backward collects its gradient, so autograd
refuses to have the values overwritten while it records. {view} {choice}
"""
_LEAF_VIEW = "`{through}` is a view of it, with the same memory."
_LEAF_SET = """
This statement sets new values, which is no part of what is to be differentiated: put it under
`with torch.no_grad():`. Writing `{leaf} = {leaf} - ...` instead would make `{leaf}` a new tensor that is no
leaf and keeps no gradient.
"""
_LEAF_CHOICE = """
If you mean to set new values, put the statement under `with torch.no_grad():`. If the change is part of the
computation to differentiate, make it in a copy that autograd records: `changed = {leaf}.clone()`.
"""


@failure
def leaf_in_place(step: Step, before: Snapshot) -> Explanation | None:
    """Holds when a leaf that requires grad, or a view of one, was to be changed while autograd records."""
    told = raised(step, "leaf Variable that requires grad is being used in an in-place")
    found = failing(step) if told else None
    if found is None:
        return None
    written = [
        (write, leaf)
        for write in writes(found.nodes, found.tensors)
        if (leaf := _leaf_of(write.name, found.tensors)) is not None
    ]
    if len(written) != 1:
        return None
    write, leaf = written[0]
    sets = _sets_values(write)
    text = fill(
        _LEAF,
        leaf=leaf.name,
        view=fill(_LEAF_VIEW, through=write.name) if leaf.name != write.name else "",
        choice=fill(_LEAF_SET if sets else _LEAF_CHOICE, leaf=leaf.name),
    )
    fix = wrap(found.source, found.statement, "with torch.no_grad():") if sets and found.own else None
    names = tuple(dict.fromkeys((leaf.name, write.name)))
    return Explanation("leaf-in-place", "error", fill(_LEAF_TITLE, leaf=leaf.name), text, fix, names)


def _leaf_of(name: str, tensors: Mapping[str, TensorFacts]) -> TensorFacts | None:
    """The leaf that a write through `name` changes: itself, or the one leaf on the same storage."""
    facts = tensors[name]
    if facts.is_leaf:
        return facts if facts.requires_grad else None
    if facts.storage is None:
        return None
    leaves = [t for t in tensors.values() if t.storage == facts.storage and t.is_leaf and t.requires_grad]
    return leaves[0] if len({leaf.object for leaf in leaves}) == 1 else None


def _sets_values(write: Write) -> bool:
    """Whether the write is surely an update of values, not a step of what is to be differentiated."""
    reads_grad = any(isinstance(node, ast.Attribute) and node.attr == "grad" for node in ast.walk(write.node))
    return reads_grad or write.method in _SETTING
