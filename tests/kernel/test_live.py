"""What a running statement tells of itself, and that nobody notices the looking."""

from __future__ import annotations

import math

import pytest

from tests.kernel.conftest import Driver
from tutor.facts import LoopFacts, Run, ScalarFacts
from tutor.session import Pace, Progressed

LIVE = Pace(live=True)


def scalars(run: Run, index: int = -1) -> dict[str, ScalarFacts]:
    return {each.name: each for each in run.steps[index].scalars}


def loops(driver: Driver) -> list[LoopFacts]:
    return [loop for event in driver.of(Progressed) for loop in event.loops]


def test_line_function_iteration_and_scalars_of_a_running_loop(driver: Driver) -> None:
    code = """
    import time, torch
    def train(epoch):
        for i in range(10):
            loss = torch.tensor(1.0 / (1 + i + 10 * epoch))
            time.sleep(0.04)
        return loss.item()
    for epoch in range(4):
        last = train(epoch)
    """
    run = driver.run(code, pace=LIVE)
    events = driver.of(Progressed)
    assert len(events) >= 5
    assert {event.function for event in events} == {"train"}
    assert {event.line for event in events} <= {4, 5, 6, 7}
    outer = [loop for loop in loops(driver) if loop.name == "epoch"]
    inner = [loop for loop in loops(driver) if loop.name == "i"]
    assert {loop.total for loop in outer} == {4}
    assert {loop.total for loop in inner} == {10}
    assert all(loop.number == int(loop.value) + 1 for loop in (*outer, *inner))
    assert [loop.number for loop in outer] == sorted(loop.number for loop in outer)
    found = scalars(run)
    assert found["loss"].function == "train"
    assert found["loss"].high <= 1.0
    assert found["loss"].last < found["loss"].first
    assert found["last"].function == ""
    assert found["last"].last == pytest.approx(1 / 40)
    assert "i" not in found
    assert "epoch" not in found


def test_a_line_of_what_was_entered_before_is_none_of_what_runs(driver: Driver) -> None:
    driver.run("import time\n\ndef rest():\n    for i in range(8): time.sleep(0.04)\n")
    driver.run("x = 1\nrest()\n", pace=LIVE)
    assert {event.line for event in driver.of(Progressed) if event.function == "rest"} == {0}
    assert {loop.name for loop in loops(driver)} == {"i"}


def test_quick_statements_tell_nothing_and_nothing_is_told_unless_asked(driver: Driver) -> None:
    assert driver.run("x = 1\nfor i in range(10): y = i\n", pace=LIVE).steps[-1].scalars == ()
    driver.run("import time\nfor i in range(10): time.sleep(0.02)")
    assert not driver.of(Progressed)


def test_nothing_is_told_while_nothing_changes(driver: Driver) -> None:
    driver.run("import time\ntime.sleep(0.5)", pace=LIVE)
    assert len(driver.of(Progressed)) == 1


def test_nan_and_infinity_are_counted_and_kept(driver: Driver) -> None:
    code = """
    import time, torch
    loss = torch.tensor(1.0)
    for i in range(30):
        loss = loss * 1e4
        worst = float("nan") if i > 10 else 1.0
        time.sleep(0.04)
    """
    found = scalars(driver.run(code, pace=LIVE))
    assert found["loss"].broken
    assert found["loss"].last == math.inf
    assert found["loss"].low is not None
    assert math.isnan(found["worst"].last)
    assert found["worst"].low == found["worst"].high == 1.0


@pytest.mark.parametrize(
    "head",
    [
        "range(0, 2 * n, 2)",
        "range(len(names))",
        "range(data.shape[0])",
        "range(data.size(0))",
        "range(20, 0, -1)",
    ],
)
def test_the_number_of_iterations_is_known_from_the_head(driver: Driver, head: str) -> None:
    setup = "import time, torch\nn = 20\nnames = tuple('abcdefghijklmnopqrst')\ndata = torch.zeros(20, 3)\n"
    driver.run(f"{setup}for i in {head}:\n    time.sleep(0.04)\n", pace=LIVE)
    told = loops(driver)
    assert told
    assert {loop.total for loop in told} == {20}
    numbers = [loop.number for loop in told if loop.number is not None]
    assert numbers == sorted(numbers)
    assert 1 <= numbers[0] < numbers[-1] <= 20


def test_enumerate_counts_from_its_start(driver: Driver) -> None:
    code = """
    import time
    xs, ys = [0] * 20, [1] * 30
    for k, (x, y) in enumerate(zip(xs, ys), start=5):
        time.sleep(0.04)
    """
    driver.run(code, pace=LIVE)
    assert {loop.total for loop in loops(driver)} == {20}
    assert all(loop.number == int(loop.value) - 4 for loop in loops(driver))


@pytest.mark.parametrize(
    "code",
    [
        # The index is changed by the body.
        "for i in range(20):\n    i = i * 2\n    time.sleep(0.04)\n",
        # The bound is another number than the head saw.
        "n = 20\nfor i in range(n):\n    n = 5\n    time.sleep(0.04)\n",
        "n = 20\ndef f():\n    global n\n    n -= 1\nfor i in range(n):\n    f()\n    time.sleep(0.02)\n",
        # Another `range`.
        "def range(n):\n    return iter([3, 1, 2] * 7)\nfor i in range(20):\n    time.sleep(0.04)\n",
        # Somebody else's length.
        "asked = []\nclass L:\n    __len__ = asked_for\nfor i in range(len(L())):\n    time.sleep(0.04)\n",
        # It grows while it is gone through.
        "xs = [0] * 5\nfor i, x in enumerate(xs):\n    i < 20 and xs.append(1)\n    time.sleep(0.04)\n",
    ],
)
def test_no_number_is_given_that_is_not_certain(driver: Driver, code: str) -> None:
    driver.run("import time\ndef asked_for(self): asked.append(1); return 20\n" + code, pace=LIVE)
    told = loops(driver)
    assert told
    assert {loop.total for loop in told[2:]} <= {None}
    if "asked" in code:
        assert driver.value("len(asked)") == 1


def test_no_code_of_the_learners_runs_for_it(driver: Driver) -> None:
    code = """
    import time, torch, threading
    seen = []
    class Loud(float):
        def __float__(self): seen.append("float"); return 0.0
        def __eq__(self, other): seen.append("eq"); return True
        def __repr__(self): seen.append("repr"); return ""
    class Watch(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if threading.current_thread() is not threading.main_thread(): seen.append(func)
            return super().__torch_function__(func, types, args, kwargs)
    def f():
        for i in range(20):
            loud, watch = Loud(i), torch.ones(1).as_subclass(Watch)
            time.sleep(0.04)
    f()
    """
    driver.run(code, pace=LIVE)
    assert driver.of(Progressed)
    assert driver.value("seen") == []
    assert not {"loud", "watch"} & set(scalars(driver.run("x = 1"), -1))


DISTURBED = {
    "a dictionary from locals() stays as it was": """
    def f():
        x = 1
        held = locals()
        x = 2
        held["x"] = 99
        wait()
        return held["x"]
    ok = f() == 99
    """,
    "a deleted value is gone at once": """
    def f():
        value = Kept()
        ref = weakref.ref(value)
        wait()
        del value
        return ref() is None
    ok = f()
    """,
    "a value that was bound anew is gone at once": """
    def f():
        ok = True
        value = None
        for i in range(100):
            value = Kept()
            ref = weakref.ref(value)
            spin()
            value = None
            ok = ok and ref() is None
        return ok
    ok = f()
    """,
    "a profiler that waits loses no variable": """
    def profile(frame, event, arg):
        if frame.f_code is f.__code__ and event == "c_call": wait()
    def f():
        a, b = 1, [2]
        sys.setprofile(profile)
        len(b)
        sys.setprofile(None)
        return a, b
    ok = f() == (1, [2])
    """,
    "a tracer's change of a variable holds": """
    def tracer(frame, event, arg):
        if frame.f_code is not f.__code__:
            return None
        if event == "line" and frame.f_lineno == frame.f_code.co_firstlineno + 2:
            frame.f_locals["a"] = 7
            wait()
        return tracer
    def f():
        a = 1
        b = 2
        return a
    sys.settrace(tracer)
    ok = f() == 7
    sys.settrace(None)
    """,
    "closures keep their cells": """
    def outer():
        total = 0
        def add():
            nonlocal total
            total += 1
        for i in range(50):
            add()
            spin()
        return total
    ok = outer() == 50
    """,
    "generators go on where they were": """
    def count():
        k = 0
        while True:
            k += 1
            spin()
            yield k
    it = count()
    ok = [next(it) for _ in range(60)] == list(range(1, 61))
    """,
}


@pytest.mark.parametrize("code", DISTURBED.values(), ids=DISTURBED)
def test_looking_does_not_disturb_local_variables(driver: Driver, code: str) -> None:
    tools = """
    import sys, time, weakref
    class Kept: pass
    def wait(): time.sleep(0.5)
    def spin():
        end = time.perf_counter() + 0.01
        while time.perf_counter() < end: pass
    """
    driver.run(tools)
    driver.events.clear()
    run = driver.run(code, pace=LIVE)
    assert run.ok, run.error
    assert driver.value("ok") is True
    assert driver.of(Progressed)


def test_generators_state_and_modes_are_as_without_looking(driver: Driver) -> None:
    code = """
    import torch, time
    torch.manual_seed(0)
    class Count(torch.overrides.TorchFunctionMode):
        calls = 0
        def __torch_function__(self, func, types, args=(), kwargs=None):
            Count.calls += 1
            return func(*args, **(kwargs or {}))
    w = torch.ones(1, requires_grad=True)
    with Count(), torch.no_grad():
        for i in range(20):
            w *= 1.01
            loss = torch.rand(())
            time.sleep(0.04)
    found = (Count.calls, torch.get_rng_state().sum().item(), w.item(), w._version)
    """
    driver.run(code)
    plain = driver.value("found")
    run = driver.run(code, pace=LIVE)
    assert run.ok
    assert driver.value("found") == plain
    assert scalars(run, 4)["w"].last == pytest.approx(1.01**20)


def test_wrapped_and_foreign_tensors_are_left_alone(driver: Driver) -> None:
    code = """
    import time, torch
    from torch.func import vmap, grad
    def slow(t):
        for i in range(10):
            inner = t * 2
            time.sleep(0.02)
        return inner.sum()
    a = vmap(slow)(torch.ones(3))
    b = grad(slow)(torch.tensor(1.0))
    m = torch.tensor(1.0, device="meta")
    for i in range(10):
        c = torch.tensor(1j)
        d = torch.tensor(1.0).to_sparse()
        e = torch.tensor(1.0, device="meta")
        time.sleep(0.02)
    """
    run = driver.run(code, pace=LIVE)
    assert run.ok, run.error
    assert driver.of(Progressed)
    assert not {"inner", "c", "d", "e"} & {each.name for step in run.steps for each in step.scalars}


def test_builtins_replaced_by_the_learner_are_not_called(driver: Driver) -> None:
    code = """
    import builtins, time
    called = []
    kept = builtins.isinstance, builtins.len
    builtins.isinstance = lambda *a: called.append(a) or kept[0](*a)
    builtins.len = lambda *a: called.append(a) or kept[1](*a)
    for i in range(30):
        x = i * 2
        end = time.perf_counter() + 0.03
        while time.perf_counter() < end: pass
    builtins.isinstance, builtins.len = kept
    """
    run = driver.run(code, pace=LIVE)
    assert scalars(run, 5)["x"].last == 58
    assert driver.value("len(called)") == 0


def test_a_long_history_is_thinned_evenly(driver: Driver) -> None:
    from tutor.facts import ScalarSample
    from tutor.session.histories import KEPT, Histories

    histories = Histories()
    for value in range(10_000):
        histories.add((ScalarSample("x", "", value),))
    (facts,) = histories.facts()
    assert KEPT / 2 <= len(facts.values) <= KEPT
    assert facts.values == tuple(range(0, 10_000, facts.every))
    assert (facts.count, facts.first, facts.last, facts.low, facts.high) == (10_000, 0, 9_999, 0, 9_999)
