"""Explanations of conversions: to one number or truth value, into a tensor, out to numpy."""

from __future__ import annotations

import pytest

from tests.explain.applying import runs_repaired, told_unrepaired


@pytest.mark.parametrize(
    ("code", "rule", "words", "meaning"),
    [
        (
            "v = torch.tensor([-1., 1., 3.])\ny = 0 < v < 2",
            "truth-of-many",
            ("joined by `and`", "`(0 < v) & (v < 2)`"),
            "y.tolist() == [False, True, False]",
        ),
        (
            "v = torch.tensor([-1., 1., 3.])\ny = v[(v > 0) and (v < 2)]",
            "truth-of-many",
            ("write `&` for `and`",),
            "y.tolist() == [1.]",
        ),
        (
            "import math\ny = math.exp(torch.zeros(2))",
            "one-element",
            ("`math.exp`",),
            "y.tolist() == [1., 1.]",
        ),
        ("n = torch.tensor(2.)\ny = [i for i in range(n)]", "index-of-tensor", ("float32",), "y == [0, 1]"),
        ("y = [1., 2.] * torch.ones(2)", "index-of-tensor", ("repeats the list",), "y.tolist() == [1., 2.]"),
        (
            "ts = [torch.ones(2) * i for i in range(3)]\ny = torch.tensor(ts)",
            "tensors-in-list",
            ("`ts` is a list of 3 tensors", "`torch.stack(ts)`"),
            "y.tolist() == [[0., 0.], [1., 1.], [2., 2.]]",
        ),
        (
            "y = torch.from_numpy(np.arange(3)[::-1])",
            "negative-strides",
            (".copy()",),
            "y.tolist() == [2, 1, 0]",
        ),
        ("m = np.eye(2)\ny = torch.tensor(np.flip(m))", "negative-strides", ("backwards",), "y.sum() == 2"),
        (
            "y = torch.from_numpy([1, 2])",
            "not-an-array",
            ("is a list", "torch.tensor"),
            "y.tolist() == [1, 2]",
        ),
        (
            "w = torch.ones(2, requires_grad=True)\ny = (w * 2).numpy()",
            "not-for-numpy",
            ("`(w * 2).detach().numpy()`", "not needed"),
            "y.tolist() == [2., 2.]",
        ),
        (
            "net = nn.Linear(1, 1)\nps = [net(torch.ones(1)) for _ in range(2)]\ny = np.array(ps)",
            "not-for-numpy",
            ("requires grad", "`[one.detach() for one in ps]`"),
            "len(y) == 2",
        ),
        (
            "s = torch.eye(2).to_sparse()\ny = s.numpy()",
            "not-for-numpy",
            ("sparse", "to_dense"),
            "y.sum() == 2",
        ),
        (
            "h = torch.ones(2, dtype=torch.bfloat16)\ny = h.numpy()",
            "not-for-numpy",
            ("bfloat16",),
            "y.sum() == 2",
        ),
        (
            "m = torch.ones(2, 3)\ny = np.sum(m, axis=1)",
            "numpy-on-tensor",
            ("dim=1",),
            "y.tolist() == [3., 3.]",
        ),
    ],
)
def test_a_conversion_with_one_right_repair(
    learner, code: str, rule: str, words: tuple[str, ...], meaning: str
) -> None:
    runs_repaired(learner, code, rule, words, titled=True)
    assert learner.value(f"bool({meaning})") is True


@pytest.mark.parametrize(
    ("code", "rule", "words"),
    [
        ("v = torch.ones(3)\nif v > 0: pass", "truth-of-many", ("`v > 0` has 3 elements", "`(v > 0).any()`")),
        (
            "on = torch.tensor([True, False])\nif on:\n    x = 1",
            "truth-of-many",
            ("`on` has 2", "`on.any()`"),
        ),
        ("on = torch.ones(3)\nwhile on:\n    break", "truth-of-many", ("`while`", "`on.all()`")),
        ("a = torch.ones(2)\nassert a == a", "truth-of-many", ("`assert`", "`torch.equal(a, a)`")),
        ("a = torch.ones(2)\nb = not a", "truth-of-many", ("`~a`",)),
        ("a = torch.ones(2)\nb = 1 if a else 2", "truth-of-many", ("`a` is [2] float32",)),
        ("a = torch.ones(2)\nb = a or 3", "truth-of-many", ("`a` is [2]", "`or`")),
        ("a = torch.ones(2)\na in [a + 1, a]", "truth-of-many", ("`in`", "torch.equal(a, one)")),
        ("m = torch.ones(2, 2)\nmax(m)", "truth-of-many", ("`m.max()`",)),
        (
            "def f(p):\n    while p != 0:\n        p = p - 1\nf(torch.ones(2))",
            "truth-of-many",
            ("`while`", "`p != 0`"),
        ),
        ("v = torch.ones(3)\nv.item()", "one-element", ("`v` has 3 elements", "`v.tolist()`")),
        ("xs = [torch.ones(3)] * 2\ntorch.FloatTensor(xs)", "failed-call", ("torch.FloatTensor(xs)", "[3]")),
        ("v = torch.ones(3)\nint(v > 0)", "one-element", ("`(v > 0).int()`",)),
        ("a = [1., 2.]\na * torch.ones(2)", "index-of-tensor", ("`a` is no number", "torch.tensor(a)")),
        ("torch.zeros(0).item()", "one-element", ("no element at all",)),
        ("range(torch.tensor([1, 2]))", "index-of-tensor", ("2 elements", ".tolist()`")),
        (
            "rows = [[1, 2], [3]]\ntorch.tensor(rows)",
            "ragged-rows",
            ("`rows` is a list of 2 rows", "2 and 1"),
        ),
        ("np.array([[1], [2, 3]])", "ragged-rows", ("1 and 2 elements",)),
        ("torch.tensor(['a', 'b'])", "not-numbers", ("text (str)", "enumerate")),
        ("xs = [1., None]\ntorch.tensor(xs)", "not-numbers", ("None", "missing value")),
        ("d = {'a': 1}\ntorch.tensor(d)", "not-numbers", ("`d` is a dictionary", "d.values()")),
        ("a = np.array([1, None])\ntorch.from_numpy(a)", "not-numbers", ("dtype object", "`a.astype(")),
        ("torch.tensor(np.array(['x']))", "not-numbers", ("text",)),
        ("torch.tensor([torch.ones(2), torch.ones(3)])", "tensors-in-list", ("shapes differ",)),
        ("torch.ones(2, device='meta').numpy()", "not-for-numpy", ("no numbers",)),
        ("s = torch.tensor(1.)\nlen(s)", "no-dimensions", ("`s` has shape []", "no length")),
        ("s = torch.tensor(1.)\nfor v in s: pass", "no-dimensions", ("`s`", "go through")),
        ("s = torch.tensor(1.)\na, b = s", "no-dimensions", ("`s`", "go through")),
    ],
)
def test_a_conversion_that_may_mean_two_things(learner, code: str, rule: str, words: tuple[str, ...]) -> None:
    told_unrepaired(learner, code, rule, words, titled=True)


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('Boolean value of Tensor with more than one value is ambiguous')",
        "raise ValueError('only one element tensors can be converted to Python scalars')",
        "[1, 2][7]",
        "torch.ones(3)[5]",
        "torch.tensor([1, 2], dtype='a')",
    ],
)
def test_other_errors_are_not_told_as_conversions(learner, code: str) -> None:
    ours = {"truth-of-many", "one-element", "index-of-tensor", "no-dimensions", "not-numbers", "ragged-rows"}
    assert not learner.run(code).rules & ours
