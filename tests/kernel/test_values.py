"""Previews: the values near the first element, read without running anything and without a trace."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.facts import Overview, Values
from tutor.kernel import elements
from tutor.kernel.values import MAX_ELEMENTS, copy_window, preview

LIMITS = (4, 12, 8)


def look(value: object, limits: tuple[int, int, int] = LIMITS, start: tuple[int, ...] = ()) -> Values:
    return preview({"x": value}, 1, "x", limits, start)


def number(text: str, dtype: torch.dtype) -> object:
    if dtype == torch.bool:
        return text == "True"
    return complex(text) if dtype.is_complex else float(text)


def agrees(text: str, value: object, dtype: torch.dtype) -> bool:
    """Whether the short text says what torch says, to the digits it has."""
    shown = number(text, dtype)
    if isinstance(shown, complex):
        assert isinstance(value, complex)
        return agrees(str(shown.real), value.real, torch.float64) and agrees(
            str(shown.imag), value.imag, torch.float64
        )
    wanted = float(value)  # type: ignore[arg-type]
    if math.isnan(wanted) or math.isinf(wanted):
        return str(float(shown)) == str(wanted)  # type: ignore[arg-type]
    return math.isclose(float(shown), wanted, rel_tol=0.06, abs_tol=1e-30)  # type: ignore[arg-type]


def check(value: torch.Tensor, limits: tuple[int, int, int] = LIMITS, start: tuple[int, ...] = ()) -> None:
    """The window is what indexing with torch gives, element by element."""
    found = look(value, limits, start)
    assert found.reason is None
    assert len(found.window) == value.dim()
    assert all(shown <= size for shown, size in zip(found.window, value.shape, strict=True))
    if value.numel():
        room = [size - shown for size, shown in zip(value.shape, found.window, strict=True)]
        wanted = start or (0,) * value.dim()
        for at, first, shown, most in zip(wanted, found.start, found.window, room, strict=True):
            assert 0 <= first <= most
            assert first <= at < first + shown
    plain = value.detach()
    firsts = found.start or (0,) * value.dim()
    ranges = [range(at, at + n) for at, n in zip(firsts, found.window, strict=True)]
    expected = [plain[at].item() for at in product(*ranges)]
    assert len(found.texts) == len(expected) <= MAX_ELEMENTS
    for text, exact, size, one in zip(found.texts, found.exact, found.numbers, expected, strict=True):
        assert agrees(text, one, value.dtype), (text, one)
        assert exact == repr(one)
        number = abs(one) if value.dtype.is_complex else float(one)
        assert math.isclose(size, number, rel_tol=1e-15) or repr(size) == repr(number)
    if value.numel() and not value.dtype.is_complex:
        everything = [float(each) for each in plain.flatten().tolist()]
        finite = [each for each in everything if math.isfinite(each)]
        nans = sum(map(math.isnan, everything))
        bounds = (min(finite), max(finite)) if finite else (None, None)
        assert found.overview == Overview(*bounds, nans, len(everything) - len(finite) - nans)


DTYPES = [
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.complex32, torch.complex64, torch.complex128, torch.bool),
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    *(torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz),
    torch.float8_e8m0fnu,
]


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_values_are_torchs_own_in_every_dtype(dtype: torch.dtype) -> None:
    source = torch.tensor([[0.0, 1.0, 2.5], [3.25, 7.0, 100.0]])
    check(source.to(dtype))
    if dtype.is_floating_point and "8" not in str(dtype).removeprefix("torch.float8"):
        check(torch.tensor([math.nan, math.inf, -math.inf, -0.0, 1e-5]).to(dtype))


LAYOUTS = {
    "scalar": lambda: torch.tensor(3.5),
    "transposed": lambda: torch.arange(12.0).view(3, 4).t(),
    "sliced": lambda: torch.arange(40).view(4, 10)[1::2, 3::3],
    "expanded": lambda: torch.arange(3.0)[:, None].expand(3, 5),
    "overlapping": lambda: torch.arange(9.0).unfold(0, 4, 1),
    "flipped": lambda: torch.arange(6.0).flip(0),
    "conjugated": lambda: torch.tensor([1 + 2j, 3 - 4j]).conj(),
    "imaginary part of a conjugate": lambda: torch.tensor([1 + 2j, 3 - 4j]).conj().imag,
    "3-d": lambda: torch.arange(24.0).view(2, 3, 4),
    "5-d": lambda: torch.arange(2 * 3 * 2 * 4 * 5).view(2, 3, 2, 4, 5),
    "large": lambda: torch.arange(100_000).view(100, 1000),
    "long": lambda: torch.arange(100_000),
    "no rows": lambda: torch.empty(0, 3),
    "no columns": lambda: torch.empty(3, 0),
    "parameter": lambda: torch.nn.Parameter(torch.ones(2)),
    "tracked": lambda: torch.ones(2, requires_grad=True) * 2,
    "half of a view": lambda: torch.arange(8, dtype=torch.float32).view(torch.int32)[3:],
    "inference": lambda: torch.inference_mode()(torch.ones)(3),
}


@pytest.mark.parametrize("make", LAYOUTS.values(), ids=list(LAYOUTS))
def test_values_are_torchs_own_in_every_layout(make) -> None:
    check(make())


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_any_view_of_some_memory_reads_as_torch_reads_it(data: st.DataObject) -> None:
    base = torch.arange(400)
    shape = data.draw(st.lists(st.integers(0, 6), max_size=5))
    stride = [data.draw(st.integers(0, 12)) for _ in shape]
    reach = sum((size - 1) * step for size, step in zip(shape, stride, strict=True) if size)
    offset = data.draw(st.integers(0, max(0, 399 - reach)))
    limits = data.draw(st.tuples(*[st.integers(1, 5)] * 3))
    start = tuple(data.draw(st.integers(0, max(0, size - 1))) for size in shape)
    check(base.as_strided(shape, stride, offset), limits, start)


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_is_copied_from_an_accelerator_is_what_is_read_from_memory(dtype: torch.dtype) -> None:
    value = torch.arange(24.0).view(2, 3, 4).to(dtype).transpose(0, 2)[1:]
    found = look(value, (2, 2, 2))
    data = copy_window(value, found.window)
    assert data is not None
    assert elements.element_texts(data, str(dtype).removeprefix("torch.")) == found.texts
    later = look(value, (2, 2, 2), (1, 1, 1))
    data = copy_window(value, later.window, later.start)
    assert data is not None
    assert elements.element_texts(data, str(dtype).removeprefix("torch.")) == later.texts
    assert copy_window(torch.tensor(3, dtype=torch.int16), ()) == b"\x03\x00"


def test_numpy_arrays_have_values_too() -> None:
    import numpy as np

    found = look(np.arange(6.0)[::-2])
    assert found.texts == ("5.", "3.", "1.")
    assert look(np.arange(3, dtype=">i4")).texts == ("0", "1", "2")
    assert "no plain values" in (look(np.array(["a", None])).reason or "")
    assert "no plain values" in (look(np.zeros(2, "i4,f4")).reason or "")
    wild = np.lib.stride_tricks.as_strided(np.zeros(2), (4,), (1 << 20,))
    assert look(wild).texts == ()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [torch.quint8, torch.qint8, torch.qint32], ids=str)
def test_of_quantized_tensors_the_stored_integers_are_shown(dtype: torch.dtype) -> None:
    value = torch.quantize_per_tensor(torch.tensor([[0.5, 1.0], [-0.5, 2.0]]), 0.1, 3, dtype)[:, 1:]
    found = look(value)
    assert list(found.exact) == [repr(each) for each in value.int_repr().flatten().tolist()]
    assert "int_repr" in found.note


def test_lazy_conjugates_and_negatives_say_that_memory_differs() -> None:
    value = torch.tensor([1 + 2j]).conj()
    assert "conjugated" in look(value).note
    assert "negated" in look(value.imag).note
    assert look(value.resolve_conj()).note == ""


def test_what_is_not_finite_is_counted_and_a_huge_tensor_is_not_searched() -> None:
    value = torch.zeros(1000)
    value[::10], value[1], value[2] = math.nan, math.inf, -3
    assert look(value).overview == Overview(-3.0, 0.0, 100, 1)
    assert look(torch.tensor([math.nan])).overview == Overview(None, None, 1, 0)
    assert look(torch.zeros(1 << 19)).overview is None


def _freed() -> torch.Tensor:
    value = torch.ones(4)
    value.untyped_storage().resize_(0)
    return value


UNSHOWN = {
    "sparse_coo": lambda: torch.eye(2).to_sparse(),
    "sparse_csr": lambda: torch.eye(2).to_sparse_csr(),
    "meta": lambda: torch.ones(2, device="meta"),
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "given back": _freed,
    "float4": lambda: torch.zeros(2, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("word", "make"), UNSHOWN.items(), ids=list(UNSHOWN))
def test_what_has_no_grid_says_why(word: str, make) -> None:
    found = look(make())
    assert found.texts == ()
    assert word.partition("_")[0] in (found.reason or "")


def test_a_fake_tensor_and_a_class_of_its_own_say_what_they_are() -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        fake = torch.ones(3)
        inside = look(fake)
    assert "fake" in (inside.reason or "")
    assert "fake" in (look(fake).reason or "")
    del mode


def test_no_name_no_values() -> None:
    assert "no tensor" in (preview({"x": 3}, 1, "x", LIMITS).reason or "")
    assert preview({}, 7, "w.grad", LIMITS).id == 7


HOSTILE = """\
import torch
calls = []
def told(name):
    def method(*args, **kwargs):
        calls.append(name)
        raise RuntimeError(name)
    return method
class Loud(torch.Tensor):
    __repr__ = __len__ = __getitem__ = __eq__ = __hash__ = told("dunder")
    __getattribute__ = told("attribute")
    @classmethod
    def __torch_function__(cls, *args, **kwargs):
        calls.append("function")
        raise RuntimeError
class Wrapped(torch.Tensor):
    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)
    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        calls.append("dispatch")
        raise RuntimeError
loud = torch.ones(3).as_subclass(Loud)
wrapped = Wrapped(torch.ones(2))
from torch.utils._python_dispatch import TorchDispatchMode
class Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        calls.append("mode")
        return func(*args, **(kwargs or {}))
x = torch.arange(6.).view(2, 3).requires_grad_()
y = (x * 2).t()
torch.Tensor.numpy = torch.Tensor.cpu = torch.Tensor.tolist = told("patched")
del calls[:]
"""


def test_no_code_of_the_learners_runs(driver) -> None:
    assert driver.run(HOSTILE).ok
    try:
        shown = driver.runner.run(driver.session.preview("loud"))
        assert shown.texts == ("1.", "1.", "1.")
        assert "Wrapped" in driver.runner.run(driver.session.preview("wrapped")).reason
        assert driver.runner.run(driver.session.preview("y")).texts == ("0.", "6.", "2.", "8.", "4.", "10.")
        assert driver.value("calls") == []
    finally:
        driver.runner.run(driver.session.restart())


def test_looking_leaves_no_trace(driver) -> None:
    driver.run("""\
        import gc, warnings, weakref, torch
        gc.collect()
        gc.disable()
        x = torch.ones(300, 300, requires_grad=True)
        y = x * 2
        state, version = torch.get_rng_state(), x._version
        watch = [weakref.ref(x), weakref.ref(y)]
        """)
    for name in ("x", "y", "x.grad", "nothing"):
        driver.runner.run(driver.session.preview(name))
    run = driver.run(
        "kept = torch.equal(state, torch.get_rng_state()), x._version == version, x.grad is None"
    )
    assert run.steps[0].warnings == ()
    assert driver.value("kept") == [True, True, True]
    driver.run("del x, y")
    assert driver.value("[w() is None for w in watch]") == [True, True]
