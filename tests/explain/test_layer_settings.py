"""Settings in conflict, filling weights, functions that return nothing, methods that were not called."""

from __future__ import annotations

import pytest

from tests.explain.applying import runs_repaired, told_unrepaired

NET = (
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.a = nn.Linear(2, 2)\n"
    "    def forward(self, x):\n        self.a(x)\n"
)
FIXED = [
    (
        "iterator-used",
        "m = nn.Linear(2, 3)\nw = m.parameters()[0]",
        ("`list(m.parameters())[0]`",),
        "list(w.shape)",
        [3, 2],
    ),
    (
        "iterator-used",
        "m = nn.Linear(2, 3)\ndef bias(net):\n    return net.named_parameters()['bias']\nb = bias(m)",
        ("dictionary",),
        "list(b.shape)",
        [3],
    ),
    ("iterator-used", "m = nn.Linear(2, 3)\nn = len(m.parameters())", ("counted",), "n", 2),
    (
        "method-uncalled",
        "m = nn.Linear(2, 3)\nsizes = [p.numel() for p in m.parameters]",
        ("`m.parameters()`", "gone through"),
        "sizes",
        [6, 3],
    ),
    (
        "method-uncalled",
        "m = nn.Linear(2, 3)\nshape = m.state_dict['weight'].shape",
        ("indexed",),
        "list(shape)",
        [3, 2],
    ),
    ("method-uncalled", "x = torch.ones(4, 5)\nn = x.size[1] + 1", ("`x.size()`",), "n", 6),
]


@pytest.mark.parametrize(("rule", "code", "words", "ask", "value"), FIXED, ids=range(len(FIXED)))
def test_the_fix_runs_and_means_what_was_meant(
    learner, rule: str, code: str, words: tuple[str, ...], ask: str, value: object
) -> None:
    runs_repaired(learner, code, rule, words)
    assert learner.value(ask) == value


UNFIXED = [
    (
        "iterator-used",
        "m = nn.Linear(2, 3)\nm.parameters().requires_grad = False",
        ("`for one in m.parameters(): one.requires_grad`",),
    ),
    (
        "layer-conflict",
        "h = 6\nnn.TransformerEncoderLayer(d_model=20, nhead=h)",
        ("`h` is 6", "multiple of 6", "leaves 2"),
    ),
    ("layer-conflict", "nn.Conv2d(1, 1, 3, stride=2, padding='same')", ("stride of 2",)),
    (
        "init-dimensions",
        "m = nn.Linear(2, 2)\nnn.init.kaiming_normal_(m.bias)",
        ("`m.bias` is [2]", "zeros_"),
    ),
    (
        "init-dimensions",
        "m = nn.Linear(2, 2)\nm.apply(nn.init.xavier_uniform_)",
        ("a Linear", "layer.weight"),
    ),
    (
        "missing-return",
        NET + "net = Net()\ny = net(torch.ones(2))\ny.sum()",
        ("`net(torch.ones(2))` gave (line 8)", "`Net.forward` (line 5)", "`return self.a(x)`"),
    ),
    (
        "missing-return",
        NET + "Net()(torch.ones(2)).sum()",
        ("`Net.forward`", "`return self.a(x)`"),
    ),
    (
        "missing-return",
        "def prepare(x):\n    out = x + 1\nr = prepare(torch.ones(2))\nr.mean()",
        ("`prepare` (line 1)", "`return out`"),
    ),
]


@pytest.mark.parametrize(("rule", "code", "words"), UNFIXED, ids=range(len(UNFIXED)))
def test_what_is_said_where_the_repair_depends_on_intent(
    learner, rule: str, code: str, words: tuple[str, ...]
) -> None:
    told_unrepaired(learner, code, rule, words)


@pytest.mark.parametrize(
    "code",
    [
        "nn.Dropout(0.5)(torch.ones(2))\nnn.Conv2d(6, 9, 3, groups=3)\nnn.MultiheadAttention(12, 4)",
        "x = None\nx.sum()",
        "def f(x):\n    return None\ny = f(1)\ny.sum()",
        "f = len\nf[0]",
    ],
)
def test_other_code_is_left_to_others(learner, code: str) -> None:
    ours = {rule for rule, *_ in UNFIXED} | {"method-uncalled"}
    assert not learner.run(code).rules & ours
