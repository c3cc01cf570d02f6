"""What an expression is, worked out from the facts of its names: shape and stride, or a whole number."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tutor.explain.reading import path, words
from tutor.facts import Shape, TensorFacts

#: Kinds that behave as torch's own strided tensors do.
PLAIN = frozenset({"tensor", "parameter", "buffer", "gradient"})
_DEEPEST = 12


@dataclass(frozen=True)
class Operand:
    """A tensor in an expression: the code it was written as, the variable behind it, its layout."""

    text: str
    name: str
    shape: Shape
    stride: Shape

    @property
    def numel(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(frozen=True)
class Scope:
    """The code that is looked at, and the tensors that its names stand for."""

    tensors: Mapping[str, TensorFacts]
    source: str
    numbers: Mapping[str, int] = field(default_factory=dict)
    kinds: frozenset[str] = PLAIN

    def operand(self, node: ast.AST, depth: int = 0) -> Operand | None:
        """The tensor that `node` evaluates to: a name, or views of it such as `x.T` and `x[:, 0]`."""
        found = self._named(node)
        if found is None and depth < _DEEPEST:
            found = self._view(node, depth + 1)
        return found and replace(found, text=words(node, self.source))

    def _named(self, node: ast.AST) -> Operand | None:
        name = path(node)
        facts = self.tensors.get(name) if name is not None else None
        if name is None or facts is None or facts.kind not in self.kinds:
            return None
        if facts.shape is None or facts.stride is None:
            return None
        return Operand(name, name, facts.shape, facts.stride)

    def _view(self, node: ast.AST, depth: int) -> Operand | None:
        if isinstance(node, ast.Subscript):
            base = self.operand(node.value, depth)
            return base and self._indexed(base, node.slice)
        if isinstance(node, ast.Attribute):
            base = self.operand(node.value, depth)
            return base and _attribute(base, node.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords:
            receiver, arguments = node.func.value, node.args
            if path(receiver) == "torch" and arguments:
                receiver, arguments = arguments[0], arguments[1:]
            base = self.operand(receiver, depth)
            return base and self._method(base, node.func.attr, arguments)
        return None

    def _method(self, base: Operand, method: str, arguments: list[ast.expr]) -> Operand | None:
        count = len(base.shape)
        if method == "detach" and not arguments:
            return base
        if method == "t" and not arguments and count <= 2:
            return _permuted(base, range(count)[::-1])
        numbers = self.sizes(arguments)
        if numbers is not None and method in _LAYOUTS:
            return _LAYOUTS[method](base, numbers)
        if numbers is None or not all(-count <= number < count for number in numbers):
            return None
        dimensions = [number % count for number in numbers]
        if method in ("transpose", "swapaxes", "swapdims") and len(dimensions) == 2:
            return _permuted(base, _swap(count, *dimensions))
        if method == "permute" and sorted(dimensions) == list(range(count)):
            return _permuted(base, dimensions)
        return None

    def _indexed(self, base: Operand, index: ast.expr) -> Operand | None:
        """Basic indexing with whole numbers and slices; anything else copies or cannot be told."""
        items = index.elts if isinstance(index, ast.Tuple) else [index]
        if len(items) > len(base.shape):
            return None
        shape, stride = [], []
        for item, size, step in zip(items, base.shape, base.stride, strict=False):
            if isinstance(item, ast.Slice):
                chosen = self._chosen(item, size)
                if chosen is None:
                    return None
                shape.append(len(chosen))
                stride.append(step * chosen.step)
            else:
                number = self.integer(item)
                if number is None or not -size <= number < size:
                    return None
        rest = len(items)
        return replace(base, shape=(*shape, *base.shape[rest:]), stride=(*stride, *base.stride[rest:]))

    def _chosen(self, item: ast.Slice, size: int) -> range | None:
        """The indices that a slice takes out of `size`."""
        bounds = [self.integer(part) if part else None for part in (item.lower, item.upper, item.step)]
        parts = (item.lower, item.upper, item.step)
        if any(part and bound is None for part, bound in zip(parts, bounds, strict=True)) or bounds[2] == 0:
            return None
        return range(size)[slice(*bounds)]

    def sizes(self, arguments: Sequence[ast.expr]) -> tuple[int, ...] | None:
        """Whole numbers given one by one or as one tuple, list or shape; None where one is not known."""
        if len(arguments) == 1:
            only = arguments[0]
            if isinstance(only, ast.Tuple | ast.List):
                arguments = only.elts
            elif (shape := self._shape(only)) is not None:
                return shape
        numbers = [self.integer(argument) for argument in arguments]
        known = tuple(number for number in numbers if number is not None)
        return known if len(known) == len(numbers) else None

    def _shape(self, node: ast.expr) -> Shape | None:
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            base = self.operand(node.value)
            return base.shape if base else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "size":
            base = self.operand(node.func.value) if not node.args and not node.keywords else None
            return base.shape if base else None
        return None

    def integer(self, node: ast.expr, depth: int = 0) -> int | None:
        """The value of a whole number, a size of a known tensor, or simple arithmetic with these."""
        if depth > _DEEPEST:
            return None
        if isinstance(node, ast.Constant):
            return node.value if type(node.value) is int else None
        if (name := path(node)) is not None and name in self.numbers:
            return self.numbers[name]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self.integer(node.operand, depth + 1)
            return -value if value is not None else None
        if isinstance(node, ast.BinOp):
            left, right = self.integer(node.left, depth + 1), self.integer(node.right, depth + 1)
            return _arithmetic(node.op, left, right)
        if isinstance(node, ast.Subscript):
            shape, at = self._shape(node.value), self.integer(node.slice, depth + 1)
            return _item(shape, at)
        return self._counted(node, depth) if isinstance(node, ast.Call) and not node.keywords else None

    def _counted(self, call: ast.Call, depth: int) -> int | None:
        """`x.size(0)`, `x.numel()` and `len(x)`."""
        if isinstance(call.func, ast.Attribute):
            base = self.operand(call.func.value)
            if base is not None and call.func.attr == "numel" and not call.args:
                return base.numel
            if base is not None and call.func.attr == "size" and len(call.args) == 1:
                return _item(base.shape, self.integer(call.args[0], depth + 1))
        elif isinstance(call.func, ast.Name) and call.func.id == "len" and len(call.args) == 1:
            base = self.operand(call.args[0])
            return _item(base.shape, 0) if base is not None else None
        return None


def _expand(base: Operand, sizes: tuple[int, ...]) -> Operand | None:
    more = len(sizes) - len(base.shape)
    if more < 0:
        return None
    shape, stride = (1,) * more + base.shape, (0,) * more + base.stride
    wanted = tuple(have if want == -1 else want for want, have in zip(sizes, shape, strict=True))
    if any(have not in (want, 1) for want, have in zip(wanted, shape, strict=True)):
        return None
    steps = zip(wanted, shape, stride, strict=True)
    return replace(base, shape=wanted, stride=tuple(0 if w != h else s for w, h, s in steps))


def _narrow(base: Operand, numbers: tuple[int, ...]) -> Operand | None:
    count = len(base.shape)
    if len(numbers) != 3 or not -count <= numbers[0] < count:
        return None
    at = numbers[0] % count
    return replace(base, shape=(*base.shape[:at], numbers[2], *base.shape[at + 1 :]))


def _select(base: Operand, numbers: tuple[int, ...]) -> Operand | None:
    count = len(base.shape)
    if len(numbers) != 2 or not -count <= numbers[0] < count:
        return None
    at = numbers[0] % count
    shape, stride = base.shape, base.stride
    return replace(base, shape=shape[:at] + shape[at + 1 :], stride=stride[:at] + stride[at + 1 :])


def _movedim(base: Operand, numbers: tuple[int, ...]) -> Operand | None:
    count = len(base.shape)
    if len(numbers) != 2 or not all(-count <= number < count for number in numbers):
        return None
    order = list(range(count))
    order.insert(numbers[1] % count, order.pop(numbers[0] % count))
    return _permuted(base, order)


def _unfold(base: Operand, numbers: tuple[int, ...]) -> Operand | None:
    count = len(base.shape)
    if len(numbers) != 3 or not -count <= numbers[0] < count or numbers[2] < 1:
        return None
    at, size, step = numbers[0] % count, numbers[1], numbers[2]
    if not 0 <= size <= base.shape[at]:
        return None
    windows = (base.shape[at] - size) // step + 1
    shape = (*base.shape[:at], windows, *base.shape[at + 1 :], size)
    stride = (*base.stride[:at], base.stride[at] * step, *base.stride[at + 1 :], base.stride[at])
    return replace(base, shape=shape, stride=stride)


#: Methods that give another layout of the same memory, by their whole numbers.
_LAYOUTS: dict[str, Callable[[Operand, tuple[int, ...]], Operand | None]] = {
    "expand": _expand,
    "narrow": _narrow,
    "select": _select,
    "movedim": _movedim,
    "moveaxis": _movedim,
    "unfold": _unfold,
}


def _attribute(base: Operand, name: str) -> Operand | None:
    count = len(base.shape)
    if name == "data":
        return base
    if name == "T":
        return _permuted(base, range(count)[::-1])
    return _permuted(base, _swap(count, count - 2, count - 1)) if name == "mT" and count >= 2 else None


def _permuted(base: Operand, order: Sequence[int]) -> Operand:
    return replace(
        base, shape=tuple(base.shape[i] for i in order), stride=tuple(base.stride[i] for i in order)
    )


def _swap(count: int, first: int, second: int) -> list[int]:
    order = list(range(count))
    order[first], order[second] = order[second], order[first]
    return order


def _item(shape: Shape | None, at: int | None) -> int | None:
    return shape[at] if shape is not None and at is not None and -len(shape) <= at < len(shape) else None


def _arithmetic(operator: ast.operator, left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    if isinstance(operator, ast.Mult):
        return left * right
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    return left // right if isinstance(operator, ast.FloorDiv) and right else None
