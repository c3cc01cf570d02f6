"""Backward passes in the learner's code: the calls, what they start from, and which share a graph."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.explain.bindings import LOOPS, Binding, Code, Place, surroundings
from tutor.explain.entries import At
from tutor.explain.origins import Origin, Story
from tutor.explain.reading import Failing, failing, path, words
from tutor.facts import Step, TensorFacts

_MOST = 400


@dataclass(frozen=True)
class Backward:
    """A call of backward or autograd.grad, and the expression that it starts from."""

    node: ast.Call
    start: ast.expr
    #: Whether it is a method of the tensor, not a function of torch.autograd.
    is_method: bool

    @property
    def retains(self) -> bool:
        """Whether it leaves the graph as it is."""
        given = {word.arg: word.value for word in self.node.keywords}
        value = given.get("retain_graph", given.get("create_graph"))
        return isinstance(value, ast.Constant) and value.value is True


def backward_of(node: ast.AST, which: int = 0) -> Backward | None:
    """`node` as a backward call; of several starts the one at `which`."""
    if not isinstance(node, ast.Call):
        return None
    name = path(node.func) or ""
    last = node.func.attr if isinstance(node.func, ast.Attribute) else name
    given = {word.arg: word.value for word in node.keywords}
    function = name.endswith(("autograd.grad", "autograd.backward", "Tensor.backward"))
    start: ast.expr | None = None
    if function or name in ("grad", "backward"):
        start = node.args[0] if node.args else given.get("tensors", given.get("outputs"))
        if isinstance(start, ast.Tuple | ast.List):
            start = start.elts[which] if which < len(start.elts) else None
        function = True
    elif last == "backward" and isinstance(node.func, ast.Attribute):
        start = node.func.value
    return Backward(node, start, not function) if start is not None else None


@dataclass(frozen=True)
class FailingPass:
    """The failing backward call."""

    failing: Failing
    backward: Backward

    @property
    def call(self) -> str:
        return words(self.backward.node, self.failing.source)

    @property
    def start(self) -> str:
        return words(self.backward.start, self.failing.source)

    @property
    def facts(self) -> TensorFacts | None:
        return self.failing.tensors.get(path(self.backward.start) or "")

    @property
    def names(self) -> tuple[str, ...]:
        return (self.facts.name,) if self.facts is not None else ()


def failing_pass(step: Step, which: int = 0) -> FailingPass | None:
    """The backward call that raised; of several starts the one at `which`."""
    found = failing(step)
    calls = [b for node in found.nodes if (b := backward_of(node, which)) is not None] if found else []
    return FailingPass(found, calls[0]) if found is not None and len(calls) == 1 else None


@dataclass(frozen=True)
class Shared:
    """A value that both the failing pass and an earlier one go back through."""

    binding: Binding
    #: The earlier pass; None where it was the same call in an earlier round of `loop` or call of a function.
    earlier: ast.Call | None
    at: At
    loop: ast.AST | None = None
    carried: bool = False
    #: Whether it is the tensor itself that the failing pass starts from.
    is_start: bool = False
    #: Names of all that the two share.
    count: int = 1


def shared_with_earlier(story: Story, found: Failing, last: Backward) -> Shared | None:
    """The earlier pass that freed a part of the failing one's graph, and the nearest value they share."""
    code = story.here
    around = surroundings(code, last.node)
    at = code.start(last.node)
    ours = list(_closure(story, found, last.start, code, at, around))
    loops = [node for node in around if isinstance(node, LOOPS)]
    start = path(last.start)
    for other, call, place in _earlier_calls(story, code, at):
        pass_ = backward_of(call)
        if pass_ is None or pass_.retains:
            continue
        theirs = {
            _key(o.binding)
            for o in _closure(story, found, pass_.start, other, place, surroundings(other, call))
            if not o.carried
        }
        common = [o for o in ours if _key(o.binding) in theirs and not o.carried]
        if common:
            first = common[0].binding
            return Shared(first, call, other.at(call), None, False, first.name == start, len(common))
    at_call = code.at(last.node)
    for loop in reversed(loops):
        carried = [o.binding for o in ours if o.carried is loop]
        if carried:
            return Shared(carried[0], None, at_call, loop, carried=True, is_start=carried[0].name == start)
        outside = [o.binding for o in ours if loop not in o.binding.around]
        # Of a list the rounds take one element each, so a tensor that all share is the likelier.
        outside.sort(key=lambda binding: binding.facts is None and binding.name not in found.tensors)
        if outside:
            return Shared(outside[0], None, at_call, loop, is_start=outside[0].name == start)
    if code.function is not None:
        beyond = [o.binding for o in ours if o.binding.code.order != code.order]
        if beyond:
            return Shared(beyond[0], None, at_call)
    return None


@dataclass(frozen=True)
class State:
    """A value that a function of the learner's keeps from one call to the next."""

    name: str
    at: At
    function: str


def kept_state(story: Story, found: Failing, last: Backward) -> State | None:
    """What a function called on the way, or the one that is running, both reads and keeps."""
    code = story.here
    around = surroundings(code, last.node)
    expressions: list[ast.AST] = [last.start]
    expressions += [
        o.binding.value for o in _closure(story, found, last.start, code, code.start(last.node), around)
    ]
    functions: list[tuple[Code, ast.AST]] = (
        [(code, code.tree[0])] if code.function is not None and code.tree else []
    )
    for expression in expressions:
        for node in ast.walk(expression):
            called = story.called(node) if isinstance(node, ast.Call) else None
            if called is not None:
                functions.append(called)
    for where, function in functions:
        state = _state_in(where, function)
        if state is not None:
            return state
    return None


def _state_in(code: Code, function: ast.AST) -> State | None:
    shared = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign | ast.AugAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for one in (part for target in targets for part in ast.walk(target)):
            name = path(one)
            if name is None or not (name in shared or name.startswith("self.")):
                continue
            read = isinstance(node, ast.AugAssign) or any(path(n) == name for n in ast.walk(node.value))
            if read and "detach" not in ast.unparse(node.value):
                return State(name, code.at(node), str(getattr(function, "name", "")))
    return None


def _key(binding: Binding) -> tuple[int, int, int, str]:
    return (*binding.code.start(binding.statement), binding.name)


def _earlier_calls(story: Story, code: Code, at: Place) -> Iterator[tuple[Code, ast.Call, Place]]:
    """Backward calls before a place, the last first: in the same code, then in statements before it."""
    found: list[tuple[Code, ast.Call, Place]] = []
    for other in story.codes:
        if other is not code and (other.function is not None or other.order >= code.order):
            continue
        for statement in other.tree:
            if other is not code and isinstance(statement, ast.FunctionDef | ast.ClassDef):
                continue
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and backward_of(node) is not None:
                    place = other.start(node)
                    if place < at:
                        found.append((other, node, place))
    return reversed(found)


def _closure(
    story: Story, found: Failing, start: ast.expr, code: Code, at: Place, around: tuple[ast.AST, ...]
) -> Iterator[Origin]:
    """What an expression was computed from, the nearest first, as far as it can be part of a graph."""
    pending: list[tuple[ast.AST, Code, Place, tuple[ast.AST, ...]]] = [(start, code, at, around)]
    seen: set[tuple[object, ...]] = set()
    budget = _MOST
    while pending and budget > 0:
        budget -= 1
        node, code, at, around = pending.pop(0)
        for name in _names(node):
            given = story.argument(code, name) if code.function else None
            if given is not None:
                value, caller, call = given
                place = caller.start(call)
                pending.append((value, caller, place, surroundings(caller, call)))
                continue
            for origin in story.origins(name, code, at, around):
                binding = origin.binding
                key = (*_key(binding), id(origin.carried))
                if key in seen or not _may_have_graph(binding, story, found):
                    continue
                seen.add(key)
                yield origin
                begin = binding.code.start(binding.statement)
                pending.append((binding.value, binding.code, begin, binding.around))


def _names(node: ast.AST) -> list[str]:
    """Paths that an expression reads, without what is cut off by detach or item."""
    names: list[str] = []
    pending = [node]
    while pending:
        one = pending.pop(0)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            if one.func.attr in ("detach", "item", "tolist", "numpy"):
                continue
            pending.append(one.func.value)
        # A function or a module that is called holds no graph itself.
        if isinstance(one, ast.Call):
            pending.extend((*one.args, *(word.value for word in one.keywords)))
            continue
        if isinstance(one, ast.Attribute) and one.attr == "data":
            continue
        name = path(one)
        if name is not None:
            names.append(name)
        pending.extend(ast.iter_child_nodes(one))
    return list(dict.fromkeys(names))


def _may_have_graph(binding: Binding, story: Story, found: Failing) -> bool:
    facts: TensorFacts | None = binding.facts
    if facts is None and binding.code in story.running:
        facts = found.tensors.get(binding.name)
    if facts is not None:
        return facts.is_leaf is False
    # Numbers, modules and optimizers hold no graph; a list or tuple of tensors may.
    if isinstance(binding.value, ast.Constant):
        return False
    return binding.name not in found.numbers and binding.name not in found.modules


def text_of(binding: Binding) -> str:
    """The code of a binding's statement on one line."""
    return words(binding.statement, binding.code.source)
