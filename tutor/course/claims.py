"""What a check may say: the items below a step's `checks`. Each item holds one or more facts."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import fields

# Types only: `sense` says what values make sense, in words that fit each fact.

#: One name or expression, or several.
Names = str | tuple[str, ...]
#: A number of elements, or a name that stands for the same number wherever it is written.
Size = int | str
Plain = bool | int | float | str | list[Any]


class Close(Struct, frozen=True, forbid_unknown_fields=True):
    """`to` within tolerances; torch's own for the dtype where they are left out."""

    to: Plain
    rtol: float | None = None
    atol: float | None = None


class Raises(Struct, frozen=True, forbid_unknown_fields=True):
    """An exception: its class by name (a base class will do), and a regular expression for its message."""

    type: str = "Exception"
    match: str = ""


class Warns(Struct, frozen=True, forbid_unknown_fields=True):
    """A warning: its class by name, and a regular expression for its message."""

    type: str = ""
    match: str = ""


class Cases(Struct, frozen=True, forbid_unknown_fields=True):
    """The learner's function against a reference, on inputs that are made afresh `count` times.

    Each input is a Python expression: one argument, or a tuple of them.
    """

    inputs: tuple[str, ...]
    #: An expression or a function's source; the function of the same name of the solution where it is empty.
    reference: str = ""
    count: int = 3
    #: Results must alias the arguments as the reference's results do.
    aliasing: bool = False
    #: Arguments must be left as the reference leaves them.
    arguments: bool = True
    rtol: float | None = None
    atol: float | None = None


class Item(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"otherwise": "else", "negated": "not", "either": "any"},
):
    """Facts that must all hold, of the variable or expression `var` where they are about one.

    Where a fact takes a Python expression, the expression sees the namespace as it was before the
    learner's code ran.
    """

    var: str | UnsetType = UNSET
    # value
    exists: bool | UnsetType = UNSET
    shape: tuple[Size, ...] | UnsetType = UNSET
    ndim: int | UnsetType = UNSET
    dtype: str | UnsetType = UNSET
    device: str | UnsetType = UNSET
    equals: Plain | UnsetType = UNSET
    close: Plain | Close | UnsetType = UNSET
    value: Plain | UnsetType = UNSET
    all_finite: bool | UnsetType = UNSET
    # memory
    shares_memory: str | UnsetType = UNSET
    same_storage: str | UnsetType = UNSET
    is_view_of: str | UnsetType = UNSET
    contiguous: bool | UnsetType = UNSET
    stride: tuple[int, ...] | UnsetType = UNSET
    storage_offset: int | UnsetType = UNSET
    unchanged: bool | UnsetType = UNSET
    mutated_in_place: bool | UnsetType = UNSET
    # autograd
    requires_grad: bool | UnsetType = UNSET
    is_leaf: bool | UnsetType = UNSET
    grad: Plain | Close | UnsetType = UNSET
    grad_is_none: bool | UnsetType = UNSET
    grad_fn: bool | str | UnsetType = UNSET
    depends_on: Names | UnsetType = UNSET
    graph_freed: bool | UnsetType = UNSET
    # modules and training
    params: int | tuple[str, ...] | UnsetType = UNSET
    training: bool | UnsetType = UNSET
    state_changed: bool | Names | UnsetType = UNSET
    loss_decreases: bool | float | UnsetType = UNSET
    # outcome
    raises: bool | Raises | UnsetType = UNSET
    no_error: bool | UnsetType = UNSET
    warns: bool | Warns | UnsetType = UNSET
    stdout: str | tuple[str, ...] | UnsetType = UNSET
    # source
    uses: Names | UnsetType = UNSET
    avoids: Names | UnsetType = UNSET
    # behaviour
    cases: Cases | UnsetType = UNSET
    rerun: dict[str, Plain] | UnsetType = UNSET
    py: str | UnsetType = UNSET
    #: What to say when the item fails.
    otherwise: str | UnsetType = field(name="else", default=UNSET)

    def facts(self) -> list[tuple[str, Any]]:
        """The facts of this item by their written names, in the order of the vocabulary."""
        return [
            (name, value)
            for name, attribute in FACT_FIELDS.items()
            if (value := getattr(self, attribute, UNSET)) is not UNSET
        ]

    def parts(self) -> tuple[Item, ...]:
        """The items that this one combines: those of `any`, then that of `not`."""
        either, negated = getattr(self, "either", UNSET), getattr(self, "negated", UNSET)
        return (*(() if either is UNSET else either), *(() if negated is UNSET else (negated,)))


class InnerItem(Item, frozen=True):
    """An item inside `any` or `not`."""

    either: tuple[Item, ...] | UnsetType = UNSET
    negated: Item | UnsetType = UNSET


class CheckItem(Item, frozen=True):
    """One item of a step's checks. `any` needs one of its items to hold, `not` that its item does not."""

    either: tuple[InnerItem, ...] | UnsetType = UNSET
    negated: InnerItem | UnsetType = UNSET


_NOT_FACTS = {"var", "otherwise"}
#: Written name of every fact -> its attribute.
FACT_FIELDS = {f.encode_name: f.name for f in fields(CheckItem) if f.name not in _NOT_FACTS}
#: Facts that are about the run or its source as a whole, so that they need no `var`.
WITHOUT_VAR = frozenset({"raises", "no_error", "warns", "stdout", "uses", "avoids", "py", "any", "not"})
#: What a mistake may be said to fail on: any fact, or `exists` and `type` for what is missing or no tensor.
FAILURES = frozenset(FACT_FIELDS) | {"type"}
_WIDTHS = {"float": (16, 32, 64), "complex": (32, 64, 128), "int": (8, 16, 32, 64), "uint": (8, 16, 32, 64)}
#: Names of the dtypes that a check can ask for.
DTYPES = frozenset({f"{kind}{width}" for kind, widths in _WIDTHS.items() for width in widths}) | {
    "bfloat16",
    "bool",
}
