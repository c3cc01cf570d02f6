"""Backward passes that cannot run: a graph used up, no graph at all, no single number to start from."""

from __future__ import annotations

import ast
import re

from tutor.explain.cuts import Cut, Search
from tutor.explain.engine import failure
from tutor.explain.entries import At
from tutor.explain.lineage import Deed, Lineage, Pass
from tutor.explain.origins import Story
from tutor.explain.passes import FailingPass, Shared, failing_pass, kept_state, shared_with_earlier
from tutor.explain.past import Past
from tutor.explain.reading import (
    insert_line,
    raised,
    remove,
    words,
)
from tutor.explain.severed import severed
from tutor.explain.wording import and_text, code_list, fill, phrase
from tutor.facts import Explanation, Snapshot, Step

# ── second backward ──────────────────────────────────────────────────────────

_ON_THE_WAY = "On the way, `{name}` was cut off:"
_WAS_COMPUTED = "`{name}` was computed"
_SECOND_TITLE = "The graph of `{start}` was already used up"
_SECOND = """
{where} A backward frees the values that the computation had kept for it, to save memory. {cure}
torch's hint `retain_graph=True` would {harm}.
"""
_HARM = "keep all these values in memory, and is right only if you mean two passes over one graph"
_HARM_LOOP = """
keep all these values in memory, and each backward would go through all earlier rounds again: slower with
every round
"""
_SAME = "`{call}` in {called} already went back through `{start}`, computed in {made}."
_SAME_CURE = "For another backward, compute `{start}` afresh: run {made} again before it."
_TRUNK = """
`{start}` and the backward in {at} both go back through `{name}`, computed in {made}, and the
first pass used it up.
"""
_TRUNK_CURE = """
Add the two losses and call backward once on the sum, or compute `{name}` again in between; where the first
pass need not reach `{name}`, give it `{name}.detach()`.
"""
_OUTSIDE = """
`{name}` is computed once, in {made}, before the loop, and `{call}` goes back through it in every round:
the first round used it up.
"""
_OUTSIDE_CURE = "Compute `{name}` inside the loop, afresh for each backward."
_CARRIED = """
`{name}` comes from the round before ({made}), so the graph of `{start}` goes on into the rounds before,
which `{call}` has been through.
"""
_CARRIED_CURE = """
Cut it off between rounds: `{name} = {name}.detach()` after the backward keeps the numbers and drops their
history.
"""
_CARRIED_PLAIN = """
Cut it off between rounds: `.detach()` on each tensor in it keeps the numbers and drops their history.
"""
_STATE = """
`{function}` keeps `{name}` from one call to the next and computes on with it ({made}), so the graph of
`{start}` goes on into earlier calls, which an earlier backward has been through.
"""
_STATE_CURE = "Keep `{name}.detach()` instead: the same numbers without their history."
_ADDED = """
`{name}` adds up what all rounds computed ({made}), so `{call}` in each round goes back through the
rounds before too.
"""
_ADDED_CURE = """
Call backward on what one round adds and sum up plain numbers with `.item()`, or call backward once, after
the loop.
"""
_CALLED = """
`{name}` was computed outside this function, in {made}, and an earlier call of it went back through
`{name}` already.
"""
_CALLED_CURE = "Compute it inside the function, afresh for each backward."
_SEEN = """
`{earlier}` in {by} already went back through `{code}` ({made}) and freed what it had kept, and the graph of
`{start}` goes through it too.
"""
_SEEN_ITSELF = (
    "An earlier round or call of it already went back through `{code}` ({made}) and freed what it had kept."
)
_SEEN_CURE = """
Compute that part afresh for each backward, or add the losses and call backward once; where the gradient
need not go further back, cut it off with `.detach()`.
"""
_UNKNOWN = "`{call}` came to a part of the graph of `{start}` where an earlier backward has been."
_UNKNOWN_CURE = """
Either it ran on this result before: then compute the result afresh before each backward. Or `{start}` builds
on something from an earlier round, such as a carried state: then cut that off with `.detach()`.
"""


@failure
def second_backward(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a backward call met a part of the graph whose saved values an earlier one freed."""
    found = failing_pass(step) if raised(step, "backward through the graph a second time") else None
    if found is None or (found.facts is not None and found.facts.requires_grad is False):
        return None
    story = Story(step, past, found.failing)
    shared = shared_with_earlier(story, found.failing, found.backward)
    where, cure, fix = _UNKNOWN, _UNKNOWN_CURE, None
    fields: dict[str, object] = {"start": found.start, "call": found.call}
    names = found.names
    if shared is not None:
        name = shared.binding.name
        fields |= {"name": name, "made": shared.binding.at, "at": shared.at}
        where, cure, fix = _told(found, shared)
        names = tuple(dict.fromkeys((*names, *([name] if name in found.failing.tensors else []))))
        if shared.earlier is not None:
            call = words(shared.earlier, _source_of(story, shared.earlier))
            fields |= {"call": call, "called": shared.at.beside(call)}
    elif (state := kept_state(story, found.failing, found.backward)) is not None:
        where, cure = _STATE, _STATE_CURE
        fields |= {"name": state.name, "made": state.at, "function": state.function}
    elif (seen := _seen(step, past)) is not None:
        node, by = seen
        itself = by.facts.line == found.failing.line(found.backward.node)
        where, cure = _SEEN_ITSELF if itself else _SEEN, _SEEN_CURE
        fields |= {"earlier": by.facts.expression, "by": by.at, "code": node.words, "made": node.at}
    in_loop = shared is not None and shared.loop is not None
    unknown = shared is None and where is not _SEEN
    text = fill(
        _SECOND,
        where=fill(where, **fields),
        cure=fill(cure, **fields),
        harm=fill(_HARM_LOOP if in_loop or unknown else _HARM),
    )
    title = fill(_SECOND_TITLE, start=found.start)
    return Explanation("second-backward", "error", title, text, fix, names)


def _seen(step: Step, past: Past) -> tuple[Deed, Pass] | None:
    """The nearest operation whose node was freed, and the pass that freed it, where both were recorded."""
    facts = next((one for one in reversed(step.backwards) if one.error is not None), None)
    lineage = Lineage(step, past)
    for node in facts.spoiled if facts is not None else ():
        by = lineage.freed_by([node.node], before=facts.seq) if facts is not None else None
        made = lineage.deed(node.origin.seq) if node.origin is not None else None
        if by is not None and made is not None:
            return made, by
    return None


def _source_of(story: Story, node: ast.AST) -> str:
    for code in story.codes:
        if any(node is one for root in code.tree for one in ast.walk(root)):
            return code.source
    return ""


def _told(found: FailingPass, shared: Shared) -> tuple[str, str, str | None]:
    """What is to be said of a shared value, what to do about it, and the fix."""
    binding, source = shared.binding, found.failing.source
    if shared.earlier is not None:
        if not shared.is_start:
            return _TRUNK, _TRUNK_CURE, None
        fix = None
        if shared.count == 1 and isinstance(binding.statement, ast.Assign) and len(binding.around) == 0:
            again = ast.get_source_segment(binding.code.source, binding.statement)
            if again is not None and "\n" not in again:
                fix = found.failing.changed(insert_line(source, found.failing.statement, again, after=False))
        return _SAME, _SAME_CURE, fix
    if shared.loop is None:
        return _CALLED, _CALLED_CURE, None
    if not shared.carried:
        return _OUTSIDE, _OUTSIDE_CURE, None
    if binding.adds:
        return _ADDED, _ADDED_CURE, None
    if binding.name not in found.failing.tensors:
        return _CARRIED, _CARRIED_PLAIN, None
    line = f"{binding.name} = {binding.name}.detach()"
    fix = found.failing.changed(insert_line(source, found.failing.statement, line))
    return _CARRIED, _CARRIED_CURE, fix


# ── no history ───────────────────────────────────────────────────────────────

_NO_HISTORY_TITLE = "`{start}` has no history to go back through"
_NO_HISTORY = """
`{start}` has requires_grad False and no grad_fn: there is no record of how it was computed, so `{call}` has
nothing to go back through. {why} {hint}
"""
_HINT = """
Do not write `{start}.requires_grad = True`: the error would go away, but `{start}` would become a start of
its own, and no other tensor would get a gradient.
"""
_HINT_ANY = """
Do not set requires_grad on the result: the error would go away, but it would become a start of its own, and
no other tensor would get a gradient.
"""
_CUT_SWITCH = """
{what} under `{switch}` ({at}), {why}. Do this outside the block, and keep the block for code that
needs no gradients.
"""
_CUT_ANEW = """
Under `{switch}` ({at}), {why}, `{name}` was bound to a new tensor, and that one is no leaf that
requires grad. To update `{name}`, change it in place there, with `-=`: then it stays the tensor that is
learned.
"""
_CUT_DECORATED = """
{what} in a function under `{switch}` ({at}), {why}. Call it without that line where gradients are
needed.
"""
_CUT_SET = "{what} after `{switch}` ({at}), {why}. Switch it on again before computing."
_CUT_CALL = "{whose}`{code}` in {at} {why}. Compute without it on the way to `{start}`."
_CUT_HERE = "`{code}` {why}. Call backward on the result without it."
_SEVERED = """
On the way, `{code}` ({at}) {why}, although `{name}` requires grad. Compute `{start}` without that step, or
where autograd records.
"""
_WHY_DTYPE = """
Its dtype is {dtype}, and only floating point and complex tensors can have gradients. {roots}
"""
_DTYPE_ROOTS = "It is computed from {roots}: make that of floating point numbers, with `requires_grad=True`."
_WHY_ROOTS = """
It is computed from {roots}, and nothing there requires grad. Make what is to be learned with
`requires_grad=True` before computing with it.
"""
_ITS_ARGUMENT = "its argument"
_WHY_CUT = """
{recorded} require{s} grad, but `{start}` was not computed from {them} in a way that autograd
follows: look for `.detach()`, `.item()`, `.data`, `torch.tensor(...)`, `torch.no_grad()` or an operation
without a gradient, such as `argmax` or a comparison, on the way.
"""
_WHY_LEAF = "`{start}` was made with plain numbers ({at}), and not computed from anything."
_WHY_FROZEN = "{frozen} {have} requires_grad False, so there is nothing to learn: set it to True again."
_WHY_UNKNOWN = (
    "Compute it from tensors that require grad, without `.detach()` or `torch.no_grad()` on the way."
)
_WHY_NONE = """
No tensor that you gave a name requires grad: make those that are to be learned with `requires_grad=True`
before computing with them.
"""


@failure
def no_grad_fn(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when backward was to start from a tensor that autograd did not record."""
    if not raised(step, "does not require grad and does not have a grad_fn"):
        return None
    told = re.match(r"element (\d+) of", step.error.message if step.error is not None else "")
    found = failing_pass(step, int(told[1]) if told is not None else 0)
    if found is None or (found.facts is not None and found.facts.requires_grad):
        return None
    search = Search(Story(step, past, found.failing))
    cut = search.find(found.backward.start)
    why = _why_cut(found, cut) if cut is not None else _why_severed(found, step, past)
    why = why or _why_no_history(found, step.snapshot, search)
    names = found.names
    if cut is not None and cut.name is not None and cut.name in found.failing.tensors:
        names = tuple(dict.fromkeys((*names, cut.name)))
    title = fill(_NO_HISTORY_TITLE, start=found.start)
    named = isinstance(found.backward.start, ast.Name | ast.Attribute)
    hint = fill(_HINT if named else _HINT_ANY, start=found.start)
    text = fill(_NO_HISTORY, start=found.start, call=found.call, why=why, hint=hint)
    return Explanation("no-grad-fn", "error", title, text, _without_cut(found, cut), names)


def _why_cut(found: FailingPass, cut: Cut) -> str:
    fields = {
        "at": cut.at.beside(cut.switch or cut.code),
        "code": cut.code,
        "why": cut.why,
        "switch": cut.switch,
        "start": found.start,
    }
    if cut.switch is None:
        if cut.node is not None and any(cut.node is one for one in ast.walk(found.failing.statement)):
            return fill(_CUT_HERE, **fields)
        whose = fill(_ON_THE_WAY, name=cut.name) + " " if cut.name else ""
        return fill(_CUT_CALL, whose=whose, **fields)
    if cut.anew:
        return fill(_CUT_ANEW, name=cut.name, **fields)
    what = fill(_WAS_COMPUTED, name=cut.name or cut.code)
    if cut.switch.startswith("@"):
        return fill(_CUT_DECORATED, what=what, **fields)
    return fill(_CUT_SWITCH if cut.switch.startswith("with ") else _CUT_SET, what=what, **fields)


def _why_severed(found: FailingPass, step: Step, past: Past) -> str:
    """The place where the history was lost, from the record; empty where that was not seen."""
    if found.facts is None:
        return ""
    lost = severed(Lineage(step, past), found.facts.object)
    if lost is None:
        return ""
    name = lost.given.name or phrase(_ITS_ARGUMENT)
    return fill(_SEVERED, code=lost.deed.words, at=lost.deed.at, why=lost.why, name=name, start=found.start)


def _without_cut(found: FailingPass, cut: Cut | None) -> str | None:
    """The failing statement without a `.detach()` or `.data` that stands in it."""
    node = cut.node if cut is not None else None
    if node is None or not any(node is one for one in ast.walk(found.failing.statement)):
        return None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "detach":
        inner: ast.expr = node.func.value
    elif isinstance(node, ast.Attribute) and node.attr == "data":
        inner = node.value
    else:
        return None
    return found.failing.changed(remove(found.failing.source, node, inner))


def _why_no_history(found: FailingPass, snapshot: Snapshot, search: Search) -> str:
    facts = found.facts
    if facts is not None and not (facts.dtype or "float").startswith(("float", "bfloat", "complex")):
        started = fill(_DTYPE_ROOTS, roots=_lines(search.roots)) if search.roots else ""
        return fill(_WHY_DTYPE, dtype=facts.dtype, roots=started)
    known = {**snapshot.tensors, **found.failing.tensors}
    parameters = [t for t in known.values() if t.kind == "parameter" and t.requires_grad is False]
    frozen = list({t.object: t.name for t in reversed(parameters)}.values())[::-1]
    leaves = [t for t in known.values() if t.requires_grad and t.is_leaf and t.kind != "gradient"]
    leaves.sort(key=lambda t: not t.name.isidentifier())
    recorded = list({t.object: t.name for t in reversed(leaves)}.values())[::-1]
    roots = {name: at for name, at in search.roots.items() if name != found.start}
    if frozen and not recorded:
        return fill(_WHY_FROZEN, frozen=code_list(frozen), have="have" if len(frozen) > 1 else "has")
    if roots:
        return fill(_WHY_ROOTS, roots=_lines(roots))
    if found.start in search.roots:
        return fill(_WHY_LEAF, start=found.start, at=search.roots[found.start])
    if recorded:
        one = len(recorded) == 1
        fields = {"s": "s" if one else "", "them": "it" if one else "them"}
        return fill(_WHY_CUT, start=found.start, recorded=code_list(recorded), **fields)
    unknown = snapshot.unshown or not found.failing.own
    return fill(_WHY_UNKNOWN if unknown else _WHY_NONE)


def _lines(roots: dict[str, At]) -> str:
    listed = [f"`{name}` ({at})" for name, at in roots.items()][:3]
    return and_text(listed)
