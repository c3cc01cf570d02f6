"""What a failed check says of the code: the line whose effect is wrong, and what was got instead."""

from __future__ import annotations

from typing import Any

import pytest
from course.learner import Class, classroom  # noqa: F401

X = "x = torch.arange(6.)"
W = "w = torch.ones(3, requires_grad=True)"
MADE = "model = torch.nn.Linear(2, 2)\n"
ONCE = "model(torch.ones(1, 2)).sum().backward()"
NAN = "float('nan')"

# (setup, code, check, the line that is told, what it is said to have done): of several lines that had to do
# with the variable it is the one whose effect fails the check.
BLAMED: list[tuple[str, str, dict[str, Any], int | None, str]] = [
    (X, "v = x.view(2, 3)\nv.add_(1)", {"var": "v", "equals": "x.view(2, 3)"}, 2, "wrote to `v`"),
    (X, "v = x.view(3, 2)\nv.add_(1)", {"var": "v", "shape": [2, 3]}, 1, "is `v = x.view(3, 2)`"),
    (X, "v = x.clone()\nv.unsqueeze_(0)\nv = v + 1", {"var": "v", "shape": [6]}, 2, "changed `v`"),
    (X, "v = x.double()\nv.add_(1)", {"var": "v", "equals": "x"}, 1, "is `v = x.double()`"),
    (X, "v = x[1:]\nw = v\nv = v.clone()\nprint(v)", {"var": "v", "shares_memory": "x"}, 3, "another value"),
    (X, "y = x\ny += 1\nz = 3", {"var": "x", "unchanged": True}, 2, "is `y += 1`"),
    (X, "y = x + 1\nx = y\nz = x", {"var": "x", "unchanged": True}, 2, "is `x = y`"),
    (X, "y = x + 1\nz = 2", {"var": "x", "mutated_in_place": True}, 1, "is `y = x + 1`"),
    (X, "x.view(2, 3)\nprint(x)", {"var": "v", "shape": [2, 3]}, 2, "is `print(x)`"),
    (X, "v = 1\ndel v\nw = 2", {"var": "v", "exists": True}, 2, "deleted `v`"),
    (
        "",
        "out = []\nfor i in 1, 2:\n    out.append(i)\nprint(out)",
        {"var": "out", "value": [1]},
        3,
        "append",
    ),
    ("", "n = 0\nfor i in range(3):\n    n += i\n    m = n\nk = n", {"var": "n", "value": 7}, 3, "n += i"),
    (
        X,
        "v = x * 1\nfor i in 1, 2:\n    a = i\n    v *= i\n    b = i",
        {"var": "v", "close": "x"},
        4,
        "v *= i",
    ),
    (X, "def f(t):\n    v = t\n    return v\nv = f(x)", {"var": "v", "ndim": 2}, 4, "is `v = f(x)`"),
    (X, f"v = x.clone()\nv[0] = {NAN}\nw = v", {"var": "v", "all_finite": True}, 2, "wrote to `v`"),
    (X, "v = x.clone()\nw = v\nw.zero_()", {"py": "v.sum() == 15"}, 3, "wrote to `v`"),
    (
        W,
        "w = w.data\nw.requires_grad_()\ny = 2",
        {"var": "w", "requires_grad": False},
        2,
        "changed `w`",
    ),
    (
        W,
        "(w * 2).sum().backward()\nz = (w * 3).sum()\nz.backward()\nprint(w)",
        {"var": "w", "grad": "torch.full((3,), 3.)"},
        3,
        "z.backward()",
    ),
    (
        "",
        MADE + "model.eval()\ny = model(torch.ones(2))",
        {"py": "model.training"},
        2,
        "is `model.eval()`",
    ),
    ("", MADE + ONCE, {"var": "model", "params": 4}, 1, "Linear"),
    (
        "",
        MADE + "with torch.no_grad():\n    model.weight.zero_()\ny = 1",
        {"var": "model.weight", "equals": "torch.ones(2, 2)"},
        3,
        "wrote to `model`",
    ),
    ("", "print(1)\nx = 2", {"stdout": "2"}, 1, "is `print(1)`"),
    (  # of two names the later one is to blame
        "",
        "m = torch.ones(3)\nkept = m\nm = m * 2",
        {"var": "kept", "shares_memory": "m"},
        3,
        "gave `m` another value",
    ),
    (
        "",
        f"{W}\ny = w * 2\nw = torch.ones(3)",
        {"var": "y", "depends_on": "w"},
        3,
        "`w` does not require a gradient",
    ),
    (  # `requires_grad_` here is no change of torch
        "",
        "def f(x):\n    return x\nt = torch.ones(2).requires_grad_()\nf(t).sum().backward()",
        {"py": "one = torch.ones(1)\nassert f(one) == 2"},
        1,
        "is `def f(x):`",
    ),
    (
        "",
        MADE + "opt = torch.optim.SGD(model.parameters(), 0.1)\nopt.zero_grad()\nopt.step()",
        {"py": "len(opt.param_groups[0]['params']) == 1"},
        2,
        "is `opt = ",
    ),
    ("", "y = 3\nseen = y + 1\nz = 5", {"py": "seen = rerun(y=4)\nassert seen.z == 4"}, 1, "is `y = 3`"),
    (
        "",
        "net = [torch.nn.Linear(2, 2)] * 2\nnet[0].requires_grad = False\nnet[1] = torch.nn.Linear(2, 3)",
        {"var": "net[0].weight", "requires_grad": False},
        2,
        "is `net[0].requires_grad = False`",
    ),
]


@pytest.mark.parametrize("case", BLAMED, ids=lambda case: case[1].replace("\n", "; "))
def test_a_failed_check_tells_the_line_whose_effect_is_wrong(classroom: Class, case: Any) -> None:  # noqa: F811
    setup, code, check, line, words = case
    (failed,) = [each for each in classroom.check(setup, code, check) if not each.ok]
    assert failed.line == line, failed.sentence
    assert words in failed.sentence
    assert f"Line {line} " in failed.sentence


@pytest.mark.parametrize(
    ("fact", "code", "got"),
    [
        ("shares_memory", "v = x.clone()", "memory of its own"),
        ("shares_memory", "head = x[:2]\nv = x[2:]", "the same storage, but no element in common"),
        ("same_storage", "v = torch.from_numpy(x.numpy())", "the same memory in another storage"),
        ("is_view_of", "v = torch.from_numpy(x.numpy())", "the same memory in another storage"),
        ("is_view_of", "v = x.contiguous()", "the same object"),
    ],
)
def test_what_was_got_of_memory_is_what_is_so(
    classroom: Class,  # noqa: F811
    fact: str,
    code: str,
    got: str,
) -> None:
    (told,) = (
        each
        for each in classroom.check(X, code, {"var": "v", fact: "head" if "head" in code else "x"})
        if not each.ok
    )
    assert (told.kind, told.got) == (fact, got)


AGAIN = "x = torch.arange(6.)\ny = x.view(2, 3)\nw = torch.ones(2, requires_grad=True)\nz = x"
UNCHANGED = [{"var": name, "unchanged": True} for name in ("x", "y", "w", "z")]


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("x = torch.arange(6.)", ""),  # as in the setup
        ("x = torch.arange(0, 6, dtype=torch.float32)", ""),
        ("n = 6\nx = torch.tensor([float(i) for i in range(n)])", ""),
        ("x = torch.arange(6).float()\ny = x.reshape(2, 3)\nz = x", ""),
        ("w = torch.full((2,), 1.0, requires_grad=True)", ""),
        ("x = x", ""),
        ("x = z", ""),
        ("y = x.reshape(2, 3)", ""),
        ("x = torch.zeros(6)", "x"),
        ("x = torch.arange(6.).double()", "x"),
        ("x = x.clone()", "x"),
        ("x = x + 0", "x"),
        ("x = z.clone()", "x"),
        ("x = torch.tensor(x.tolist())", "x"),
        ("a = x.clone()\nx = a", "x"),
        ("y = torch.arange(6.).view(2, 3).clone()", "y"),
        ("z = torch.arange(6.).clone()", "z"),
        ("y = x.clone().view(2, 3)", "y"),
        ("w = torch.ones(2)", "w"),
        ("w = w.clone()", "w"),
        ("x = torch.arange(6).float()\nx[0] = 7", "x"),
        ("x[0] = 7\nx = torch.arange(6).float()", "yz"),
    ],
)
def test_what_is_made_again_as_it_was_has_not_changed(classroom: Class, code: str, changed: str) -> None:  # noqa: F811
    results = classroom.check(AGAIN, code, *UNCHANGED)
    assert "".join(each.name for each in results if not each.ok) == changed


@pytest.mark.parametrize(
    ("code", "failing"),
    [
        ("x = torch.arange(6).float()\nv = x[1:]", []),
        ("v = x[1:]\nx = torch.arange(6).float()", []),
        ("v = x[1:]\nx = torch.arange(6).float() + 1", []),
        ("x = torch.arange(6).float() + 1\nv = x[1:]", ["shares_memory"]),
        ("x = torch.arange(6).float()\nv = x[1:].clone()", ["shares_memory"]),
    ],
)
def test_memory_of_what_is_made_again_is_that_of_the_original(
    classroom: Class,  # noqa: F811
    code: str,
    failing: list[str],
) -> None:
    assert classroom.failures(X, code, {"var": "v", "shares_memory": "x"}) == failing


def test_what_was_expected_is_told_though_the_call_has_the_same_signs_in_it(classroom: Class) -> None:  # noqa: F811
    cases = {"inputs": ["torch.rand(4, 3)"], "reference": "lambda x: x"}
    (told,) = classroom.check("", "def f(x):\n    return x.T", {"var": "f", "cases": cases})
    assert told.sentence == "`f` called with `torch.rand(4, 3)` gives shape (3, 4); expected (4, 3)."


def test_an_exception_without_a_message_is_told_by_its_name(classroom: Class) -> None:  # noqa: F811
    raising = {"var": "f(1)", "raises": {"type": "IndexError"}}
    (told,) = classroom.check("", "def f(x):\n    assert x == 2", raising)
    assert told.sentence == "`f(1)` gives AssertionError; expected IndexError."
