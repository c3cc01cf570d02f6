"""Sizes that a tensor cannot be given, and einsum equations that do not fit."""

from __future__ import annotations

import pytest

GRID = "x = torch.ones(2, 3)\n"

SIZES = [
    ("expand-sizes", "x.expand(3)", ("at least 2", "(3,)")),
    ("expand-sizes", "x.expand(-1, 2, 3)", ("the first one in front is new", "`x` is [2, 3]")),
    ("expand-sizes", "n = 2\nx.repeat(n)", ("`x.repeat(1, 2)`",)),
    ("expand-sizes", "x.repeat((2,))", ("at least 2",)),
    ("expand-sizes", "x.repeat(2, -1)", ("A size must not be negative", "(2, -1)")),
    ("expand-sizes", "x.sum_to_size(2)", ("cannot be added up to [2]", "`x` is [2, 3]")),
    ("open-sizes", "x.view(-1, -1)", ("given only once", "(-1, -1)")),
    ("open-sizes", "torch.reshape(x, (2, -1, -1))", ("(2, -1, -1)",)),
    ("open-sizes", "x.reshape(2, -2)", ("A size of -2",)),
    ("open-sizes", "torch.ones(0, 5).reshape(0, -1)", ("no elements",)),
    ("split-sizes", "x.split([1, 2])", ("which is 3 together", "exactly 2", "`x.split(2, dim=0)`")),
    ("split-sizes", "torch.split(x, [1, 1], dim=-1)", ("dimension 1 has size 3",)),
    ("split-sizes", "x.chunk(0)", ("`chunks` is 0",)),
    ("split-sizes", "x.vsplit(3)", ("2 must be a multiple of 3",)),
    ("split-sizes", "torch.hsplit(torch.ones(4), 3)", ("4 must be a multiple of 3", "dimension 0")),
    ("unflatten-sizes", "torch.ones(2, 12).unflatten(1, (3, 5))", ("3 × 5 = 15", "exactly 12")),
    ("unflatten-sizes", "nn.Unflatten(-1, (2, -1))(x)", ("size 3", "[2, -1]")),
    ("unflatten-sizes", "m = nn.Sequential(nn.Unflatten(1, (2, 2)))\nm(x)", ("What reaches it is [2, 3]",)),
]


@pytest.mark.parametrize(("rule", "code", "words"), SIZES, ids=[code for _, code, _ in SIZES])
def test_sizes_that_a_tensor_cannot_have(learner, rule: str, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(GRID + code).only(rule)
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


def test_the_code_that_the_texts_offer_does_what_they_say(learner) -> None:
    learner.run(GRID + "wide, pieces = x.repeat(1, 2), [len(p) for p in torch.ones(5, 2).split(2, dim=0)]")
    assert learner.value("[list(wide.shape), pieces]") == [[2, 6], [2, 2, 1]]


PAIR = "a, b = torch.ones(2, 3), torch.ones(4, 5)\n"
EQUATIONS = [
    (
        "torch.einsum('ij,jk->ik', a, b)",
        ("`j` stands for 3 and for 4", "dimension 1 of `a`", "dimension 0 of `b`"),
    ),
    ("torch.einsum('ij, jk -> ik', a, a.T[:2])", ("`a.T[:2]` is [2, 2]", "must be equal")),
    ("torch.einsum('ijk->i', a)", ("`ijk` names 3 letters", "`a` is [2, 3]")),
    ("torch.einsum('ij->ik', a)", ("`k` stands behind `->` only", "`a` [2, 3]")),
    ("torch.einsum('ij->ii', a)", ("`i` stands twice",)),
    ("torch.einsum('ij,jk->ik', a)", ("2 groups", "1 tensor")),
    ("e = 'ii->i'\ntorch.einsum(e, a)", ("stands for 2 and for 3",)),
    ("torch.einsum('...ijk->i', a)", ("names 3 letters",)),
]


@pytest.mark.parametrize(("code", "words"), EQUATIONS, ids=[code for code, _ in EQUATIONS])
def test_equations_that_do_not_fit(learner, code: str, words: tuple[str, ...]) -> None:
    error = learner.run(PAIR + code).only("einsum-subscripts")
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


@pytest.mark.parametrize(
    "code",
    [
        "x.expand(4, 2, 3), x.expand(-1, 3), x.repeat(2, 1), x.view(-1, 2), x.split(2), x.split([1, 1])",
        "x.unflatten(1, (3, -1)), torch.einsum('ij,ij->', x, x), torch.einsum('...j->j', x)",
        "x.view('a')",
        "x.sum_to_size(1, 3), x.sum_to_size(3)",
        "torch.einsum('ij', None)",
        "x.split('a')",
    ],
)
def test_the_rules_about_sizes_stay_silent(learner, code: str) -> None:
    found = learner.run(GRID + code).rules
    assert not found & {"expand-sizes", "open-sizes", "split-sizes", "unflatten-sizes", "einsum-subscripts"}
