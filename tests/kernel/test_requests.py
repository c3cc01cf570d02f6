"""Questions about the namespace between runs: values, graphs, memory relations."""

from __future__ import annotations

import pytest


def test_a_value_is_plain_data_or_text(driver):
    driver.run("import torch\nx = torch.arange(3.)")
    evaluate = driver.session.evaluate
    plain = driver.runner.run(evaluate("[x[1].item(), (True, None), 'a']"))
    assert plain.value == [1.0, [True, None], "a"]
    tensor = driver.runner.run(evaluate("x"))
    assert (tensor.value, tensor.text) == (None, "tensor([0., 1., 2.])")
    error = driver.runner.run(evaluate("x.view(7)")).error
    assert error.type == "RuntimeError"
    assert driver.runner.run(evaluate("x = 3")).error.type == "SyntaxError"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("x[:5]", "x[5:]", (True, True, False)),
        ("x[::2]", "x[1::2]", (True, True, False)),
        ("x[2:6]", "x[5:]", (True, True, True)),
        ("x", "x.clone()", (False, False, False)),
        ("torch.from_numpy(a)", "a[3:]", (None, True, True)),
        ("x[:0]", "x", (True, False, False)),
    ],
)
def test_same_storage_sharing_and_overlap_are_three_facts(driver, first, second, expected):
    driver.run(f"""\
        import torch, numpy as np
        x = torch.arange(10.)
        a = np.arange(10.)
        p, q = {first}, {second}
        """)
    found = driver.runner.run(driver.session.compare("p", "q"))
    assert (found.shares_memory, found.overlap) == expected[1:]
    if expected[0] is not None:
        assert found.same_storage is expected[0]


def test_a_name_that_is_not_there_has_no_relation(driver):
    found = driver.runner.run(driver.session.compare("no", "such"))
    assert not found.overlap


def test_paths_below_modules_have_memory_relations_too(driver):
    driver.run("import torch\nlin = torch.nn.Linear(2, 2)\nw = lin.weight.detach()[0]")
    found = driver.runner.run(driver.session.compare("lin.weight", "w"))
    assert (found.same_storage, found.overlap) == (True, True)


def test_graphs_name_leaves_as_the_learner_does(driver):
    driver.run("""\
        import torch
        lin = torch.nn.Linear(2, 1)
        loss = lin(torch.ones(3, 2)).sum()
        """)
    graphs = driver.runner.run(driver.session.graphs(["loss"]))
    leaves = {node.variable for node in graphs["loss"].nodes if node.name == "AccumulateGrad"}
    assert leaves == {"lin.weight", "lin.bias"}


def test_nothing_of_the_learners_is_kept_alive(driver):
    driver.run("""\
        import gc, weakref, torch
        gc.disable()
        class Thing: pass
        x = torch.ones(3, requires_grad=True)
        y = (x * 2).sum()
        t = Thing()
        watch = [weakref.ref(o) for o in (x, y, t)]
        """)
    driver.runner.run(driver.session.graphs())
    driver.runner.run(driver.session.evaluate("x"))
    run = driver.run("x\ny\nt")
    assert run.ok
    failed = driver.run("""\
        def f(local):
            z = local + 1
            watch.append(weakref.ref(z))
            raise ValueError
        f(x)
        """)
    assert failed.error.type == "ValueError"
    driver.run("del x, y, t")
    assert driver.value("[w() is None for w in watch]") == [True] * 4
