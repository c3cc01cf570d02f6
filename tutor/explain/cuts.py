"""Where the record of a computation was cut off: a block that does not record, or a call such as detach."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from tutor.explain.bindings import Code, Place, surroundings
from tutor.explain.entries import At
from tutor.explain.origins import (
    Story,
    set_off_before,
    switch_node,
    switch_text,
    switched_off,
)
from tutor.explain.reading import path, words
from tutor.facts import TensorFacts

#: What the result of a method or function lacks, in words behind "which".
_METHODS = {
    "detach": "gives the same numbers without their history",
    "detach_": "drops the tensor's history",
    "item": "gives a plain Python number, which has no history",
    "tolist": "gives plain Python numbers, which have no history",
    "numpy": "gives a numpy array, and numpy keeps no history",
    "__float__": "gives a plain Python number, which has no history",
}
_DISCRETE = frozenset(
    """argmax argmin argsort long int short byte char bool eq ne gt ge lt le greater less equal isclose
    nonzero count_nonzero logical_and logical_or logical_not one_hot bincount searchsorted bucketize
    isnan isinf signbit greater_equal less_equal not_equal""".split()  # noqa: SIM905
)
_COPYING = frozenset({"tensor", "Tensor", "FloatTensor", "LongTensor", "as_tensor", "asarray", "from_numpy"})
_PLAIN = frozenset({"float", "int", "bool"})
_DEEPEST = 25
#: Assignments that are followed to see whether a value was recorded.
_NEAR = 8
_NOT_RECORDED = "where autograd does not record"
_RECORDED_NO_MORE = "after which autograd does not record"
_WHOLES = "gives whole numbers or truth values, which have no gradient"
_NUMBERS_ALONE = "makes a new tensor of the numbers alone, with no history"
_IN_NUMPY = "computes in numpy, which keeps no history"


@dataclass(frozen=True)
class Cut:
    """The place: where it stands, the code there, why nothing is recorded, and the name that came of it."""

    at: At
    code: str
    why: str
    name: str | None
    #: The with block, function or call that switches recording off; else None.
    switch: str | None = None
    #: The call or attribute that cuts, where it stands in the failing code.
    node: ast.AST | None = None
    #: Whether the name was bound anew, to a value computed from itself: an update that lost the leaf.
    anew: bool = False


@dataclass
class Search:
    """Follows a tensor that has no history back to where it was lost."""

    story: Story
    #: Names of tensors at the start of it all that do not require grad, with where they were made.
    roots: dict[str, At] = field(default_factory=dict)
    _seen: set[tuple[int, Place]] = field(default_factory=set)
    _told: dict[tuple[str, Place], bool | None] = field(default_factory=dict)

    def find(self, node: ast.expr) -> Cut | None:
        """The cut behind an expression of the failing code."""
        code = self.story.here
        around = surroundings(code, node)
        switch = switched_off(around)
        if path(node) is None and switch is not None:
            recorded = self.recorded(node, code, code.start(node), around)
            if recorded is not False:
                where = code.at(switch_node(switch))
                return Cut(where, words(node, code.source), _NOT_RECORDED, None, switch_text(switch))
        return self._visit(node, code, code.start(node), surroundings(code, node), None, 0)

    def _visit(
        self,
        node: ast.AST,
        code: Code,
        at: Place,
        around: tuple[ast.AST, ...],
        name: str | None,
        depth: int,
    ) -> Cut | None:
        if depth > _DEEPEST or isinstance(node, ast.Lambda):
            return None
        known = path(node)
        if known is not None and (found := self._name(known, code, at, around, depth)) is not None:
            return found
        inner, why = _cutting(node)
        if inner is not None and self.recorded(inner, code, at, around) is not False:
            deeper = self._visit(inner, code, at, around, name, depth + 1)
            text = words(node, code.source)
            return deeper or Cut(code.at(node), text, why, name, None, node)
        if isinstance(node, ast.Call):
            found = self._called(node, code, at, around, name, depth)
            if found is not None:
                return found
        if known is not None and isinstance(node, ast.Name):
            return None
        for child in ast.iter_child_nodes(node):
            part = child.value if isinstance(child, ast.keyword | ast.Starred) else child
            if isinstance(part, ast.expr):
                found = self._visit(part, code, at, around, name, depth + 1)
                if found is not None:
                    return found
        return None

    def _name(self, name: str, code: Code, at: Place, around: tuple[ast.AST, ...], depth: int) -> Cut | None:
        key = (hash(name), at)
        if key in self._seen:
            return None
        self._seen.add(key)
        given = self.story.argument(code, name) if code.function else None
        if given is not None:
            node, caller, call = given
            return self._visit(node, caller, caller.start(call), surroundings(caller, call), None, depth + 1)
        for origin in self.story.origins(name, code, at, around):
            binding = origin.binding
            facts = binding.facts
            if facts is not None and facts.requires_grad and not origin.carried:
                continue
            begin = binding.code.start(binding.statement)
            inputs = self.recorded(binding.value, binding.code, begin, binding.around)
            switch = switched_off(binding.around)
            if switch is not None and inputs is not False:
                where = binding.code.at(switch_node(switch))
                anew = any(path(one) == name for one in ast.walk(binding.value))
                return Cut(where, "", _NOT_RECORDED, name, switch_text(switch), None, anew)
            off = set_off_before(self.story, binding.code, begin)
            if off is not None and inputs is not False and switch is None:
                text = switch_text(off[1])
                return Cut(off[0].at(off[1]), "", _RECORDED_NO_MORE, name, text)
            found = self._visit(binding.value, binding.code, begin, binding.around, name, depth + 1)
            if found is not None:
                return found
            if facts is not None and inputs is False and _is_start(binding.value):
                self.roots.setdefault(name, binding.at)
        return None

    def _called(
        self, call: ast.Call, code: Code, at: Place, around: tuple[ast.AST, ...], name: str | None, depth: int
    ) -> Cut | None:
        """The cut inside a function or a module of the learner's."""
        defined = self.story.called(call)
        if defined is None:
            return self._lambda(call, code, at, around, depth)
        body = self.story.enter(*defined)
        if not body.tree:
            return None
        top = body.tree[0]
        for node in ast.walk(top):
            if not isinstance(node, ast.Return) or node.value is None:
                continue
            inside = surroundings(body, node)
            switch = switched_off((top, *inside))
            if switch is not None:
                where = body.at(switch_node(switch))
                return Cut(where, words(call, code.source), _NOT_RECORDED, name, switch_text(switch))
            found = self._visit(node.value, body, body.start(node), inside, name, depth + 1)
            if found is not None:
                return found
        return None

    def _lambda(
        self, call: ast.Call, code: Code, at: Place, around: tuple[ast.AST, ...], depth: int
    ) -> Cut | None:
        name = path(call.func)
        for origin in self.story.origins(name, code, at, around) if name is not None else ():
            binding = origin.binding
            if isinstance(binding.value, ast.Lambda):
                begin = binding.code.start(binding.statement)
                return self._visit(binding.value.body, binding.code, begin, binding.around, None, depth + 1)
        return None

    def recorded(
        self, node: ast.AST, code: Code, at: Place, around: tuple[ast.AST, ...], depth: int = 0
    ) -> bool | None:
        """Whether some tensor in an expression requires grad; None where that is not known."""
        verdict: bool | None = False
        for child in ast.walk(node):
            name = path(child)
            if name is None or not isinstance(child, ast.expr):
                continue
            facts, known = self.facts(name, code, at, around)
            if facts is not None and facts.requires_grad:
                return True
            if self._has_parameters(name, code):
                return True
            if facts is not None or not isinstance(child, ast.Name):
                continue
            found = self._recorded_before(name, code, at, around, depth) if known else None
            if found:
                return True
            verdict = None if found is None else verdict
        return verdict

    def _recorded_before(
        self, name: str, code: Code, at: Place, around: tuple[ast.AST, ...], depth: int
    ) -> bool | None:
        """The same of a name without facts, such as a function's own, from what it was computed from."""
        if (name, at) in self._told:
            return self._told[name, at]
        self._told[name, at] = verdict = False if depth < _NEAR else None
        if depth == _NEAR:
            return verdict
        for origin in self.story.origins(name, code, at, around):
            binding = origin.binding
            if binding.facts is not None:
                continue
            begin = binding.code.start(binding.statement)
            inner = self.recorded(binding.value, binding.code, begin, binding.around, depth + 1)
            verdict = True if inner or verdict else inner if inner is None else verdict
        self._told[name, at] = verdict
        return verdict

    def _has_parameters(self, name: str, code: Code) -> bool:
        every = {**self.story.codes[0].tensors, **self.story.found.tensors}
        return any(
            facts.requires_grad and facts.is_leaf and key.startswith((f"{name}.", f"{name}["))
            for key, facts in every.items()
            if not key.endswith(".grad")
        )

    def facts(
        self, name: str, code: Code, at: Place, around: tuple[ast.AST, ...]
    ) -> tuple[TensorFacts | None, bool]:
        """Facts of a name at a place, and whether it is known at all."""
        origins = self.story.origins(name, code, at, around)
        if origins:
            return origins[0].binding.facts, True
        facts = code.tensors.get(name) if code.function is not None else self.story.found.tensors.get(name)
        given = self.story.argument(code, name) if code.function else None
        if facts is None and given is not None:
            node, caller, call = given
            inner = path(node)
            if inner is not None:
                return self.facts(inner, caller, caller.start(call), surroundings(caller, call))
        own = name.split(".", maxsplit=1)[0] in ("torch", "nn", "F", "np", "self")
        return facts, facts is not None or own


def _is_start(value: ast.expr) -> bool:
    """Whether an expression makes a tensor out of nothing: a call such as `torch.ones(3)`."""
    return isinstance(value, ast.Call) and (path(value.func) or "").startswith(("torch.", "nn.Parameter"))


def _cutting(node: ast.AST) -> tuple[ast.AST | None, str]:
    """What is cut off by this expression itself, and why."""
    if isinstance(node, ast.Attribute):
        return (node.value, _ATTRIBUTES[node.attr]) if node.attr in _ATTRIBUTES else (None, "")
    if isinstance(node, ast.Compare):
        identity = any(isinstance(one, ast.Is | ast.IsNot | ast.In | ast.NotIn) for one in node.ops)
        return (None, "") if identity else (ast.Tuple([node.left, *node.comparators]), _COMPARED)
    return _cutting_call(node) if isinstance(node, ast.Call) else (None, "")


_ATTRIBUTES = {
    "data": "reads the numbers without their history",
    "grad": "is a gradient: plain numbers, which backward records only with `create_graph=True`",
}
_COMPARED = "compares: true or false does not change with small steps, so it has no gradient"


def _cutting_call(node: ast.Call) -> tuple[ast.AST | None, str]:
    function = path(node.func) or ""
    last = node.func.attr if isinstance(node.func, ast.Attribute) else function
    is_method = isinstance(node.func, ast.Attribute) and function.split(".")[0] not in ("torch", "np", "F")
    receiver = node.func.value if is_method and isinstance(node.func, ast.Attribute) else None
    inner = receiver if receiver is not None else (node.args[0] if node.args else None)
    why = ""
    if isinstance(node.func, ast.Name) and last in _PLAIN:
        why = _METHODS["item"]
    elif isinstance(node.func, ast.Attribute):
        why = _why_of(function, last, node.args, is_method=is_method)
    return (inner, why) if why else (None, "")


def _why_of(function: str, last: str, arguments: list[ast.expr], *, is_method: bool) -> str:
    if last in _METHODS:
        return _METHODS[last]
    whole = last == "to" and any(re.search(r"\b(int|long)", ast.unparse(one)) for one in arguments)
    if last in _DISCRETE or whole:
        return _WHOLES
    if last in _COPYING and not is_method:
        return _NUMBERS_ALONE
    if function.startswith(("np.", "numpy.")):
        return _IN_NUMPY
    return ""
