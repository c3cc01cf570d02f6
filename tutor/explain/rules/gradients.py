"""Why `.grad` is None: computed tensors, names bound anew, no backward yet, gradients cleared."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tutor.explain.bindings import FUNCTIONS, Binding, Code, surroundings
from tutor.explain.engine import failure, outcome
from tutor.explain.entries import At
from tutor.explain.iterated import comprehensions, elements, is_loop_variable
from tutor.explain.origins import Story, switched_off
from tutor.explain.passes import backward_of
from tutor.explain.past import Past
from tutor.explain.reading import evaluated, failing, path, replace, statement_of, words
from tutor.explain.wording import fill, maker, phrase
from tutor.facts import Explanation, Snapshot, Step, TensorFacts

_BY = "by `{name}`"
_AT_LINE = "in {at}"
_TITLE = "`{name}` does not keep its gradient"
_NON_LEAF = """
`{name}.grad` is None: `{name}` was computed{made} from other tensors{line}, and backward keeps gradients
only in leaves, the tensors that a computation starts from. It passes through `{name}` and drops the
gradient there. To keep it, insert `{name}.retain_grad()` after `{name}` is made and before `backward()`,
then run both again. {leaf}
"""
_LEAF_LAST = """
If `{name}` was meant to be a parameter, compute its values first and make it a leaf last, with
`.detach().requires_grad_()`.
"""
_UNNAMED_LEAF = """
`{name}.grad` is None: in {at} only the tensor made with `requires_grad=True` is a leaf, and `{name}`
is what `{made}` computed from it. The gradient goes to that leaf, which has no name. Compute the values
first and make `{name}` the leaf last: `.detach().requires_grad_()` at the end of {at}. To see the
gradient of `{name}` as it is now, insert `{name}.retain_grad()` before `backward()`.
"""
_REBOUND_TITLE = "`{name}` is no longer the leaf that collects the gradient"
_REBOUND = """
`{name}.grad` is None: {at} bound `{name}` to a new tensor, the result of a computation.
The leaf that backward filled has lost this name, and backward keeps no gradient in computed tensors. {cure}
"""
_CURE_UPDATE = """
To update the leaf itself, change it in place where autograd does not record: `with torch.no_grad(): {name}
-= ...`.
"""
_CURE_CONVERT = """
To have the new tensor as a leaf, end {at} with `.detach().requires_grad_()`, before computing with
it.
"""
_LATE_TITLE = "`{name}.retain_grad()` came after the backward"
_LATE = """
`{name}.grad` is None: `{name}` is computed, and `retain_grad()` ({at}) only holds for backward
passes that come after it. Move it between the line that makes `{name}` and `backward()`, and run both
again.
"""
_NONE_TITLE = "`{name}` has no gradient yet"
_NOT_YET = """
`{name}.grad` is None: no backward has run before this line. Gradients come into being when `backward()` is
called on a result that was computed from `{name}`.
"""
_CLEARED_TITLE = "The gradient of `{name}` was cleared"
_CLEARED = """
`{name}.grad` is None: `{code}` in {at} threw the gradient away, and no backward has run since. Read
the gradient before it, or call backward again.
"""
_NOT_REACHED_TITLE = "No backward has reached `{name}`"
_NOT_REACHED = """
`{name}.grad` is None: `{name}` is a leaf that requires grad, but backward ({at}) started from
something that was not computed from it in a way that autograd follows. Look for `.detach()`, `.data`,
`torch.no_grad()` or another tensor of this name on the way.
"""
_RETURNED = """
`{name}.grad` is None: `{code}` in {at} returns gradients and stores none. Only `backward()` puts them
into `.grad`.
"""
_OFF_TITLE = "`{name}` does not require grad"
_OFF = (
    "`{name}.grad` is None: `{name}` has requires_grad False, so backward computes no gradient for it. {why}"
)
_OFF_MADE = "It was made in {at}; write `requires_grad=True` there, or `{name}.requires_grad_()` after it."
_OFF_ANEW = """
{at:^} bound it to a new tensor that was computed where autograd does not record. To update `{name}`
itself, change it in place there: `{name} -= ...`.
"""

_OFF_BLOCK = "{at:^} computed it where autograd does not record."

_CLEARING = ("zero_grad",)

Kind = Literal["note", "warning", "error"]


@dataclass(frozen=True)
class _Reading:
    """A `.grad` that is read: of which tensor, and where."""

    name: str
    facts: TensorFacts
    node: ast.AST
    code: Code
    codes: list[Code]

    def made(self) -> Binding | None:
        """The last binding of the name before the reading; in a loop also a later one of the round before."""
        at, around = self.code.start(self.node), surroundings(self.code, self.node)
        every = [b for code in self.codes for b in code.bindings]
        base = re.split(r"[.\[]", self.name, maxsplit=1)[0]
        known = [b for b in every if b.name == self.name] or [b for b in every if b.name == base]
        before = [b for b in known if b.place <= at]
        loops = [node for node in around if isinstance(node, ast.For | ast.While)]
        carried = [b for b in known if b.place > at and any(loop in b.around for loop in loops)]
        return carried[-1] if carried else before[-1] if before else None

    def calls(self) -> Iterator[tuple[Code, ast.AST]]:
        """Calls and deletions before the reading, the last first."""
        at = self.code.start(self.node)
        found = [
            (code, node)
            for code in self.codes
            for root in code.tree
            for node in ast.walk(root)
            if isinstance(node, ast.Call | ast.Assign) and code.start(node) < at
        ]
        return reversed(found)


@outcome
def non_leaf_grad(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the statement reads `.grad` of a computed tensor that does not retain its gradient."""
    if ".grad" not in step.source and not any("not a leaf Tensor" in w.message for w in step.warnings):
        return None
    if _none_error(step):
        return None  # the error itself is explained
    statement, codes = statement_of(step), _codes(step, past)
    if statement is None:
        return None
    branches = any(isinstance(node, ast.IfExp | ast.BoolOp) for node in ast.walk(statement))
    certain = isinstance(statement, ast.Expr | ast.Assign) and not branches
    # Where part of the statement may have been skipped, torch's own warning says that it was not.
    warned = {w.line for w in step.warnings if "not a leaf Tensor" in w.message}
    tensors = before.tensors if certain else step.snapshot.tensors
    for node in _grads(evaluated(statement)):
        name = path(node.value) or ""
        facts = tensors.get(name)
        if facts is None or not (certain or codes[-1].line(node) in warned):
            continue
        reading = _Reading(name, facts, node, codes[-1], codes)
        told = _told(reading, "warning")
        if told is None and certain and facts.is_leaf and facts.grad is None and not _asks(statement, node):
            told = _missing(reading, "note")
        if told is not None:
            return told
    return _in_comprehension(warned, codes, {**before.tensors, **step.snapshot.tensors}) or _warned_elsewhere(
        warned, codes
    )


def _in_comprehension(
    warned: set[int], codes: list[Code], tensors: Mapping[str, TensorFacts]
) -> Explanation | None:
    """A reading of a loop variable's `.grad` that torch warned of, told by the name that is known outside."""
    code = codes[-1]
    for one in (one for root in code.tree for one in comprehensions(root)):
        for node in _grads(ast.walk(one)):
            if code.line(node) not in warned or not isinstance(node.value, ast.Name):
                continue
            for facts in elements(node.value.id, one, tensors):
                told = _told(_Reading(facts.name, facts, node, code, codes), "warning")
                if told is not None:
                    return told
    return None


def _warned_elsewhere(warned: set[int], codes: list[Code]) -> Explanation | None:
    """A reading that torch warned of, in code whose names are no variables of the snapshot."""
    for code in reversed(codes):
        for node in _grads(node for root in code.tree for node in ast.walk(root)):
            name = path(node.value)
            if code.over and not _is_inside_function(code, node):
                continue  # it is not running now
            if code.line(node) in warned and name is not None:
                return _non_leaf(name, None, None, "warning")
    return None


def _is_inside_function(code: Code, node: ast.AST) -> bool:
    return any(isinstance(one, FUNCTIONS) for one in surroundings(code, node))


def _grads(nodes: Iterator[ast.AST]) -> Iterator[ast.Attribute]:
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "grad" and isinstance(node.ctx, ast.Load):
            yield node


def _asks(statement: ast.stmt, grad: ast.AST) -> bool:
    """Whether code only asks if there is a gradient: `w.grad is None`."""
    return any(isinstance(n, ast.Compare) and n.left is grad for n in ast.walk(statement))


def _none_error(step: Step) -> bool:
    error = step.error
    return error is not None and error.type in ("AttributeError", "TypeError") and "None" in error.message


@failure
def none_grad(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when code computed with a `.grad` that is None."""
    found = failing(step) if _none_error(step) else None
    if found is None:
        return None
    codes = _codes(step, past)
    code = codes[-1]
    if not found.own:
        code = Story(step, past, found).here
        codes.append(code)
    for node in _grads(node for root in found.nodes for node in ast.walk(root)):
        facts = found.tensors.get(path(node.value) or "")
        if facts is None or facts.grad is not None:
            continue
        if any(is_loop_variable(facts.name, one) for one in comprehensions(found.statement)):
            outside = (t for t in step.snapshot.tensors.values() if t.object == facts.object)
            facts = next(outside, facts)
        reading = _Reading(facts.name, facts, node, code, codes)
        told = _told(reading, "error") or _missing(reading)
        if told is not None:
            return _with_fix(told, reading, step)
    return None


def _codes(step: Step, past: Past) -> list[Code]:
    return [*past.codes, past.now(step)]


def _told(reading: _Reading, kind: Kind) -> Explanation | None:
    """Why a computed tensor has no gradient; None where it is a leaf."""
    facts, name = reading.facts, reading.name
    if facts.is_leaf is not False or facts.requires_grad is not True or facts.grad is not None:
        return None
    made = reading.made()
    if facts.retains_grad:
        late = _retained_late(reading)
        if late is None:
            return None
        title, text = fill(_LATE_TITLE, name=name), fill(_LATE, name=name, at=late)
        return _explanation(kind, title, text, name)
    if made is not None and any(path(node) == name for node in ast.walk(made.value)):
        code = words(made.statement, made.code.source)
        update = isinstance(made.value, ast.BinOp)
        cure = fill(_CURE_UPDATE if update else _CURE_CONVERT, name=name, at=made.at)
        text = fill(_REBOUND, name=name, at=made.at.with_code(code), cure=cure)
        return _explanation(kind, fill(_REBOUND_TITLE, name=name), text, name)
    return _non_leaf(name, facts, made, kind)


def _non_leaf(name: str, facts: TensorFacts | None, made: Binding | None, kind: Kind) -> Explanation:
    by = f" {phrase(_BY, name=maker(facts.grad_fn))}" if facts is not None and facts.grad_fn else ""
    if made is not None and _makes_leaf(made.value):
        text = fill(_UNNAMED_LEAF, name=name, at=made.at, made=words(made.value, made.code.source))
    else:
        known = made is not None and not isinstance(made.statement, ast.For)
        line = f" {phrase(_AT_LINE, at=made.at)}" if made is not None and known else ""
        text = fill(_NON_LEAF, name=name, made=by, line=line, leaf=fill(_LEAF_LAST, name=name))
    return _explanation(kind, fill(_TITLE, name=name), text, name)


def _makes_leaf(value: ast.expr) -> bool:
    """Whether an expression makes a leaf and computes with it at once."""
    inside = [n for n in ast.walk(value) if isinstance(n, ast.Call) and n is not value]
    words_given = (w for call in inside for w in call.keywords)
    given = any(w.arg == "requires_grad" and ast.unparse(w.value) == "True" for w in words_given)
    return given or any((path(call.func) or "").endswith("Parameter") for call in inside)


def _explanation(kind: Kind, title: str, text: str, name: str) -> Explanation:
    return Explanation("non-leaf-grad", kind, title, text, None, (name,))


def _retained_late(reading: _Reading) -> At | None:
    """The place of a `retain_grad()` with no backward behind it."""
    for code, node in reading.calls():
        if isinstance(node, ast.Call) and backward_of(node) is not None:
            return None
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Attribute) and function.attr == "retain_grad":
            return code.at(node)
    return None


def _missing(reading: _Reading, kind: Kind = "error") -> Explanation | None:
    """Why a leaf has no gradient."""
    name, facts = reading.name, reading.facts
    if facts.requires_grad is False:
        made, why = reading.made(), ""
        anew = made is not None and any(path(node) == name for node in ast.walk(made.value))
        if made is not None and switched_off(made.around) is not None:
            why = fill(_OFF_ANEW if anew else _OFF_BLOCK, name=name, at=made.at)
        elif made is not None:
            why = fill(_OFF_MADE, name=name, at=made.at)
        return _none(fill(_OFF_TITLE, name=name), fill(_OFF, name=name, why=why), name, kind)
    for code, node in reading.calls():
        text = words(node, code.source)
        at = code.at(node).beside(text)
        if isinstance(node, ast.Call):
            if backward_of(node) is not None and (path(node.func) or "").rpartition(".")[2] == "grad":
                told = fill(_RETURNED, name=name, at=at, code=text)
                return _none(fill(_NOT_REACHED_TITLE, name=name), told, name, kind)
            if backward_of(node) is not None:
                told = fill(_NOT_REACHED, name=name, at=at)
                return _none(fill(_NOT_REACHED_TITLE, name=name), told, name, kind)
            if isinstance(node.func, ast.Attribute) and node.func.attr in _CLEARING:
                told = fill(_CLEARED, name=name, code=text, at=at)
                return _none(fill(_CLEARED_TITLE, name=name), told, name, kind)
        elif isinstance(node, ast.Assign) and any(path(t) == f"{name}.grad" for t in node.targets):
            told = fill(_CLEARED, name=name, code=text, at=at)
            return _none(fill(_CLEARED_TITLE, name=name), told, name, kind)
    return _none(fill(_NONE_TITLE, name=name), fill(_NOT_YET, name=name), name, kind)


def _none(title: str, text: str, name: str, kind: Kind) -> Explanation:
    return Explanation("grad-none", kind, title, text, None, (name,))


def _with_fix(told: Explanation, reading: _Reading, step: Step) -> Explanation:
    """The same with the update `w = w - step` of this very step written in place."""
    made = reading.made()
    fix = None
    if told.rule == "non-leaf-grad" and made is not None and made.code is reading.code:
        fix = _in_place(made, reading.code.source, _tensors(step))
    return Explanation(told.rule, told.kind, told.title, told.text, fix, told.names)


def _tensors(step: Step) -> Mapping[str, TensorFacts]:
    return step.snapshot.tensors


def _in_place(made: Binding, source: str, tensors: Mapping[str, TensorFacts]) -> str | None:
    value, statement = made.value, made.statement
    if not isinstance(statement, ast.Assign) or not isinstance(value, ast.BinOp) or made.name not in tensors:
        return None
    signs = {ast.Sub: "-=", ast.Add: "+="}
    sign = signs.get(type(value.op))
    step = ast.get_source_segment(source, value.right)
    if sign is None or step is None or "\n" in step or path(value.left) != made.name:
        return None
    lines = ["with torch.no_grad():", f"    {made.name} {sign} {step}", f"{made.name}.grad = None"]
    return replace(source, statement, lines)
