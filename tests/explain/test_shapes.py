"""Explanations about shapes, each in several forms, their fixes, and where they stay silent."""

from __future__ import annotations

import pytest

ROWS = "x = torch.arange(6.).view(2, 3)\n"

INCOMPATIBLE = {
    "name": (ROWS + "t = x.t()\nflat = t.view(6)", "t", "flat.tolist() == [0, 3, 1, 4, 2, 5]"),
    "attribute": (ROWS + "flat = x.T.view(-1)", "x", "flat.tolist() == [0, 3, 1, 4, 2, 5]"),
    "method": (ROWS + "p = x.transpose(0, 1).view(2, 3)", "x", "p.tolist() == [[0, 3, 1], [4, 2, 5]]"),
    "permute": (
        "i = torch.arange(8).view(2, 2, 2)\nf = i.permute(2, 0, 1).view(-1)",
        "i",
        "f.tolist() == [0, 2, 4, 6, 1, 3, 5, 7]",
    ),
    "slice": (ROWS + "s = x[:, :2].view(4)", "x", "s.tolist() == [0, 1, 3, 4]"),
    "size": (ROWS + "t = x.t()\nf = t.view(t.size(0) * 2)", "t", "f.shape == (6,)"),
    "in a call": (ROWS + "t = x.t()\nprint(t.view((6,)).sum())", "t", "x.sum().item() == 15"),
    "block": (
        ROWS + "t = x.t()\nfor n in [6]:\n    k = t.view([2, 3])",
        "t",
        "k.tolist() == [[0, 3, 1], [4, 2, 5]]",
    ),
    "lines": (ROWS + "t = x.t()\nf = (t\n     .view(6)\n     .sum())", "t", "f.item() == 15"),
    "umlaut": (
        ROWS + "größe = x.t(); ä = 'ö'\nf = größe.view(6), 'ß'",
        "größe",
        "f[0].tolist() == [0, 3, 1, 4, 2, 5]",
    ),
    "weight": (
        "lin = nn.Linear(2, 3)\nw = lin.weight.T.view(6)",
        "lin.weight",
        "torch.equal(w, lin.weight.T.reshape(6))",
    ),
}


@pytest.mark.parametrize("case", INCOMPATIBLE)
def test_a_view_that_no_stride_describes(learner, case: str) -> None:
    code, name, meaning = INCOMPATIBLE[case]
    told = learner.run(code)
    error = told.only("view-incompatible")
    assert (error.kind, error.names) == ("error", (name,))
    assert "places in memory" in error.text
    fixed = learner.run_fixed(told, error)
    assert fixed.run.ok
    assert learner.value(meaning) is True


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("t = x.t()\nn = 6\ny = t.view(n)", "y = t.reshape(n)"),
        ("flat = lambda m: m.view(-1)\nflat(x.T)", None),
        ("ys = [q.view(6) for q in [x.t()]]", "ys = [q.reshape(6) for q in [x.t()]]"),
        ("def flat(m, *, n):\n    k = m.T\n    return k.view(n)\nflat(x, n=6)", "return k.reshape(n)"),
        ("t = x.t()\ny = x.view(6), t.view(6)", "y = x.view(6), t.reshape(6)"),
        ("d = {'k': x.T}\ni = 'k'\ny = d[i].view(-1)", "y = d[i].reshape(-1)"),
    ],
)
def test_a_refused_view_wherever_it_stands(learner, code: str, fix: str | None) -> None:
    told = learner.run(ROWS + code)
    error = told.only("view-incompatible")
    assert "shape [3, 2] and stride (1, 3)" in error.text
    assert fix is None or error.fix == fix
    if told.run.error.line >= told.run.steps[-1].line:
        assert learner.run_fixed(told, error).run.ok


def test_heads_are_turned_back_before_they_are_joined(learner) -> None:
    code = "q = torch.arange(24.).view(2, 3, 2, 2).transpose(1, 2)\ny = q.view(2, 3, 4)"
    told = learner.run(code)
    error = told.only("view-incompatible")
    assert error.fix == "y = q.transpose(1, 2).reshape(2, 3, 4)"
    assert learner.run_fixed(told, error).run.ok
    assert learner.value("y.flatten().tolist()") == [float(n) for n in range(24)]


def test_a_view_of_what_has_no_name(learner) -> None:
    told = learner.run(ROWS + "y = (x * 2).t().view(6)")
    error = told.only("view-incompatible")
    assert error.fix == "y = (x * 2).t().reshape(6)"
    assert learner.run_fixed(told, error).run.ok
    assert "12 elements" in learner.run("(torch.ones(2, 6) + 1).view(5, -1)").only("view-size").text


def test_the_step_of_a_slice_is_in_the_stride(learner) -> None:
    error = learner.run("x = torch.ones(4, 4)\nx[::2, :3].view(-1)").only("view-incompatible")
    assert "shape [2, 3] and stride (8, 1)" in error.text
    assert "here it moves 8" in error.text


@pytest.mark.parametrize(
    "code",
    [
        ROWS + "x.t().view(3, 2)",
        ROWS + "raise RuntimeError('view size is not compatible')",
        ROWS + "t = x.t()\nt.view(6) if not t.is_contiguous() and False else t.view(4)",
    ],
)
def test_view_incompatible_stays_silent(learner, code: str) -> None:
    assert not learner.run(code).of("view-incompatible")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (ROWS + "x.view(4, 2)", ("2 × 3 = 6 elements", "4 × 2 = 8", "[-1, 2] would be [3, 2]")),
        (ROWS + "n = 4\nx.reshape(n, -1)", ("`x.reshape(n, -1)`", "6 is no multiple of 4")),
        ("img = torch.ones(1, 3, 4, 4)\nimg.view(-1, 5)", ("1 × 3 × 4 × 4 = 48", "48 is no multiple of 5")),
        ("v = torch.ones(7)\ntorch.reshape(v, (2, 3))", ("`v` has shape [7]: 7 elements", "2 × 3 = 6")),
        (ROWS + "x.t().view(2, 2)", ("`x.t()` has shape [3, 2]", "2 × 2 = 4")),
        (ROWS + "for i in range(1):\n    y = x.view(5)", ("asks for 5.",)),
        ("b = torch.ones(8, 3, 4, 4)\nb.view(-1, 50)", ("8 entries", "3 × 4 × 4 = 48", "`b.flatten(1)`")),
        ("b = torch.ones(8, 3, 4)\nb.reshape(8, 10)", ("3 × 4 = 12", "`b.flatten(1)`")),
        ("x = torch.ones(5)\nx.view(2, 2, -1)", ("(2 × 2 = 4)", "5 is no multiple of 4")),
    ],
)
def test_sizes_that_do_not_multiply_to_the_elements(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(code).only("view-size")
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in error.text


@pytest.mark.parametrize(
    "code",
    [
        ROWS + "x.view(3, 2)",
        "a = np.ones(6)\na.reshape(4, 2)",
        ROWS + "x.view(-1, -1)",
        ROWS + "raise RuntimeError(\"shape '[4, 2]' is invalid for input of size 6\")",
    ],
)
def test_view_size_stays_silent(learner, code: str) -> None:
    assert not learner.run(code).of("view-size")


PAIR = "a = torch.ones(2, 3)\nb = torch.ones(2, 3)\n"


@pytest.mark.parametrize(
    ("code", "names", "words"),
    [
        (
            PAIR + "a @ b",
            ("a", "b"),
            ("last size of `a` (3) must equal the first size of `b` (2)", "`a @ b.T` gives [2, 2]"),
        ),
        (PAIR + "c = torch.matmul(a, b)", ("a", "b"), ("For `torch.matmul(a, b)`",)),
        (PAIR + "c = a.mm(b)", ("a", "b"), ("For `a.mm(b)`",)),
        (PAIR + "c = torch.mm(a, a)", ("a",), ("on both sides",)),
        (PAIR + "a @= b", ("a", "b"), ("For `a @= b`",)),
        (
            "q = torch.ones(4, 5, 8)\nk = torch.ones(4, 5, 8)\ns = (q @ k).softmax(-1)",
            ("q", "k"),
            ("the first-but-last size of `k` (5)",),
        ),
        ("q = torch.ones(4, 2, 3)\nk = torch.ones(5, 3, 2)\nq @ k", ("q", "k"), ("are [4] and [5]",)),
        ("w = torch.ones(3, 4)\nv = torch.ones(3)\nw @ v", ("w", "v"), ("the only size of `v` (3)",)),
        (
            "w = torch.ones(3, 4)\ns = torch.tensor(2.)\nw @ s",
            ("w", "s"),
            ("`s` is a single number", "use `*`"),
        ),
        (
            "w = torch.ones(3, 4)\nv = torch.ones(4)\ntorch.mm(w, v)",
            ("w", "v"),
            ("`mm` multiplies two matrices", "`v` has 1"),
        ),
        (
            "lin = nn.Linear(2, 3)\nx = torch.ones(5, 2)\nx @ lin.weight",
            ("x", "lin.weight"),
            ("`x @ lin.weight.T` gives [5, 3], if",),
        ),
        (
            "x = torch.ones(5, 2)\nfor i in range(3):\n    x = x @ x.T @ x.T",
            ("x",),
            ("`x @ x.T` has shape [5, 5]",),
        ),
        ("x = torch.ones(5, 2)\ny = torch.ones(2, 5)\nx.T @ y", ("x", "y"), ("`x.T` has shape [2, 5]",)),
    ],
)
def test_products_whose_shapes_do_not_fit(
    learner, code: str, names: tuple[str, ...], words: tuple[str, ...]
) -> None:
    told = learner.run(code)
    error = told.only("matmul-shapes")
    assert (error.kind, error.names) == ("error", names)
    if error.fix is not None:
        assert learner.run_fixed(told, error).run.ok
    for word in words:
        assert word in error.text


def test_the_transposes_that_the_text_offers_have_the_shapes_it_says(learner) -> None:
    learner.run(PAIR + "first, second = a @ b.T, a.T @ b")
    assert learner.value("[list(first.shape), list(second.shape)]") == [[2, 2], [3, 3]]


@pytest.mark.parametrize(
    "code",
    [
        PAIR + "a @ b.T",
        "a = torch.ones(2, 3)\nb = torch.ones(3, 2, dtype=torch.int64)\na @ b",
        "a = np.ones((2, 3))\nb = np.ones((2, 3))\na @ b",
        PAIR + "raise RuntimeError('mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)')",
        PAIR + "a + torch.ones(5)",
    ],
)
def test_matmul_shapes_stays_silent(learner, code: str) -> None:
    assert not learner.run(code).of("matmul-shapes")
