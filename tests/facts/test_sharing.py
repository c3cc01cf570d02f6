"""Who shares memory, and whether elements overlap, against addresses enumerated one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from facts import truth
from facts.truth import Followed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses import FakeTensorMode

from tutor.kernel.storage import compare


def _slice(draw, tensor):
    dimension = draw(st.integers(0, tensor.dim() - 1))
    size = tensor.shape[dimension]
    start = draw(st.integers(0, size))
    length = draw(st.integers(0, size - start))
    index = [slice(None)] * tensor.dim()
    index[dimension] = slice(start, start + length, draw(st.integers(1, 3)))
    return tensor[tuple(index)]


def _select(draw, tensor):
    dimension = draw(st.integers(0, tensor.dim() - 1))
    if tensor.shape[dimension] == 0:
        return tensor
    return tensor.select(dimension, draw(st.integers(0, tensor.shape[dimension] - 1)))


def _permute(draw, tensor):
    return tensor.permute(*draw(st.permutations(range(tensor.dim()))))


def _diagonal(draw, tensor):
    return tensor.diagonal() if tensor.dim() >= 2 else tensor


def _expand(draw, tensor):
    return tensor.unsqueeze(0).expand(draw(st.integers(1, 3)), *tensor.shape)


def _reinterpret(draw, tensor):
    return tensor.view(torch.int16) if tensor.dtype == torch.float32 and tensor.stride(-1) == 1 else tensor


def _copy(draw, tensor):
    return tensor.clone()


def _windows(draw, tensor):
    size = tensor.shape[-1]
    return tensor.unfold(-1, draw(st.integers(1, size)), 1) if size else tensor


def _array(draw, tensor):
    return tensor.numpy()[::-1]


STEPS = [_slice, _slice, _select, _permute, _diagonal, _expand, _reinterpret, _windows, _copy]


@st.composite
def families(draw):
    """A base tensor and values derived from it by random chains of views and copies."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    base = torch.arange(float(math.prod(shape))).reshape(shape)
    family = [base]
    for _ in range(draw(st.integers(1, 5))):
        value = draw(st.sampled_from([member for member in family if isinstance(member, torch.Tensor)]))
        if value.dim() == 0 or value.dim() > 5:
            continue
        family.append(draw(st.sampled_from(STEPS))(draw, value))
    family += [_array(draw, v) for v in family if v.dim() > 0 and draw(st.booleans())]
    return {f"v{index}": value for index, value in enumerate(family)}


@settings(max_examples=300, deadline=None)
@given(families())
def test_views_share_and_overlap_as_their_addresses_do(family):
    followed = Followed(**family)
    followed.take()
    assert {frozenset(group) for group in followed.snapshot.sharing} == truth.groups(family)
    blocks = {name: facts.block for name, facts in followed.snapshot.tensors.items()}
    for first, a in family.items():
        for second, b in family.items():
            _, shares, overlaps = compare(a, b)
            assert shares == truth.share(a, b)
            assert overlaps == truth.overlap(a, b)
            if shares:
                assert blocks[first] == blocks[second]


def test_disjoint_halves_share_a_storage_and_do_not_overlap():
    x = torch.arange(10)
    assert compare(x[:5], x[5:]) == (True, True, False)
    assert compare(x[::2], x[1::2]) == (True, True, False)
    assert compare(x[:6], x[5:]) == (True, True, True)


def test_copies_share_nothing():
    x = torch.arange(10)
    assert compare(x, x.clone()) == (False, False, False)


def test_an_array_and_its_tensor_overlap_though_they_start_elsewhere():
    array = np.arange(6.0)
    assert compare(torch.from_numpy(array), array[1:]) == (None, True, True)
    assert compare(array[:3], array[3:]) == (None, False, False)


def test_two_tensors_of_one_array_have_two_storages():
    array = np.arange(6.0)
    assert compare(torch.from_numpy(array), torch.from_numpy(array)) == (False, True, True)


def test_meta_tensors_go_by_storage():
    meta = torch.empty(6, device="meta")
    assert compare(meta[:2], meta[2:]) == (True, True, False)
    assert compare(meta[:3], meta[2:]) == (True, True, True)
    assert compare(meta, torch.empty(6, device="meta")) == (False, False, False)
    followed = Followed(a=meta[:2], b=meta[4:], c=torch.empty(6, device="meta"))
    followed.take()
    assert followed.snapshot.sharing == (("a", "b"),)


def test_fake_tensors_go_by_storage():
    with FakeTensorMode():
        fake = torch.ones(6)
        views = {"a": fake[:2], "b": fake[4:], "c": torch.ones(6)}
    followed = Followed(**views)
    followed.take()
    assert followed.snapshot.sharing == (("a", "b"),)
    assert compare(views["a"], views["b"]) == (True, True, False)


def test_empty_values_share_with_nobody():
    x = torch.arange(4)
    followed = Followed(x=x, none=x[:0], again=x[:0], array=x.numpy()[:0])
    followed.namespace["same"] = followed.namespace["none"]
    followed.take()
    assert followed.snapshot.sharing == ()
    assert compare(x, x[:0]) == (True, False, False)


def test_one_object_under_two_names_shares():
    sparse = torch.eye(2).to_sparse()
    dense = torch.ones(2)
    followed = Followed(a=dense, b=sparse, c=sparse, d=dense)
    followed.take()
    assert followed.snapshot.sharing == (("a", "d"), ("b", "c"))


def test_an_array_joins_storages_that_it_spans():
    buffer = np.zeros(8, np.float32)
    left, right = torch.from_numpy(buffer[:4]), torch.from_numpy(buffer[4:])
    followed = Followed(left=left, right=right)
    followed.take()
    assert followed.snapshot.sharing == ()
    followed.namespace["whole"] = buffer
    followed.take()
    assert followed.snapshot.sharing == (("left", "right", "whole"),)
    assert len(followed.block("whole").storages) == 2


def test_what_has_no_memory_cannot_be_compared():
    assert compare(3, torch.ones(1)) == (None, None, None)
    sparse = torch.eye(2).to_sparse()
    assert compare(sparse, torch.ones(2)) == (None, None, None)
    assert compare(sparse, sparse) == (None, True, True)


def test_a_question_that_is_too_hard_is_left_open():
    storage = torch.zeros(2_000_000)
    sizes, primes = [40] * 6, [1, 11, 101, 1009, 5003, 9001]
    a = storage.as_strided(sizes, [2 * p for p in primes])
    b = storage.as_strided(sizes, [2 * p for p in reversed(primes)], 1)
    same, shares, overlaps = compare(a, b)
    assert (same, shares) == (True, True)
    assert overlaps in (None, False)


@pytest.mark.parametrize("count", [2_000])
def test_many_views_make_one_group(count):
    x = torch.arange(count)
    followed = Followed(**{f"v{i}": x[i : i + 1] for i in range(900)})
    followed.take()
    (group,) = followed.snapshot.sharing
    assert len(group) == 900
