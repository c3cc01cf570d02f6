"""The arithmetic of shapes and strides, held against torch's own."""

from __future__ import annotations

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.explain.strides import broadcast, index_of, places, resolve, view_seam

sizes = st.lists(st.integers(1, 4), min_size=0, max_size=4)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Permuted, sliced, expanded views of a small tensor, with at least one element."""
    shape = draw(sizes)
    x = torch.arange(math.prod(shape)).view(shape)
    x = x.permute(draw(st.permutations(range(x.ndim))))
    for dimension in range(x.ndim):
        step = draw(st.integers(1, 2))
        x = x[(slice(None),) * dimension + (slice(draw(st.integers(0, x.shape[dimension] - 1)), None, step),)]
    if draw(st.booleans()):
        x = x.unsqueeze(draw(st.integers(0, x.ndim)))
        x = x.expand([draw(st.integers(1, 3)) if size == 1 else size for size in x.shape])
    return x


@st.composite
def shapes_of(draw: st.DrawFn, numel: int) -> list[int]:
    """A shape with `numel` elements, ones among its sizes."""
    shape = []
    while numel > 1:
        size = draw(st.sampled_from([n for n in range(1, numel + 1) if numel % n == 0]))
        shape.append(size)
        numel //= size
        if len(shape) > 5:
            shape.append(numel)
            break
    return [*shape, *draw(st.sampled_from([[], [1]]))]


@settings(deadline=None)
@given(st.data())
def test_a_seam_is_found_just_where_torch_refuses_the_view(data: st.DataObject) -> None:
    x = data.draw(tensors())
    new = data.draw(shapes_of(x.numel()))
    try:
        x.view(new)
        possible = True
    except RuntimeError:
        possible = False
    seam = view_seam(tuple(x.shape), x.stride(), new)
    assert (seam is None) == possible
    if seam is not None:
        assert x.stride()[seam.dimension] == seam.step != seam.count * seam.gap


def test_the_stride_of_a_dimension_of_size_one_does_not_matter() -> None:
    x = torch.ones(1, 2, 3).permute(1, 0, 2)
    assert x.stride() == (3, 6, 1)
    assert x.view(6).shape == (6,)
    assert view_seam((2, 1, 3), (3, 6, 1), (6,)) is None


@settings(deadline=None)
@given(tensors())
def test_places_are_where_the_elements_lie(x: torch.Tensor) -> None:
    memory = torch.as_strided(x, (x.untyped_storage().nbytes() // x.element_size(),), (1,), 0)
    found = [memory[x.storage_offset() + place].item() for place in places(tuple(x.shape), x.stride())]
    assert found == x.flatten().tolist()


@settings(deadline=None)
@given(tensors(), st.data())
def test_an_index_is_the_one_of_the_element_at_that_position(x: torch.Tensor, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, x.numel() - 1))
    assert x[index_of(position, tuple(x.shape))] == x.flatten()[position]


@settings(deadline=None)
@given(st.lists(st.integers(-1, 6), max_size=4), st.integers(1, 24))
def test_sizes_are_resolved_as_torch_does(wanted: list[int], numel: int) -> None:
    try:
        expected = tuple(torch.zeros(numel).reshape(wanted).shape)
    except RuntimeError:
        expected = None
    assert resolve(wanted, numel) == expected


@settings(deadline=None)
@given(sizes, sizes)
def test_broadcasting_is_torchs(first: list[int], second: list[int]) -> None:
    try:
        expected = tuple(torch.broadcast_shapes(first, second))
    except RuntimeError:
        expected = None
    assert broadcast(tuple(first), tuple(second)) == expected
