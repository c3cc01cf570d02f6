"""What a step wrote, against a comparison of all bytes before and after."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import torch
from facts.truth import Followed, element_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.view.reach import touches

DTYPES = [torch.uint8, torch.int16, torch.float32, torch.float64, torch.complex64, torch.bool]


@st.composite
def families(draw: st.DrawFn) -> dict[str, Any]:
    """Views of several dtypes, strides and directions on one piece of memory, and a tensor beside it."""
    memory = torch.from_numpy(np.arange(96, dtype=np.uint8) % 2)
    found: dict[str, Any] = {"memory": memory, "other": torch.zeros(3)}
    for number in range(draw(st.integers(1, 3))):
        base = memory.view(draw(st.sampled_from(DTYPES)))
        shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
        stride = [draw(st.integers(0, 6)) for _ in shape]
        reach = sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
        if reach < base.numel():
            view = base.as_strided(shape, stride, draw(st.integers(0, base.numel() - 1 - reach)))
            found[f"v{number}"] = view
            if draw(st.booleans()):
                found[f"a{number}"] = view.numpy()[::-1]
    return found


@settings(deadline=None, max_examples=80)
@given(families(), st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=4), st.data())
def test_written_ranges_and_names_are_those_whose_bytes_differ(values, steps, data) -> None:
    f = Followed(**values)
    f.take()
    f.take()
    for through_data, mention in steps:
        name = data.draw(st.sampled_from([name for name in values if name != "other"]))
        target = values[name]
        index = data.draw(st.sampled_from(list(product(*map(range, target.shape)))))
        before = bytes(values["memory"].numpy().tobytes())
        if torch.is_tensor(target) and through_data:
            target = target.data
        target[index] = data.draw(st.sampled_from([0, 1, 1]))
        after = bytes(values["memory"].numpy().tobytes())
        delta = f.take((name,) if mention else ())
        changed = {at for at in range(96) if before[at] != after[at]}
        block = f.block("memory")
        size = block.itemsize
        ranges = {at for start, stop in block.written or () for at in range(start, stop)}
        assert block.written is not None
        assert ranges == {at // size for at in changed}
        start = values["memory"].data_ptr()
        expected = {
            other
            for other, value in values.items()
            if not changed.isdisjoint(address - start for address in element_bytes(value))
        }
        told = {change.name for change in delta.changes if change.kind == "written"}
        # A version that moved is a write for torch, whether or not the bytes differ.
        bumped = {
            other
            for other in told - expected
            if torch.is_tensor(values[other]) and torch.is_tensor(values[name]) and not through_data
        }
        assert told - bumped == expected
        for other in expected:
            assert touches(f.snapshot.tensors[other], block, block.written)
        assert "other" not in told
