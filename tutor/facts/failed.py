"""The call at which an error arose, as the learner wrote it and as torch got it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from tutor.facts.operations import Operand, Span

#: How the learner's code makes the call: `torch.mm(a, b)`, `a.mm(b)`, `a @ b`, `x[i]`, `x[i] = v`, `x.T`,
#: `net(x)`, `nn.Linear(3, 2)`, `for batch in loader`; "inner" where a library's code makes it.
Form = Literal[
    "function", "method", "operator", "index", "assignment", "attribute", "module", "class", "iteration",
    "inner",
]  # fmt: skip

#: What an argument is. "module" is an instance of nn.Module, "object" anything that is none of the others.
ArgumentKind = Literal[
    "tensor", "array", "number", "text", "none", "list", "tuple", "dict", "module", "class", "function",
    "iterator", "constant", "object",
]  # fmt: skip


class Argument(Struct, frozen=True, omit_defaults=True):
    """One argument of a failed call, as it was when the call raised."""

    #: Its place in torch's own order, `0`, `1`, …, or its keyword. What a method or an operator is asked of
    #: stands at `0`; where a layer is called, the layer itself is in `FailedCall.module` instead.
    place: str
    #: The parameter's name in torch's signature (`input`, `other`, `dim`), of a method `self` for the tensor
    #: that it is asked of; empty where that is not known.
    parameter: str = ""
    #: The learner's source of it on one line; empty where the learner's code does not write it.
    text: str = ""
    #: Where in the learner's source that stands: lines of the file or input, columns in UTF-8 bytes.
    span: Span | None = None
    kind: ArgumentKind = "object"
    #: Bare name of its type: `Tensor`, `int`, `NoneType`, `Net`; empty where only its code is known.
    type: str = ""
    #: Short text of numbers, texts, None, dtypes, devices, and lists and tuples of them, as Python source;
    #: of a class or function of torch its public name. None for everything else.
    value: str | None = None
    #: Facts of a tensor or array.
    operand: Operand | None = None
    #: Facts of the tensors and arrays in a list, tuple or dictionary; their `place` says where: `0[1]`.
    items: tuple[Operand, ...] = ()
    #: How many members a list, tuple or dictionary has, and of a list of lists how many each of those has.
    length: int | None = None
    lengths: tuple[int, ...] = ()
    #: Types of the members of a list or tuple, each once, as far as they are known.
    types: tuple[str, ...] = ()
    #: Those of them that are instances of nn.Module.
    layers: tuple[str, ...] = ()
    #: Keys of a dictionary that are text, the first ones.
    keys: tuple[str, ...] = ()
    #: Smallest and greatest element of a tensor or array in CPU memory that is not too big, NaN left out;
    #: and whether some element is NaN.
    low: float | int | None = None
    high: float | int | None = None
    nan: bool = False


class LayerFacts(Struct, frozen=True, omit_defaults=True):
    """The module that was called, or whose method was."""

    #: Bare name of its class.
    type: str
    #: The learner's path of it: `model.net[2]`; empty where no name of the learner's leads to it.
    path: str = ""
    #: Its plain attributes as Python source: `{"in_features": "3"}`.
    settings: dict[str, str] = field(default_factory=dict)
    #: Its own parameters and buffers: `weight`, `bias`, `running_mean`.
    tensors: dict[str, Operand] = field(default_factory=dict)
    training: bool | None = None
    #: Names of the modules that are its own.
    children: tuple[str, ...] = ()


class FailedCall(Struct, frozen=True, omit_defaults=True):
    """The call of torch or numpy that raised: the deepest one that the learner's code makes.

    Where a layer of torch.nn was called, directly or inside of others, it is the call of that layer. What
    torch's code was doing further down is `inner`.
    """

    #: Public dotted name, the same for all forms: `torch.matmul` for `a @ b` and `torch.matmul(a, b)`,
    #: `torch.Tensor.matmul` for `a.matmul(b)`; `torch.nn.Linear`, `torch.nn.functional.cross_entropy`,
    #: `torch.Tensor.__getitem__`, `torch.optim.SGD`, `numpy.asarray`. Of going through a DataLoader
    #: `torch.utils.data.DataLoader.__iter__`.
    name: str
    form: Form
    #: The learner's sub-expression on one line, and where it stands: lines of the file or input.
    expression: str = ""
    span: Span | None = None
    #: In order; those that the learner gave, not the defaults.
    arguments: tuple[Argument, ...] = ()
    #: The layer that was called, or whose method was.
    module: LayerFacts | None = None
    #: torch's own signatures of it, as text: `torch.mm(input: Tensor, mat2: Tensor)`. Of several, those that
    #: come nearest stand first.
    signatures: tuple[str, ...] = ()
    #: Parameters that it takes by name; empty where that is not known.
    parameters: tuple[str, ...] = ()
    #: What stood at fault deeper inside, where a library's code made that call.
    inner: FailedCall | None = None
    #: Where the facts come from: the operation as it was seen, a frame of the library's, the code alone.
    source: Literal["operation", "frame", "code"] = "code"


class Missing(Struct, frozen=True, omit_defaults=True):
    """A name that was asked for and is not there."""

    #: A variable, an attribute, a member of a module to import, a keyword of a call, a key of a dictionary,
    #: a position in a list.
    kind: Literal["name", "attribute", "import", "keyword", "key", "position"]
    #: The name itself; of a position the number.
    name: str
    #: What it was asked of, as the learner wrote it (`x.grad`, `torch`), and its type, `module` for one.
    owner: str = ""
    type: str = ""
    #: Names that are there and look like it, the most likely first.
    near: tuple[str, ...] = ()
    #: How many members a list or tuple has, or entries a dictionary.
    length: int | None = None
    #: A variable that is set later, in the same function.
    later: bool = False
