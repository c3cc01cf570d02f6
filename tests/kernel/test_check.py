"""Checks look at the learner's namespace and leave everything as it was."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutor.facts import Probe
from tutor.session import SessionError

CASES = {
    "inputs": ["torch.rand(3)"],
    "reference": "lambda x: x + 1",
    "count": 3,
    "aliasing": False,
    "arguments": True,
    "rtol": None,
    "atol": None,
}


def test_a_check_changes_nothing(driver):
    driver.run("import torch, random, weakref\nx = torch.arange(6.)\ncalls = 0")
    run = driver.run("""\
        def f(t):
            global calls, made
            made = calls = calls + 1
            print("noise")
            torch.manual_seed(5)
            return t + 1
        w = torch.ones(3, requires_grad=True)
        y = (w * w).sum()
        watch = weakref.ref(y)
        states = torch.get_rng_state(), random.getstate()
        """)
    before = driver.value("sorted(globals())")
    output = len(driver.events)
    probes = [
        Probe("cases", "f", None, CASES),
        Probe("equals", "x", "x + 0"),
        Probe("equals", "(z := x)", "torch.rand(6)"),
        Probe("depends", "y", "w"),
        Probe("freed", "y"),
        Probe("grad", "y", 1.0),
        Probe("py", "", "made2 = 3\nassert x.sum() == 15"),
    ]
    answers = driver.runner.run(driver.session.check(run, probes))
    assert [answer.ok for answer in answers] == [True, True, False, True, False, False, True]
    assert driver.value("sorted(globals())") == before
    assert driver.value("[calls, x._version, w._version, 'made' in globals()]") == [0, 0, 0, False]
    assert driver.value("torch.equal(states[0], torch.get_rng_state()) and states[1] == random.getstate()")
    assert not [event for event in driver.events[output:] if type(event).__name__ == "Output"]
    after = driver.run("del y\nx")
    assert after.ok
    assert not after.steps[0].warnings
    assert driver.value("watch() is None")


def test_a_call_is_told_with_the_arguments_that_it_was_given(driver):
    driver.run("import torch")
    run = driver.run("def f(t):\n    t += 1\n    return t")
    probe = Probe("cases", "f", None, {**CASES, "inputs": ["torch.zeros(2)"]})
    [answer] = driver.runner.run(driver.session.check(run, [probe]))
    assert answer.got == "it was changed by the call"
    assert "[0.0, 0.0]" in answer.note


def test_an_endless_function_can_be_stopped(driver):
    driver.run("import torch")
    run = driver.run("def f(t):\n    while True: pass")

    async def go():
        asking = asyncio.ensure_future(driver.session.check(run, [Probe("cases", "f", None, CASES)]))
        await asyncio.sleep(0.5)
        assert driver.session.state == "busy"
        driver.session.interrupt()
        return await asyncio.wait_for(asking, 20)

    (answer,) = driver.runner.run(go())
    assert answer.error.type == "KeyboardInterrupt"
    assert driver.session.state == "idle"
    assert driver.run("1 + 1").ok


def test_a_function_that_ends_the_kernel_is_told(driver):
    driver.run("import os, torch")
    run = driver.run("def f(t):\n    os._exit(7)")

    async def go():
        try:
            await driver.session.check(run, [Probe("cases", "f", None, CASES)])
        except SessionError as error:
            return str(error)
        return ""

    assert driver.runner.run(go())
    driver.runner.run(driver.session.restart())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    values=st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=6),
    changed=st.integers(0, 5),
    dtype=st.sampled_from(["float64", "int32", "bool"]),
)
def test_equal_is_strict_about_values_shape_and_dtype(driver, values, changed, dtype):
    wanted = f"torch.tensor({values})"
    other = list(values)
    other[changed % len(values)] += 1.0
    driver.run("import torch")
    run = driver.run(f"""\
        import torch
        a = torch.stack([torch.tensor(v) for v in {values}]) * 1
        b = torch.tensor({other})
        c = {wanted}.to(torch.{dtype})
        d = {wanted}[None]
        e = {values}
        """)
    probes = [Probe("equals", name, wanted) for name in "abcde"]
    answers = driver.runner.run(driver.session.check(run, probes))
    assert [(a.ok, a.kind) for a in answers] == [
        (True, ""),
        (False, "equals"),
        (False, "dtype"),
        (False, "shape"),
        (False, "type"),
    ]
