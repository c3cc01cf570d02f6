"""Copies that the statement itself does not spell out: in functions, in numpy, in the head of a block."""

from __future__ import annotations

import pytest

from tests.explain.conftest import Learner

BLOCK = """
class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.kept = 1
    def forward(self, v):
        return v.transpose(1, 2).flatten(self.kept)
    def rows(self, v, count=-1):
        return v.mT.reshape(count, 2)
flat = Flat()
x = torch.ones(2, 3, 4)
"""
X = "x = torch.arange(6).reshape(2, 3)\n"
A = "a = np.arange(6).reshape(2, 3)\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            X + "def f(m):\n    t = m.t()\n    return t.reshape(6)\ny = f(x)",
            "`f(x)` comes to `x.t().reshape(6)`.",
        ),
        (X + "def f(m, n=6):\n    'Docs.'\n    return m.T.reshape(n)\ny = f(m=x)", "`x.T.reshape(6)`"),
        (X + "def g(m): return m.t()\ndef f(m): return g(m).contiguous()\ny = f(x)", "`x.t().contiguous()`"),
        (X + "def g(m): return m.t()\ny = g(x).reshape(6)", "`g(x).reshape(6)` comes to"),
        (
            BLOCK.replace("self.kept)", "1)") + "y = flat(x)",
            "`x.transpose(1, 2).flatten(1)`",
        ),
        (BLOCK + "y = flat.rows(x)", "`flat.rows(x)` comes to `x.mT.reshape(-1, 2)`"),
        (X + "if (y := x.t().reshape(6)).sum() > 3:\n    pass", "`reshape` laid the 6 elements out anew"),
        (X + "while (y := x.t().flatten()).sum() < 3:\n    pass", "`flatten` laid the 6 elements out anew"),
        (A + "y = a.T.reshape(6)", "`reshape` laid the 6 elements out anew, with stride (1)"),
        (A + "y = a.T.ravel()", "`a.T` has shape [3, 2] and stride (1, 3)"),
        (A + "y = np.ravel(a.T)", "`ravel` laid the 6 elements out anew"),
        (A + "y = a.flatten()", "`flatten` of numpy always copies; `ravel` copies only when it must."),
        (
            A + "y = np.ascontiguousarray(a.T)",
            "Contiguous means without jumps: for this shape, stride (2, 1)",
        ),
    ],
)
def test_a_copy_that_is_not_spelled_out(learner: Learner, code: str, words: str) -> None:
    note = learner.run(code).only("copied")
    assert note.title == "`y` is a copy, with memory of its own"
    assert words in note.text
    old = "a" if "np." in code else "x"
    share = f"np.shares_memory(y, {old})" if old == "a" else f"y.data_ptr() == {old}.data_ptr()"
    assert learner.value(share) is False


@pytest.mark.parametrize(
    "code",
    [
        X + "def f(m):\n    return m.reshape(6)\ny = f(x)",
        X + "def f(m):\n    return m.t().clone()\ny = f(x)",
        X + "def f(m):\n    if m.numel():\n        return m * 1\n    return m.t().reshape(6)\ny = f(x)",
        X + "def f(*m):\n    return m[0].t().reshape(6)\ny = f(x)",
        X + "def f(m):\n" + "    m = m + m\n" * 60 + "    return m.t().reshape(6)\ny = f(x)",
        X + "def f(m):\n    return f(m) if m is None else m\ny = f(x)",
        A + "y = a.ravel()",
        A + "y = a.T.reshape(6, order='F')",
        A + "y = a.copy()",
    ],
)
def test_no_copy_is_claimed_where_none_was_needed_or_known(learner: Learner, code: str) -> None:
    assert not learner.run(code).of("copied")


def test_a_function_of_an_earlier_name_is_not_taken_for_a_new_one(learner: Learner) -> None:
    code = X + "def f(m):\n    return m.t().reshape(6)\nf = torch.clone\ny = f(x)"
    assert not learner.run(code).of("copied")
