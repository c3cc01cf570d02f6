"""Over torch's own operator samples: sharing and overlap of inputs and outputs are as their addresses say."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator

import pytest
import torch
from facts import truth
from facts.truth import Followed
from operators import OPERATORS as EVERY
from operators import samples_of
from torch.utils._pytree import tree_leaves

from tutor.kernel.storage import compare

SAMPLES = 8
#: Enumerating addresses of more elements takes too long.
MAX_NUMEL = 4_000
CHUNKS = 24

OPERATORS = [op for op in EVERY if torch.float32 in op.supported_dtypes("cpu")]


def tensors_of(value: object) -> list[torch.Tensor]:
    return [
        leaf
        for leaf in tree_leaves(value)
        if isinstance(leaf, torch.Tensor)
        and leaf.layout == torch.strided
        and not leaf.is_nested
        and leaf.numel() <= MAX_NUMEL
    ]


def families(op) -> Iterator[dict[str, torch.Tensor]]:
    """Inputs and outputs of the first samples of `op`, by name."""
    for sample in samples_of(op, torch.float32, SAMPLES):
        arguments = [sample.input, sample.args, sample.kwargs]
        try:
            result = op(sample.input, *sample.args, **sample.kwargs)
        except Exception:  # a sample that this build cannot run says nothing about memory
            continue
        inputs, outputs = tensors_of(arguments), tensors_of(result)
        named = [(f"in{i}", t) for i, t in enumerate(inputs)] + [
            (f"out{i}", t) for i, t in enumerate(outputs)
        ]
        yield dict(named[:16])


def wrong_claims(family: dict[str, torch.Tensor]) -> list[str]:
    followed = Followed(**family)
    followed.take()
    found = {frozenset(group) for group in followed.snapshot.sharing}
    wrong = [] if found == truth.groups(family) else [f"groups {found}"]
    for (first, a), (second, b) in itertools.combinations(family.items(), 2):
        same, shares, overlaps = compare(a, b)
        expected = (
            a.untyped_storage()._cdata == b.untyped_storage()._cdata,
            truth.share(a, b),
            truth.overlap(a, b),
        )
        if (same, shares, overlaps) != expected:
            wrong.append(f"{first}, {second}: {(same, shares, overlaps)} instead of {expected}")
    return wrong


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_sharing_of_inputs_and_outputs(chunk):
    failures: dict[str, list[str]] = {}
    compared = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for op in OPERATORS[chunk::CHUNKS]:
            for family in families(op):
                compared += len(family)
                if wrong := wrong_claims(family):
                    failures.setdefault(op.full_name, []).extend(wrong)
    assert not failures
    assert compared > 100
