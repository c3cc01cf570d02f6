"""What recording may not do: keep anything alive, take memory, draw random numbers, or change what runs."""

from __future__ import annotations

import gc
import math
import weakref

import msgspec
import pytest
import torch
from kernel.replay.conftest import Recording
from kernel.replay.truth import said, words

from tutor.kernel import raw
from tutor.kernel.replay.gradients import MOST_NOTED, Room, note
from tutor.kernel.replay.passing import MOST_NODES
from tutor.kernel.replay.watching import FIRST_PASSES


def test_nothing_is_kept_alive(recording: Recording) -> None:
    recording.run("""
        import weakref
        gone = []
        def work():
            w = torch.ones(300, requires_grad=True)
            h = (w * 2).exp()
            h.register_hook(lambda g: gone.append(weakref.ref(g)))
            node = h.grad_fn
            h.sum().backward()
            gone.extend(map(weakref.ref, (w, h, w.grad)))
            class Told(torch.Tensor): pass
            return node.metadata.__class__
        work()
    """)
    gc.collect()
    assert len(recording["gone"]) == 4
    assert [one() for one in recording["gone"]] == [None] * 4


def test_it_dies_without_the_collector(recording: Recording) -> None:
    recording.run("w = torch.ones(3, requires_grad=True)\nh = w * 2\nloss = h.exp().sum()\nloss.backward()")
    watched = [weakref.ref(recording[name]) for name in ("w", "h", "loss")]
    gc.collect()
    gc.disable()
    try:
        recording.run("del w, h, loss")
        assert [one() for one in watched] == [None] * 3
    finally:
        gc.enable()


def test_what_a_pass_frees_is_freed_while_it_runs(recording: Recording) -> None:
    recording.run("""
        import weakref
        class Keep(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x.clone())
                return x * 2
            @staticmethod
            def backward(ctx, g):
                saved.append(weakref.ref(ctx.saved_tensors[0]))
                alive.append([one() is not None for one in saved[:-1]])
                return g * 2
        saved, alive = [], []
        x = torch.ones(4, requires_grad=True)
        Keep.apply(Keep.apply(Keep.apply(x))).sum().backward()
    """)
    assert recording["alive"] == [[], [False], [False, False]]


def test_no_gradient_lives_longer_than_without() -> None:
    """Hooks of the learner's count how many of the gradients so far are still alive, as the pass goes on."""
    code = """
        import weakref
        net = torch.nn.Sequential(*[m for _ in range(12) for m in (torch.nn.Linear(64, 64), torch.nn.ReLU())])
        met, alive = [], []
        def count(g):
            met.append(weakref.ref(g))
            alive.append(sum(one() is not None for one in met))
        x = torch.randn(512, 64)
        for layer in net:
            x = layer(x)
            x.register_hook(count)
        x.sum().backward()
    """
    counts = {}
    for on in (False, True):
        recording = Recording()
        recording.run(code, on=on)
        counts[on] = recording["alive"]
    assert len(counts[True]) == 24
    assert counts[True] == counts[False]


def test_a_record_is_small(recording: Recording) -> None:
    (backward,) = recording.run("""
        x = torch.ones(256, requires_grad=True)
        y = x
        for _ in range(400): y = (y * 1.5).tanh()
        y.sum().backward()
    """)
    assert len(msgspec.msgpack.encode(backward)) < 400_000


def test_random_numbers_are_those_that_would_have_been_drawn(recording: Recording) -> None:
    code = """
        torch.manual_seed(3)
        x = torch.randn(20, 20, requires_grad=True)
        y = torch.nn.functional.dropout(x, 0.5)
        y.register_hook(lambda g: g + torch.rand_like(g))
        y.exp().sum().backward()
        after = torch.rand(3)
    """
    bare = Recording()
    bare.run(code, on=False)
    recording.run(code)
    assert torch.equal(bare["after"], recording["after"])
    assert torch.equal(bare["x"].grad, recording["x"].grad)


def test_where_gradients_are_taken_over_they_still_are(recording: Recording) -> None:
    recording.run("""
        w = torch.ones(1000, requires_grad=True)
        given = []
        class Give(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x): return x.sum()
            @staticmethod
            def backward(ctx, g):
                fresh = torch.full((1000,), 2.)
                given.append(fresh.data_ptr())
                return fresh
        Give.apply(w).backward()
    """)
    assert recording["w"].grad.data_ptr() == recording["given"][0]  # not copied


def test_a_pass_has_a_budget_and_says_what_was_left_out(recording: Recording) -> None:
    (backward,) = recording.run("""
        x = torch.ones(200, requires_grad=True)
        y = x
        for _ in range(2_000): y = y + 0
        y.sum().backward()
    """)
    assert len(backward.nodes) <= MOST_NODES + 1
    assert backward.omitted == 2_002 - MOST_NODES
    noted = [one for node in backward.nodes for one in (*node.incoming, *node.outgoing) if one is not None]
    assert sum(len(one.values) for one in noted) <= 2 * MOST_NOTED
    (leaf,) = backward.leaves
    assert said(leaf.gradient) == said(leaf.holds)
    assert recording["x"].grad.sum() == 200


def test_a_loop_is_recorded_at_its_beginning_and_now_and_then(recording: Recording) -> None:
    found = recording.run("""
        w = torch.ones(3, requires_grad=True)
        for _ in range(2_000):
            w.grad = None
            (w * 2).sum().backward()
    """)
    assert [one.hit for one in found[:FIRST_PASSES]] == [1, 2, 3]
    assert len(found) <= FIRST_PASSES + 1
    assert {one.hits for one in found} == {2_000}
    assert recording.passes("w") == 1


HABITS = {
    "None": ("w.grad = None", 1),
    "zero_": ("w.grad is None or w.grad.zero_()", 1),
    "data": ("w.grad is None or w.grad.data.zero_()", 1),
    "zero_grad": ("opt.zero_grad()", 1),
    "to zero": ("opt.zero_grad(set_to_none=False)", 1),
    "never": ("pass", "all"),
}


@pytest.mark.parametrize("times", [1, 2, 7, 400])
@pytest.mark.parametrize(("reset", "expected"), HABITS.values(), ids=HABITS)
def test_the_passes_that_a_gradient_holds_are_counted(
    recording: Recording, reset: str, expected: int | str, times: int
) -> None:
    recording.run(f"""
        w = torch.ones(3, requires_grad=True)
        opt = torch.optim.SGD([w], lr=0.1)
        for _ in range({times}):
            {reset}
            (w * 2).sum().backward()
    """)
    assert recording.passes("w") == (times if expected == "all" else expected)
    recording.run("w.grad.mul_(0.5)")
    assert recording.passes("w") == (times if expected == "all" else expected)
    recording.run("(w * 2).sum().backward()")
    assert recording.passes("w") == 1 + (times if expected == "all" else 1)
    recording.run("w.grad.zero_()")
    assert recording.passes("w") == 0
    recording.run("w.grad = torch.ones(3)")
    assert recording.passes("w") is None
    recording.run("w.grad = None")
    assert recording.passes("w") is None


def test_passes_that_nobody_watched_make_the_count_unknown(recording: Recording) -> None:
    recording.run("w = torch.ones(3, requires_grad=True)\n(w * 2).sum().backward()")
    recording.run("(w * 2).sum().backward()", on=False)
    assert recording.passes("w") is None
    recording.run("w.grad.zero_()\n(w * 2).sum().backward()")
    assert recording.passes("w") == 1


@pytest.mark.filterwarnings("ignore")
def test_nothing_is_compiled_that_would_not_have_been(recording: Recording) -> None:
    recording.run("""
        import torch._dynamo
        graphs = []
        def backend(graph, inputs):
            graphs.append([n.target for n in graph.graph.nodes if n.op.startswith("call")])
            return graph.forward
        @torch.compile(backend=backend)
        def step(w):
            loss = (w * 2).sum()
            loss.backward()
            return loss + 1
        w = torch.ones(3, requires_grad=True)
    """)
    recording.run("step(w)", on=False)
    bare = recording["graphs"][:]
    recording.run("torch._dynamo.reset(); graphs.clear(); w.grad = None")
    found = recording.run("step(w)")
    assert len(recording["graphs"]) == len(bare)
    assert recording["w"].grad.tolist() == [2.0] * 3
    assert [(one.line, one.unread) for one in found] == [(10, "it runs inside torch.compile")]


SHAPES = {
    "dense": lambda t: t,
    "transposed": lambda t: t.t(),
    "expanded": lambda t: t[:1].expand(300, 40),
    "strided": lambda t: t[::3, 1::2],
    "small": lambda t: t[0, :7],
    "one": lambda t: t[0, 0],
    "empty": lambda t: t[:0],
    "tiny": lambda t: t * 1e-3,
    "broken": lambda t: t / (t.real > 2),
}
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("make", SHAPES.values(), ids=SHAPES)
def test_norms_and_first_values_of_gradients(make, dtype: torch.dtype) -> None:
    tensor = make(torch.randn(300, 40, generator=torch.Generator().manual_seed(1)).to(dtype))
    with raw.Reading():
        noted = note(tensor, Room(), measured=True)
    assert noted is not None
    facts = noted.facts()
    wide = tensor.to(torch.complex128 if dtype.is_complex else torch.float64)
    norm = float(wide.norm()) if tensor.numel() else None
    assert facts.broken == (norm is not None and not math.isfinite(norm))
    if norm is not None and math.isfinite(norm):
        assert facts.norm == pytest.approx(norm, rel=1e-4)
    assert facts.values == words(tensor)
    assert facts.partial == (tensor.numel() > 256)


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_norms_where_squares_leave_the_range(scale: float) -> None:
    tensor = torch.randn(1_000, generator=torch.Generator().manual_seed(1)) * scale
    with raw.Reading():
        noted = note(tensor, Room(), measured=True)
    assert noted is not None
    assert noted.norm == pytest.approx(float(tensor.double().norm()), rel=1e-4)
