"""Where elements lie: against torch and numpy, by writing one element and looking at every name."""

from __future__ import annotations

import gc
import weakref
from itertools import product
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from facts.truth import Followed, element_bytes
from hypothesis import given, settings

from tutor.facts import Snapshot
from tutor.view.places import all_here, here, position, spelled, spot
from tutor.view.reach import elements, touches

from .build import storage, tensor

DTYPES = [torch.uint8, torch.int16, torch.float32, torch.float64, torch.complex64, torch.bool]


@st.composite
def families(draw: st.DrawFn) -> dict[str, Any]:
    """Tensors and arrays of several dtypes, all made by strides on one piece of memory."""
    memory = torch.zeros(96, dtype=torch.uint8)
    found: dict[str, Any] = {"memory": memory}
    for number in range(draw(st.integers(1, 4))):
        base = memory.view(draw(st.sampled_from(DTYPES)))
        shape = draw(st.lists(st.integers(0, 4), max_size=3))
        stride = [draw(st.integers(0, 6)) for _ in shape]
        reach = sum((size - 1) * step for size, step in zip(shape, stride, strict=True) if size)
        if reach >= base.numel():
            continue
        view = base.as_strided(shape, stride, draw(st.integers(0, base.numel() - 1 - reach)))
        found[f"v{number}"] = view
        if draw(st.booleans()):
            flip = tuple(slice(None, None, draw(st.sampled_from([1, -1, 2, -2]))) for _ in shape)
            found[f"a{number}"] = view.numpy()[(..., *flip)]
    return found


def followed(values: dict[str, Any]) -> Snapshot:
    f = Followed(**values)
    f.take()
    return f.snapshot


def indices(value: Any) -> list[tuple[int, ...]]:
    return list(product(*map(range, value.shape)))


def raw_bytes(value: Any, index: tuple[int, ...]) -> bytes:
    """The bytes of one element, as torch or numpy copies them out."""
    one = value[index]
    return (
        one.clone().reshape(1).view(torch.uint8).numpy().tobytes() if torch.is_tensor(one) else one.tobytes()
    )


@settings(deadline=None, max_examples=60)
@given(families(), st.data())
def test_a_written_element_is_where_it_is_said_to_be_for_every_name(values: dict[str, Any], data) -> None:
    snapshot = followed(values)
    name = data.draw(st.sampled_from([name for name in values if 0 not in values[name].shape]))
    index = data.draw(st.sampled_from(indices(values[name])))
    lit = spot(name, index, snapshot)
    assert lit is not None
    values["memory"].zero_()
    before = {other: [raw_bytes(value, at) for at in indices(value)] for other, value in values.items()}
    flat = values["memory"].numpy()
    flat[lit.start : lit.stop] = 1
    changed = {
        other: {
            at for at, old in zip(indices(value), before[other], strict=True) if raw_bytes(value, at) != old
        }
        for other, value in values.items()
    }
    told = {each.name: each for each in all_here(lit, snapshot)}
    assert index in changed[name]
    for other, expected in changed.items():
        if not expected:
            assert other not in told
            continue
        assert told[other].count == len(expected)
        assert set(told[other].indices) <= expected
        assert len(told[other].indices) == min(64, len(expected))
    through: Any = values[name]
    values["memory"].zero_()
    if torch.is_tensor(through):
        through[index] = True if through.dtype == torch.bool else 3
    else:
        through[index] = 3
    written = np.flatnonzero(values["memory"].numpy())
    assert len(written)
    assert all(lit.start <= byte < lit.stop for byte in written)


@settings(deadline=None, max_examples=60)
@given(families())
def test_what_each_name_covers_is_what_its_elements_occupy(values: dict[str, Any]) -> None:
    snapshot = followed(values)
    for name, value in values.items():
        facts = snapshot.tensors[name]
        if facts.block is None:
            assert 0 in value.shape
            continue
        block = snapshot.storages[facts.block]
        occupied = {address - block.start for address in element_bytes(value)}
        cells = {byte // block.itemsize for byte in occupied}
        assert elements(facts, block) == cells
        for at in range(block.nbytes // block.itemsize):
            assert touches(facts, block, [(at, at + 1)]) is (at in cells)
            found = here(facts, block, at * block.itemsize, (at + 1) * block.itemsize)
            assert found is not None
            assert (found.count or 0) > 0 if at in cells else found.count == 0


def test_every_element_that_lies_on_one_cell_is_counted() -> None:
    row = tensor("row", 1, (1_000, 3), stride=(0, 1), offset=2)
    block = storage(1, 10, ("row",))
    found = here(row, block, 3 * 4, 4 * 4)
    assert found is not None
    assert (found.count, found.indices[:3]) == (1_000, ((0, 1), (1, 1), (2, 1)))
    windows = tensor("windows", 1, (4, 3), stride=(1, 1))
    found = here(windows, block, 2 * 4, 3 * 4)
    assert found is not None
    assert set(found.indices) == {(0, 2), (1, 1), (2, 0)}


def test_huge_tensors_are_told_at_once() -> None:
    block = storage(1, 10**12, ("x",))
    x = tensor("x", 1, (10**4, 10**4, 10**4))
    found = here(x, block, 4 * 123_456_789_012, 4 * 123_456_789_012 + 4)
    assert found is not None
    assert (found.indices, found.count) == (((1234, 5678, 9012),), 1)
    column = tensor("column", 1, (10**4,), stride=(10**8,), offset=5)
    assert position(column, block, (3,)) == 4 * (3 * 10**8 + 5)
    assert here(column, block, 24, 28) == here(column, block, 4 * 10**8, 4 * 10**8 + 4)


def test_what_would_take_too_long_says_that_there_may_be_more() -> None:
    tangled = tensor("tangled", 1, (10**6, 10**6), stride=(1, 1))
    found = here(tangled, storage(1, 10**7, ("tangled",)), 4 * 10**6, 4 * 10**6 + 4)
    assert found is not None
    assert found.count is None
    assert all(sum(index) == 10**6 for index in found.indices)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("sparse", lambda: torch.eye(3).to_sparse()),
        ("csr", lambda: torch.eye(3).to_sparse_csr()),
        ("nested", lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])),
        ("empty", lambda: torch.empty(0, 3)),
    ],
)
def test_what_has_no_elements_at_strides_has_no_spots(kind: str, make) -> None:
    snapshot = followed({"x": make()})
    assert [spot("x", index, snapshot) for index in ((), (0,), (0, 0))] == [None] * 3


@pytest.mark.filterwarnings("ignore")
def test_meta_and_quantized_tensors_have_places() -> None:
    q = torch.quantize_per_tensor(torch.ones(6), 0.1, 0, torch.quint8)[1:]
    snapshot = followed({"m": torch.ones(2, 3, device="meta")[1], "q": q})
    lit = spot("m", (2,), snapshot)
    assert lit is not None
    assert (lit.start, lit.stop) == (20, 24)
    lit = spot("q", (2,), snapshot)
    assert lit is not None
    assert list(lit.cells(1)) == [3]


def test_complex_numbers_and_their_parts() -> None:
    z = torch.arange(4).to(torch.complex64)
    snapshot = followed({"z": z, "parts": torch.view_as_real(z), "i": z.imag, "c": z.conj()})
    lit = spot("parts", (2, 1), snapshot)
    assert lit is not None
    told = {each.name: each.indices for each in all_here(lit, snapshot)}
    assert told == {"parts": ((2, 1),), "z": ((2,),), "i": ((2,),), "c": ((2,),)}


def test_what_does_not_exist_has_no_spot() -> None:
    x = tensor("x", 1, (2, 3))
    snapshot = Snapshot(tensors={"x": x}, storages={1: storage(1, 6, ("x",))})
    assert spot("x", (1, 2), snapshot) is not None
    for index in ((2, 0), (0, 3), (-1, 0), (0,), (), (0, 0, 0)):
        assert spot("x", index, snapshot) is None
    assert spot("y", (0, 0), snapshot) is None
    assert (spelled("x", (1, 2)), spelled("loss", ())) == ("x[1, 2]", "loss")


def test_a_spot_holds_no_tensor() -> None:
    values: dict[str, Any] = {"x": torch.ones(4)}
    snapshot = followed(values)
    held = weakref.ref(values["x"])
    lit = spot("x", (1,), snapshot)
    values.clear()
    gc.collect()
    assert held() is None
    assert lit is not None
