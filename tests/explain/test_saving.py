"""Files: what is refused, missing, broken or swapped; and the state of training."""

from __future__ import annotations

import pytest

from tests.explain.applying import runs_repaired

FILE = "import tempfile, os\npath = os.path.join(tempfile.mkdtemp(), 'net.pt')\n"
NET = "net = nn.Linear(2, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.5)\n"

FIXED = [
    (
        "state-dict-mismatch",
        (
            "old = nn.Linear(2, 1)\nclass Big(nn.Module):\n    def __init__(self):\n"
            "        super().__init__()\n"
            "        self.part = nn.Linear(2, 1)\nbig = Big()\nbig.load_state_dict(old.state_dict())"
        ),
        ("`big.part`", "lack `part.`"),
        "torch.equal(big.part.weight, old.weight)",
        True,
    ),
    (
        "optimizer-attribute",
        NET + "for group in opt.param_groups:\n    group.lr = 0.125",
        ('`group["lr"]`',),
        "opt.param_groups[0]['lr']",
        0.125,
    ),
    ("optimizer-attribute", NET + "r = opt.param_groups['lr']", ("[0]['lr']",), "r", 0.5),
    (
        "file-arguments",
        FILE + "x = torch.arange(3)\ntorch.save(path, x)",
        ("`torch.save(x, path)`",),
        "torch.load(path).tolist()",
        [0, 1, 2],
    ),
    (
        "map-location",
        FILE + "torch.save(torch.arange(3), path)\nx = torch.load(path, map_location='cuda:0')",
        ("asks for cuda:0", '`map_location="cpu"`'),
        "[x.tolist(), x.device.type]",
        [[0, 1, 2], "cpu"],
    ),
    (
        "no-state-dict",
        FILE + NET + "torch.save(nn.Linear(2, 1).state_dict(), path)\nkeys = net.load_state_dict(path)",
        ("`path` is a text", "`torch.load(path)`"),
        "torch.equal(net.weight, torch.load(path)['weight'])",
        True,
    ),
    (
        "state-dict-mismatch",
        FILE + NET + "torch.save({'net': net.state_dict(), 'epoch': 1}, path)\n"
        "def restore(model):\n    model.load_state_dict(torch.load(path))\nrestore(nn.Linear(2, 1))",
        ('`torch.load(path)["net"]`', "`model.weight`"),
        "os.path.exists(path)",
        True,
    ),
    ("optimizer-attribute", NET + "rate = opt.lr", ("param_groups[0]",), "rate", 0.5),
    ("optimizer-attribute", NET + "rate = opt['momentum'] + 1", ("param_groups",), "rate", 1),
    (
        "optimizer-state",
        NET + "other = torch.optim.SGD(net.parameters(), lr=0.25)\nopt.load_state_dict(other)",
        ("`other.state_dict()`",),
        "opt.param_groups[0]['lr']",
        0.25,
    ),
    (
        "scheduler-setting",
        NET + "s = torch.optim.lr_scheduler.MultiStepLR(opt, 2)",
        ("`milestones`", "must be a list"),
        "[s.milestones[2], opt.param_groups[0]['lr']]",
        [1, 0.5],
    ),
]


@pytest.mark.parametrize(("rule", "code", "words", "ask", "value"), FIXED, ids=range(len(FIXED)))
def test_the_fix_runs_and_means_what_was_meant(
    learner, rule: str, code: str, words: tuple[str, ...], ask: str, value: object
) -> None:
    runs_repaired(learner, code, rule, words)
    assert learner.value(ask) == value


UNFIXED = [
    (
        "weights-only",
        FILE + NET + "torch.save(net, path)\nnew = torch.load(path)",
        ("the class Linear", "`torch.save(net, path)` (line 5)", "state_dict()", "no other"),
    ),
    (
        "weights-only",
        FILE + "class Config:\n    pass\ntorch.save({'c': Config()}, path)\ntorch.load(path)",
        ("the class Config", "safe_globals([Config])"),
    ),
    (
        "weights-only",
        FILE + "torch.save({'a': np.ones(2)}, path)\ndef read():\n    return torch.load(path)\nread()",
        ("a numpy array", "torch.from_numpy"),
    ),
    ("missing-file", "torch.load('weights.pth')", ('"weights.pth"', "starts from the folder")),
    ("missing-file", FILE + "torch.load(path)", ("`path` (", "no such file")),
    (
        "missing-file",
        FILE + "torch.save(torch.ones(1), os.path.join(path, 'deep', 'x.pt'))",
        ("os.makedirs(", "no folders"),
    ),
    ("missing-file", FILE + "torch.save(torch.ones(1), os.path.dirname(path))", ("is a folder",)),
    ("not-a-checkpoint", FILE + "open(path, 'w').close()\ntorch.load(path)", ("the file is empty",)),
    ("not-a-checkpoint", FILE + "open(path, 'w').write('a,b')\ntorch.load(path)", ("`pd.read_csv`",)),
    (
        "not-a-checkpoint",
        FILE + "torch.save(torch.ones(99), path)\nb = open(path, 'rb').read()\n"
        "_ = open(path, 'wb').write(b[:200])\ntorch.load(path)",
        ("its end is missing",),
    ),
    ("cannot-save", FILE + "torch.save(lambda x: x, path)", ("A lambda", "no name")),
    ("cannot-save", FILE + NET + "torch.save(net.parameters(), path)", ("A generator",)),
    (
        "cannot-save",
        FILE + "def f():\n    class Inner(nn.Module): pass\n    return Inner()\nm = f()\ntorch.save(m, path)",
        ("`Inner` is defined inside", "`torch.save(m.state_dict(), path)`"),
    ),
    (
        "map-location",
        FILE + "torch.save(1, path)\ntorch.save(torch.ones(1), path)\ntorch.load(path, map_location='gpu')",
        ('"gpu"', '`"cuda"`'),
    ),
    (
        "state-dict-as-model",
        FILE + NET + "torch.save(net.state_dict(), path)\nmodel = torch.load(path)\nmodel.eval()",
        ("`torch.load(path)` (line 6)", "`net = Net(...)`", "`net.load_state_dict(model)`"),
    ),
    ("state-dict-as-model", NET + "sd = net.state_dict()\nsd(torch.ones(2))", ("`sd` was set to",)),
    ("file-arguments", "torch.save(torch.ones(1))", ("'model.pt'",)),
    ("file-arguments", NET + "torch.load(net)", ("`net` is a Linear",)),
    (
        "step-closure",
        "o = torch.optim.LBFGS([torch.ones(1, requires_grad=True)])\no.step()",
        ("`o.step(closure)`",),
    ),
    (
        "step-closure",
        NET + "loss = net(torch.ones(2)).sum()\nloss.backward()\nopt.step(loss)",
        ("`loss` is [] float32", "takes no loss"),
    ),
    (
        "step-closure",
        NET + "s = torch.optim.lr_scheduler.ReduceLROnPlateau(opt)\ns.step()",
        ("`s.step(validation_loss)`",),
    ),
    (
        "optimizer-state",
        NET + "o = torch.optim.SGD([net.weight], lr=1)\nopt.load_state_dict(o.state_dict())",
        ("another number of parameters",),
    ),
    ("optimizer-state", NET + "opt.load_state_dict(net.state_dict())", ("`weight` and `bias`",)),
    ("scheduler-setting", NET + "torch.optim.lr_scheduler.StepLR(net, 3)", ("`net`, a Linear",)),
    ("scheduler-setting", NET + "torch.optim.lr_scheduler.LambdaLR(opt, 0.5)", ("a function of the epoch",)),
    ("scheduler-setting", NET + "torch.optim.lr_scheduler.OneCycleLR(opt, 0.1)", ("`total_steps`",)),
    (
        "scheduler-ended",
        NET + "s = torch.optim.lr_scheduler.OneCycleLR(opt, 0.1, total_steps=3)\n"
        "for _ in range(9):\n    opt.step()\n    s.step()",
        ("step 4", "made for 3", "(line 3)"),
    ),
    ("optimizer-attribute", NET + "opt['lr'] = 0.1", ("for group in opt.param_groups",)),
    ("optimizer-attribute", NET + "opt.backward()", ("`loss.backward()`",)),
]


@pytest.mark.parametrize(("rule", "code", "words"), UNFIXED, ids=range(len(UNFIXED)))
def test_what_is_said_where_the_repair_is_elsewhere(
    learner, rule: str, code: str, words: tuple[str, ...]
) -> None:
    error = learner.run(code).only(rule)
    assert error.fix is None
    for word in words:
        assert word in f"{error.title} {error.text}", error.text
    assert "  " not in error.text
    assert "\n" not in error.text


@pytest.mark.parametrize(
    "code",
    [
        FILE + NET + "torch.save(net.state_dict(), path)\nnet.load_state_dict(torch.load(path))",
        "open('nowhere.txt')",
        "d = {}\nd.eval()",
        "d = dict(a=1)\nd()",
    ],
)
def test_other_code_is_left_to_others(learner, code: str) -> None:
    ours = {rule for rule, *_ in UNFIXED}
    assert not learner.run(code).rules & ours
