"""Each fact about a tensor or array is what torch or numpy says, or None where they refuse."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from facts.truth import Followed
from torch import nn
from torch._subclasses import FakeTensorMode

from tutor.facts import TensorFacts


def facts_of(value: object) -> TensorFacts:
    followed = Followed(x=value)
    followed.take()
    return followed.snapshot.tensors["x"]


def leaf() -> torch.Tensor:
    return torch.ones(2, 3, requires_grad=True)


def with_gradient() -> torch.Tensor:
    tensor = leaf()
    (tensor * 2).sum().backward()
    return tensor


def retaining() -> torch.Tensor:
    tensor = leaf() * 2
    tensor.retain_grad()
    tensor.sum().backward()
    return tensor


ORDINARY = {
    "matrix": lambda: torch.arange(6.0).reshape(2, 3),
    "transposed": lambda: torch.zeros(2, 3).T,
    "offset": lambda: torch.arange(10)[3:8:2],
    "expanded": lambda: torch.zeros(3, 1).expand(3, 4),
    "scalar": lambda: torch.tensor(3.5),
    "empty": lambda: torch.empty(0, 4),
    "empty view": lambda: torch.ones(4)[4:],
    "half": lambda: torch.ones(2, dtype=torch.float16),
    "bfloat16": lambda: torch.ones(2, dtype=torch.bfloat16),
    "float8": lambda: torch.ones(2).to(torch.float8_e4m3fn),
    "complex": lambda: torch.ones(2, dtype=torch.complex64),
    "conjugate": lambda: torch.ones(2, dtype=torch.complex64).conj(),
    "boolean": lambda: torch.ones(2, dtype=torch.bool),
    "leaf": leaf,
    "with gradient": with_gradient,
    "retaining": retaining,
    "result": lambda: leaf() ** 2,
    "written": lambda: torch.zeros(3).add_(1).mul_(2),
    "parameter": lambda: nn.Parameter(torch.ones(2)),
    "meta": lambda: torch.ones(2, 3, device="meta")[1],
    "channels last": lambda: torch.zeros(1, 2, 3, 4).to(memory_format=torch.channels_last),
}


@pytest.mark.parametrize("make", ORDINARY.values(), ids=ORDINARY)
def test_every_fact_is_torchs_answer(make):
    tensor = make()
    facts = facts_of(tensor)
    gradient = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
    assert facts.unread is None
    assert facts.type == type(tensor).__name__
    assert facts.kind == ("parameter" if isinstance(tensor, nn.Parameter) else "tensor")
    assert facts.shape == tuple(tensor.shape)
    assert facts.stride == tensor.stride()
    assert facts.offset == tensor.storage_offset()
    assert facts.dtype == str(tensor.dtype).removeprefix("torch.")
    assert facts.device == str(tensor.device)
    assert facts.layout == "strided"
    assert facts.numel == tensor.numel()
    assert facts.itemsize == tensor.element_size()
    assert facts.is_contiguous == tensor.is_contiguous()
    assert facts.requires_grad == tensor.requires_grad
    assert facts.is_leaf == tensor.is_leaf
    assert facts.grad_fn == (None if tensor.grad_fn is None else tensor.grad_fn.name())
    assert facts.retains_grad == tensor.retains_grad
    assert facts.grad == (None if gradient is None else tuple(gradient.shape))
    assert facts.version == tensor._version
    assert facts.data_ptr == tensor.data_ptr()
    assert facts.storage is not None
    assert (facts.block is None) == (tensor.numel() == 0)


def test_facts_are_plain_types():
    facts = facts_of(torch.ones(2, 3))
    assert type(facts.shape) is tuple
    assert type(facts.stride) is tuple


ARRAYS = {
    "matrix": np.arange(6.0).reshape(2, 3),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "reversed": np.arange(6)[::-1],
    "scalar": np.array(3),
    "empty": np.empty((0, 3)),
    "text": np.array(["a", "bc"]),
    "objects": np.array([object()], dtype=object),
    "big endian": np.arange(3, dtype=">i4"),
    "masked": np.ma.masked_array([1, 2], mask=[True, False]),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_every_fact_is_numpys_answer(array):
    facts = facts_of(array)
    assert facts.kind == "ndarray"
    assert facts.type == type(array).__name__
    assert facts.shape == array.shape
    assert facts.stride == tuple(step // array.itemsize for step in array.strides)
    assert facts.dtype == str(array.dtype)
    assert facts.device == "cpu"
    assert facts.numel == array.size
    assert facts.itemsize == array.itemsize
    assert facts.is_contiguous == array.flags.c_contiguous
    assert facts.data_ptr == array.__array_interface__["data"][0]
    assert facts.storage is None
    assert facts.version is None


def test_an_array_of_a_tensor_has_the_tensors_storage():
    followed = Followed()
    followed.run("t = torch.zeros(4); a = t.numpy()[1:]; b = torch.zeros(4).numpy()")
    tensors = followed.snapshot.tensors
    assert tensors["a"].storage == tensors["t"].storage
    assert tensors["b"].storage not in (None, tensors["t"].storage)


def test_an_array_whose_strides_are_not_whole_elements_says_so():
    records = np.zeros(3, dtype=[("small", "i1"), ("big", "i4")])
    facts = facts_of(records["big"])
    assert facts.stride is None
    assert facts.unread


def test_a_sparse_tensor_has_no_storage():
    facts = facts_of(torch.eye(3).to_sparse())
    assert (facts.kind, facts.layout, facts.shape) == ("sparse", "sparse_coo", (3, 3))
    assert facts.storage is facts.data_ptr is facts.block is None
    assert facts.unread


def test_an_opaque_tensor_has_no_storage():
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch is built without mkldnn")
    facts = facts_of(torch.eye(3).to_mkldnn())
    assert (facts.layout, facts.shape, facts.storage) == ("mkldnn", (3, 3), None)


def test_a_compressed_sparse_tensor_refuses_strides():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensor = torch.eye(3).to_sparse_csr()
    facts = facts_of(tensor)
    assert (facts.kind, facts.layout, facts.stride, facts.is_contiguous) == (
        "sparse",
        "sparse_csr",
        None,
        None,
    )


@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_a_nested_tensor_has_no_plain_shape(layout):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensor = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], layout=layout)
    facts = facts_of(tensor)
    assert facts.kind == "nested"
    assert facts.shape is None
    assert facts.dtype == "float32"


def test_a_quantized_tensor():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensor = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    facts = facts_of(tensor)
    assert (facts.kind, facts.dtype, facts.itemsize) == ("quantized", "qint8", 1)


def test_a_fake_tensor_has_its_fake_device_and_no_address():
    with FakeTensorMode() as mode:
        fake = torch.ones(4)[1:]
        meta_converted = mode.from_tensor(torch.ones(2))
    followed = Followed(fake=fake, other=meta_converted)
    followed.take()
    facts = followed.snapshot.tensors["fake"]
    assert (facts.kind, facts.type, facts.device, facts.shape) == ("fake", "FakeTensor", "cpu", (3,))
    assert (facts.offset, facts.data_ptr) == (1, None)
    assert followed.block("fake").start == 0
    assert followed.snapshot.tensors["other"].kind == "fake"


def test_symbolic_sizes_are_not_asked_for():
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    environment = ShapeEnv()
    fake = FakeTensorMode(shape_env=environment).from_tensor(torch.ones(5, 7))
    guards = len(environment.guards)
    facts = facts_of(fake)
    assert facts.shape is None
    assert "symbolic" in (facts.unread or "")
    assert len(environment.guards) == guards


def test_an_inference_tensor_has_no_version():
    with torch.inference_mode():
        tensor = torch.ones(3)
    facts = facts_of(tensor)
    assert facts.version is None
    assert (facts.shape, facts.data_ptr) == ((3,), tensor.data_ptr())


@pytest.mark.parametrize("transform", [torch.vmap, torch.func.grad], ids=["vmap", "grad"])
def test_a_tensor_that_escaped_from_a_transform(transform):
    escaped = []

    def function(x):
        escaped.append(x * 2)
        return x.sum()

    transform(function)(torch.ones(2, 3) if transform is torch.vmap else torch.ones(3))
    facts = facts_of(escaped[0])
    assert facts.shape == (3,)
    assert facts.storage is facts.data_ptr is None


def test_a_storage_without_bytes_is_no_memory():
    tensor = torch.ones(3)
    tensor.untyped_storage().resize_(0)
    facts = facts_of(tensor)
    assert (facts.shape, facts.block) == ((3,), None)


def test_a_subclass_is_named():
    class Marked(torch.Tensor):
        pass

    facts = facts_of(torch.ones(2).as_subclass(Marked))
    assert (facts.kind, facts.type, facts.shape) == ("subclass", "Marked", (2,))


@pytest.mark.filterwarnings("error")
def test_gradients_of_inner_nodes_are_never_touched():
    followed = Followed()
    followed.run("w = torch.ones(2, requires_grad=True); y = w * 2; y.sum().backward()")
    followed.take(["y"])
    assert "y.grad" not in followed.snapshot.tensors
    assert followed.snapshot.tensors["w.grad"].kind == "gradient"


def test_paths_of_a_module_are_those_of_named_parameters():
    followed = Followed(nn=nn)
    followed.run(
        "last = nn.ModuleDict({'last': nn.Linear(3, 1)})\n"
        "model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), last); del last"
    )
    tensors = followed.snapshot.tensors
    model = followed.namespace["model"]

    def spelled(path: str) -> str:
        first, _, rest = path.partition(".")
        return f"model[{first}].{rest}"

    expected = {spelled(path) for path, _ in [*model.named_parameters(), *model.named_buffers()]}
    assert set(tensors) == expected
    assert tensors["model[1].running_mean"].kind == "buffer"
    assert tensors["model[2].last.weight"].kind == "parameter"


def test_tied_parameters_appear_under_both_paths():
    followed = Followed(nn=nn)
    followed.run("a = nn.Linear(2, 2); b = nn.Linear(2, 2); b.weight = a.weight; w = a.weight")
    tensors = followed.snapshot.tensors
    assert tensors["a.weight"].object == tensors["b.weight"].object == tensors["w"].object
    assert tensors["w"].kind == "parameter"
    assert ("a.weight", "b.weight", "w") in followed.snapshot.sharing


def test_a_module_that_contains_itself_ends():
    followed = Followed(nn=nn)
    followed.run("m = nn.Linear(1, 1); m.__dict__['_modules']['again'] = m")
    assert set(followed.snapshot.tensors) == {"m.weight", "m.bias"}


def test_gradients_of_parameters_have_paths():
    followed = Followed(nn=nn)
    followed.run("lin = nn.Linear(2, 1); lin(torch.ones(1, 2)).sum().backward()")
    assert followed.snapshot.tensors["lin.weight.grad"].shape == (1, 2)
    assert followed.changes("lin.weight.grad = None")["lin.weight.grad"] == "deleted"


def test_dunder_names_and_names_that_are_not_text_are_skipped():
    followed = Followed()
    followed.namespace["__hidden__"] = torch.ones(1)
    followed.namespace[3] = torch.ones(1)
    followed.namespace["_private"] = torch.ones(1)
    followed.take()
    assert set(followed.snapshot.tensors) == {"_private"}
