"""What rules about outcomes read: the operations of a step, the code of each, and what came before it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cached_property

from tutor.explain.bindings import Code
from tutor.explain.entries import At
from tutor.explain.lineage import Deed, Lineage
from tutor.explain.past import Past
from tutor.explain.reading import at_span
from tutor.facts import Operand, OpFacts, Span, Step

#: Operations that give the numbers of their first argument in another shape, place or dtype.
MOVING = frozenset(
    {"view", "view_as", "reshape", "reshape_as", "flatten", "ravel", "squeeze", "unsqueeze", "unflatten"}
    | {"to", "type", "type_as", "cpu", "cuda", "float", "double", "half", "bfloat16", "contiguous", "clone"}
    | {"permute", "transpose", "t", "T", "mT", "swapaxes", "movedim", "getitem", "select", "narrow", "detach"}
)
#: Operations on each element by itself, or on one element of each operand.
ELEMENTWISE = frozenset(
    {"pow", "square", "abs", "absolute", "exp", "log", "sqrt", "neg", "sigmoid", "clamp", "float", "double"}
    | {"mul", "div", "add", "sub", "to", "rsub", "long", "int", "log1p", "tanh", "relu", "softplus", "where"}
)
#: Operations that are followed back from one operand.
_MOST_BACK = 50


class Flow:
    """The operations of one step, with the earlier ones where they are asked for."""

    def __init__(self, step: Step, past: Past) -> None:
        self.step, self._past = step, past

    @cached_property
    def lineage(self) -> Lineage:
        return Lineage(self.step, self._past)

    @cached_property
    def here(self) -> Code:
        return self._past.now(self.step)

    @property
    def around(self) -> list[Code]:
        """The code that was entered together with this step, up to it."""
        return [*(code for code in self._past.codes if not code.over), self.here]

    def calls(self, names: Collection[str]) -> Iterator[OpFacts]:
        """Operations of these names that the step ran, the first time at each place."""
        seen: set[tuple[str, Span | None]] = set()
        for op in self.step.operations:
            if op.name in names and op.error is None and (op.name, op.span) not in seen:
                seen.add((op.name, op.span))
                yield op

    def source(self, operand: Operand) -> Deed | None:
        """The operation that computed the numbers of an operand, however they were moved since."""
        found = self.lineage.maker(operand.object)
        for _ in range(_MOST_BACK):
            if found is None or found.op.name not in MOVING or not found.op.ins:
                return found
            earlier = self.lineage.maker(found.op.ins[0].object)
            if earlier is None:
                return None
            found = earlier
        return None

    def root(self, operand: Operand) -> int:
        """The number of the object that an operand is, or that it has its elements from."""
        number = operand.object
        for _ in range(_MOST_BACK):
            made = self.lineage.maker(number)
            if made is None or made.op.name not in MOVING or not made.op.ins:
                break
            number = made.op.ins[0].object
        return number

    def users(self, number: int, after: int) -> Iterator[OpFacts]:
        """Operations of this step behind `after` that took an object."""
        for op in self.step.operations:
            if op.seq > after and any(one.object == number for one in op.ins):
                yield op

    def at(self, op: OpFacts) -> At:
        """Where an operation of this step was called, to be named in a sentence."""
        return self.here.at_deed(op)

    def code(self, op: OpFacts) -> tuple[Code, ast.AST] | None:
        """The code of an operation of this step, of a function the code that defined it; None where it
        is not known."""
        if op.span is None or op.elsewhere:
            return None
        for code in (self.here, *reversed(self._past.codes)):
            if code.over or not code.first_line <= op.span[0] <= code.first_line + code.source.count("\n"):
                continue
            shift = code.first_line - 1
            node = at_span(code.tree, (op.span[0] - shift, op.span[1], op.span[2] - shift, op.span[3]))
            if node is not None and one_line(node, code.source) == op.expression:
                return code, node
        return None

    def own(self, op: OpFacts) -> ast.AST | None:
        """The code of an operation where it stands in the step itself, for a fix to change."""
        found = self.code(op)
        return found[1] if found is not None and found[0] is self.here else None

    def source_of(self, op: OpFacts) -> str:
        """The source that the code of an operation stands in."""
        found = self.code(op)
        return found[0].source if found is not None else ""

    def argument(self, op: OpFacts, operand: Operand) -> ast.expr | None:
        """The code of an operand: a side of an operator, what a method is asked of, an argument."""
        found = self.code(op)
        node = found[1] if found is not None else None
        place = operand.place
        if isinstance(node, ast.BinOp) and place in ("0", "1") and op.name != "rsub":
            return node.left if place == "0" else node.right
        if isinstance(node, ast.Compare) and place in ("0", "1") and len(node.comparators) == 1:
            return node.left if place == "0" else node.comparators[0]
        if not isinstance(node, ast.Call) or any(isinstance(one, ast.Starred) for one in node.args):
            return None
        given = [*node.args]
        if not op.within and isinstance(node.func, ast.Attribute):
            receiver = node.func.value
            if found is not None and op.ins and one_line(receiver, found[0].source) == op.ins[0].name:
                given.insert(0, receiver)
        named = {word.arg: word.value for word in node.keywords if word.arg is not None}
        if place.isdecimal():
            name = ("input", "target", "weight")[int(place)] if int(place) < 3 else ""
            return given[int(place)] if int(place) < len(given) else named.get(name)
        return named.get(place)

    def fixed(self, node: ast.AST, code: str) -> str | None:
        """The step's code with `code` instead of an expression of it."""
        return swap(self.step.source, node, code)


def one_line(node: ast.AST, source: str) -> str:
    """The whole code of a node on one line."""
    return " ".join((ast.get_source_segment(source, node) or "").split())


def swap(source: str, node: ast.AST, code: str) -> str | None:
    """`source` with `code` instead of an expression."""
    place = [getattr(node, name, None) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")]
    if None in place:
        return None
    first, begin, last, end = (int(number or 0) for number in place)
    lines = [line.encode() for line in source.split("\n")]
    joined = lines[first - 1][:begin] + code.encode() + lines[last - 1][end:]
    return b"\n".join([*lines[: first - 1], joined, *lines[last:]]).decode()


def first_of(op: OpFacts, *places: str) -> Operand | None:
    """The operand at the first of these places that has one."""
    for place in places:
        found = next((one for one in op.ins if one.place == place), None)
        if found is not None:
            return found
    return None


def number_at(op: OpFacts, *places: str) -> int | None:
    """The whole number that the learner gave at one of these places."""
    for place in places:
        text = op.plain.get(place)
        if text is not None and text.lstrip("-").isdecimal():
            return int(text)
    return None
