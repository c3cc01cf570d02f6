"""Which elements a tensor covers: against numpy, element by element."""

from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, basic_indices
from msgspec import structs

from tutor.facts import StorageFacts, TensorFacts
from tutor.view.reach import BOXES, elements, extent, is_dense, merge, runs, touches

from .build import storage, tensor


@st.composite
def views(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """An array that numbers its own elements, and some view of it."""
    shape = draw(array_shapes(max_dims=3, max_side=5))
    base = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    view = base[draw(basic_indices(shape, allow_ellipsis=True, allow_newaxis=True))]
    view = np.asarray(view) if np.isscalar(view) else view
    if view.base is None:  # a scalar was copied out
        view = base
    return base, view.transpose(draw(st.permutations(range(view.ndim))))


def facts_of(base: np.ndarray, view: np.ndarray) -> tuple[TensorFacts, StorageFacts]:
    start = base.__array_interface__["data"][0]
    facts = tensor(
        "view",
        1,
        view.shape,
        dtype="int64",
        stride=tuple(step // view.itemsize for step in view.strides),
        data_ptr=view.__array_interface__["data"][0],
        numel=view.size,
    )
    return facts, storage(1, base.size, ("view",), dtype="int64", start=start)


@given(views())
def test_elements_are_numpys(pair: tuple[np.ndarray, np.ndarray]) -> None:
    base, view = pair
    assert elements(*facts_of(base, view)) == set(view.ravel().tolist())


@given(views(), st.data())
def test_touches_is_exact(pair: tuple[np.ndarray, np.ndarray], data: st.DataObject) -> None:
    base, view = pair
    start = data.draw(st.integers(0, base.size - 1))
    stop = data.draw(st.integers(start + 1, base.size))
    expected = any(start <= element < stop for element in view.ravel().tolist())
    assert touches(*facts_of(base, view), [(start, stop)]) is expected


@given(views())
def test_extent_and_density(pair: tuple[np.ndarray, np.ndarray]) -> None:
    base, view = pair
    facts, block = facts_of(base, view)
    numbers = set(view.ravel().tolist())
    if not numbers:
        assert extent(facts, block) is None
        assert not is_dense(facts)
    else:
        assert extent(facts, block) == (min(numbers) * 8, (max(numbers) + 1) * 8)
        assert is_dense(facts) == (numbers == set(range(min(numbers), max(numbers) + 1)))


def test_windows_that_overlap_themselves() -> None:
    windows = tensor("windows", 1, (4, 3), stride=(2, 1))
    block = storage(1, 10, ("windows",))
    assert elements(windows, block) == set(range(9))
    assert is_dense(windows)


def test_large_tensors_are_told_without_listing_them() -> None:
    block = storage(1, 10**9, ("x",))
    column = tensor("column", 1, (10**6,), stride=(1_000,), offset=3)
    assert elements(column, block) is None
    assert touches(column, block, [(4, 1_003)]) is False
    assert touches(column, block, [(4, 1_004)]) is True
    assert touches(tensor("x", 1, (10**4, 10**5)), block, [(10**9 - 1, 10**9)]) is True


def test_what_would_take_too_long_is_not_claimed() -> None:
    tangled = tensor("tangled", 1, (BOXES * 4, BOXES * 4), stride=(6, 10**6 * 6 + 4))
    assert touches(tangled, storage(1, 10**15, ("tangled",)), [(10**12 + 1, 10**12 + 2)]) is not True


def test_other_itemsizes_are_told_by_bytes() -> None:
    block = storage(1, 4, ("x", "d", "b"))
    assert elements(tensor("d", 1, (1,), dtype="float64", offset=1), block) == {2, 3}
    assert elements(tensor("b", 1, (3,), dtype="uint8", offset=3), block) == {0, 1}
    assert touches(tensor("d", 1, (1,), dtype="float64"), block, [(1, 2)]) is True
    assert touches(tensor("b", 1, (4,), dtype="uint8"), block, [(1, 2)]) is False


def test_memory_without_an_address_goes_by_offset() -> None:
    block = storage(1, 6, ("m",), start=0, device="meta")
    assert elements(tensor("m", 1, (2,), offset=3, data_ptr=0), block) == {3, 4}


@pytest.mark.parametrize("missing", ["shape", "stride"])
def test_unknown_facts_claim_nothing(missing: str) -> None:
    facts = structs.replace(tensor("x", 1, (2,)), **{missing: None})
    block = storage(1, 2, ("x",))
    assert (elements(facts, block), extent(facts, block), touches(facts, block, [(0, 1)])) == (None,) * 3


@given(st.sets(st.integers(0, 30)))
def test_runs_cover_exactly_the_positions(positions: set[int]) -> None:
    ranges = runs(positions)
    assert [i for start, stop in ranges for i in range(start, stop)] == sorted(positions)
    assert all(stop < start for (_, stop), (start, _) in pairwise(ranges))


def test_merge_drops_empty_ranges() -> None:
    assert merge([(5, 7), (0, 2), (2, 3), (9, 9)]) == ((0, 3), (5, 7))
