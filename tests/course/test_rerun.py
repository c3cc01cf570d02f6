"""The learner's code run once more on other numbers, and what of one answer must not reach the next."""

from __future__ import annotations

import pytest
from course.learner import Class, classroom  # noqa: F401

#: The setup has `scale`; the solution makes `x`, then `y` of both.
SETUP = "scale = torch.tensor([2.])"
SOLUTION = "x = torch.tensor([1., 2.])\ny = (x * scale).sum()"
OF_X = {"var": "float(y)", "rerun": {"x": [3, 5]}}
OF_SETUP = {"var": "float(y)", "rerun": {"scale": "torch.tensor([4.])"}}

COMPUTED = [
    SOLUTION,
    "x = torch.tensor([1, 2], dtype=torch.float64)\ny = sum(2 * e for e in x).item()",
    "values = x = torch.tensor([1., 2.])\nwith torch.no_grad():\n    y = 2 * values.view(1, 2).sum()",
    "x, more = torch.tensor([1., 2.]), 3\ndef f(t):\n    x = 5\n    return t.sum() * 2\ny = f(x)",
    "if (x := torch.tensor([1., 2.])).sum() > 0:\n    pass\ny = x.sum().mul(2)",
    "if __name__ == '__main__':\n    x = torch.tensor([1., 2.])\n    for _ in 'ab':\n        y = 2 * sum(x)",
    "try:\n    with torch.no_grad():\n        x = torch.ones(2)\n        y = 2 * sum(x)\nfinally:\n    z = 1",
    "y = 2 * torch.tensor([1., 2.]).sum()",
    "numbers = [1., 2.]\nx = torch.tensor(numbers)\ny = 2 * sum(numbers)",
    "y = 2 * (x := torch.tensor([1., 2.])).sum()",
    "def f(numbers=(1, 2)):\n    return 2. * sum(numbers)\ny = f()",
    "def main():\n    x = torch.tensor([1., 2.])\n    return 2 * x.sum()\ny = main()",
    "def main():\n    global y, x\n    x = torch.ones(2)\n    y = 2 * x.sum()\nmain()",
    "def main(scale=2):\n    x = torch.ones(2)\n    return scale * x.sum(), x\ny, x = main()",
    "def f(x):\n    x = [2 * x for x in x]\n    return sum(x)\ny = f(x=(x := torch.ones(2)))",
]
WRITTEN_DOWN = [
    "x = torch.tensor([1., 2.])\ny = 6.",
    "x = torch.tensor([1., 2.])\ny = x[1] * 3",
    "x = torch.tensor([1., 2.])\ny = 2 * sum([1., 2.])",
    "if __name__ == '__main__':\n    x = torch.tensor([1., 2.])\n    y = x[1] * 3",
    "y = torch.tensor(6.)",
    "numbers = [1, 2]\ny = 6.",
    "def main():\n    global y, x\n    x = torch.tensor([1., 2.])\n    y = x[1] * 3\nmain()",
    "def main():\n    x = torch.tensor([1., 2.])\n    return x[1] * 3, x\ny, x = main()",
]
#: Nothing can be said of these, so that nothing is said: other facts have to.
UNTRIED = [
    "one, two = 1., 2.\ny = 2 * (one + two)",
    "numbers = torch.arange(1., 3.)\ny = 2 * numbers.sum()",
    "y = 2. * sum(float(each) for each in '1 2'.split())",
    "x = torch.tensor([[1., 2.]])\ny = 2 * x.sum()",
    f"{SOLUTION}\nassert y == 6",
    "x = torch.tensor([1., 2.])\nz = 2 * x.sum()\ny = z.sqrt() if z == 6 else None",
]


def test_what_was_computed_follows_other_numbers_and_what_was_written_down_does_not(
    classroom: Class,  # noqa: F811
) -> None:
    for code in (*COMPUTED, *UNTRIED):
        assert classroom.failures(SETUP, code, OF_X, solution=SOLUTION) == [], code
    for code in WRITTEN_DOWN:
        assert classroom.failures(SETUP, code, OF_X, solution=SOLUTION) == ["rerun"], code
    by_hand = "x = torch.tensor([1., 2.])\ny = (x * 2).sum()"
    assert classroom.failures(SETUP, by_hand, OF_SETUP, solution=SOLUTION) == ["rerun"]
    assert classroom.failures(SETUP, SOLUTION, OF_SETUP, solution=SOLUTION) == []


def test_it_is_told_with_what_it_was_tried(classroom: Class) -> None:  # noqa: F811
    (told,) = classroom.check(SETUP, WRITTEN_DOWN[0], OF_X, solution=SOLUTION)
    assert (told.expected, told.got) == ("16.0", "6.0")
    assert told.sentence == (
        "`float(y)` stays 6.0 when your code is tried with `x` = [3, 5]: it is not computed from that; "
        "expected 16.0. Line 2 is `y = 6.`."
    )
    (told,) = classroom.check(SETUP, WRITTEN_DOWN[1], OF_X, solution=SOLUTION)
    assert told.sentence.startswith(
        "`float(y)` is 15.0 when your code is tried with `x` = [3, 5]; expected 16.0."
    )
    (told,) = classroom.check(SETUP, "y = 6.", OF_X, solution=SOLUTION)
    assert told.sentence == (
        "`float(y)` was not computed from `x`: your code has no such name. Line 1 is `y = 6.`."
    )


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"nowhere": [1, 2]}, "no variable `nowhere`"),
        ({"x": [1, 2, 3]}, "(x has shape (2,), these numbers (3,))"),
    ],
)
def test_a_solution_that_other_numbers_do_not_suit_is_told_as_that(
    classroom: Class,  # noqa: F811
    numbers: dict[str, list[int]],
    words: str,
) -> None:
    (told,) = classroom.check(SETUP, SOLUTION, {"var": "y", "rerun": numbers}, solution=SOLUTION)
    assert not told.ok
    assert "the solution" in told.sentence
    assert words in told.sentence
    assert "Un" not in told.sentence


def test_numbers_are_put_where_they_were_and_leave_the_rest_as_it_is(classroom: Class) -> None:  # noqa: F811
    code = (
        "w = torch.tensor([1., 2.], requires_grad=True)\nview = w.detach()[1:]\n"
        "(w * w).sum().backward()\nprint('once')"
    )
    asked = """
        after = rerun(w=[3, 4])
        assert after.w.grad.tolist() == [6, 8] and after.view.tolist() == [4] and after.w.is_leaf
        assert w.grad.tolist() == [2, 4] and view.tolist() == [2]
    """
    results = classroom.check(
        "", code, {"py": "\n".join(map(str.strip, asked.splitlines()))}, {"stdout": "once"}
    )
    assert [each.ok for each in results] == [True, True]


def test_a_function_looks_on_or_gives_another_value_and_a_seed_another_draw(classroom: Class) -> None:  # noqa: F811
    code = (
        "import random\nimport numpy\ndef known():\n    return False\n"
        "x = [random.random(), numpy.random.rand()]\nx.append(torch.rand(()).item())\ny = known()"
    )
    asked = (
        "seen = []\n"
        "after = rerun(3, known=lambda old, names: lambda: not old(), x=lambda x, names: seen.extend(x))\n"
        "assert after.y is True and len(seen) == 2\n"
        "assert rerun(3).x == after.x and not set(rerun(4).x) & set(after.x)\n"
        "assert y is False"
    )
    assert classroom.failures("", code, {"py": asked}) == []
    for seeded in ("torch.manual_seed(5)\n", "SEED = 5\ntorch.manual_seed(SEED)\nrandom.seed(SEED)\n"):
        other = {"py": "assert rerun(1).x[2] != rerun(2).x[2] and rerun(1).x == rerun(1).x"}
        assert classroom.failures("", "import random\n" + seeded + code, other) == [], seeded
        assert classroom.failures("", seeded.split("random")[0] + "x = [1, 2, 3]", other) == ["py"]
    drawn = "x = torch.rand(2, generator=torch.Generator().manual_seed(0)).tolist()"
    assert classroom.failures("", drawn, {"py": "rerun(1).x != rerun(2).x"}) == []
    assert classroom.failures("", code, {"py": "assert rerun().y"}) == ["py"]
    assert classroom.failures("", code, {"py": "assert rerun(z=1).y"}) == []


@pytest.mark.parametrize("fact", ["unchanged", "mutated_in_place"])
def test_a_variable_that_the_code_made_is_held_to_what_it_was_first(classroom: Class, fact: str) -> None:  # noqa: F811
    made = "m = torch.ones(3)\nkept = m\n"
    kept = {"var": "kept", fact: True}
    unchanged, written, rebound = "n = m + 1", "m *= 2", "m = m * 2\nkept = m"
    holds = {"unchanged": [unchanged, "m = m * 2"], "mutated_in_place": [written, "m[0] = 5\nm = None"]}
    fails = {"unchanged": [written, rebound], "mutated_in_place": [unchanged, rebound, "m = m * 2"]}
    for code in holds[fact]:
        assert classroom.failures("", made + code, kept) == [], code
    for code in fails[fact]:
        assert classroom.failures("", made + code, kept) == [fact], code
    again = "m = torch.ones(3)\nm = torch.ones(3)\n" + {"unchanged": "n = m * 2"}.get(fact, "m *= 2")
    assert classroom.failures("", again, {"var": "m", fact: True}) == []
    if fact == "mutated_in_place":
        at_once = "if True:\n    m = torch.ones(3)\n    kept = m\n    {}"
        inside = "def main():\n    m = torch.ones(3)\n    {}\n    return m\nm = kept = main()"
        for code in (at_once, inside):
            assert classroom.failures("", code.format("m[1:] *= 2"), kept) == [], code
            assert classroom.failures("", code.format("m = m * 2"), kept) == [fact], code
    late = "m = torch.ones(3)\nm[0] = 2\nm = torch.ones(3)"
    assert classroom.failures("", late, {"var": "m", fact: True}) == [fact]


def test_a_name_that_a_function_lacks_is_an_error_of_that_function(classroom: Class) -> None:  # noqa: F811
    raising = {"var": "f(1)", "raises": {"type": "NameError"}}
    assert classroom.failures("", "def f(x):\n    return absent", raising) == []
    assert classroom.failures("", "def f(x):\n    raise NameError(x)", raising) == []
    assert classroom.failures("", "g = 1", raising) == ["exists"]


def test_what_one_answer_registers_with_torch_does_not_reach_the_next(classroom: Class) -> None:  # noqa: F811
    wraps = (
        "@torch.fx.wrap\ndef noise(x):\n    return x + torch.rand(())\n"
        "def f(x):\n    return noise(x)\ng = torch.fx.symbolic_trace(f)"
    )
    same = {"var": "g(torch.ones(2)).shape == (2,)", "value": True}
    again = {"py": "assert rerun().g(torch.ones(2)).shape == (2,)"}
    assert (
        classroom.failures("import torch.fx", wraps, same, again, {"py": "torch.fx.symbolic_trace(f)"}) == []
    )
    plain = "g = torch.fx.symbolic_trace(lambda x: x + 1)"
    assert classroom.failures("import torch.fx", plain, same) == []

    save = "import io\nfile = io.BytesIO()\nclass Score:\n    pass\ntorch.save(Score(), file)\nfile.seek(0)\n"
    trusts = save + "torch.serialization.add_safe_globals([Score])\nread = torch.load(file)"
    assert classroom.failures("", trusts, {"var": "read", "exists": True}) == []
    assert classroom.failures("", save + "read = torch.load(file)", {"var": "read", "exists": True}) == [
        "raises"
    ]


def test_the_line_told_of_a_gradient_is_one_that_goes_back_or_resets(classroom: Class) -> None:  # noqa: F811
    loop = "w = torch.tensor(3., requires_grad=True)\nfor _ in range(2):\n    loss = 3 * (w - 1) ** 2\n"
    wanted = {"var": "w", "grad": 12.0}
    for lines, told in {
        "    loss.backward()": 4,
        "    loss.backward()\n    w.data -= 0": 4,
        "    w.grad = None\n    loss.backward()\n    loss = loss + w": 5,
        "    loss.backward()\n    w.grad.mul_(0)\n    loss = w * 2": 5,
    }.items():
        failed = [each for each in classroom.check("", loop + lines, wanted) if not each.ok]
        assert [each.line for each in failed] in ([told], []), (lines, failed)
        assert failed or "None" in lines, lines
