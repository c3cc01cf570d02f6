"""The quick look: has anything about these values changed since they were described?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

from msgspec import Struct

from tutor.facts import TensorFacts
from tutor.kernel import raw


def has_moved(value: Any, facts: TensorFacts) -> bool:
    """Whether `value`, the object that `facts` describe, was written or altered in a way seen cheaply.

    Call inside `raw.quiet()`.
    """
    try:
        if raw.is_array(value):
            return _array_moved(value, facts)
        if facts.version is not None and raw.version(value) != facts.version:
            return True
        if raw.requires_grad(value) != facts.requires_grad:
            return True
        if facts.version is None and _reshaped(value, facts):  # an inference tensor counts no versions
            return True
        if facts.data_ptr is None or raw.dispatches_to_python(value):
            return False
        return bool(raw.data_ptr(value) != facts.data_ptr)
    except Exception:  # torch refuses what it told before
        return True


def _reshaped(tensor: Any, facts: TensorFacts) -> bool:
    return tuple(raw.shape(tensor)) != facts.shape or tuple(raw.stride(tensor)) != facts.stride


def _array_moved(array: Any, facts: TensorFacts) -> bool:
    itemsize = raw.array_dtype(array).itemsize
    if raw.array_shape(array) != facts.shape or itemsize != facts.itemsize:
        return True
    if raw.array_address(array) != facts.data_ptr:
        return True
    strides = raw.array_strides(array)
    return facts.stride is not None and strides != tuple(step * itemsize for step in facts.stride)


class Screen(Struct, frozen=True):
    """What ordinary tensors without a gradient looked like, as columns: one comparison for all."""

    versions: list[int | None]
    addresses: list[int | None]
    requiring: list[bool]

    @classmethod
    def of(cls, facts: Sequence[TensorFacts]) -> Screen:
        """The screen of tensors that have these facts; see `fits`."""
        return cls(
            [each.version for each in facts],
            [each.data_ptr for each in facts],
            [bool(each.requires_grad) for each in facts],
        )

    def unchanged(self, tensors: Sequence[Any], kept: Sequence[bool] = ()) -> bool:
        """Whether tensors look as they did: all, or those that are `kept`. Call inside `raw.quiet()`."""
        if kept:
            versions = list(compress(self.versions, kept))
            addresses = list(compress(self.addresses, kept))
            return Screen(versions, addresses, list(compress(self.requiring, kept))).unchanged(tensors)
        try:
            return (
                list(raw.versions(tensors)) == self.versions
                and list(map(raw.data_ptr, tensors)) == self.addresses
                and self._same_requirements(tensors)
            )
        except Exception:
            return False

    def _same_requirements(self, tensors: Sequence[Any]) -> bool:
        if not any(self.requiring):
            return not any(raw.requirements(tensors))
        if list(raw.requirements(tensors)) != self.requiring:
            return False
        return _all_none(map(raw.grad, _leaves(compress(tensors, self.requiring))))


def fits(value: object, facts: TensorFacts) -> bool:
    """Whether a tensor with these facts can be screened: it has a version, an address, and no gradient."""
    return (
        raw.is_plain(value)
        and facts.version is not None
        and facts.data_ptr is not None
        and facts.grad is None
    )


def _leaves(tensors: Iterable[Any]) -> Iterable[Any]:
    return (tensor for tensor in tensors if raw.is_leaf(tensor) or raw.retains_grad(tensor))


def _all_none(values: Iterable[object]) -> bool:
    return all(value is None for value in values)
