"""What is needed to state a derivative rule, and the register of rules by name of node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from tutor.facts import NodeFacts

#: Letters of an operation's inputs, in the order in which its node has edges.
LETTERS = "xyzuvw"


@dataclass(frozen=True)
class Rule:
    """How a gradient goes back through an operation.

    Expressions are Python with torch's functions and methods: `g` is the incoming gradient, `x y z` are the
    inputs, `out` is the result; other names are what the node saved. A gradient is always summed to the shape
    of its input in the end, as broadcasting asks for.
    """

    #: One or two sentences, in English or in the language that is spoken.
    words: str
    #: Expression of the gradient of each input, by its letter.
    gradients: Mapping[str, str] = field(default_factory=dict)
    #: Abbreviations that the expressions use, in order.
    lets: tuple[tuple[str, str], ...] = ()
    #: Which saved value an input's letter stands for, where that is not `self` and `other`.
    saved: Mapping[str, str] = field(default_factory=lambda: {"x": "self", "y": "other"})


class Saved:
    """The plain values that a node saved."""

    def __init__(self, node: NodeFacts) -> None:
        self.node = node
        self._values = node.saved

    def get(self, name: str, default: Any = None) -> Any:
        """A saved value; `default` where it is not there or not readable."""
        value = self._values.get(name)
        return default if value is None or isinstance(value, dict) else value

    def number(self, name: str) -> float | None:
        """A saved number, or the one number in a saved tensor; None where there is none."""
        value = self._values.get(name)
        if isinstance(value, dict):
            value = value.get("value")
        return value if type(value) in (int, float) else None

    def shape(self, name: str) -> list[int] | None:
        """Shape of a saved tensor."""
        value = self._values.get(name)
        shape = value.get("shape") if isinstance(value, dict) else None
        return shape if isinstance(shape, list) else None

    def has(self, name: str) -> bool:
        """Whether something was saved under this name."""
        return self._values.get(name) is not None

    @property
    def sizes(self) -> list[int] | None:
        """Shape of the first input, where the node knows it."""
        found = self.get("self_sym_sizes") or self.shape("self")
        return found if found is not None else self.get("self_sym_sizes")

    def dims(self) -> list[int] | None:
        """Dimensions that were reduced, 0 or more; all of them where none were named. None if unknown."""
        sizes = self.sizes
        if sizes is None:
            return None
        given = self.get("dim")
        if given is None or given == []:
            return list(range(len(sizes)))
        return sorted(dim % len(sizes) for dim in (given if isinstance(given, list) else [given]) if sizes)

    def reduced(self) -> int | None:
        """How many elements each result was made of."""
        sizes, dims = self.sizes, self.dims()
        return None if sizes is None or dims is None else prod(sizes[dim] for dim in dims)

    def spread(self, expression: str) -> str:
        """`expression`, which has the result's shape, so that it goes with the input."""
        sizes, dims = self.sizes, self.dims()
        if sizes is None or dims is None or not sizes:
            return expression
        if not self.get("keepdim", False) and len(dims) < len(sizes):
            for dim in dims:
                expression += f".unsqueeze({dim})"
        return expression

    def like_x(self) -> str:
        """Zeros in the shape of the first input."""
        sizes = self.sizes
        return "zeros_like(x)" if sizes is None else f"zeros({', '.join(map(str, sizes))})"


Make = Callable[[Saved], Rule | None]

RULES: dict[str, Make] = {}


def rule(*names: str) -> Callable[[Make], Make]:
    """Register what makes the rule of the nodes with these names: `Pow` of all, `PowBackward1` of one."""

    def register(make: Make) -> Make:
        for name in names:
            RULES[name] = make
        return make

    return register


def simple(name: str, words: str, *expressions: str, **saved: str) -> None:
    """Register a rule that is the same whatever was saved: one expression for each input."""
    gradients = dict(zip(LETTERS, expressions, strict=False))
    made = Rule(words, gradients, saved={"x": "self", "y": "other"} | saved)
    RULES[name] = lambda _: made
