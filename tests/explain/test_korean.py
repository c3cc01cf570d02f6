"""What a beginner's errors are told in Korean: no English is left between the code."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.explain.conftest import Learner
from tutor.language import use_language

#: Three English words in a row, where no code stands.
_ENGLISH = re.compile(r"[A-Za-z']+(?:[ ,:]+[A-Za-z']+){2}")
ERRORS = {
    "matmul": "a = torch.randn(2, 3)\nb = torch.randn(4, 5)\nc = a @ b",
    "broadcasting": "a = torch.randn(2, 3)\nb = a + torch.randn(4)",
    "view": "x = torch.randn(3, 4)\nx.view(5, 2)",
    "inside a model": "m = nn.Sequential(nn.Linear(10, 5), nn.Linear(4, 2))\nm(torch.randn(4, 10))",
    "index": "x = torch.randn(3, 4)\ny = x[5]",
    "dimension": "x = torch.randn(3, 4)\ny = x.sum(dim=3)",
    "cat": "x = torch.randn(3, 4)\ny = torch.cat([x, torch.randn(2, 5)])",
    "a list": "x = [1, 2, 3]\ny = torch.relu(x)",
    "text": 'x = torch.randn(4, 3)\ny = x + "a"',
    "channels": "conv = nn.Conv2d(3, 8, 3)\ny = conv(torch.randn(2, 1, 28, 28))",
    "classes": "s = torch.randn(2, 3)\nnn.functional.cross_entropy(s, torch.tensor([0, 3]))",
    "optimizer": "m = nn.Linear(3, 1)\no = torch.optim.SGD(m.parameters, lr=0.1)",
    "no history": "x = torch.randn(3)\ny = (x * 2).sum()\ny.backward()",
    "integers": "x = torch.tensor([1, 2, 3], requires_grad=True)",
    "a missing argument": "layer = nn.Linear(3)",
    "another dtype": "a = torch.ones(3)\nc = torch.dot(a, torch.ones(3, dtype=torch.int64))",
}


@pytest.fixture(autouse=True)
def korean() -> Iterator[None]:
    use_language("ko")
    yield
    use_language("en")


@pytest.mark.parametrize("code", ERRORS.values(), ids=ERRORS)
def test_a_beginners_error_is_told_in_korean(learner: Learner, code: str) -> None:
    told = learner.run(code)
    assert told.explanations
    for one in told.explanations:
        for words in (one.title, one.text):
            assert _ENGLISH.search(re.sub(r"`[^`]*`", "`", words)) is None, words
            assert "가" <= max(words) <= "힣", words


def test_a_place_in_earlier_code_and_what_is_counted_are_korean(learner: Learner) -> None:
    (shapes,) = learner.run("a = torch.randn(2, 3)\nb = torch.randn(4, 5)\na @ b").of("matmul-shapes")
    assert "`a`가 만들어진 곳: 1번째 줄 `torch.randn(2, 3)`, `b`가 만들어진 곳: 2번째 줄" in shapes.text
    (missing,) = learner.run("x = torch.randn(3, 4)\nx[7]").of("index-range")
    assert "항목 3개" in missing.title
