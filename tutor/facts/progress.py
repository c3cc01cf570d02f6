"""What code that is still running does: where it is, which iteration, and how its scalars went."""

from __future__ import annotations

from msgspec import Struct

Number = int | float


class LoopFacts(Struct, frozen=True, omit_defaults=True):
    """A `for` loop that the running line is inside of."""

    line: int
    #: Its variable, or the index that counts its iterations.
    name: str
    #: What the variable holds, as short text; empty where that is no plain number.
    value: str = ""
    #: Which iteration this is, from 1, and how many there will be: only where both are certain.
    number: int | None = None
    total: int | None = None


class ScalarSample(Struct, frozen=True):
    """What a scalar of the learner's was at one moment; `function` is empty for a name of the module."""

    name: str
    function: str
    value: Number


class ScalarFacts(Struct, frozen=True, omit_defaults=True):
    """How a scalar went while a statement ran, as far as it was looked at: 30 times a second at most.

    `values` are evenly spaced samples, one of every `every`; all other facts are of all samples.
    """

    name: str
    function: str = ""
    values: tuple[Number, ...] = ()
    every: int = 1
    count: int = 0
    first: Number = 0
    last: Number = 0
    #: The least and the greatest of the finite ones; None where none was.
    low: Number | None = None
    high: Number | None = None
    #: How many were NaN or infinite.
    broken: int = 0
