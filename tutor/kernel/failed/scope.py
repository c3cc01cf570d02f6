"""Values of the learner's expressions as far as they can be had without running anything of theirs."""

from __future__ import annotations

import ast
import operator
import types
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import numpy as np
import torch
from msgspec import Struct

from tutor.facts.failed import Form
from tutor.kernel import raw, static
from tutor.kernel.failed.arguments import UNKNOWN, written
from tutor.kernel.failed.names import public_name
from tutor.kernel.frames import NOTHING, Paths, variables_of
from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.sites import Site

globals()["__builtins__"] = GENUINE

_DEEPEST = 8
_MOST_MEMBERS = 64
_GREATEST = 1 << 62
_ARITHMETIC: dict[type, Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_OPERATORS: dict[type, str] = {
    ast.MatMult: "matmul", ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow",
    ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor", ast.LShift: "bitwise_left_shift", ast.RShift: "bitwise_right_shift",
    ast.Lt: "lt", ast.Gt: "gt", ast.LtE: "le", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
    ast.USub: "neg", ast.Invert: "bitwise_not", ast.UAdd: "positive",
}  # fmt: skip
#: What numpy calls otherwise.
_IN_NUMPY = {
    "sub": "subtract", "mul": "multiply", "div": "divide", "pow": "power", "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift", "lt": "less", "gt": "greater", "le": "less_equal",
    "ge": "greater_equal", "eq": "equal", "ne": "not_equal", "neg": "negative", "bitwise_not": "invert",
}  # fmt: skip
#: Functions of these places make tensors or arrays, but for some.
_MADE = {
    "torch": torch.Tensor, "torch.Tensor": torch.Tensor, "torch.nn.functional": torch.Tensor,
    "torch.linalg": torch.Tensor, "numpy": np.ndarray, "numpy.ndarray": np.ndarray,
}  # fmt: skip
_NO_TENSOR = frozenset(
    {"item", "tolist", "size", "dim", "numel", "stride", "element_size", "data_ptr", "backward", "numpy"}
    | {"load", "save", "device", "Generator", "is_tensor", "equal", "allclose", "manual_seed", "split", "max"}
    | {"min", "sort", "topk", "chunk", "unbind", "shape", "ndim", "nelement", "get_device", "type", "dtype"}
    | {"median", "mode", "svd", "qr", "unique", "where", "nonzero", "meshgrid", "storage_offset"}
)
_MAKE = vars(type)["__call__"]
_METHODS = (
    types.FunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    type(np.concatenate),
)


class Told(Struct):
    """A call that code spells out."""

    name: str
    form: Form
    arguments: list[tuple[int | str, ast.expr]]
    func: Any = None
    receiver: Any = None


class Scope:
    """What the names of one of the learner's frames stand for."""

    def __init__(self, variables: Mapping[str, Any], namespace: dict[str, Any]) -> None:
        self.variables, self.namespace = variables, namespace
        self._paths = Paths(dict(variables), namespace)

    @classmethod
    def of(cls, frame: FrameType, namespace: dict[str, Any]) -> Scope:
        """The names that a frame sees."""
        return cls(variables_of(frame, namespace), namespace)

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """The value of a path, a constant or a list of such; UNKNOWN of everything else."""
        if depth > _DEEPEST:
            return UNKNOWN
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.value(node.operand, depth + 1)
            return -inner if type(inner) in (int, float) else UNKNOWN
        if isinstance(node, ast.Tuple | ast.List):
            return self._sequence(node, depth)
        if isinstance(node, ast.Slice):
            return self._slice(node, depth)
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node, depth)
        return self._path(node, depth)

    def outline(self, node: ast.expr) -> Any:
        """The same; of a list or tuple that is not known as a whole, the members that are."""
        value = self.value(node)
        if value is not UNKNOWN or not isinstance(node, ast.List | ast.Tuple):
            return value
        if len(node.elts) > _MOST_MEMBERS or any(isinstance(one, ast.Starred) for one in node.elts):
            return UNKNOWN
        members = [self.value(one) for one in node.elts]
        return members if isinstance(node, ast.List) else tuple(members)

    def call(self, site: Site) -> Told | None:
        """The call of torch or numpy that a site spells out; None where that is not certain."""
        node = site.node
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.BinOp):
            return self._operator(node.op, [node.left, node.right])
        if isinstance(node, ast.AugAssign):
            return self._operator(node.op, [node.target, node.value], in_place=True)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._operator(node.ops[0], [node.left, node.comparators[0]])
        if isinstance(node, ast.UnaryOp):
            return self._operator(node.op, [node.operand])
        value: ast.expr | None = None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            value, node = node.value, node.targets[0]
        if isinstance(node, ast.Subscript):
            return self._item(node, value)
        return None

    # ── details ──────────────────────────────────────────────────────────────

    def _sequence(self, node: ast.Tuple | ast.List, depth: int) -> Any:
        if len(node.elts) > _MOST_MEMBERS:
            return UNKNOWN
        members = [self.value(one, depth + 1) for one in node.elts]
        if any(one is UNKNOWN for one in members):
            return UNKNOWN
        return tuple(members) if isinstance(node, ast.Tuple) else members

    def _path(self, node: ast.expr, depth: int) -> Any:
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value, depth + 1)
            if raw.is_plain(owner) and node.attr in _OF_TENSORS:
                return _OF_TENSORS[node.attr](owner)
        if isinstance(node, ast.Subscript):
            owner, at = self.value(node.value, depth + 1), self.value(node.slice, depth + 1)
            if type(owner) is torch.Size and type(at) is int and -len(owner) <= at < len(owner):
                return owner[at]
        found = self._paths.value(node)
        return UNKNOWN if found is NOTHING else found

    def _slice(self, node: ast.Slice, depth: int) -> Any:
        parts = (node.lower, node.upper, node.step)
        bounds = [None if one is None else self.value(one, depth + 1) for one in parts]
        known = all(one is None or type(one) is int for one in bounds)
        return slice(*bounds) if known else UNKNOWN

    def _arithmetic(self, node: ast.BinOp, depth: int) -> Any:
        work = _ARITHMETIC.get(type(node.op))
        left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
        if work is None or type(left) is not int or type(right) is not int:
            return UNKNOWN
        if abs(left) >= _GREATEST or abs(right) >= _GREATEST:
            return UNKNOWN
        return work(left, right)

    def _called(self, node: ast.Call) -> Told | None:
        func = self.value(node.func)
        arguments = list(written(node))
        if func is not UNKNOWN:
            name = public_name(func)
            if name is None or (raw.is_a(func, type) and not _is_librarys(func)):
                return None
            return Told(name, "class" if raw.is_a(func, type) else "function", arguments, func)
        if not isinstance(node.func, ast.Attribute):
            return None
        owner = self.value(node.func.value)
        if owner is UNKNOWN:
            return self._called_on(self.class_of(node.func.value), node.func, arguments)
        kind = owner if raw.is_a(owner, type) else type(owner)
        method = static.find(map(static.content, static.mro(kind)), node.func.attr)
        name = public_name(method) if type(method) in _METHODS else None
        if name is None:
            return None
        func = method if type(method) is types.FunctionType else None
        if owner is kind:
            return Told(name, "function", arguments, func)
        if raw.is_tensor(owner) or raw.is_array(owner):
            moved = [(key + 1 if isinstance(key, int) else key, one) for key, one in arguments]
            return Told(name, "method", [(0, node.func.value), *moved], func)
        return Told(name, "method", arguments, func, owner)

    def _called_on(
        self, kind: Any, node: ast.Attribute, arguments: list[tuple[int | str, ast.expr]]
    ) -> Told | None:
        """A method of what an expression makes."""
        if kind is None:
            return None
        method = static.find(map(static.content, static.mro(kind)), node.attr)
        name = public_name(method) if type(method) in _METHODS else None
        if name is None:
            return None
        moved = [(key + 1 if isinstance(key, int) else key, one) for key, one in arguments]
        func = method if type(method) is types.FunctionType else None
        return Told(name, "method", [(0, node.value), *moved], func)

    def instance_of(self, node: ast.expr) -> Any:
        """The class that an expression makes an instance of, where nobody's `__new__` has a say in it."""
        kind = self.value(node.func) if isinstance(node, ast.Call) else UNKNOWN
        if not raw.is_a(kind, type):
            return None
        if static.find(map(static.content, static.mro(type(kind))), "__call__") is not _MAKE:
            return None
        return None if any("__new__" in static.content(one) for one in static.mro(kind)[:-1]) else kind

    def class_of(self, node: ast.expr, depth: int = 0) -> Any:
        """Tensor or ndarray, where an expression can hardly make anything else; None of everything else."""
        if depth > _DEEPEST:
            return None
        value = self.value(node)
        if value is not UNKNOWN:
            return torch.Tensor if raw.is_tensor(value) else np.ndarray if raw.is_array(value) else None
        if isinstance(node, ast.BinOp):
            return self.class_of(node.left, depth + 1) or self.class_of(node.right, depth + 1)
        if isinstance(node, ast.Subscript):
            return self.class_of(node.value, depth + 1)
        if isinstance(node, ast.Attribute):
            return self.class_of(node.value, depth + 1) if node.attr in ("T", "mT", "grad", "data") else None
        if not isinstance(node, ast.Call):
            return None
        place, _, last = (told.name if (told := self._called(node)) is not None else "").rpartition(".")
        return _MADE.get(place) if last not in _NO_TENSOR and not last.startswith("__") else None

    def _operator(self, sign: ast.AST, operands: list[ast.expr], *, in_place: bool = False) -> Told | None:
        name = _OPERATORS.get(type(sign))
        arguments: list[tuple[int | str, ast.expr]] = list(enumerate(operands))
        if name is None:
            return None
        kinds = [self.class_of(one) for one in operands]
        if torch.Tensor in kinds:
            return Told(f"torch.Tensor.{name}_" if in_place else f"torch.{name}", "operator", arguments)
        if np.ndarray in kinds:
            return Told(f"numpy.{_IN_NUMPY.get(name, name)}", "operator", arguments)
        return None

    def _item(self, node: ast.Subscript, value: ast.expr | None) -> Told | None:
        kind = self.class_of(node.value)
        if kind is None:
            return None
        cls = "torch.Tensor" if kind is torch.Tensor else "numpy.ndarray"
        arguments: list[tuple[int | str, ast.expr]] = [(0, node.value), (1, node.slice)]
        if value is not None:
            return Told(f"{cls}.__setitem__", "assignment", [*arguments, (2, value)])
        if isinstance(node.ctx, ast.Del):
            return Told(f"{cls}.__delitem__", "index", arguments)
        return Told(f"{cls}.__getitem__", "index", arguments)


def _is_librarys(cls: Any) -> bool:
    return public_name(cls) is not None and static.content(cls).get("__module__") != "__main__"


_OF_TENSORS: dict[str, Callable[[Any], Any]] = {
    "shape": raw.shape,
    "dtype": raw.dtype,
    "device": raw.device,
    "ndim": lambda tensor: len(raw.shape(tensor)),
    "requires_grad": raw.requires_grad,
    "is_leaf": raw.is_leaf,
}
