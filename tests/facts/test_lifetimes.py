"""Nothing that the kernel reads is kept alive by it."""

from __future__ import annotations

import contextlib
import gc
import weakref

import numpy as np
import pytest
import torch
from facts.truth import Followed, read_everything
from torch import nn

from tutor.facts import SnapshotDelta


@contextlib.contextmanager
def no_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Wrapper(torch.Tensor):
    """A tensor without memory of its own."""

    __torch_dispatch__ = classmethod(lambda cls, func, types, args=(), kwargs=None: NotImplemented)


VALUES = {
    "tensor": lambda: torch.ones(3),
    "leaf": lambda: torch.ones(3, requires_grad=True),
    "large": lambda: torch.ones(10_000),
    "array": lambda: np.ones(3),
    "module": lambda: nn.Linear(2, 2),
    "sparse": lambda: torch.eye(2).to_sparse(),
    "wrapper": lambda: torch.Tensor._make_wrapper_subclass(Wrapper, (2,), dispatch_device=True),
    "result": lambda: torch.ones(3, requires_grad=True).exp().sum(),
}


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES)
def test_values_die_with_their_last_name(make):
    value = make()
    followed = Followed(x=value, y=torch.ones(1))
    gone = weakref.ref(value)
    with no_collector():
        read_everything(followed)
        del value
        del followed.namespace["x"]
        assert gone() is None
    assert {change.kind for change in followed.take().changes} == {"deleted"}
    assert followed.take() == SnapshotDelta()


def test_storages_and_gradients_die_too():
    followed = Followed()
    followed.run("w = torch.ones(3, requires_grad=True); (w * w).sum().backward()")
    storage, gradient = (
        weakref.ref(o) for o in (followed.namespace["w"].untyped_storage(), followed.namespace["w"].grad)
    )
    with no_collector():
        read_everything(followed)
        followed.run("w.grad = None")
        assert gradient() is None
        del followed.namespace["w"]
        assert storage() is None
