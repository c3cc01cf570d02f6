"""Operations that cannot run: shapes that do not fit, devices that differ, whole numbers that learn."""

from __future__ import annotations

import pytest

MODEL = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear({}, 2))
        self.gain = nn.Parameter(torch.ones(4))
    def forward(self, v):
        {}
model = Model()
"""


@pytest.mark.parametrize(
    ("code", "words", "fix"),
    [
        ("p, q = torch.ones(5, 3), torch.ones(4, 3)\nr = p @ q", "`p @ q.T` gives [5, 4]", "r = p @ q.T"),
        ("p, q = torch.ones(2, 6), torch.ones(2, 7)\np.mm(q)", "`p.T @ q` gives [6, 7]", "p.T.mm(q)"),
        ("p, q = torch.ones(3, 2, 5), torch.ones(3, 4, 5)\np.bmm(q)", "`p @ q.mT`", "p.bmm(q.mT)"),
        (
            "p = torch.ones(4, 5)\np.mv(torch.ones(3))",
            "must equal the only size of `torch.ones(3)` (3)",
            None,
        ),
        ("torch.dot(torch.ones(2), torch.ones(3))", "2 and 3 differ", None),
        ("p, w = torch.ones(2, 5), torch.ones(4, 3)\nnn.functional.linear(p, w)", "by the transpose", None),
        ("d = {'k': torch.ones(2, 3)}\nd['k'] @ d['k']", "`d['k']` has shape [2, 3], on both sides", None),
        ("p = torch.ones(2, 3)\nr = p @ (p * 2)", "`p * 2` has [2, 3]", None),
        (
            "def f(*, m, n):\n    return m @ n\nf(m=torch.ones(2, 3), n=torch.ones(4, 3))",
            "`m @ n.T`",
            "return m @ n.T",
        ),
        (
            MODEL.format(7, "return self.rest(self.first(v))") + "model(torch.ones(1, 6))",
            "`self.rest[1]` is a Linear layer",
            None,
        ),
        (
            MODEL.format(5, "return self.first(v)") + "model(torch.ones(3, 2, 3))",
            "`v.flatten(1)`",
            "return self.first(v.flatten(1))",
        ),
        (
            "torch.ones(2, 3, 4).sin().matmul(torch.ones(2, 3, 4).cos())",
            "`torch.ones(2, 3, 4).sin()` has shape [2, 3, 4]",
            None,
        ),
        (
            "net = nn.Sequential(nn.ReLU(), nn.Linear(6, 2))\nnet(torch.ones(1, 2, 3))",
            "put `nn.Flatten()` before",
            None,
        ),
        ("fc = nn.Linear(3, 2)\ninp = torch.ones(4, 5)\nfc(inp)", "`nn.Linear(5, 2)`", None),
    ],
)
def test_products(learner, code: str, words: str, fix: str | None) -> None:
    told = learner.run(code)
    error = told.only("matmul-shapes")
    assert words in error.text
    assert error.fix == fix
    if fix is not None and "return" not in fix:
        assert learner.run_fixed(told, error).run.ok


@pytest.mark.parametrize(
    ("code", "words", "fix"),
    [
        ("p, q = torch.ones(3), torch.ones(4)\np - q", "in the last dimension, 3 meets 4", None),
        (
            "g, r = torch.ones(4, 3), torch.ones(4)\nz = g / r",
            "`r.unsqueeze(1)` has shape [4, 1]",
            "z = g / r.unsqueeze(1)",
        ),
        ("p, q = torch.ones(2, 3), torch.ones(3, 2)\np == q", "3 meets 2", None),
        (
            "acc = torch.zeros(3)\nacc *= torch.ones(2, 3)",
            "cannot grow in place",
            "acc = acc * torch.ones(2, 3)",
        ),
        ("p = torch.ones(3)\np += torch.ones(4)", "`torch.ones(4)` has shape [4]", None),
        ("c = torch.ones(3) > 0\ntorch.where(c, torch.ones(2), 1.)", "`torch.ones(2)` has shape [2]", None),
        (
            "p, t = torch.ones(5), torch.ones(4)\nnn.functional.l1_loss(p, t)",
            "`p` has shape [5] and `t` has shape [4]",
            None,
        ),
        (
            MODEL.format(5, "return v * self.gain") + "model(torch.ones(2, 3))",
            "`self.gain` has shape [4]",
            None,
        ),
        (
            "x = torch.rand(5, 3)\nm = x.mean(0)\ny = (x - m) / x.std(1)",
            "`x - m` has shape [5, 3]",
            "y = (x - m) / x.std(1).unsqueeze(1)",
        ),
        (
            "p = torch.ones(2, 3)\np[:, 0] = torch.ones(3)",
            "is [2], and `torch.ones(3)` has shape [3]",
            None,
        ),
        ("torch.ones(3).expand(2, 4)", "The shape asked for", None),
        (
            "b, w = torch.ones(3), torch.ones(2, 4)\nnn.functional.linear(torch.ones(3, 4), w, b)",
            "`b` has shape",
            None,
        ),
        (
            "x, v = torch.ones(2, 3), torch.ones(2)\nx[:, 1:2] = v",
            "`v.unsqueeze(1)` has shape [2, 1]",
            "x[:, 1:2] = v.unsqueeze(1)",
        ),
        ("nn.MSELoss()(torch.ones(4, 2), torch.ones(3, 2))", "both must have the same shape", None),
    ],
)
def test_shapes_that_do_not_stretch(learner, code: str, words: str, fix: str | None) -> None:
    told = learner.run(code)
    error = told.only("broadcast-shapes")
    assert words in error.text or words in error.title
    assert error.fix == fix
    if fix is not None:
        assert learner.run_fixed(told, error).run.ok


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("p = torch.ones(2)\nq = torch.ones(2, device='meta')\np * q", ("p", "q")),
        ("fc = nn.Linear(2, 1, device='meta')\nfc(torch.ones(1, 2))", ("fc.weight", "fc.bias")),
        (
            "def f(u, v):\n    return torch.cat([u, v])\nf(torch.ones(1), torch.ones(1, device='meta'))",
            ("u", "v"),
        ),
        ("p = torch.ones(2)\nnn.functional.mse_loss(p, torch.ones(2, device='meta'))", ("p",)),
    ],
)
def test_devices_that_differ(learner, code: str, names: tuple[str, ...]) -> None:
    error = learner.run(code).only("device-mismatch")
    assert error.names == names
    assert "meta" in error.title
    assert "cpu" in error.title
    assert error.fix is None


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        (
            "v = torch.tensor([4, 5], requires_grad=True)",
            "v = torch.tensor([4, 5], requires_grad=True, dtype=torch.float32)",
        ),
        (
            "v = torch.zeros(2, dtype=torch.int64, requires_grad=True)",
            "v = torch.zeros(2, dtype=torch.float32, requires_grad=True)",
        ),
        ("v = torch.arange(3)\nv.requires_grad = True", "v = v.float()\nv.requires_grad = True"),
        ("v = torch.arange(3)\nv.requires_grad_()", "v = v.float()\nv.requires_grad_()"),
        ("v = torch.tensor([True]).requires_grad_()", "v = torch.tensor([True]).float().requires_grad_()"),
        ("v = (torch.arange(3) + 1).requires_grad_()", "v = (torch.arange(3) + 1).float().requires_grad_()"),
        ("v = (torch.ones(2) > 0).requires_grad_()", "v = (torch.ones(2) > 0).float().requires_grad_()"),
        ("v = nn.Parameter(torch.arange(2))", "v = nn.Parameter(torch.arange(2).float())"),
        ("v = nn.Parameter(data=torch.tensor(3))", "v = nn.Parameter(data=torch.tensor(3).float())"),
    ],
)
def test_whole_numbers_cannot_require_grad(learner, code: str, fix: str) -> None:
    told = learner.run(code)
    error = told.only("integer-requires-grad")
    assert error.fix == fix
    assert learner.run_fixed(told, error).run.ok
    assert learner.value("v.requires_grad and v.is_floating_point()") is True


@pytest.mark.parametrize(
    "code",
    [
        "torch.ones(2, 3) @ torch.ones(3, 4)",
        "torch.ones(2, 3) * torch.ones(3)",
        "nn.Linear(3, 2)(torch.ones(4, 3)).sum().backward()",
        "torch.tensor([1., 2.], requires_grad=True)",
        "torch.arange(3).float().requires_grad_()",
        "torch.ones(2, device='meta') + 1",
    ],
)
def test_operations_that_are_right_are_left_alone(learner, code: str) -> None:
    told = learner.run(code)
    assert told.run.ok
    assert not [e for e in told.explanations if e.kind != "note"]


def test_code_nested_deeper_than_python_follows_costs_no_more_than_its_explanation(learner) -> None:
    told = learner.run("a, b = torch.ones(2), torch.ones(3)\nc = " + " + ".join(["a"] * 700) + " + b")
    assert told.run.error is not None
    assert "must match" in told.run.error.message
