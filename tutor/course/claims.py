"""What a check may say: the items below a step's `checks`. Each item holds one or more facts."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import fields

#: Text with something in it.
Text = Annotated[str, Meta(pattern=r"\S")]
#: Text for a single line of the screen.
Line = Annotated[str, Meta(pattern=r"^[^\n]*\S[^\n]*\Z")]
Names = Line | Annotated[tuple[Line, ...], Meta(min_length=1)]
#: A number of elements, or a name that stands for the same number wherever it is written.
Size = Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern=r"^[A-Za-z_]\w*\Z")]
Plain = bool | int | float | str | list[Any]


class Close(Struct, frozen=True, forbid_unknown_fields=True):
    """`to` within tolerances; torch's own for the dtype where they are left out."""

    to: Plain
    rtol: Annotated[float, Meta(ge=0)] | None = None
    atol: Annotated[float, Meta(ge=0)] | None = None


class Raises(Struct, frozen=True, forbid_unknown_fields=True):
    """An exception: its class by name (a base class will do), and a regular expression for its message."""

    type: Line = "Exception"
    match: str = ""


class Warns(Struct, frozen=True, forbid_unknown_fields=True):
    """A warning: its class by name, and a regular expression for its message."""

    type: str = ""
    match: str = ""


class Cases(Struct, frozen=True, forbid_unknown_fields=True):
    """The learner's function against a reference, on inputs that are made afresh `count` times.

    Each input is a Python expression: one argument, or a tuple of them.
    """

    inputs: Annotated[tuple[Line, ...], Meta(min_length=1)]
    #: An expression or a function's source; the function of the same name of the solution where it is empty.
    reference: str = ""
    count: Annotated[int, Meta(ge=1, le=1_000)] = 3
    #: Results must alias the arguments as the reference's results do.
    aliasing: bool = False
    #: Arguments must be left as the reference leaves them.
    arguments: bool = True
    rtol: Annotated[float, Meta(ge=0)] | None = None
    atol: Annotated[float, Meta(ge=0)] | None = None


class CheckItem(
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

    var: Line | UnsetType = UNSET
    # value
    exists: bool | UnsetType = UNSET
    shape: tuple[Size, ...] | UnsetType = UNSET
    ndim: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    dtype: Line | UnsetType = UNSET
    device: Line | UnsetType = UNSET
    equals: Plain | UnsetType = UNSET
    close: Plain | Close | UnsetType = UNSET
    value: Plain | UnsetType = UNSET
    all_finite: bool | UnsetType = UNSET
    # memory
    shares_memory: Line | UnsetType = UNSET
    same_storage: Line | UnsetType = UNSET
    is_view_of: Line | UnsetType = UNSET
    contiguous: bool | UnsetType = UNSET
    stride: tuple[int, ...] | UnsetType = UNSET
    storage_offset: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    unchanged: bool | UnsetType = UNSET
    mutated_in_place: bool | UnsetType = UNSET
    # autograd
    requires_grad: bool | UnsetType = UNSET
    is_leaf: bool | UnsetType = UNSET
    grad: Plain | Close | UnsetType = UNSET
    grad_is_none: bool | UnsetType = UNSET
    grad_fn: bool | Line | UnsetType = UNSET
    depends_on: Names | UnsetType = UNSET
    graph_freed: bool | UnsetType = UNSET
    # modules and training
    params: Annotated[int, Meta(ge=0)] | tuple[Line, ...] | UnsetType = UNSET
    training: bool | UnsetType = UNSET
    state_changed: bool | Names | UnsetType = UNSET
    loss_decreases: bool | Annotated[float, Meta(gt=0, le=1)] | UnsetType = UNSET
    # outcome
    raises: bool | Raises | UnsetType = UNSET
    no_error: bool | UnsetType = UNSET
    warns: bool | Warns | UnsetType = UNSET
    stdout: str | tuple[Text, ...] | UnsetType = UNSET
    # source
    uses: Names | UnsetType = UNSET
    avoids: Names | UnsetType = UNSET
    # behaviour
    cases: Cases | UnsetType = UNSET
    py: Text | UnsetType = UNSET
    # combination
    either: Annotated[tuple[CheckItem, ...], Meta(min_length=2)] | UnsetType = UNSET
    negated: CheckItem | UnsetType = UNSET
    #: What to say when the item fails.
    otherwise: Line | UnsetType = field(name="else", default=UNSET)

    def facts(self) -> list[tuple[str, Any]]:
        """The facts of this item by their written names, in the order of the vocabulary."""
        return [
            (name, value)
            for name, attribute in FACT_FIELDS.items()
            if (value := getattr(self, attribute)) is not UNSET
        ]


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
