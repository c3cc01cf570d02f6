"""Torch's own operators, and inputs for them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db

#: Every operator that torch tests itself with.
OPERATORS = op_db


def samples_of(
    operator: Any, dtype: torch.dtype, count: int, *, requires_grad: bool = False
) -> Iterator[Any]:
    """The first `count` samples, always the same ones.

    `operator.sample_inputs` gives these too, but searches the whole stack for a test case of unittest's."""
    torch.default_generator.manual_seed(0)
    samples = operator.sample_inputs_func(operator, "cpu", dtype, requires_grad)
    return itertools.islice(samples, count)
