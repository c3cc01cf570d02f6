"""Modules: set up, called, registered, loaded, and what they are mistaken for."""

from __future__ import annotations

import pytest

from tests.explain.applying import runs_repaired, told_unrepaired

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
