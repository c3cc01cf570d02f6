"""Explanations of dtypes that do not fit, each in several forms, with their fixes applied and run."""

from __future__ import annotations

import pytest

from tests.explain.applying import runs_repaired, told_unrepaired

F = "import torch.nn.functional as F\n"


@pytest.mark.parametrize(
    ("code", "rule", "words", "meaning"),
    [
        (
            "p = torch.ones(2, 3)\nq = torch.arange(6).view(3, 2)\ny = p @ q",
            "dtype-mismatch",
            ("`p` is [2, 3] float32", "`q` is [3, 2] int64"),
            "y[0].tolist() == [6., 9.]",
        ),
        (
            "p = torch.arange(3)\ny = p.dot(torch.ones(3))",
            "dtype-mismatch",
            ("`p.float()`",),
            "y == 3",
        ),
        (
            (
                "data = np.ones((4, 3))\nnet = nn.Sequential(nn.Linear(3, 2), nn.ReLU())\n"
                "for _ in range(2):\n    rows = torch.from_numpy(data)\n    y = net(rows)"
            ),
            "dtype-mismatch",
            ("`rows` is [4, 3] float64", "`net[0]`", "numpy are float64"),
            "y.shape == (4, 2) and y.dtype == torch.float32",
        ),
        (
            "conv = nn.Conv1d(1, 2, 3)\nsig = torch.arange(8).view(1, 1, 8)\ny = conv(sig)",
            "dtype-mismatch",
            ("weight of `conv`", "float32"),
            "y.shape == (1, 2, 6)",
        ),
        (
            "rnn = nn.GRU(4, 8)\nseq = torch.ones(5, 1, 4, dtype=torch.float64)\ny, h = rnn(seq)",
            "dtype-mismatch",
            ("`seq` is [5, 1, 4] float64",),
            "y.shape == (5, 1, 8)",
        ),
        (
            "t = torch.zeros(3)\nt.index_add_(0, torch.tensor([1, 1]), torch.tensor([1, 2]))",
            "dtype-mismatch",
            ("written into keeps its dtype",),
            "t.tolist() == [0., 3., 0.]",
        ),
        (
            F + "s = torch.tensor([[0., 9.]])\nt = torch.tensor([1.])\ny = F.cross_entropy(s, t)",
            "loss-target-dtype",
            ("class numbers must be int64", "`t` is [1] float32"),
            "round(y.item(), 2) == 0.0",
        ),
        (
            "t = torch.tensor([1, 0], dtype=torch.int16)\ny = nn.CrossEntropyLoss()(torch.zeros(2, 2), t)",
            "loss-target-dtype",
            ("`t.long()`",),
            "round(y.item(), 2) == 0.69",
        ),
        (
            F + "t = torch.tensor([1, 0])\ny = F.binary_cross_entropy_with_logits(torch.zeros(2), t)",
            "loss-target-dtype",
            ("this target must be float32",),
            "round(y.item(), 2) == 0.69",
        ),
        (
            (
                "def loss_of(p, t):\n    return nn.BCELoss()(p, t)\ny = torch.ones(1)\n"
                "y = nn.BCELoss()(torch.tensor([.5]), torch.tensor([True]))"
            ),
            "loss-target-dtype",
            ("bool", "`torch.tensor([True]).float()`"),
            "round(y.item(), 2) == 0.69",
        ),
        (
            "e = nn.Embedding(4, 2)\ny = e(torch.tensor([1., 3.]))",
            "index-dtype",
            ("float32",),
            "y.shape == (2, 2)",
        ),
        (
            F + "y = F.one_hot(torch.tensor([0., 1.]))",
            "index-dtype",
            ("int64",),
            "y.tolist() == [[1, 0], [0, 1]]",
        ),
        (
            "x = torch.arange(5)\npick = torch.tensor([4., 2.])\ny = x[pick]",
            "index-dtype",
            ("`pick` is [2] float32", "a mask must be bool"),
            "y.tolist() == [4, 2]",
        ),
        ("x = torch.arange(5)\nk = 6 / 2\ny = x[k]", "index-dtype", ("`k` is 3.0", "`int(k)`"), "y == 3"),
        ("y = torch.arange(3).gather(0, torch.tensor([2.]))", "index-dtype", ("int64",), "y.tolist() == [2]"),
        (
            "n = torch.arange(4)\ny = n.mean()",
            "needs-float",
            ("`n` is [4] int64: whole numbers",),
            "y == 1.5",
        ),
        (
            "y = torch.std(torch.tensor([1, 3]))",
            "needs-float",
            ("`torch.std`",),
            "round(y.item(), 2) == 1.41",
        ),
        (
            "n = torch.tensor([0, 0])\ny = nn.Softmax(dim=0)(n)",
            "needs-float",
            ("`n`",),
            "y.tolist() == [.5, .5]",
        ),
        (F + "y = F.softmax(torch.tensor([0, 0]), 0)", "needs-float", ("softmax",), "y.tolist() == [.5, .5]"),
        ("y = (torch.tensor([1, 2]) > 1).mean()", "needs-float", ("truth values",), "y == .5"),
        ("y = torch.linalg.norm(torch.tensor([3, 4]))", "needs-float", ("int64",), "y == 5"),
        (
            "v = torch.tensor([.1, .5, .9])\ny = v > .2 & v < .8",
            "needs-whole",
            ("binds tighter", "`(v > .2) & (v < .8)`"),
            "y.tolist() == [False, True, False]",
        ),
        (
            "y = torch.tensor([1, 2])\ny += 0.5",
            "result-cast",
            ("`y = y + 0.5`", "int64"),
            "y.tolist() == [1.5, 2.5]",
        ),
        (
            "y = torch.tensor([1, 2])\nz = y\nfor _ in range(1):\n    y *= 1.5 + 0",
            "result-cast",
            ("new tensor",),
            "y.tolist() == [1.5, 3.] and z.tolist() == [1, 2]",
        ),
    ],
)
def test_a_dtype_with_one_right_repair(
    learner, code: str, rule: str, words: tuple[str, ...], meaning: str
) -> None:
    runs_repaired(learner, code, rule, words, titled=True)
    assert learner.value(f"bool({meaning})") is True


@pytest.mark.parametrize(
    ("code", "rule", "words"),
    [
        (
            "p = torch.ones(2, 3)\nq = torch.ones(3, 1, dtype=torch.float64)\np.matmul(q)",
            "dtype-mismatch",
            ("`q.float()`", "`p.double()`", "Choose one"),
        ),
        (
            "img = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)\nnn.Conv2d(3, 4, 3)(img)",
            "dtype-mismatch",
            ("`img.float() / 255`",),
        ),
        (
            F + "t = torch.tensor([.5, .7])\nF.nll_loss(torch.zeros(2, 3), t)",
            "loss-target-dtype",
            ("[2, 3]", "a probability for each class"),
        ),
        ("x = torch.ones(2)\nx['a']", "index-dtype", ("text", "no keys")),
        ("m = torch.tensor([True])\n1 - m", "bool-minus", ("`~m`", "`m.int()`")),
        ("m = torch.ones(2) > 0\nm -= m", "bool-minus", ("`~m`",)),
        ("a = torch.rand(2)\nb = torch.rand(2)\na & b", "needs-whole", ("`a` is [2] float32", "`a.long()`")),
        ("a = torch.rand(2)\nb = ~a", "needs-whole", ("`~(a > 0)`",)),
        ("n = torch.arange(4)\nn /= 2", "result-cast", ("`n = n / 2`", "`n //= 2`")),
        ("n = torch.arange(4)\nn[1:] *= .5", "result-cast", ("`n = n.float()`",)),
        (
            "n = torch.arange(4)\nn.add_(torch.ones(4))",
            "result-cast",
            ("with `torch.ones(4)` it would be float32",),
        ),
        ("big = 300\ntorch.tensor([big, 1], dtype=torch.uint8)", "value-overflow", ("from 0 to 255",)),
        ("x = torch.zeros(2, dtype=torch.int8)\nx.fill_(200)", "value-overflow", ("`200`", "-128 to 127")),
        ("torch.sort(torch.tensor([1j, 2j]))", "dtype-refused", ("complex64",)),
    ],
)
def test_a_dtype_that_may_mean_two_things(learner, code: str, rule: str, words: tuple[str, ...]) -> None:
    told_unrepaired(learner, code, rule, words, titled=True)


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('mat1 and mat2 must have the same dtype, but got Long and Float')",
        "torch.ones(2, 3) @ torch.ones(2, 3)",
        "nn.Linear(3, 2)(torch.ones(2, 4))",
        "x = torch.arange(3)\nx += 1",
        "torch.arange(5)[torch.tensor([7])]",
    ],
)
def test_other_errors_are_not_told_as_dtypes(learner, code: str) -> None:
    ours = {"dtype-mismatch", "loss-target-dtype", "index-dtype", "needs-float", "needs-whole", "result-cast"}
    assert not learner.run(code).rules & ours
