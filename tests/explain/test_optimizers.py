"""Optimizers: what they are given to optimize, and their settings."""

from __future__ import annotations

import pytest

from tests.explain.applying import told_unrepaired

NET = "net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))\n"
#: What is run behind a fixed program: one step, and whether it changed something.
TRAIN = """
for group in opt.param_groups:
    for p in group["params"]:
        p.grad = torch.ones_like(p)
before = [p.detach().clone() for group in opt.param_groups for p in group["params"]]
opt.step()
after = [p.detach() for group in opt.param_groups for p in group["params"]]
moved = [not torch.equal(a, b) for a, b in zip(before, after)]
"""

FIXED = [
    (
        "optimizer-params",
        "w = torch.zeros(5, requires_grad=True)\nopt = torch.optim.SGD(w, lr=0.5)",
        1,
        ("`w` is one tensor, [5] float32", "`[w]`"),
    ),
    (
        "optimizer-params",
        "from torch.optim import AdamW\nopt = AdamW(nn.Linear(2, 2).weight)",
        1,
        ("`nn.Linear(2, 2).weight` is one tensor, [2, 2] float32",),
    ),
    ("optimizer-params", NET + "opt = torch.optim.Adam(net, lr=1e-2)", 4, ("`net` is a Sequential",)),
    (
        "optimizer-params",
        NET + "from torch import optim\nopt = optim.RMSprop(net.parameters, lr=0.1)",
        4,
        ("`net.parameters` is a method",),
    ),
    ("optimizer-params", NET + "opt = torch.optim.SGD(params=[net.parameters()], lr=1.0)", 4, ("iterator",)),
    (
        "optimizer-params",
        (
            "a, b = nn.Linear(1, 2), nn.Linear(2, 1)\n"
            "opt = torch.optim.SGD([a.parameters(), b.parameters()], lr=1.0)"
        ),
        4,
        ("a list of 2 iterators", "`[*a.parameters(), *b.parameters()]`"),
    ),
    (
        "no-parameters",
        NET + "ps = net.parameters()\nprint(len(list(ps)))\nopt = torch.optim.Adam(ps)",
        4,
        ("`ps` gives none", "line 2", "`net.parameters()`"),
    ),
    (
        "non-leaf-param",
        "scale = torch.randn(4, requires_grad=True) / 10\nopt = torch.optim.SGD([scale], lr=0.1)",
        1,
        ("`scale` is [4] float32", "`torch.randn(4, requires_grad=True) / 10` (line 1)"),
    ),
    (
        "optimizer-setting",
        NET + "opt = torch.optim.SGD(net.parameters(), lr='0.25')",
        4,
        ("learning rate", "a text"),
    ),
    (
        "optimizer-setting",
        NET + "rate = '1e-3'\nopt = torch.optim.Adam(net.parameters(), rate)",
        4,
        ('`rate` is "1e-3"',),
    ),
    (
        "optimizer-setting",
        NET + "opt = torch.optim.AdamW(net.parameters(), betas=0.8)",
        4,
        ("a pair of numbers", "`betas=(0.8, 0.999)`"),
    ),
]


@pytest.mark.parametrize(("rule", "code", "count", "words"), FIXED, ids=range(len(FIXED)))
def test_the_fix_makes_an_optimizer_that_moves_its_parameters(
    learner, rule: str, code: str, count: int, words: tuple[str, ...]
) -> None:
    told = learner.run(code)
    error = told.only(rule)
    assert error.kind == "error"
    for word in words:
        assert word in error.text, error.text
    fixed = learner.run_fixed(told, error)
    assert fixed.run.ok, (error.fix, fixed.run.error)
    assert learner.run(fixed.code + TRAIN).run.ok
    assert learner.value("moved") == [True] * count


def test_the_fixed_pair_and_number_are_what_was_meant(learner) -> None:
    told = learner.run(NET + "opt = torch.optim.Adam(net.parameters(), lr='3e-4', betas=(0.8, 0.99))")
    assert learner.run_fixed(told, told.only("optimizer-setting")).run.ok
    assert learner.value("[opt.defaults['lr'], opt.defaults['betas']]") == [3e-4, [0.8, 0.99]]


UNFIXED = [
    ("optimizer-params", NET + "torch.optim.SGD(net.state_dict(), lr=0.1)", ("dictionary", "names")),
    ("optimizer-params", NET + "torch.optim.SGD(['w'], lr=0.1)", ("a list with a str in it",)),
    ("optimizer-params", NET + "torch.optim.SGD([np.ones(3)], lr=0.1)", ("torch.tensor(array",)),
    ("optimizer-params", NET + "torch.optim.SGD(0.1, net.parameters())", ("it stands first",)),
    ("optimizer-params", "torch.optim.Adam(lr=0.1)", ("`model.parameters()`",)),
    ("no-parameters", "found = []\ntorch.optim.Adam(found)", ("`found` gives none",)),
    ("no-parameters", "torch.optim.Adam(nn.ReLU().parameters())", ("nn.Parameter",)),
    (
        "no-parameters",
        (
            "class Stack(nn.Module):\n"
            "    def __init__(self):\n"
            "        super().__init__()\n"
            "        self.blocks = [nn.Linear(2, 2) for _ in range(3)]\n"
            "def build():\n"
            "    model = Stack()\n"
            "    return torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "build()"
        ),
        ("Stack", "plain list, `self.blocks` (line 4)", "nn.ModuleList"),
    ),
    (
        "no-parameters",
        NET + "for p in net.parameters(): p.requires_grad = False\n"
        "torch.optim.Adam(filter(lambda p: p.requires_grad, net.parameters()))",
        ("requires_grad=False",),
    ),
    (
        "parameter-groups",
        NET + "torch.optim.SGD([{'params': net.parameters()}, {'params': net[0].weight}], lr=0.1)",
        ("one group only",),
    ),
    (
        "parameter-groups",
        NET + "torch.optim.SGD([{'parameters': net.parameters()}], lr=0.1)",
        ("`params`", "here it has `parameters`"),
    ),
    (
        "parameter-groups",
        NET + "opt = torch.optim.LBFGS([{'params': [net[0].weight]}, {'params': [net[0].bias]}])",
        ("takes no groups",),
    ),
    (
        "optimizer-setting",
        NET + "decay = -1e-4\ntorch.optim.Adam(net.parameters(), weight_decay=decay)",
        ("`decay` is -0.0001", "pulled towards 0", "0 or greater"),
    ),
    ("optimizer-setting", NET + "torch.optim.SGD(net.parameters(), lr=-1)", ("maximize=True",)),
    ("optimizer-setting", NET + "torch.optim.SGD(net.parameters(), lr=None)", ("`lr` is `None`",)),
    ("optimizer-setting", NET + "torch.optim.Adam(net.parameters(), betas=(0.9, 1))", ("less than 1",)),
    ("optimizer-setting", NET + "torch.optim.RMSprop(net.parameters(), eps=-1)", ("by 0",)),
    (
        "optimizer-setting",
        NET + "rates = torch.tensor([0.1, 0.2])\ntorch.optim.SGD(net.parameters(), lr=rates)",
        ("`rates` is [2] float32", "exactly one element"),
    ),
    ("nesterov-momentum", NET + "torch.optim.SGD(net.parameters(), nesterov=True)", ("no `momentum`",)),
    (
        "nesterov-momentum",
        NET + "torch.optim.SGD(net.parameters(), momentum=0.9, dampening=0.1, nesterov=True)",
        ("`0.1` (dampening)",),
    ),
    (
        "sparse-gradients",
        (
            "e = nn.Embedding(4, 2, sparse=True)\nopt = torch.optim.RMSprop(e.parameters())\n"
            "e(torch.tensor([1])).sum().backward()\nopt.step()"
        ),
        ("RMSprop works only with dense", "`sparse=True` away"),
    ),
    (
        "sparse-gradients",
        (
            "e = nn.Linear(4, 2)\nopt = torch.optim.SparseAdam(e.parameters())\n"
            "e(torch.ones(4)).sum().backward()\nopt.step()"
        ),
        ("works only with sparse",),
    ),
]


@pytest.mark.parametrize(("rule", "code", "words"), UNFIXED, ids=range(len(UNFIXED)))
def test_where_the_repair_depends_on_intent_it_is_said(
    learner, rule: str, code: str, words: tuple[str, ...]
) -> None:
    error = told_unrepaired(learner, code, rule, words)
    assert "{" not in error.title


def test_a_group_that_is_no_dictionary(learner) -> None:
    code = "w, v = (torch.zeros(2, requires_grad=True) for _ in range(2))\n"
    told = learner.run(code + "opt = torch.optim.SGD([w], lr=0.1)\nopt.add_param_group(v)")
    fixed = learner.run_fixed(told, told.only("parameter-groups"))
    assert fixed.run.ok
    assert learner.value("len(opt.param_groups)") == 2


@pytest.mark.parametrize(
    "code",
    [
        NET + "torch.optim.Adam(net.parameters(), momentum=0.9)",
        NET + "opt = torch.optim.SGD(net.parameters(), lr=0)",
        NET + "opt = torch.optim.SGD(list(net.parameters()), lr=torch.tensor(0.1))",
    ],
)
def test_what_is_right_or_another_mistake_is_left_to_others(learner, code: str) -> None:
    ours = {"optimizer-params", "optimizer-setting", "no-parameters", "nesterov-momentum", "non-leaf-param"}
    assert not learner.run(code).rules & ours
