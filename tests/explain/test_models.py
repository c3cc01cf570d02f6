"""Layers that nobody sees or moves, the wrong mode, graphs that are kept."""

from __future__ import annotations

import pytest

START = """torch.manual_seed(0)
import torch.nn.functional as F
x, y = torch.randn(8, 4), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
def train(model, optimizer, rounds=2):
    for _ in range(rounds):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
"""
NET = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        {held}
    def forward(self, v):
        return v
net = Net()
"""


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("self.more = [nn.Linear(4, 3) for _ in range(2)]", ("4 parameters", "nn.ModuleList", "net.more[0]")),
        ("self.more = {'a': nn.Linear(4, 3)}", ("2 parameters", "nn.ModuleDict", 'net.more["a"].weight')),
        ("self.more = (nn.Linear(4, 3),)", ("nn.ModuleList", "`net.parameters()`")),
        ("self.scales = [nn.Parameter(torch.ones(2))]", ("1 parameter there", "nn.ParameterList")),
    ],
)
def test_layers_that_their_module_does_not_know(learner, held: str, words: tuple[str, ...]) -> None:
    found = learner.run(NET.format(held=held)).only("hidden-layers")
    assert found.kind == "warning"
    assert all(word in found.text for word in words), found.text


@pytest.mark.parametrize(
    "held",
    [
        "self.more = nn.ModuleList([nn.Linear(4, 3)])",
        "self.order = [self.inner]",
        "self.teacher = [nn.Linear(4, 3).requires_grad_(False)]",
        "self.names = ['a', 'b']; self.cache = [torch.ones(3)]",
    ],
)
def test_layers_that_are_known(learner, held: str) -> None:
    assert not learner.run(NET.format(held=held)).of("hidden-layers")


HELD = {
    "forgotten": (
        (
            "a, b = nn.Linear(4, 3), nn.Linear(3, 3)\nopt = torch.optim.SGD(a.parameters(), lr=1)\n"
            "train(lambda v: b(a(v)), opt)"
        ),
        "warning",
        ("`b.weight` and `b.bias`", "[*a.parameters(), *b.parameters()]"),
    ),
    "replaced": (
        (
            "m = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))\nopt = torch.optim.Adam(m.parameters())\n"
            "m[1] = nn.Linear(8, 3)\ntrain(m, opt)"
        ),
        "warning",
        ("`m[1]` was put in its place after the optimizer was made",),
    ),
    "made anew": (
        "m = nn.Linear(4, 3)\nopt = torch.optim.Adam(m.parameters())\nm = nn.Linear(4, 3)\ntrain(m, opt)",
        "warning",
        ("none of `m`'s parameters",),
    ),
    "one part of a model": (
        (
            "m = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3))\n"
            "opt = torch.optim.SGD(m[1].parameters(), lr=1)\ntrain(m, opt)"
        ),
        "note",
        ("`m[0].requires_grad_(False)`",),
    ),
}


@pytest.mark.parametrize("case", HELD)
def test_parameters_that_no_optimizer_holds(learner, case: str) -> None:
    code, kind, words = HELD[case]
    found = learner.run(START + code).only("not-held")
    assert found.kind == kind
    assert all(word in found.text for word in words), found.text


CUT = {
    "detach": ("z = a(x).detach()", "`a(x).detach()` gives the same numbers without"),
    "no_grad": ("with torch.no_grad():\n        z = a(x)", "`a(x)` ran where autograd does not record"),
    "data": ("z = a(x).data", "`a(x).data` reads the numbers"),
    "numpy": ("z = torch.from_numpy(a(x).detach().numpy())", "without their history"),
}


@pytest.mark.parametrize("case", CUT)
def test_parameters_that_got_no_gradient(learner, case: str) -> None:
    line, words = CUT[case]
    code = f"""a, b = nn.Linear(4, 4), nn.Linear(4, 3)
opt = torch.optim.SGD([*a.parameters(), *b.parameters()], lr=0.1)
for _ in range(2):
    opt.zero_grad()
    {line}
    F.cross_entropy(b(z), y).backward()
    opt.step()
"""
    found = learner.run(START + code).only("no-gradient")
    assert found.kind == "warning"
    assert "`a.weight` and `a.bias` got no gradient" in found.title
    assert words in found.text


def test_a_layer_that_is_never_used_is_a_fact(learner) -> None:
    code = "m = nn.ModuleDict({'a': nn.Linear(4, 3), 'b': nn.Linear(4, 3)})\n"
    code += "opt = torch.optim.SGD(m.parameters(), lr=0.1)\ntrain(m['a'], opt)"
    found = learner.run(START + code).only("no-gradient")
    assert found.kind == "note"
    assert "No operation of this statement used them" in found.text


EVALUATED = {
    "no_grad": (
        (
            "model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3))\n"
            "with torch.no_grad():\n    out = model(x)"
        ),
        "set numbers to 0 at random",
    ),
    "batch norm": (
        (
            "model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))\n"
            "with torch.no_grad():\n    out = model(x)"
        ),
        "from this very batch",
    ),
}


@pytest.mark.parametrize("case", EVALUATED)
def test_evaluation_in_train_mode(learner, case: str) -> None:
    code, words = EVALUATED[case]
    told = learner.run(START + code)
    found = told.only("evaluated-in-train-mode")
    assert found.kind == "warning"
    assert words in found.text
    fixed = learner.run_fixed(told, found)
    assert fixed.run.ok
    assert not fixed.of("evaluated-in-train-mode")
    assert learner.value("torch.equal(out, model.eval()(x))") is True


@pytest.mark.parametrize(
    "code",
    [
        (
            "@torch.no_grad()\ndef score(parts):\n    return [(m(b).argmax(1) == 0).sum() for b in parts]\n"
            "a = score(x.split(4))"
        ),
        "best = m(x).argmax(dim=-1)",
        (
            "opt = torch.optim.SGD(m.parameters(), lr=1)\nfor _ in range(2):\n    train(m, opt, 1)\n"
            "    with torch.inference_mode():\n        hits = (m(x).argmax(1) == y).sum().item()"
        ),
    ],
)
def test_evaluation_in_functions_and_loops(learner, code: str) -> None:
    start = START + "m = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3))\n"
    assert learner.run(start + code).only("evaluated-in-train-mode").kind == "warning"
    assert not learner.run(start + "m.eval()\n" + code).of("evaluated-in-train-mode")


def test_training_on_in_eval_mode(learner) -> None:
    code = """m = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3))
opt = torch.optim.SGD(m.parameters(), lr=0.1)
def test():
    m.eval()
    with torch.no_grad():
        return F.cross_entropy(m(x), y)
for _ in range(3):
    {train}
    train(m, opt, 1)
    test()
"""
    found = learner.run(START + code.format(train="pass")).only("trained-in-eval-mode")
    assert (found.kind, "`m.train()`" in found.text) == ("warning", True)
    assert not learner.run(START + code.format(train="m.train()")).of("trained-in-eval-mode")


LOOP = """m = nn.Linear(4, 3)
losses, total = [], 0
for _ in range(12):
    m.zero_grad()
    loss = F.cross_entropy(m(x), y)
    loss.backward()
    {keep}
"""


@pytest.mark.parametrize(
    ("keep", "name", "meaning"),
    [
        ("losses.append(loss)", "losses", "len(losses) == 12 and all(type(l) is float for l in losses)"),
        ("total += loss", "total", "type(total) is float and total > 1"),
        ("total = total + loss", "total", "type(total) is float and total > 1"),
    ],
)
def test_losses_that_keep_their_graphs(learner, keep: str, name: str, meaning: str) -> None:
    told = learner.run(START + LOOP.format(keep=keep))
    found = told.only("kept-graphs")
    assert found.title == f"`{name}` keeps the graph of every round"
    assert "`loss.item()`" in found.text
    fixed = learner.run_fixed(told, found)
    assert fixed.run.ok
    assert not fixed.of("kept-graphs")
    assert learner.value(meaning) is True


@pytest.mark.parametrize(
    "keep",
    ["losses.append(loss.item())", "total += loss.detach()", "losses.append(loss.detach())", "last = loss"],
)
def test_numbers_that_are_kept(learner, keep: str) -> None:
    assert not learner.run(START + LOOP.format(keep=keep)).of("kept-graphs")


def test_an_evaluation_behind_much_training_is_seen_too(learner) -> None:
    code = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.drop = nn.Linear(4, 3), nn.Dropout(0.5)
    def forward(self, v):
        return self.drop(self.fc(v))
m = Net()
opt = torch.optim.SGD(m.parameters(), lr=0.1)
for _ in range(2):
    train(m, opt, 10)
    with torch.no_grad():
        hits = (m(x).argmax(1) == y).sum().item()
"""
    assert learner.run(START + code).only("evaluated-in-train-mode").kind == "warning"


def test_dropout_as_a_function_knows_no_mode(learner) -> None:
    code = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
    def forward(self, v):
        return {drop}
m = Net().eval()
with torch.no_grad():
    best = m(x).argmax(1)
"""
    drop = "F.dropout(self.fc(v), 0.5"
    found = learner.run(START + code.format(drop=f"{drop})")).only("evaluated-in-train-mode")
    assert (found.kind, found.fix, "`training=self.training`" in found.text) == ("warning", None, True)
    right = code.format(drop=f"{drop}, training=self.training)")
    assert not learner.run(START + right).of("evaluated-in-train-mode")


def test_frozen_parameters_that_an_optimizer_holds_are_a_fact(learner) -> None:
    code = "m = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3))\nm[0].weight.requires_grad_(False)\n"
    told = learner.run(START + code + "opt = torch.optim.SGD(m.parameters(), lr=0.1)\ntrain(m, opt)")
    found = told.only("frozen-held")
    assert (found.kind, found.names) == ("note", ("m[0].weight",))
    assert found.title == "The SGD holds 1 parameter that does not require grad"
