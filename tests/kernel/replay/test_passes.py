"""Every way to run a backward pass, and what is told of it."""

from __future__ import annotations

import signal

import pytest
import torch
from kernel.replay.conftest import Recording
from kernel.replay.truth import node, order, said


def test_a_pass_is_told_with_line_names_and_what_was_freed(recording: Recording) -> None:
    recording.run("w = torch.tensor([1., 2.], requires_grad=True)\nloss = (w * w).sum()")
    (backward,) = recording.run("# first\nloss.backward()")
    assert (backward.call, backward.line, backward.expression) == ("backward", 2, "loss.backward()")
    assert backward.roots == ("loss",)
    assert order(backward) == ["SumBackward0", "MulBackward0", "AccumulateGrad"]
    multiplied = backward.nodes[1]
    assert [said(one) for one in multiplied.incoming] == [("1.", "1.")]
    assert [said(one) for one in multiplied.outgoing] == [("1.", "2."), ("1.", "2.")]
    assert multiplied.followers == (backward.nodes[2].node,) * 2
    assert backward.freed == (multiplied.node,)
    (leaf,) = backward.leaves
    assert (leaf.name, leaf.before, leaf.after, leaf.passes) == ("w", None, (2,), 1)
    assert said(leaf.gradient) == said(leaf.holds) == ("2.", "4.")


def test_a_kept_graph_frees_nothing_and_adds_up_in_place(recording: Recording) -> None:
    recording.run("w = torch.ones(2, requires_grad=True)\nloss = (w * 3).exp().sum()")
    first, second = recording.run("for _ in range(2): loss.backward(retain_graph=True)")
    assert (first.retain_graph, first.freed, second.freed) == (True, (), ())
    assert [one.node for one in first.nodes] == [one.node for one in second.nodes]
    (leaf,) = second.leaves
    assert leaf.storage_before == leaf.storage_after == first.leaves[0].storage_after
    assert said(leaf.gradient) == said(leaf.held)
    assert [float(v) for v in leaf.holds.values] == [
        pytest.approx(2 * float(v), rel=1e-3) for v in leaf.held.values
    ]
    assert leaf.passes == 2
    with pytest.raises(RuntimeError):
        recording.run("loss.backward()\nloss.backward()")
    assert recording.passes("w") == 3


def test_grad_gives_and_fills_nothing(recording: Recording) -> None:
    recording.run("w = torch.ones(2, requires_grad=True)\nh = w * 3\nloss = h.square().sum()")
    (backward,) = recording.run("gh, gw = torch.autograd.grad(loss, [h, w])")
    assert backward.call == "grad"
    assert said(node(backward, "w").incoming[0]) == ("18.", "18.")
    assert said(node(backward, "h").incoming[0]) == ("6.", "6.")
    (leaf,) = backward.leaves
    assert (leaf.after, said(leaf.gradient)) == (None, ("18.", "18."))
    assert recording["w"].grad is None


def test_several_roots_and_a_leaf_as_root(recording: Recording) -> None:
    recording.run("w = torch.ones(2, requires_grad=True)\na = (w * 2).sum()\nb = (w * 5).sum()")
    (backward,) = recording.run(
        "torch.autograd.backward([a, b, w], [None, torch.tensor(10.), torch.ones(2)])"
    )
    assert backward.roots == ("a", "b", "w")
    assert said(node(backward, "b").incoming[0]) == ("10.",)
    assert said(node(backward, "w").incoming[0]) == ("53.", "53.")
    (again,) = recording.run("w.backward(torch.ones(2))")
    assert order(again) == ["AccumulateGrad"]
    (leaf,) = again.leaves
    assert (said(leaf.held), said(leaf.gradient)) == (("53.", "53."), ("1.", "1."))
    assert said(leaf.holds) == ("54.", "54.")


def test_chosen_inputs_alone_are_filled(recording: Recording) -> None:
    recording.run("v, w = (torch.ones(2, requires_grad=True) for _ in 'vw')\nh = v * w\nloss = h.exp().sum()")
    (backward,) = recording.run("loss.backward(inputs=[w])")
    assert [leaf.name for leaf in backward.leaves] == ["w"]
    assert [one.variable for one in backward.nodes if one.name == "AccumulateGrad"] == ["w"]
    (inner,) = recording.run("(v * w).exp().sum().backward(inputs=[v, w])")
    assert {leaf.name: leaf.passes for leaf in inner.leaves} == {"v": 1, "w": 2}


def test_gradients_of_gradients(recording: Recording) -> None:
    recording.run("x = torch.tensor(2., requires_grad=True)\ny = x ** 3")
    first, second = recording.run("g, = torch.autograd.grad(y, x, create_graph=True)\ng.backward()")
    assert first.create_graph
    assert said(node(first, "x").incoming[0]) == ("12.",)
    assert said(second.leaves[0].gradient) == ("12.",)
    assert recording["x"].grad.item() == 12.0


def test_a_function_of_the_learners_and_its_hooks_run_as_before(recording: Recording) -> None:
    backward = recording.run("""
        ran = []
        class Double(torch.autograd.Function):
            register_hook = register_prehook = next_functions = metadata = None
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * 2
            @staticmethod
            def backward(ctx, g):
                ran.append("backward")
                return g * 2
        w = torch.ones(2, requires_grad=True)
        h = Double.apply(w)
        h.register_hook(lambda g: (ran.append("tensor"), g * 10)[1])
        h.grad_fn.metadata
        w.register_hook(lambda g: (ran.append("leaf"), g + 1)[1])
        w.register_post_accumulate_grad_hook(lambda w: ran.append("filled"))
        h.sum().backward()
    """)[-1]
    assert recording["ran"] == ["tensor", "backward", "leaf", "filled"]
    assert recording["w"].grad.tolist() == [21.0, 21.0]
    assert said(node(backward, "h").incoming[0]) == ("10.", "10.")
    assert said(node(backward, "h").outgoing[0]) == ("20.", "20.")
    assert said(node(backward, "w").incoming[0]) == ("21.", "21.")


def test_hooks_of_nodes_come_before_ours(recording: Recording) -> None:
    (backward,) = recording.run("""
        w = torch.ones(2, requires_grad=True)
        h = w * 3
        h.grad_fn.register_prehook(lambda gs: (gs[0] * 10,))
        h.grad_fn.register_hook(lambda gi, go: (gi[0] + 1, None))
        h.sum().backward()
    """)
    assert said(node(backward, "h").incoming[0]) == ("10.", "10.")
    assert said(node(backward, "h").outgoing[0]) == ("31.", "31.")
    assert recording["w"].grad.tolist() == [31.0, 31.0]


def test_an_exception_passes_as_it_is(recording: Recording) -> None:
    recording.run("""
        import traceback
        class Boom(Exception): pass
        def bad(g): raise Boom("no")
        w = torch.ones(2, requires_grad=True)
        h = (w * 3).exp()
        h.register_hook(bad)
        loss = h.sum()
        def attempt():
            try:
                loss.backward()
            except Boom as error:
                return traceback.format_exc(), error.args
    """)
    (bare,) = [recording.run("told = attempt()", on=False), recording["told"]][1:]
    (backward,) = recording.run("told = attempt()")
    assert recording["told"] == bare
    assert backward.error == "Boom: no"
    assert order(backward) == ["SumBackward0"]


def test_what_was_freed_before_is_named(recording: Recording) -> None:
    recording.run(
        "w = torch.ones(2, requires_grad=True)\nh = w * 3\ne = h.exp()\nloss = e.sum()\nloss.backward()"
    )
    with pytest.raises(RuntimeError, match="second time"):
        recording.run("loss.backward()")
    (backward,) = recording.found
    assert backward.error is not None
    assert ("ExpBackward0", "freed") in [(one.name, one.why) for one in backward.spoiled]
    assert backward.freed == ()
    assert [leaf.name for leaf in backward.leaves] == []


def test_optimizers_that_run_passes_themselves(recording: Recording) -> None:
    found = recording.run("""
        w = torch.tensor([3., -2.], requires_grad=True)
        opt = torch.optim.LBFGS([w], max_iter=6)
        def closure():
            opt.zero_grad()
            loss = (w ** 2).sum()
            loss.backward()
            return loss
        for _ in range(5):
            opt.step(closure)
    """)
    assert found[0].expression == "loss.backward()"
    assert found[0].roots == ("loss",)
    assert found[0].hits == found[-1].hits > 5
    assert [one.hit for one in found[:3]] == [1, 2, 3]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoints(recording: Recording, reentrant: bool) -> None:
    code = f"""
        from torch.utils.checkpoint import checkpoint
        w = torch.ones(2, requires_grad=True)
        def part(x): return (x * w).exp()
        x = torch.full((2,), 0.5, requires_grad=True)
        y = checkpoint(part, x, use_reentrant={reentrant}).sum()
        y.backward()
    """
    bare = Recording()
    bare.run(code, on=False)
    found = recording.run(code)
    assert recording["w"].grad.tolist() == bare["w"].grad.tolist()
    assert recording.passes("w") == recording.passes("x") == 1
    outer = found[0]
    assert (len(found), [one.inner for one in found]) == ((2, [False, True]) if reentrant else (1, [False]))
    assert {leaf.name for leaf in outer.leaves} >= {"x"}
    if reentrant:
        assert found[1].seq > outer.seq
        assert "ExpBackward0" in order(found[1])


def test_passes_inside_of_torchs_own_functions(recording: Recording) -> None:
    found = recording.run("""
        def f(x): return (x ** 2).sum(0)
        j = torch.autograd.functional.jacobian(f, torch.ones(3, 2))
        ok = torch.autograd.gradcheck(f, torch.ones(3, 2, dtype=torch.float64, requires_grad=True))
    """)
    assert recording["ok"]
    assert {one.line for one in found} == {3, 4}
    assert {one.call for one in found} == {"grad"}


@pytest.mark.filterwarnings("ignore")
def test_where_modes_and_transforms_are_at_work_nothing_is_touched(recording: Recording) -> None:
    found = recording.run("""
        from torch.utils.flop_counter import FlopCounterMode
        w = torch.ones(2, 2, requires_grad=True)
        loss = (w @ w).sum()
        with FlopCounterMode(display=False) as counter:
            loss.backward()
        hessian = torch.func.hessian(lambda x: (x ** 3).sum())(torch.ones(2))
        rows = torch.autograd.functional.jacobian(lambda x: x ** 2, torch.ones(3), vectorize=True)
        with torch.profiler.profile():
            (w * w).sum().backward()
    """)
    assert [one.unread for one in found if one.nodes] == []
    assert {one.unread for one in found} >= {"a dispatch mode is on", "the profiler is on"}
    assert recording["rows"].tolist() == (2 * torch.eye(3)).tolist()
    assert recording.passes("w") is None  # nobody watched


def test_off_is_off(recording: Recording) -> None:
    original = torch.autograd._engine_run_backward
    recording.run("w = torch.ones(2, requires_grad=True)")
    code = "during = torch.autograd._engine_run_backward; (w * 2).sum().backward()"
    assert recording.run(code, on=False) == []
    assert recording["during"] is original
    assert len(recording.run(code)) == 1
    assert recording["during"] is not original
    assert torch.autograd._engine_run_backward is torch.autograd.graph._engine_run_backward is original


def test_threads_of_the_learners(recording: Recording) -> None:
    found = recording.run("""
        import threading
        def work(n):
            w = torch.ones(3, requires_grad=True)
            (w * n).sum().backward()
            out[n] = w.grad.tolist()
        out = {}
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
    """)
    assert recording["out"] == {n: [float(n)] * 3 for n in range(4)}
    for one in found:
        assert said(one.nodes[-1].incoming[0])[0] in {"0.", "1.", "2.", "3."}
        assert order(one) == ["SumBackward0", "MulBackward0", "AccumulateGrad"]


def test_a_local_name_is_told_and_not_kept(recording: Recording) -> None:
    found = recording.run("""
        import weakref
        w = torch.ones(3, requires_grad=True)
        def step():
            hidden = (w * 2).tanh()
            gone = weakref.ref(hidden)
            hidden.sum().backward()
            del hidden
            return gone() is None
        died = step()
    """)
    assert recording["died"]
    assert node(found[0], "hidden").name == "TanhBackward0"


def test_a_pass_that_is_stopped_leaves_nothing_behind(recording: Recording) -> None:
    recording.run("w = torch.ones(2, requires_grad=True)\nh = w * 3\nloss = h.exp().sum()")
    recording.run("""
        import signal
        def stop(g): signal.raise_signal(signal.SIGINT)
        handle = h.register_hook(stop)
    """)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it may be ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            recording.run("loss.backward(retain_graph=True)")
    finally:
        signal.signal(signal.SIGINT, before)
    (stopped,) = recording.found
    assert stopped.error is not None
    recording.run("handle.remove()")
    (backward,) = recording.run("loss.backward()")
    assert order(backward) == ["SumBackward0", "ExpBackward0", "MulBackward0", "AccumulateGrad"]
    assert backward.error is None
