"""Explanations of arguments that a call does not take: their types, their number, and what to write."""

from __future__ import annotations

import pytest

from tests.explain.applying import told_unrepaired

F = "import torch.nn.functional as F\n"
IN_LAYER = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 1)
    def forward(self, rows):
        return self.first(rows)
torch.manual_seed(0)
net = Net()
"""


@pytest.mark.parametrize(
    ("code", "words", "meaning"),
    [
        (
            "v = [1., -2.]\ny = torch.relu(v)",
            ("`v` is a list, [1.0, -2.0]", "a tensor as `input`"),
            "y[1] == 0",
        ),
        ("y = torch.max([4, 9, 2])", ("takes a tensor as `input`",), "y == 9"),
        (
            "arr = np.ones((3, 2))\nlayer = nn.Linear(2, 4)\nfor _ in range(1):\n    y = layer(arr)",
            ("`arr` is a numpy array [3, 2] float64", "float32"),
            "y.shape == (3, 4)",
        ),
        (
            "net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())\nrows = [[1, 2]]\ny = net(rows)",
            ("`net[0]` takes a tensor", "`rows` is a list, [[1, 2]]"),
            "y.shape == (1, 3)",
        ),
        (
            "a = torch.zeros(2)\nb = torch.ones(2)\ny = torch.stack(a, b, dim=1)"[:-7] + ")",
            ("list or tuple of tensors", "`[a, b]`"),
            "y.tolist() == [[0., 0.], [1., 1.]]",
        ),
        ("y = torch.cat(torch.ones(2), torch.zeros(1))", ("list or tuple of tensors",), "y.shape == (3,)"),
        ("n = 6\ny = torch.zeros(n / 2, 2)", ("`n / 2` is a float", "`n // 2`"), "y.shape == (3, 2)"),
        ("h = 4.0\ny = nn.Linear(h, 2)", ("`h` is a float, 4.0", "as `in_features`"), "y.in_features == 4"),
        ("y = torch.ones(2, 3).sum(dim=1.0)", ("a whole number (int) as `dim`",), "y.tolist() == [3., 3.]"),
        ("y = torch.ones(2, 3).mean('1')", ("`'1'` is text", "looks like a number"), "y.shape == (2,)"),
        ("y = torch.ones(2, dtype='int64')", ("dtypes are objects of torch",), "y.dtype == torch.int64"),
        ("y = torch.ones(2, dtype=np.float64)", ("dtypes of numpy",), "y.dtype == torch.float64"),
        ("y = torch.randint(0, 10, 5)", ("`5` is an int", "as `size`", "brackets"), "y.shape == (5,)"),
        (
            F + "y = F.one_hot(torch.tensor([0, 2]), num_classes=3.0)",
            ("as `num_classes`",),
            "y.shape == (2, 3)",
        ),
        (F + "y = F.dropout(torch.ones(2), p='0.0')", ("as `p`", "'0.0'"), "y.tolist() == [1., 1.]"),
        (F + "loss = F.mse_loss(torch.ones(2), [1., 3.])", ("as `target`", "is a list"), "loss == 2"),
        (
            "y = nn.CrossEntropyLoss()(torch.tensor([[9., 0.]]), [1])",
            ("takes a tensor as `target`",),
            "round(y.item(), 2) == 9.0",
        ),
        ("y = nn.Embedding(5, 2)([1, 2, 3])", ("takes a tensor as `input`",), "y.shape == (3, 2)"),
        (
            "def f(t):\n    return torch.exp(t)\ny = f(torch.zeros(1)) + [1., 2.]",
            ("`[1., 2.]` is a list", "`+`"),
            "y.tolist() == [2., 3.]",
        ),
        ("y = [1., 2.] @ torch.ones(2)", ("on the other", "takes a tensor there"), "y == 3"),
        ("y = torch.where([True, False], torch.ones(2), torch.zeros(2))", ("`condition`",), "y.sum() == 1"),
    ],
)
def test_a_wrong_type_with_one_right_repair(learner, code: str, words: tuple[str, ...], meaning: str) -> None:
    told = learner.run(code)
    (error,) = [one for one in told.explanations if one.kind == "error"]
    assert error.rule in ("argument-type", "operand-type"), error
    for word in words:
        assert word in f"{error.title} {error.text}", error
    fixed = learner.run_fixed(told, error)
    assert fixed.run.ok, (error.fix, fixed.run.error)
    assert learner.value(f"bool({meaning})") is True


def test_a_list_of_rows_in_a_module_is_fixed_where_it_is_used(learner) -> None:
    told = learner.run(IN_LAYER + "y = net([[1., 2.]])")
    error = told.only("argument-type")
    assert "`rows` is a list, [[1.0, 2.0]]" in error.text
    assert error.fix == "return self.first(torch.tensor(rows))"


@pytest.mark.parametrize(
    ("code", "rule", "words"),
    [
        ("torch.sqrt(4)", "argument-type", ("`4` is an int", "`math` module")),
        (
            "def f(x): pass\nz = torch.ones(2)\nz * f(z)",
            "operand-type",
            ("`f(z)` is None", "without `return`"),
        ),
        ("z = torch.ones(2)\nz -= 'a'", "operand-type", ("text (str)", "numbers only")),
        (
            "ts = [torch.ones(2)] * 2\nnn.Linear(2, 2)(ts)",
            "argument-type",
            ("`torch.stack(ts)`", "`torch.cat(ts)`"),
        ),
        ("out = nn.GRU(4, 8)(torch.ones(5, 1, 4))\nnn.Linear(8, 2)(out)", "argument-type", ("`out[0]`",)),
        ("best = torch.ones(2, 3).max(dim=1)\ntorch.exp(best)", "argument-type", ("`best.values`",)),
        (
            "batch = {'ids': torch.ones(2)}\nnn.Linear(2, 2)(batch)",
            "argument-type",
            ("'ids'", "batch['ids']"),
        ),
        (
            "from torch.utils.data import TensorDataset\nds = TensorDataset(torch.ones(2))\ntorch.mean(ds)",
            "argument-type",
            ("`ds` is a TensorDataset", "`ds[0]`"),
        ),
        ("x = torch.ones(2, 3)\ntorch.zeros(x)", "argument-type", ("`x` is a tensor [2, 3]", "`x.shape`")),
        ("torch.zeros(2.5)", "argument-type", ("`2.5` is a float", "round(")),
        ("torch.ones(3).pow('a')", "argument-type", ("text (str)", "number")),
        ("torch.cat([torch.ones(1), [2.]])", "element-type", ("element 1", "is a list", "as_tensor")),
        ("rows = [None, torch.ones(1)]\ntorch.stack(rows)", "element-type", ("element 0", "None")),
        ("torch.softmax(torch.ones(2))", "argument-missing", ("`dim`", "-1 is the last")),
        ("x = torch.ones(2)\nx.unsqueeze()", "argument-missing", ("`dim`", "`x` is [2] float32")),
        ("nn.Conv2d(3, 16)", "argument-missing", ("`kernel_size`", "`16`")),
        ("torch.mm(torch.ones(2, 2))", "argument-missing", ("`mat2`",)),
        ("torch.linspace(0, 1)", "argument-missing", ("`steps`",)),
        (F + "F.cross_entropy(torch.ones(2, 2))", "argument-missing", ("`target`",)),
        (
            "torch.matmul(torch.ones(2), torch.ones(2), torch.ones(2))",
            "argument-extra",
            ("gives 3", "2 arguments"),
        ),
        ("torch.tensor([1, 2], [3, 4])", "argument-extra", ("gives 2", "by name", "`dtype`")),
        ("x = torch.ones(3)\nx.sum(0, dim=0)", "argument-extra", ("gets `dim` twice",)),
        ("def fit(model, lr): pass\nfit(1)", "own-arguments", ("`fit`", "`lr`")),
    ],
)
def test_what_has_no_single_repair_is_told_without_one(
    learner, code: str, rule: str, words: tuple[str, ...]
) -> None:
    told_unrepaired(learner, code, rule, words, titled=True)


@pytest.mark.parametrize(
    "code",
    [
        "raise TypeError(\"relu(): argument 'input' (position 1) must be Tensor, not list\")",
        "torch.ones(2, 3) @ torch.ones(2, 3)",
        "torch.ones(2).view(3)",
        "[1] + 'a'",
        "int('a')",
        "torch.zeros(2, requires_gard=True)",
    ],
)
def test_other_errors_are_not_told_as_types(learner, code: str) -> None:
    rules = learner.run(code).rules
    assert not rules & {"argument-type", "operand-type", "element-type", "argument-missing", "argument-extra"}
