"""What is said of modules where the repair is elsewhere, and of what is left alone."""

from __future__ import annotations

import pytest

from tests.explain.applying import told_unrepaired
from tests.explain.test_modules import CLASS, FORWARD, GOOD, HEAD

UNFIXED = [
    ("layer-replaced", "ls = nn.ModuleList([nn.ReLU()])\nls[0] = 'x'", ("`ls[0]` is a place in `ls`",)),
    ("layer-replaced", "d = nn.ModuleDict()\nd['act'] = torch.relu", ("`torch.relu` is the function",)),
    (
        "missing-layer",
        (
            "class Net(nn.Module):\n    def __init__(self, more=False):\n"
            "        super().__init__()\n        if more:\n"
            "            self.more = nn.ReLU()\n    def forward(self, x):\n        return self.more(x)\n"
            "Net()(torch.ones(1))"
        ),
        ("sets `self.more` (line 5)", "did not run"),
    ),
    (
        "method-hidden",
        (CLASS + "super().__init__()\n        self.train = 3\nn = Net()\nn.eval()"),
        ("`n.eval()` needs the method `train`", "`3` (line 4)"),
    ),
    (
        "method-hidden",
        (
            "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.parameters = [1]\ndef make(n):\n    return list(n.parameters())\nmake(Net())"
        ),
        ("`parameters`", "(line 4)"),
    ),
    (
        "layers-called",
        (
            CLASS + "super().__init__()\n        self.ls = []\n"
            "        for i in range(2):\n            self.ls.append(nn.Linear(2, 2))\n"
            "    def forward(self, x):\n        return self.ls(x)\nNet()(torch.ones(2))"
        ),
        ("`self.ls` is a list", "nn.ModuleList"),
    ),
    ("class-called", "net = nn.Linear\nnet.train()", ("`net` was set to `nn.Linear` (line 1)",)),
    (
        "super-init",
        HEAD
        + "        self.size = size\n    def forward(self, x):\n        return x\nTagger()(torch.ones(2))",
        ("`Tagger()(torch.ones(2))` needs the lists", "(line 2)"),
    ),
    (
        "super-init",
        HEAD + "        self.size = size\nfor p in Tagger().parameters(): pass",
        ("Tagger (line 2) never calls it",),
    ),
    (
        "super-init",
        HEAD + "        self.out = nn.Linear(2, 2)\n        super().__init__()\nTagger()",
        ("afterwards (line 4)", "drop what was set"),
    ),
    (
        "super-init",
        (
            "class Base(nn.Module):\n    def __init__(self):\n        self.kind = 'base'\n"
            "class Leaf(Base):\n    def __init__(self):\n        super().__init__()\n"
            "        self.out = nn.Linear(2, 2)\nt = Leaf()"
        ),
        ("`__init__` of Base (line 2)",),
    ),
    (
        "misspelled-init",
        (
            "class Net(nn.Module):\n    def _init__(self):\n        super().__init__()\n"
            "        self.a = nn.Linear(1, 1)\n    def forward(self, x):\n        return self.a(x)\n"
            "Net()(torch.ones(1))"
        ),
        ("`self.a` was never set", "`_init__` (line 2)"),
    ),
    (
        "misspelled-init",
        "class Net(nn.Module):\n    def __int__(self, n):\n        super().__init__()\nNet(3)",
        ("`Net(3)` gives arguments", "`__int__`"),
    ),
    ("no-forward", GOOD.replace("forward", "foward") + "Tagger()(torch.ones(4))", ("`foward` (line 5)",)),
    (
        "no-forward",
        HEAD + "        super().__init__()\n        def forward(self, x):\n            return x\n"
        "m = Tagger()\nm(torch.ones(1))",
        ("one level too deep", "inside of `__init__` (line 4)"),
    ),
    ("no-forward", "class E(nn.Module):\n    pass\nE()(torch.ones(1))", ("`def forward(self, x):`",)),
    (
        "layers-called",
        "stack = nn.ModuleList(nn.Linear(2, 2) for _ in range(2))\nh = torch.ones(2)\nstack(h)",
        ("`for layer in stack: h = layer(h)`", "nn.Sequential"),
    ),
    (
        "layers-called",
        "heads = nn.ModuleDict({'a': nn.Linear(2, 2)})\nheads(torch.ones(2))",
        ('`heads["name"](x)`',),
    ),
    (
        "layers-called",
        HEAD
        + "        super().__init__()\n        self.out = [nn.Linear(size, 2)]\n"
        + FORWARD
        + "Tagger()(torch.ones(4))",
        ("`self.out` is a list", "nn.ModuleList"),
    ),
    ("layers-called", "fs = [nn.ReLU(), nn.Tanh()]\nfs(torch.ones(2))", ("`fs` is a list",)),
    (
        "layers-called",
        HEAD
        + "        super().__init__()\n        self.out = nn.Linear(size, 2),\n"
        + FORWARD
        + "Tagger()(torch.ones(4))",
        ("(line 4)", "Delete the comma"),
    ),
    (
        "forward-arguments",
        GOOD + "t = Tagger()\nt(torch.ones(4), 2)",
        ("`t`, a Tagger", "`forward(words)` (line 5)", "takes 1 argument", "gives 2 arguments"),
    ),
    ("forward-arguments", GOOD + "Tagger()()", ("no argument", "between the brackets")),
    ("forward-arguments", GOOD + "Tagger()(sentence=torch.ones(4))", ("no parameter `sentence`",)),
    (
        "forward-arguments",
        GOOD.replace("self, words", "words") + "Tagger()(torch.ones(4))",
        ("lacks `self`",),
    ),
    (
        "forward-arguments",
        "s = nn.Sequential(nn.ReLU())\ns(torch.ones(1), torch.ones(1))",
        ("a module of your own",),
    ),
    (
        "plain-class",
        GOOD.replace("nn.Module", "object") + "Tagger()(torch.ones(4))",
        ("`class Tagger(nn.Module):`", "`object`"),
    ),
    ("class-called", GOOD + "list(Tagger.parameters())", ("asks the class Tagger itself", "Tagger(...)")),
    (
        "class-called",
        (
            "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "    def forward(self, x):\n        return x\nx = torch.ones(2)\ny = Net(x)"
        ),
        ("`Net(x)`", "`layer = Net()`"),
    ),
    ("class-called", "x = torch.ones(2, 3)\ny = nn.Linear(x)", ("takes `x` for its settings", "weights")),
    (
        "parameter-required",
        "lin = nn.Linear(2, 1)\nlin.bias = torch.zeros(1)",
        ("lin.bias.copy_(torch.zeros(1))`", "`nn.Parameter(torch.zeros(1))`"),
    ),
    (
        "layer-replaced",
        GOOD.replace("return self.out(words)", "self.out = self.out(words)") + "Tagger()(torch.ones(4))",
        ("`self.out(words)` is a tensor, [2] float32", "`x = self.out(words)`"),
    ),
    ("name-clash", "nn.ModuleDict({'values': nn.ReLU()})", ("`values`", "`my_values`")),
    ("name-clash", "c = nn.Conv1d(1, 1, 1)\nc.add_module('bias', nn.ReLU())", ("of `c`",)),
    (
        "missing-layer",
        HEAD
        + "        super().__init__()\n        out = nn.Linear(size, 2)\n"
        + FORWARD
        + "Tagger()(torch.ones(4))",
        ("without `self.` (line 4)", "`self.out = nn.Linear(size, 2)`"),
    ),
    (
        "missing-layer",
        HEAD
        + "        super().__init__()\n    def build(self):\n        self.out = nn.ReLU()\n"
        + FORWARD
        + "Tagger()(torch.ones(4))",
        ("Only the method `build` sets it (line 5)",),
    ),
    (
        "missing-layer",
        HEAD + "        super().__init__()\n        self.fc1 = self.fc3 = nn.Linear(4, 4)\n"
        "    def forward(self, x):\n        return self.fc2(x)\nTagger()(torch.ones(4))",
        ("`self.fc2`", "`self.fc1`"),
    ),
    ("module-attribute", "m = nn.Sequential(nn.Linear(1, 1))\nm.device", ("`next(m.parameters()).device`",)),
    ("module-attribute", "m = nn.Sequential(nn.Linear(1, 1))\nm.weight", ("`m[0].weight`",)),
    (
        "module-attribute",
        "m = nn.Linear(1, 1)\nm.save('x.pt')",
        ("`torch.save(m.state_dict(), 'model.pt')`",),
    ),
    ("module-as-value", "x = torch.ones(2)\nx = nn.ReLU(x)\nx.sum()", ("`nn.ReLU(x)` (line 2)",)),
    ("module-as-value", "m = nn.Linear(1, 1)\ntorch.relu(m)", ("`torch.relu(m)` needs a tensor",)),
    ("module-as-value", "m = nn.Linear(1, 1)\nfor layer in m: pass", ("`m.children()`",)),
    ("module-as-value", "m = nn.Flatten()\n3 * m", ("`m` is a Flatten",)),
    ("module-as-value", "m = nn.Flatten()\nm > 0", ("`m > 0` needs a number", "`m(x)`")),
    (
        "module-as-value",
        "torch.sum(nn.Linear(1, 1))",
        ("is a Linear", "`nn.Linear(1, 1)(x)`"),
    ),
    ("module-as-value", "torch.ones(2)[nn.ReLU()]", ("`nn.ReLU()` is a ReLU", "`nn.ReLU()(x)`")),
    ("module-as-value", "m = nn.Linear(1, 1)\nnn.utils.clip_grad_norm_(m, 1)", ("`m.parameters()`",)),
    ("operand-type", "torch.ones(1, 1) @ nn.Linear(1, 1)", ("is a Linear", "`nn.Linear(1, 1)(x)`")),
    ("element-type", "m = nn.Linear(1, 1)\ntorch.cat([torch.ones(1), m])", ("is a Linear", "`m(x)`")),
    (
        "argument-type",
        "torch.exp(nn.LSTM(2, 2)(torch.ones(1, 2)))",
        ("(torch.ones(1, 2))[0]`",),
    ),
    ("layer-index", "m = nn.Sequential(nn.ReLU(), nn.ReLU())\ni = 5\nm[i]", ("numbers 0 to 1", "which is 5")),
    ("layer-index", "m = nn.ModuleDict({'a': nn.ReLU()})\nm['b']", ("names are `a`",)),
    (
        "name-reused",
        "model = nn.Linear(2, 2)\nx = torch.ones(2)\nfor _ in range(2):\n    model = model(x)",
        ("`model = model(x)` (line 4)", "`out = model(x)`"),
    ),
    (
        "state-dict-mismatch",
        (
            "old = nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 1))\n"
            "net = nn.ModuleDict({'body': nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))})\n"
            "net['body'].load_state_dict(old.state_dict())"
        ),
        ("[4, 3] in `", "[8, 3] in `old.state_dict()`", "2 more differ", "`strict=False` does not help"),
    ),
    (
        "state-dict-mismatch",
        GOOD
        + "t = Tagger()\nt.load_state_dict({'out.weight': torch.zeros(2, 4), 'in.weight': torch.ones(1)})",
        ("nothing for `t.out.bias`", '`"in.weight"`', "random values"),
    ),
]


@pytest.mark.parametrize(("rule", "code", "words"), UNFIXED, ids=range(len(UNFIXED)))
def test_what_is_said_where_the_repair_is_elsewhere(
    learner, rule: str, code: str, words: tuple[str, ...]
) -> None:
    told_unrepaired(learner, code, rule, words)


@pytest.mark.parametrize(
    "code",
    [
        GOOD + "t = Tagger()\ny = t(torch.ones(2, 4))",
        # what is not ours to explain
        "def f(): pass\nf(1)",
        "xs = [1, 2]\nxs(0)",
        GOOD + "Tagger('a', 'b', 'c')",
        "class Named:\n    def __init__(self): pass\nNamed(3)",
        "d = {}\nd['b']",
        (
            "class P(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "    @property\n    def bad(self):\n        return self.not_there\nP().bad"
        ),
    ],
)
def test_others_are_left_alone(learner, code: str) -> None:
    ours = {rule for rule, *_ in UNFIXED} - {"missing-layer"}
    assert not learner.run(code).rules & ours
