"""What a beginner's errors are told in Korean: no English is left between the code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.explain.conftest import Learner
from tests.explain.korean import assert_whole
from tutor.language import use_language

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
        assert_whole(one)


def test_a_place_in_earlier_code_and_what_is_counted_are_korean(learner: Learner) -> None:
    (shapes,) = learner.run("a = torch.randn(2, 3)\nb = torch.randn(4, 5)\na @ b").of("matmul-shapes")
    assert "`a`가 만들어진 곳: 1번째 줄 `torch.randn(2, 3)`, `b`가 만들어진 곳: 2번째 줄" in shapes.text
    (missing,) = learner.run("x = torch.randn(3, 4)\nx[7]").of("index-range")
    assert "항목 3개" in missing.title


WORDS = {
    "where a history was lost": (
        "w = torch.ones(3, requires_grad=True)\nwith torch.no_grad():\n    h = w * 2\nh.sum().backward()",
        "`with torch.no_grad():`(2번째 줄)",
    ),
    "names of one memory": ("x = torch.ones(2, 2)\na, b = x.view(4), x.t()", "이 메모리에 있습니다"),
    "how many are taken": (
        "class Net(nn.Module):\n    def forward(self, x, y=1):\n        return x\nNet()()",
        "인자 1~2개",
    ),
    "a container": ("ls = [nn.Linear(2, 2)]\nls(torch.ones(2))", "`ls`는 계층을 담은 리스트이며"),
    "a letter of einsum": (
        "torch.einsum('ij,jk->ik', torch.ones(2, 3), torch.ones(4, 5))",
        "`torch.ones(2, 3)` [2, 3], `torch.ones(4, 5)` [4, 5]",
    ),
    "devices": ("torch.ones(2) + torch.ones(2, device='meta')", "의 장치는 cpu, "),
    "a member of a dictionary": ("d = {'a': 1}\nd['b']", "(항목 1개)"),
    "a layer's number": ("m = nn.Sequential(nn.ReLU())\nm[3]", "번호는 0 하나뿐"),
}


@pytest.mark.parametrize(("code", "words"), WORDS.values(), ids=WORDS)
def test_words_that_rules_choose_are_korean(learner: Learner, code: str, words: str) -> None:
    told = learner.run(code)
    assert any(words in one.text or words in one.title for one in told.explanations), told.explanations
    for one in told.explanations:
        assert_whole(one)
