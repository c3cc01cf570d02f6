"""The measure of breadth: its programs fail as torch's inputs do, and its judge is not easily pleased."""

from __future__ import annotations

import asyncio

import pytest
import torch

from benchmarks.breadth.families import OUTSIDE, template
from benchmarks.breadth.inputs import Case, Unwritten, all_cases
from benchmarks.breadth.judge import Verdict, judge
from benchmarks.breadth.source import Argument, Writer, tensor_facts
from benchmarks.explanations import SPECIFIC_TARGET, Outcome, listing, run, summary
from tutor.facts import ErrorFacts, Explanation

A, B = torch.ones(2, 3), torch.ones(4, 5)
CASE = Case(
    "op mm",
    ("a = torch.ones(2, 3)", "b = torch.ones(4, 5)", "torch.mm(a, b)"),
    "torch.mm(a, b)",
    "torch.mm",
    (
        Argument("a", "input", tensor_facts(A), named=True),
        Argument("b", "mat2", tensor_facts(B), named=True),
    ),
)
ERROR = ErrorFacts("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)", 3)


def verdict(text: str, rule: str = "matmul-shapes", case: Case = CASE, error: ErrorFacts = ERROR) -> Verdict:
    return judge(case, error, Explanation(rule, "error", "The product is not possible", text)).verdict


def test_what_names_tells_and_requires_is_specific() -> None:
    text = "`a` is [2, 3] and `b` is [4, 5]: the last size of `a` must equal the first of `b`."
    assert verdict(text) is Verdict.SPECIFIC


@pytest.mark.parametrize(
    "text",
    [
        "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)",
        "In `torch.mm(a, b)` the sizes must be equal.",
        "`a` and `b` must fit.",
        "`a` is [2, 3] and `b` is [4, 5]. That went wrong.",
        "a tensor of [2, 3] must have another shape.",
        "`a` is [2, 3], `b` is [4, 5]. It takes `torch.mm(input: Tensor, mat2: Tensor)`.",
        "`a` is [2, 3], `b` is [4, 5]. torch says: “mat2 must be one of the valid ones”",
        "`alpha` is [2, 3] and must be [3, 4].",
    ],
)
def test_what_leaves_one_of_them_out_is_vague(text: str) -> None:
    assert verdict(text) is Verdict.VAGUE


def test_the_argument_that_torch_points_at_has_to_be_named() -> None:
    error = ErrorFacts("RuntimeError", "mat2 must be a matrix", 3)
    assert verdict("`a` is [2, 3], and must be something else.", error=error) is Verdict.ASTRAY
    assert verdict("Something must be something else.", error=error) is Verdict.VAGUE
    assert verdict("`b` is [4, 5], and must be something else.", error=error) is Verdict.SPECIFIC


def test_a_plain_value_is_named_by_its_parameter_and_itself() -> None:
    case = Case("op f", ("f(7)",), "f(7)", "f", (Argument("7", "dim", ("7", "int")),))
    error = ErrorFacts("IndexError", "Dimension out of range", 1)
    assert verdict("`dim` is 7 and must be below 2.", case=case, error=error) is Verdict.SPECIFIC
    assert verdict("Line 7 has a dimension that must be below 2.", case=case, error=error) is Verdict.VAGUE


def test_the_general_explanation_has_to_speak_of_the_call() -> None:
    assert verdict("Given: `a`.", "failed-call") is Verdict.NONE
    assert verdict("`torch.mm(a, b)` was given `a`.", "failed-call") is Verdict.GENERAL
    assert judge(CASE, ERROR, None).verdict is Verdict.NONE


def test_a_template_has_no_numbers_shapes_types_and_names() -> None:
    one = template(CASE, "RuntimeError: mm(): sizes [2, 3] and [4, 5] of torch.float32, got 2")
    other = Case("op bmm", ("torch.bmm(x, y)",), "torch.bmm(x, y)", "torch.bmm", ())
    assert one == template(other, "RuntimeError: bmm(): sizes [1] and [7, 8, 9] of torch.int64, got 15")


@pytest.mark.parametrize(
    "value",
    [
        torch.arange(6).reshape(2, 3),
        torch.arange(6.0).reshape(2, 3).t(),
        torch.ones(2, 3).expand(4, 2, 3),
        torch.zeros(0, 4, dtype=torch.int32),
        torch.full((40,), 2.5, dtype=torch.float64),
        torch.tensor([float("nan"), float("inf"), -1.0]),
        torch.tensor([[True, False]]),
        torch.randint(3, 9, (5, 5)),
        torch.tensor(1 + 2j),
        torch.empty(2, 3, device="meta", dtype=torch.float16),
        torch.tensor([[0.0, 1.0], [2.0, 0.0]]).to_sparse(),
        torch.nn.Parameter(torch.ones(2)),
        torch.rand(*[1] * 30),
    ],
    ids=lambda value: f"{value.dtype}-{value.layout}-{value.dim()}",
)
def test_a_tensor_is_written_as_one_of_its_kind(value: torch.Tensor) -> None:
    writer = Writer()
    name = writer.tensor(value)
    space = {"torch": torch, "nn": torch.nn}
    exec("\n".join(writer.lines), space)  # the benchmark's own code for it
    made = space[name]
    assert (made.shape, made.dtype, made.layout) == (value.shape, value.dtype, value.layout)
    assert (made.device, made.requires_grad, type(made)) == (value.device, value.requires_grad, type(value))
    if value.layout is torch.strided:
        assert made.stride() == value.stride()
    if value.layout is torch.strided and value.is_contiguous() and value.numel() <= 12 and not value.is_meta:
        assert torch.allclose(made, value, atol=1e-3, equal_nan=True)
    assert writer.tensor(value) == name, "one tensor has one name"


@pytest.fixture(scope="module")
def cases() -> list[Case | Unwritten]:
    return list(all_cases())


def test_nearly_every_input_becomes_a_program(cases: list[Case | Unwritten]) -> None:
    unwritten = [each for each in cases if isinstance(each, Unwritten)]
    assert len(cases) > 800
    assert len(unwritten) < 0.03 * len(cases)
    assert {"op", "module", "optimizer"} == {each.origin.split()[0] for each in cases}


@pytest.mark.timeout(400)
def test_every_error_of_torchs_tests_is_explained_and_nearly_all_specifically(
    cases: list[Case | Unwritten],
) -> None:
    programs = [each for each in cases if isinstance(each, Case)]
    outcomes = asyncio.run(run(programs))
    failed = [each for each in outcomes if isinstance(each, Outcome)]
    assert len(failed) > 0.9 * len(programs)
    for each in failed:
        call = each.error.failed
        assert call is not None, each.case.program
        texts = {one.text.replace("'", '"') for one in call.arguments}
        given = {one.text for one in each.case.arguments if one.named and one.text in each.case.call}
        missing = given - texts
        assert not missing or each.case.call != call.expression, (each.case.program, missing)
    left = [each for each in failed if each.judgement.verdict in (Verdict.NONE, Verdict.ASTRAY)]
    assert not left, "\n".join(listing(left))
    inside = [each for each in failed if each.family not in OUTSIDE]
    specific = sum(each.judgement.verdict is Verdict.SPECIFIC for each in inside)
    assert specific >= SPECIFIC_TARGET * len(inside), "\n".join((*summary(failed), *listing(inside)))
