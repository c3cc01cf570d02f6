"""Whatever the learner's classes, modes and patches do, none of it runs, alters facts or is kept alive."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from facts.truth import Followed, read_everything
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()
    yield
    CALLS.clear()


def refuse(*_args, **_kwargs):
    CALLS.append("dunder")
    raise RuntimeError("the learner's code ran")


HOSTILE = [
    "__getattribute__", "__getattr__", "__repr__", "__str__", "__eq__", "__hash__", "__bool__", "__len__",
    "__iter__", "__array__", "__torch_function__", "__dir__", "__format__", "__sizeof__", "__index__",
]  # fmt: skip


def test_objects_whose_every_method_raises():
    meta = type(
        "Meta",
        (type,),
        dict.fromkeys(["__eq__", "__hash__", "__instancecheck__", "__subclasscheck__"], refuse),
    )
    hostile = type.__call__(meta, "Hostile", (), dict.fromkeys(HOSTILE, refuse))
    followed = Followed(hostile=object.__new__(hostile), cls=hostile, x=torch.ones(2))
    read_everything(followed)
    assert list(followed.snapshot.tensors) == ["x"]
    assert CALLS == []


class Liar:
    @property
    def __class__(self):
        CALLS.append("__class__")
        return torch.Tensor


def test_a_lying_class_attribute_is_not_believed():
    followed = Followed(liar=Liar(), x=torch.ones(2))
    read_everything(followed)
    assert list(followed.snapshot.tensors) == ["x"]
    assert CALLS == []


class Hidden(torch.Tensor):
    """Every fact overridden, every call intercepted."""

    @property
    def shape(self):
        return refuse()

    data = dtype = device = grad = grad_fn = is_leaf = requires_grad = layout = _version = shape
    __class__ = __dict__ = __repr__ = shape  # type: ignore[assignment]
    stride = data_ptr = numel = untyped_storage = storage_offset = size = dim = is_contiguous = refuse

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        CALLS.append(str(func))
        return NotImplemented


def test_a_subclass_that_overrides_everything_is_read():
    with torch._C.DisableTorchFunction():
        hidden = torch.ones(2, 3).as_subclass(Hidden)
    followed = Followed(hidden=hidden)
    read_everything(followed)
    facts = followed.snapshot.tensors["hidden"]
    assert (facts.kind, facts.type, facts.shape, facts.stride) == ("subclass", "Hidden", (2, 3), (3, 1))
    assert CALLS == []


class Wrapper(torch.Tensor):
    """Answers shape, stride, device and layout by its own Python code."""

    @staticmethod
    def __new__(cls, inner, policy):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            dtype=inner.dtype,
            device=inner.device,
            dispatch_sizes_strides_policy=policy,
            dispatch_device=True,
            dispatch_layout=True,
        )

    def __init__(self, inner, policy):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        CALLS.append(str(func))
        return func(*(a.inner if isinstance(a, Wrapper) else a for a in args), **(kwargs or {}))


@pytest.mark.parametrize("policy", ["sizes", "strides", None])
def test_a_wrapper_is_read_without_its_dispatch(policy):
    followed = Followed(wrapper=Wrapper(torch.ones(2, 3), policy), x=torch.ones(2))
    CALLS.clear()
    read_everything(followed)
    facts = followed.snapshot.tensors["wrapper"]
    assert CALLS == []
    assert (facts.kind, facts.shape, facts.stride, facts.dtype) == ("subclass", (2, 3), (3, 1), "float32")
    assert facts.device is facts.layout is facts.storage is facts.data_ptr is facts.block is None
    assert facts.unread


class Dispatching(torch.Tensor):
    """A subclass with its own dispatch and memory of its own."""

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        CALLS.append(str(func))
        return func(*args, **(kwargs or {}))


def test_a_dispatching_subclass_with_memory_shares_it():
    base = torch.ones(4)
    mine = torch.Tensor._make_subclass(Dispatching, base)
    CALLS.clear()
    followed = Followed(base=base, mine=mine)
    read_everything(followed)
    assert CALLS == []
    assert followed.snapshot.sharing == (("base", "mine"),)
    assert followed.block("mine").values == ("1.",) * 4


class FunctionMode(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        CALLS.append(str(func))
        return func(*args, **(kwargs or {}))


class DispatchMode(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        CALLS.append(str(func))
        return func(*args, **(kwargs or {}))


MODES = {
    "function": FunctionMode,
    "dispatch": DispatchMode,
    "device": lambda: torch.device("meta"),
    "inference": torch.inference_mode,
    "no grad": torch.no_grad,
}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_active_modes_neither_see_nor_alter_the_reading(mode):
    followed = Followed(wrapper=Wrapper(torch.ones(2, 3), "sizes"))
    followed.run("w = torch.ones(2, requires_grad=True); y = w * w; a = y.detach().numpy()")
    expected = followed.snapshot
    CALLS.clear()
    with mode():
        read_everything(followed)
        again = Followed(**{name: followed.namespace[name] for name in expected.tensors})
        again.take()
    assert CALLS == []
    assert followed.snapshot.tensors == expected.tensors
    assert [t.shape for t in again.snapshot.tensors.values()] == [t.shape for t in expected.tensors.values()]
    assert again.block("w").values == ("1.", "1.")


def test_patches_of_torch_are_not_called(monkeypatch):
    for name in ("shape", "dtype", "device", "grad", "requires_grad", "data", "is_leaf", "layout"):
        monkeypatch.setattr(torch.Tensor, name, property(refuse), raising=False)
    for name in ("stride", "data_ptr", "numel", "untyped_storage", "size", "dim", "is_contiguous"):
        monkeypatch.setattr(torch.Tensor, name, refuse, raising=False)
    monkeypatch.setattr(torch, "is_tensor", refuse)
    monkeypatch.setattr(nn.Module, "named_parameters", refuse)
    lin = nn.Linear.__new__(nn.Linear)
    lin.__dict__.update(
        _parameters={"weight": torch._C.TensorBase.detach(torch.ones(2))}, _buffers={}, _modules={}
    )
    followed = Followed(x=torch.ones(2), lin=lin)
    read_everything(followed)
    assert list(followed.snapshot.tensors) == ["x", "lin.weight"]
    assert followed.snapshot.tensors["x"].shape == (2,)
    assert CALLS == []


@pytest.mark.parametrize("name", ["_version", "is_cpu", "__getattribute__", "requires_grad", "is_leaf"])
@pytest.mark.parametrize("kind", [torch.Tensor, nn.Parameter])
def test_a_patch_between_two_snapshots_is_not_called(name, kind, monkeypatch):
    followed = Followed(x=torch.ones(2), p=nn.Parameter(torch.ones(2)))
    followed.take()
    values = list(followed.namespace.values())
    monkeypatch.setattr(kind, name, refuse if name == "__getattribute__" else property(refuse), raising=False)
    assert followed.take().changes == ()
    assert [facts.name for facts in Followed(a=values[-1], b=values[-2]).take(("a",)).tensors] == ["a", "b"]
    monkeypatch.undo()
    assert CALLS == []
    assert followed.changes("x.add_(1)") == {"x": "written"}


class Parameter(torch.Tensor):
    """Named like one of torch's own."""

    _version = requires_grad = is_leaf = property(refuse)


def test_a_subclass_named_like_torchs_own_is_not_taken_for_it():
    followed = Followed(x=torch.ones(2).as_subclass(Parameter), y=torch.ones(1))
    read_everything(followed)
    assert CALLS == []
    assert followed.snapshot.tensors["x"].kind == "subclass"


class Guarded(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def __getattr__(self, name):
        CALLS.append(name)
        raise AttributeError(name)

    def __getattribute__(self, name):
        CALLS.append(name)
        return super().__getattribute__(name)

    parameters = named_parameters = children = refuse


def test_a_module_is_read_without_its_attribute_access():
    guarded = Guarded()
    CALLS.clear()
    followed = Followed(guarded=guarded)
    read_everything(followed)
    assert list(followed.snapshot.tensors) == ["guarded.weight"]
    assert CALLS == []


@pytest.mark.parametrize(
    "fields", [{}, {"_parameters": None}, {"_modules": {3: None, "x": 5}}, {"_buffers": [1]}]
)
def test_a_module_that_is_not_set_up(fields):
    module = nn.Module.__new__(nn.Module)
    module.__dict__.update(fields)
    followed = Followed(module=module)
    read_everything(followed)
    assert followed.snapshot.tensors == {}


class TrickyArray(np.ndarray):
    def __array_finalize__(self, other):
        CALLS.append("finalize")

    @property
    def shape(self):
        return refuse()

    strides = dtype = base = ctypes = flags = __array_interface__ = size = shape
    __getattribute__ = refuse


def test_an_array_subclass_is_read():
    array = np.arange(3.0).view(TrickyArray)
    CALLS.clear()
    followed = Followed(array=array)
    read_everything(followed)
    assert followed.snapshot.tensors["array"].shape == (3,)
    assert followed.block("array").values == ("0.", "1.", "2.")
    assert CALLS == []


def test_an_array_that_reaches_beyond_its_memory_is_not_read():
    small = np.zeros(2)
    wild = np.lib.stride_tricks.as_strided(small, (1_000,), (8,))
    followed = Followed(wild=wild)
    read_everything(followed)
    assert followed.snapshot.tensors["wild"].shape == (1_000,)
    assert followed.block("wild").values is None
    tame = Followed(tame=np.lib.stride_tricks.as_strided(small, (2,), (8,)))
    tame.take()
    assert tame.block("tame").values == ("0.", "0.")


class Claims:
    """Claims memory that is not there."""

    def __init__(self):
        self.__array_interface__ = {"data": (8, True), "shape": (4,), "typestr": "<f8", "version": 3}


def test_memory_that_an_object_merely_claims_is_not_read():
    followed = Followed(array=np.asarray(Claims()))
    read_everything(followed)
    assert followed.block("array").values is None


def test_names_that_are_not_plain_text():
    class Name(str):
        __slots__ = ()

    followed = Followed(x=torch.ones(1))
    followed.namespace[Name("odd")] = torch.ones(1)
    followed.namespace[("a", 1)] = torch.ones(1)
    followed.take()
    assert list(followed.snapshot.tensors) == ["x"]


def test_no_finaliser_of_the_learners_runs_inside(monkeypatch):
    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            CALLS.append("del")

    followed = Followed(**{f"t{i}": torch.ones(1) for i in range(300)})
    finalised = []

    def read(*arguments):
        for _ in range(50):
            Cycle()
        delta = original(*arguments)
        finalised.append(len(CALLS))
        return delta

    original = followed.snapshots._read
    monkeypatch.setattr(followed.snapshots, "_read", read)
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        followed.take()
    finally:
        gc.set_threshold(*thresholds)
    assert finalised == [0]
    assert gc.isenabled()
    gc.collect()
    assert len(CALLS) == 50


@pytest.mark.filterwarnings("error")
def test_nothing_warns_or_raises_when_warnings_are_errors():
    followed = Followed(nn=nn)
    followed.run("w = torch.ones(2, requires_grad=True); y = w * 2; z = y.sum(); z.backward()")
    followed.run("lin = nn.Linear(2, 2); s = torch.eye(2).to_sparse(); m = torch.ones(2, device='meta')")
    with torch.inference_mode():
        followed.namespace["i"] = torch.ones(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_everything(followed)
    assert len(followed.snapshot.tensors) == 9


def test_reading_a_wrapper_imports_nothing_big():
    program = (
        "import sys, torch\n"
        "from tutor.kernel.namespace import Snapshots\n"
        "class Wrapper(torch.Tensor):\n"
        "    __torch_dispatch__ = classmethod(lambda *arguments: None)\n"
        "make = torch.Tensor._make_wrapper_subclass\n"
        "wrapper = make(Wrapper, (2,), dispatch_device=True, dispatch_sizes_strides_policy='sizes')\n"
        "before = set(sys.modules)\n"
        "(facts,) = Snapshots({'wrapper': wrapper}, frozenset()).take().tensors\n"
        "print(facts.shape, sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(2,) []"
