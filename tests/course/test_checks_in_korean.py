"""What checks say in Korean is Korean, whatever the kernel found: no run of English outside of code."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from course.learner import Class, classroom  # noqa: F401
from course.test_checks import FACTS, MODEL, W, X

from tests.english import english_in
from tutor.course.answers import in_words
from tutor.facts import CheckResult
from tutor.kernel import cases, compare, questions
from tutor.kernel import check as answering
from tutor.language import use_language

DOUBLE = "def solved(t):\n    return t * 2"
FLAT = "def solved(t):\n    return t.view(-1)"
ADDED = "def solved(t):\n    return t.add_(1)"


def functions(**more: Any) -> dict[str, Any]:
    return {"var": "solved", "cases": {"inputs": ["torch.arange(4.)", "torch.zeros(40, 2)"], **more}}


def negated(fact: str, wanted: object, var: str | None = None) -> dict[str, Any]:
    return {"not": {fact: wanted, **({"var": var} if var else {})}}


#: Further answers that fail, for what the kernel words: setup, check, code, and the solution.
MORE: list[tuple[str, dict[str, Any], str, str]] = [
    ("", functions(), "solved = 3", DOUBLE),
    ("", functions(), "def solved(t): return t * 3", DOUBLE),
    ("", functions(), "def solved(t): return 3", DOUBLE),
    ("", functions(), "def solved(t): return [t, t]", DOUBLE),
    ("", functions(), "def solved(t): return t.sum()", DOUBLE),
    ("", functions(), "def solved(t): return t.double() * 2", DOUBLE),
    ("", functions(), "def solved(t): return t.nonsense()", DOUBLE),
    ("", functions(), "def solved(t): return t.mul_(2)", DOUBLE),
    ("", functions(aliasing=True), "def solved(t): return t.clone().view(-1)", FLAT),
    ("", functions(aliasing=True), "def solved(t): return t.mul_(2)", DOUBLE),
    ("", functions(), "def solved(t): return t + 1", ADDED),
    ("", functions(), "def solved(t): return t", "def solved(t):\n    raise ValueError('no')"),
    ("", {"var": "v", "equals": "[1, 2]"}, "v = [1, 2, 3]", ""),
    ("", {"var": "v", "equals": "[1, 2]"}, "v = [1, 5]", ""),
    ("", {"var": "v", "equals": "{'a': 1}"}, "v = {'b': 1}", ""),
    ("", {"var": "v", "equals": "{'a': 1}"}, "v = {'a': torch.zeros(3)}", ""),
    ("", {"var": "v", "equals": "torch.zeros(99)"}, "v = torch.ones(99)", ""),
    ("", {"var": "v", "equals": "torch.zeros(99)"}, "v = torch.nn.Linear(2, 2)", ""),
    ("", {"var": "v", "equals": "[torch.zeros(20)]"}, "v = [torch.ones(20, 2), 'a list of words']", ""),
    ("", {"var": "v", "value": 1}, "v = 12", ""),
    (X, {"var": "v", "all_finite": False}, "v = x", ""),
    (X + "\nhead = x[:2]", {"var": "v", "same_storage": "head"}, "import numpy\nv = 'words of mine'", ""),
    (W, {"var": "v", "depends_on": "n"}, "n = 3\nv = w.sum()", ""),
    (W, {"var": "v", "depends_on": "n"}, "n = torch.ones(2)\nv = w.sum()", ""),
    (W, {"var": "v", "graph_freed": True}, "v = w.detach()", ""),
    (W, {"var": "v", "graph_freed": False}, "v = (w * w).sum()\nv.backward()", ""),
    (W, {"var": "w", "grad": "torch.ones(30)"}, "(w * 1).sum().backward()", ""),
    (W, {"var": "w", "grad_is_none": True}, "w.sum().backward()", ""),
    ("", {"var": "v", "params": ["weight"]}, "v = torch.nn.ReLU()", ""),
    ("", {"var": "v", "loss_decreases": True}, "v = [1.0]", ""),
    ("", {"var": "v", "loss_decreases": False}, "v = [3.0, 1.0]", ""),
    (MODEL, {"var": "model", "state_changed": False}, "model[0].weight.data.add_(1)", ""),
    (MODEL, {"var": "model", "training": True}, "model.eval()", ""),
    ("", {"var": "v", "exists": True}, "pass", ""),
    ("", {"var": "v", "exists": True}, "", ""),
    ("", {"var": "v", "exists": True}, "v = ____", ""),
    ("", {"var": "v[0]", "exists": True}, "v = 3", ""),
    (X, negated("shape", [6], "v"), "v = x", ""),
    (X, negated("shares_memory", "x", "v"), "v = x[:1]", ""),
    (X, negated("contiguous", True, "v"), "v = x", ""),
    (X, negated("unchanged", True, "x"), "v = x", ""),
    (X, negated("mutated_in_place", True, "x"), "x.zero_()", ""),
    (W, negated("requires_grad", True, "w"), "v = w", ""),
    (W, negated("grad_is_none", True, "w"), "v = w", ""),
    (W, negated("depends_on", "w", "v"), "v = w * 2", ""),
    (MODEL, negated("training", True, "model"), "v = 1", ""),
    ("", negated("uses", ["for", "while"]), "for n in range(1):\n    while n: n -= 1", ""),
    ("", negated("warns", {"match": "mine"}), "import warnings\nwarnings.warn('mine')", ""),
    ("", negated("raises", {"type": "ValueError", "match": "mine"}), "raise ValueError('mine')", ""),
    ("", negated("stdout", "7"), "print(7)", ""),
]

#: What the learner's code or torch itself said; english_in knows code.
_NOT_OURS = re.compile(r"\b\w+(?:Error|Warning): .*?(?= \(기대|\.?\Z)")


@pytest.fixture
def korean() -> Iterator[None]:
    use_language("ko")
    yield
    use_language("en")


def results_of(room: Class) -> Iterator[tuple[str, bool, CheckResult]]:
    for setup, check, passing, failing in (fact for name, fact in FACTS.items() if name != "py with assert"):
        for code in (*passing[:1], *failing):
            yield from ((code, code in failing, each) for each in room.check(setup, code, check))
    for setup, check, code, solution in MORE:
        for each in room.check(setup, code, check, solution=solution or "pass"):
            yield code, True, each


def test_results_of_all_facts_are_korean(classroom: Class, korean: None) -> None:  # noqa: F811
    failed = set()
    for code, fails, result in results_of(classroom):
        assert result.ok is not fails, (code, result)
        if fails:
            failed.add(result.kind)
            assert re.search("[가-힣]", result.sentence), (code, result)
        for text in (result.sentence, result.expected, result.got):
            assert not english_in(_NOT_OURS.sub("…", text)), (code, result)
            assert "{" not in re.sub(r"`[^`]*`|'[^']*'|\{'.*'\}", "", text), (code, result)
    assert len(failed) > 30


@pytest.mark.parametrize(
    ("english", "korean_text"),
    [
        ("a tensor, 0.5", "텐서, 0.5"),
        ("a Linear", "Linear"),
        ("an int, 3", "int, 3"),
        ("[float32 of shape (20, 2), 'a list of words']", "[모양 (20, 2)의 float32, 'a list of words']"),
        ("called with `a if b else c` (a Linear)", "인자 `a if b else c` (Linear)"),
        ("0.9 to 0.1", "0.9에서 0.1로"),
        ("weight, bias", "weight, bias"),
        ("", ""),
    ],
)
def test_words_of_the_kernel_change_and_data_does_not(korean: None, english: str, korean_text: str) -> None:
    assert in_words(english) == korean_text


def test_in_english_nothing_changes() -> None:
    assert in_words("one storage, but no element in common") == "one storage, but no element in common"


def kernel_texts() -> Iterator[str]:
    """Texts of several words in the kernel's answers to checks, with a number for each field."""
    for room in (answering, compare, cases, questions):
        tree = ast.parse(inspect.getsource(room))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        skipped = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented)
                   and isinstance(node.body[0], ast.Expr)}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [each.value if isinstance(each, ast.Constant) else "3" for each in node.values]
                skipped |= {id(each) for each in node.values}
                yield "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                yield node.value


def test_whatever_the_kernel_says_of_values_has_a_translation(korean: None) -> None:
    said = {text for text in kernel_texts() if re.search(r"[a-z]{2,} [a-z]{2,}", text)}
    assert len(said) > 25
    parts = {", and 3 more differ", "3 of shape 3", "an int"}  # of others; classes keep their names
    assert parts <= said
    for text in said - parts:
        assert re.search("[가-힣]", in_words(text)), text
        assert not english_in(in_words(text)), text
