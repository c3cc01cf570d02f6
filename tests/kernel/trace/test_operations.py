"""What is told of operations, in all the places where code can stand, through the real kernel."""

from __future__ import annotations

import pytest

from tutor.facts import OpFacts, Snapshot, Step
from tutor.tui.remarks import remarks_of
from tutor.view.notes import notes_for
from tutor.view.words import entered_before

PRODUCT = "torch.nested.as_nested_tensor([x], layout=torch.jagged) * 2"


def told(step: Step) -> list[tuple[str, str, str]]:
    return [(one.part, one.name, one.verdict) for one in step.operations]


def operations(driver, code: str) -> list[OpFacts]:
    """Operations of the last statement of `code`, which must succeed."""
    run = driver.run(f"import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n{code}")
    assert run.ok, run.error
    return list(run.steps[-1].operations)


def test_a_view_and_a_copy(driver):
    first, second = operations(driver, "x = torch.arange(6).reshape(2, 3)\ny = x.T.reshape(6)")
    assert (first.part, first.expression, first.verdict, first.of) == ("x.T", "x.T", "view", 0)
    assert (first.ins[0].name, first.outs[0].shape, first.outs[0].stride) == ("x", (3, 2), (1, 3))
    assert first.outs[0].storage == first.ins[0].storage
    assert (second.part, second.expression, second.verdict) == (".reshape(6)", "x.T.reshape(6)", "copy")
    assert (second.ins[0].name, second.plain) == ("x.T", {"1": "6"})
    assert second.ins[0].object == first.outs[0].object
    assert second.outs[0].storage != second.ins[0].storage
    assert first.seq < second.seq


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("y = x.clone()", ("x.clone()", "clone", "copy")),
        ("y = x.contiguous()", ("x.contiguous()", "contiguous", "same")),
        ("y = x.t().contiguous()", (".contiguous()", "contiguous", "copy")),
        ("y = x.to(torch.float64)", ("x.to(torch.float64)", "to", "copy")),
        ("y = x.to(torch.float32)", ("x.to(torch.float32)", "to", "same")),
        ("y = x.float()", ("x.float()", "float", "same")),
        ("y = x.reshape(6)", ("x.reshape(6)", "reshape", "view")),
        ("y = x[0]", ("x[0]", "getitem", "view")),
        ("y = x[[0]]", ("x[[0]]", "getitem", "copy")),
        ("y = x[x > 0]", ("x[x > 0]", "getitem", "copy")),
        ("y = x.detach()", ("x.detach()", "detach", "view")),
        ("y = x.data", ("x.data", "data", "view")),
        ("y = x * 2", ("x * 2", "mul", "new")),
        ("y = 2 * x", ("2 * x", "mul", "new")),
        ("y = 1 - x", ("1 - x", "rsub", "new")),
        ("y = 2 / x", ("2 / x", "div", "new")),
        ("y = x @ x.T", ("x @ x.T", "matmul", "new")),
        ("y = ~(x > 0)", ("~(x > 0)", "bitwise_not", "new")),
        ("x += 1", ("x += 1", "add_", "in place")),
        ("x[0] = 1", ("x[0] = 1", "setitem", "in place")),
        ("x[:, 0] = x[:, 1]", ("x[:, 0] = x[:, 1]", "setitem", "in place")),
        ("x.data = torch.ones(2, 3)", ("x.data = torch.ones(2, 3)", "data", "in place")),
        ("x.relu_()", ("x.relu_()", "relu_", "in place")),
        ("torch.add(x, 1, out=x)", ("torch.add(x, 1, out=x)", "add", "in place")),
        ("x.requires_grad_()", ("x.requires_grad_()", "requires_grad_", "same")),
        ("y = F.relu(x, inplace=True)", ("F.relu(x, inplace=True)", "relu", "in place")),
        ("y = x.sum().item()", (".item()", "item", "none")),
        ("y = x.numpy()", ("x.numpy()", "numpy", "view")),
        ("y = torch.from_numpy(a)", ("torch.from_numpy(a)", "from_numpy", "view")),
        ("y = torch.as_tensor(a)", ("torch.as_tensor(a)", "as_tensor", "view")),
        ("y = torch.tensor(a)", ("torch.tensor(a)", "tensor", "copy")),
        ("y = torch.chunk(x, 2)", ("torch.chunk(x, 2)", "chunk", "view")),
        ("y = x.expand(4, 2, 3)", ("x.expand(4, 2, 3)", "expand", "view")),
        (
            "with torch.inference_mode():\n    z = torch.ones(2)\n    z.add_(1)",
            ("z.add_(1)", "add_", "in place"),
        ),
        ("y = x.to_sparse().coalesce().values()", (".values()", "values", "view")),
        ("y = x.to_sparse_csr().detach()", (".detach()", "detach", "view")),
        ("y = x.to_sparse_csr().clone()", (".clone()", "clone", "copy")),
        ("y = torch.nested.as_nested_tensor([x], layout=torch.jagged) * 2", (PRODUCT, "mul", "new")),
        ("y = torch.cat([x, x])", ("torch.cat([x, x])", "cat", "new")),
        ("y = bool((x > 5).any())", ("bool((x > 5).any())", "bool", "none")),
    ],
)
def test_verdict(driver, code: str, expected: tuple[str, str, str]):
    setup = "import numpy as np\nx = torch.arange(6.).reshape(2, 3)\na = np.ones(3)"
    last = operations(driver, f"{setup}\n{code}")[-1]
    assert (last.part, last.name, last.verdict) == expected
    assert (last.of is None) == (last.verdict in ("new", "none"))


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("y = x + w", ["x", "w"]),
        ("y = w * x", ["w", "x"]),
        ("y = 3 + x", ["x"]),
        ("n = 3; y = n + x", ["x"]),
        ("n = 3; y = n < x", ["x"]),
        ("y = x.mul(w)", ["x", "w"]),
        ("y = torch.mul(other=w, input=x)", ["w", "x"]),
        ("y = F.mse_loss(target=w, input=x)", ["x", "w"]),
        ("y = torch.stack([x, w, x + w])", ["x", "w", "x + w"]),
        ("rows = [x, w]; y = torch.stack(rows)", ["rows[0]", "rows[1]"]),
        ("rows = [x, w]; y = torch.maximum(*rows)", ["", ""]),
        ("rows = [x, w]; y = sum(rows)", ["", ""]),
        ("import functools; y = functools.reduce(torch.add, [x, w])", ["", ""]),
        ("y = max(x[0, 0], w[0, 1])", [""]),
        ("y = list(map(torch.relu, [x]))", [""]),
        ("f = x.mul; y = f(w)", ["", "w"]),
        ("f = torch.mul; y = f(x, w)", ["x", "w"]),
        ("def g(a, b): return a @ b.T\ny = g(x, w)", ["a", "b.T"]),
        ("y = torch.Tensor.mul(x, w)", ["x", "w"]),
        ("x[0] = w[1]", ["x", "w[1]"]),
        ("y = torch.where(x > 0, x, w)", ["x > 0", "x", "w"]),
        ("lin = nn.Linear(3, 2, bias=False)\ny = lin(x)", ["x", "lin.weight"]),
        ("net = nn.Sequential(nn.Linear(3, 1))\ny = net(x)", ["x", "net[0].weight", "net[0].bias"]),
        (
            "def f(v):\n    lin = nn.Linear(3, 2)\n    return lin(v)\ny = f(x)",
            ["v", "Linear.weight", "Linear.bias"],
        ),
        ("from copy import deepcopy\ny = deepcopy(x)", ["x"]),
        ("y = x.split(split_size=1)", ["x"]),
        ("y = x.pow(2)", ["x"]),
        ("y = pow(x, 2)", ["x"]),
        ("y = x.int()", ["x"]),
        ("y = float(x[0, 0])", ["x[0, 0]"]),
        ("y = x.double().abs()", ["x.double()"]),
        ("y = abs(x)", ["x"]),
    ],
)
def test_names_of_arguments(driver, code: str, names: list[str]):
    last = operations(driver, f"x = torch.ones(2, 3)\nw = torch.ones(2, 3)\n{code}")[-1]
    assert [one.name for one in last.ins] == names


PLACES = {
    "loop": ("for i in range(3):\n    y = x * i", [("x * i", 4, "<module>")] * 3),
    "while": ("i = 0\nwhile i < 2:\n    i += 1\n    y = x * i", [("x * i", 6, "<module>")] * 2),
    "comprehension": ("y = [x * i for i in range(2)]", [("x * i", 3, "<module>")] * 2),
    "generator": ("y = list(x * i for i in range(2))", [("x * i", 3, "<module>")] * 2),
    "lambda": ("f = lambda v: v * 2\ny = f(x)", [("v * 2", 3, "<lambda>")]),
    "function": ("def f(v):\n    return v * 2\ny = f(x)", [("v * 2", 4, "f")]),
    "decorator": (
        ("def twice(f):\n    def g(v): return f(v) * 2\n    return g\n"
        "@twice\ndef f(v): return v + 1\ny = f(x)"),
        [("v + 1", 7, "f"), ("f(v) * 2", 4, "g")],
    ),
    "method": (
        ("class Net(nn.Module):\n    def forward(self, v):\n        return v.relu() + 1\n"
        "net = Net()\ny = net(x)"),
        [("v.relu()", 5, "forward"), ("v.relu() + 1", 5, "forward")],
    ),
    "yield": (
        "def f(v):\n    yield v * 1\n    yield v * 2\ny = list(f(x))",
        [("v * 1", 4, "f"), ("v * 2", 5, "f")],
    ),
    "await": (
        "import asyncio\nasync def f(v):\n    await asyncio.sleep(0)\n    return v * 2\ny = await f(x)",
        [("v * 2", 6, "f")],
    ),
    "after await": (
        "import asyncio\ny = (await asyncio.sleep(0, x)) * 2",
        [("(await asyncio.sleep(0, x)) * 2", 4, "<module>")],
    ),
    "gathered": (
        ("import asyncio\nasync def f(v):\n    await asyncio.sleep(0)\n    return v * 2\n"
        "r = await asyncio.gather(f(x), f(x))"),
        [("v * 2", 6, "f")] * 2,
    ),
    "chain": (
        "y = (\n    x\n    .mul(2)  # twice\n    .add(1)\n)",
        [("x.mul(2)", 5, "<module>"), (".add(1)", 6, "<module>")],
    ),
    "string": ("exec('y = x * 2')", [("exec('y = x * 2')", 3, "<module>")]),
    "property": (
        "class A:\n    @property\n    def twice(self): return x * 2\na = A()\ny = a.twice",
        [("x * 2", 5, "twice")],
    ),
    "class body": ("class A:\n    y = x * 2", [("x * 2", 4, "A")]),
    "default": ("def f(v=x * 2): pass", [("x * 2", 3, "<module>")]),
    "with": ("with torch.no_grad():\n    y = x * 2", [("x * 2", 4, "<module>")]),
    "try": ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    y = x * 2", [("x * 2", 6, "<module>")]),
    "key": (
        "y = max([x, x], key=lambda v: v.sum().item())",
        [("v.sum()", 3, "<lambda>"), (".item()", 3, "<lambda>")] * 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_in_all_kinds_of_code(driver, place: str):
    code, expected = PLACES[place]
    run = driver.run(f"import torch, torch.nn as nn\nx = torch.ones(2)\n{code}")
    assert run.ok, run.error
    assert [(one.part, one.line, one.function) for one in run.steps[-1].operations] == expected


def test_inside_of_torch_belongs_to_the_learners_line(driver):
    run = driver.run("""
        import torch, torch.nn as nn
        net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        opt = torch.optim.Adam(net.parameters())
        loss = net(torch.ones(2, 3)).sum()
        loss.backward()
        opt.step()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    """)
    assert run.ok
    forward = [one for one in run.steps[3].operations if one.within]
    assert [(one.name, one.within) for one in forward] == [
        ("linear", "Linear"),
        ("relu", "ReLU"),
        ("linear", "Linear"),
    ]
    assert {one.expression for one in forward} == {"net(torch.ones(2, 3))"}
    step = run.steps[5].operations
    assert {one.within for one in step} == {"Adam.step"}
    written = {one.ins[write.argument].name for one in step for write in one.wrote}
    assert {"net[0].weight", "net[0].bias", "net[2].weight", "net[2].bias"} <= written
    assert {one.within for one in run.steps[6].operations} == {"clip_grad_norm_"}


def test_a_failing_operation_says_what_it_got(driver):
    run = driver.run("import torch\na, b = torch.ones(2, 3), torch.ones(4)\nc = (a * 2) @ b")
    assert run.error is not None
    failed = run.steps[-1].operations[-1]
    assert (failed.name, failed.verdict, [one.shape for one in failed.ins]) == (
        "matmul",
        "none",
        [(2, 3), (4,)],
    )
    assert failed.error is not None
    assert failed.error.startswith("RuntimeError: size mismatch")
    assert [one.error for one in run.steps[-1].operations[:-1]] == [None]


def test_a_failure_far_into_a_hot_loop_is_told(driver):
    run = driver.run(
        "import torch\nx = torch.ones(2)\nfor i in range(60):\n    y = x + torch.ones(3 if i == 50 else 2)"
    )
    failed = run.steps[-1].operations[-1]
    assert (failed.error or "").startswith("RuntimeError: The size of tensor")
    assert failed.hit == 51
    assert [one.shape for one in failed.ins] == [(2,), (3,)]


def test_a_loop_is_told_in_detail_first_and_counted_then(driver):
    run = driver.run("import torch\nx = torch.ones(2)\nfor i in range(40):\n    x = x * 1.5")
    last = run.steps[-1]
    assert [one.hit for one in last.operations] == list(range(1, 9))
    assert [(one.part, one.count) for one in last.counts] == [("x * 1.5", 40)]
    assert not last.unwatched
    # What the last round made is known all the same.
    origin = last.snapshot.tensors["x"].origin
    assert origin is not None
    assert origin.seq > last.operations[-1].seq
    assert (origin.expression, origin.line) == ("x * 1.5", 4)


def test_every_layer_is_told_in_detail(driver):
    run = driver.run("""
        import torch, torch.nn as nn
        net = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(30)])
        y = net(torch.ones(2, 4))
    """)
    names = [one.name for one in run.steps[-1].operations]
    assert names.count("linear") == names.count("tanh") == 30
    assert {one.count for one in run.steps[-1].counts if one.name == "linear"} == {30}


def test_hot_code_is_left_alone_and_said_to_be(driver):
    run = driver.run("import torch\nx = torch.ones(2)\nfor i in range(20_000):\n    y = x + 1\nz = y * 2")
    hot, after = run.steps[-2:]
    assert hot.unwatched
    assert len(hot.operations) == 8
    assert 128 <= hot.counts[0].count < 20_000
    assert told(after) == [("y * 2", "mul", "new")]
    assert not after.unwatched


def test_it_can_be_left_off(driver):
    driver.session.trace = False
    try:
        run = driver.run("import torch\nx = torch.ones(2) + 1")
    finally:
        driver.session.trace = True
    assert run.steps[-1].operations == ()
    origin = run.steps[-1].snapshot.tensors["x"].origin
    assert origin is None or not origin.operation  # where it was bound is known all the same


def test_facts_that_have_no_operation_are_none(driver):
    run = driver.run("import torch\nx = torch.ones(2, 3)\nx.shape, x.dtype, x.grad, x.dim(), len(x), repr(x)")
    assert run.steps[-1].operations == ()


def test_where_things_came_from(driver):
    run = driver.run("""
        import torch, torch.nn as nn, copy
        x = torch.ones(2, 3)
        x += 1
        lin = nn.Linear(3, 2)
        twin = copy.deepcopy(lin)
        parts = {"a": x.T}
    """)
    tensors = run.steps[-1].snapshot.tensors
    came = {
        name: (o.line, o.expression, o.operation)
        for name, t in tensors.items()
        if (o := t.origin) is not None
    }
    assert came["x"] == (3, "torch.ones(2, 3)", "ones")
    assert came["lin.weight"] == (5, "nn.Linear(3, 2)", "empty")
    assert came["twin.weight"][:2] == (6, "copy.deepcopy(lin)")
    assert came['parts["a"]'] == (7, "x.T", "T")


def test_what_we_ask_is_not_what_they_did(driver):
    driver.run("import torch\nx = torch.ones(2)")
    driver.value("(x + 1).tolist()")
    run = driver.run("x")
    assert run.steps[-1].operations == ()


def test_origins_and_numbers_begin_anew(driver):
    driver.run("import torch\nx = torch.ones(2)")
    driver.runner.run(driver.session.reset())
    run = driver.run("import torch\ny = torch.zeros(3)")
    origin = run.steps[-1].snapshot.tensors["y"].origin
    assert origin is not None
    assert origin.expression == "torch.zeros(3)"


EARLIER = """
import torch, warnings
from torch import nn
from torch.optim import SGD

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))

    def forward(self, x):
        warnings.warn("old")
        y = self.w * x
        return y @ x if len(x) == 2 else y.view(7)

def train(net):
    loss = net(torch.ones(2)).sum()
    loss.backward()
    SGD(net.parameters(), 0.1).step()
"""
LATER = "net = Net()\nfor i in range(1):\n    a = 1\n    b = 2\n" + "    c = 3\n" * 20 + "    train(net)\n"


@pytest.mark.parametrize("name", [None, "scratch.py"])
def test_what_earlier_code_does_is_at_no_line_of_what_runs(driver, name: str | None) -> None:
    driver.run(EARLIER, filename=name)
    run = driver.run(LATER, filename=name)
    (made, step), own = run.steps, driver.run("x = net.w * 2")
    done = (*made.operations, *step.operations, *step.counts, *step.backwards, *step.updates)
    assert len(done) > 12
    assert all(one.elsewhere for one in done)
    assert not any(one.elsewhere for one in (*own.steps[0].operations, *own.steps[0].counts))
    assert [warning.line for warning in step.warnings] == [25]
    assert {line: note.names for line, note in notes_for(run.steps, Snapshot()).items()}.keys() == {1, 2}
    failed = driver.run("print(1)\n\n\n" + "# nothing\n" * 20 + "y = net(torch.ones(1))\n", filename=name)
    assert failed.error.line == 24
    assert "y.view(7)" in failed.error.traceback
    assert "# nothing" not in failed.error.traceback
    frame = failed.error.frames[-1]
    assert (frame.function, frame.source.split("\n")[0]) == ("forward", "def forward(self, x):")
    assert [one.elsewhere for one in failed.error.frames] == [False, True]
    said = "in forward, entered before: return y @ x if len(x) == 2 else y.view(7)"
    assert entered_before(failed.error) == said
    assert said in remarks_of(failed)[-1].text
    assert entered_before(driver.run("def f():\n    1 / 0\nf()").error) == ""


def test_a_function_of_the_running_code_is_at_its_own_line(driver) -> None:
    run = driver.run("import torch\ndef f(x):\n    return x * 2\n\nf(torch.ones(2))")
    assert [(op.line, op.elsewhere) for op in run.steps[-1].operations] == [(5, False), (3, False)]
