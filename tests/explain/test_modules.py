"""Modules: set up, called, registered, loaded, and what they are mistaken for."""

from __future__ import annotations

import pytest

from tests.explain.applying import runs_repaired

HEAD = "class Tagger(nn.Module):\n    def __init__(self, size=4):\n"
FORWARD = "    def forward(self, words):\n        return self.out(words)\n"
GOOD = HEAD + "        super().__init__()\n        self.out = nn.Linear(size, 2)\n" + FORWARD

CLASS = "class Net(nn.Module):\n    def __init__(self, n=2):\n        "
INIT = CLASS + "{}\n        self.a = nn.Linear(n, n)\nm = Net()"
FIXED = [
    # rule, code, words, an expression that shows the meaning, its value
    *(
        ("super-call", INIT.format(call), (f"`{call}`", word), "len(list(m.parameters()))", 2)
        for call, word in [
            ("super.__init__()", "with brackets"),
            ("super()._init_()", "two underscores"),
            ("super().__init__(self)", "nothing besides"),
            ("super(Net, self).__init__(n)", "nothing besides"),
            ("nn.Module.__init__()", "which object"),
        ]
    ),
    (
        "base-class",
        "class Twice(nn.Module()):\n    def forward(self, x):\n        return 2 * x\nm = Twice",
        ("`class Twice(nn.Module):`",),
        "Twice()(3)",
        6,
    ),
    (
        "base-class",
        "class Twice(nn):\n    def forward(self, x):\n        return 2 * x",
        ("many classes",),
        "Twice()(3)",
        6,
    ),
    (
        "class-called",
        "x = torch.zeros(2, 4)\np = nn.Softmax(x, dim=1)",
        ("`layer = nn.Softmax(dim=1)`", "`layer(x)`"),
        "p[0].tolist()",
        [0.25] * 4,
    ),
    (
        "super-init",
        HEAD + "        self.out = nn.Linear(size, 2)\n" + FORWARD + "t = Tagger(3)",
        ("`self.out = nn.Linear(size, 2)`", "Tagger", "(line 2)"),
        "[len(list(t.parameters())), list(t(torch.ones(5, 3)).shape)]",
        [2, [5, 2]],
    ),
    (
        "super-init",
        HEAD
        + "        self.size = size\n        self.scale = nn.Parameter(torch.ones(size))\n"
        + "def make():\n    return Tagger()\nt = make()",
        ("a parameter", "Tagger"),
        "[t.size, [n for n, _ in t.named_parameters()]]",
        [4, ["scale"]],
    ),
    (
        "super-init",
        HEAD + "        super().__init__\n        self.register_buffer('seen', torch.zeros(2))\nt = Tagger()",
        ("a buffer", "without brackets"),
        "[n for n, _ in t.named_buffers()]",
        ["seen"],
    ),
    (
        "super-init",
        HEAD + "        super(Tagger).__init__()\n        self.out = nn.Linear(size, 2)\nt = Tagger()",
        ("`super(Tagger).__init__()` (line 3)",),
        "len(list(t.parameters()))",
        2,
    ),
    (
        "missing-layer",
        HEAD
        + "        super().__init__()\n        self.project = nn.Linear(size, 2)\n"
        + "    def forward(self, x):\n        x = x * 2\n        return self.projct(x)\n"
        + "y = Tagger()(torch.ones(1, 4))",
        ("`self.projct`", "`self.project` (line 4)"),
        "list(y.shape)",
        [1, 2],
    ),
    (
        "class-called",
        "guess, truth = torch.ones(4), torch.zeros(4)\nloss = nn.MSELoss(guess, truth)",
        ("`guess` and `truth`", "nothing is computed"),
        "loss.item()",
        1.0,
    ),
    (
        "class-called",
        (
            "def score(logits, labels):\n    return nn.CrossEntropyLoss(logits, labels)\n"
            "v = score(torch.zeros(2, 4), torch.tensor([1, 3]))"
        ),
        ("`logits` and `labels`",),
        "round(v.item(), 4)",
        1.3863,
    ),
    (
        "class-called",
        "h = torch.ones(100, 100)\nh = nn.Dropout(h)",
        ("`h` for its settings",),
        "list(h.shape)",
        [100, 100],
    ),
    (
        "not-a-layer",
        "parts = [nn.Linear(3, 2), nn.ReLU()]\nnet = nn.Sequential(parts)",
        ("`parts` is a list", "`nn.Sequential(*parts)`"),
        "len(net)",
        2,
    ),
    (
        "not-a-layer",
        "net = nn.ModuleList(nn.Linear(3, 2), nn.Linear(2, 1))",
        ("in one list",),
        "[len(net), len(list(net.parameters()))]",
        [2, 4],
    ),
    (
        "not-a-layer",
        "net = nn.Sequential(nn.Linear(2, 2), torch.tanh)",
        ("`torch.tanh` is a function", "`nn.Tanh()`"),
        "type(net[1]).__name__",
        "Tanh",
    ),
    (
        "not-a-layer",
        "net = nn.ModuleList([nn.Linear(2, 2), nn.GELU])",
        ("`nn.GELU` is a class",),
        "type(net[1]).__name__",
        "GELU",
    ),
    (
        "parameter-required",
        "lin = nn.Linear(2, 2)\nkept = lin.weight\nold = kept.detach() * 0.5\nlin.weight = lin.weight / 2",
        ("`lin.weight` is registered as a parameter of `lin`", "[2, 2] float32"),
        "[lin.weight is kept, torch.equal(lin.weight, old)]",
        [True, True],
    ),
    (
        "parameter-required",
        (
            "class Gain(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.register_parameter('gain', torch.ones(3))\ng = Gain()"
        ),
        ("`self.gain`", "`nn.Parameter(torch.ones(3))`"),
        "[n for n, _ in g.named_parameters()]",
        ["gain"],
    ),
    (
        "name-clash",
        "net = nn.Module()\nnet.register_buffer('running.mean', torch.zeros(2))",
        ("`running.mean`", "`running_mean`"),
        "[n for n, _ in net.named_buffers()]",
        ["running_mean"],
    ),
    (
        "no-state-dict",
        "a, b = nn.Linear(2, 3), nn.Linear(2, 3)\na.load_state_dict(b)",
        ("`b.state_dict()`",),
        "torch.equal(a.weight, b.weight)",
        True,
    ),
    (
        "no-state-dict",
        "a, b = nn.Linear(2, 3), nn.Linear(2, 3)\na.load_state_dict(b.state_dict)",
        ("`b.state_dict()`", "the method itself"),
        "torch.equal(a.weight, b.weight)",
        True,
    ),
    (
        "no-state-dict",
        "a, b = nn.Linear(2, 3), nn.Linear(2, 3)\na.load_state_dict(b.parameters())",
        ("no names",),
        "torch.equal(a.weight, b.weight)",
        True,
    ),
    (
        "state-dict-mismatch",
        (
            "a, b = nn.Linear(2, 3), nn.Linear(2, 3)\n"
            "saved = {'step': 3, 'model_state_dict': b.state_dict()}\n"
            "a.load_state_dict(saved)"
        ),
        ("`saved` is a checkpoint", '`saved["model_state_dict"]`'),
        "torch.equal(a.weight, b.weight)",
        True,
    ),
    (
        "state-dict-mismatch",
        (
            "a, b = (nn.Sequential(nn.Linear(2, 3)) for _ in range(2))\n"
            "state = {'module.' + k: v for k, v in b.state_dict().items()}\na.load_state_dict(state)"
        ),
        ("begin with `module.`", "`a[0].weight`"),
        "torch.equal(a[0].weight, b[0].weight)",
        True,
    ),
]


@pytest.mark.parametrize(("rule", "code", "words", "ask", "value"), FIXED, ids=range(len(FIXED)))
def test_the_fix_runs_and_means_what_was_meant(
    learner, rule: str, code: str, words: tuple[str, ...], ask: str, value: object
) -> None:
    runs_repaired(learner, code, rule, words)
    assert learner.value(ask) == value
