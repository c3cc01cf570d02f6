"""What is said of errors that no other rule knows: facts, torch's signature and words, and no cause."""

from __future__ import annotations

import pytest

from tutor.explain import Past
from tutor.explain.rules import absent, general
from tutor.facts import Explanation, Snapshot

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.turn = nn.PixelShuffle(3)
    def forward(self, v):
        return self.turn(v)
Net()(torch.ones(1, 4, 2, 2))"""

FAILED = [
    (
        "m = torch.ones(2, 3)\nq = torch.linalg.tensorinv(m)",
        ("`m` is [2, 3] float32", "`torch.linalg.tensorinv(", "prod("),
    ),
    (
        "def f(rows, n):\n    return rows.unfold(0, n, 1)\nf(torch.ones(3), 5)",
        (
            "`rows` is [3] float32",
            "`n` (as `size`) is 5",
            "unfold(dimension: int, size: int, step: int)",
        ),
    ),
    (
        "for step in range(3):\n    torch.ones(3).unfold(0, 9, step)",
        ("`torch.ones(3)` is [3] float32", "`step` is 0", "unfold(dimension: int"),
    ),
    (
        "xs = [torch.ones(2, 2)]\nys = [torch.fft.fft(x, n=-1) for x in xs]",
        ("`x` is [2, 2] float32", "`-1` (as `n`)", "torch.fft.fft("),
    ),
    ("g = lambda t: torch.stft(t, 8)\ng(torch.ones(3))", ("`t` is [3] float32", "torch.stft(")),
    (
        "a = np.ones((2, 3))\nnp.linalg.inv(a)",
        ("`a` is an array [2, 3] float64", "numpy.linalg.inv(a)", "must be square"),
    ),
    (
        "net = nn.Sequential(nn.Fold((4, 4), 2))\nnet(torch.ones(1, 3, 9))",
        ("`net[0]` is a Fold layer", "kernel_size=2", "[1, 3, 9] float32"),
    ),
    (
        "nn.MultiheadAttention(6, num_heads=4)",
        ("`6` (as `embed_dim`)", "`4` (as `num_heads`)", "embed_dim must be divisible by num_heads"),
    ),
    (
        NET,
        ("`self.turn` is a PixelShuffle layer", "upscale_factor=3", "`v` is [1, 4, 2, 2] float32"),
    ),
]


def asked(learner, code: str, rule=general.failed_call) -> Explanation:
    """What one rule says of the error of the last statement, whatever others would say before it."""
    found = rule(learner.run(code).run.steps[-1], Snapshot(), Past())
    assert found is not None
    return found


@pytest.mark.parametrize(("code", "words"), FAILED, ids=[code.split("\n")[-1][:30] for code, _ in FAILED])
def test_the_call_its_arguments_and_what_it_takes_are_told(
    learner, code: str, words: tuple[str, ...]
) -> None:
    error = asked(learner, code)
    assert (error.kind, error.fix) == ("error", None)
    for word in words:
        assert word in error.text, error.text
    assert "  " not in error.text


def test_where_only_a_library_calls_torch_that_is_said(learner) -> None:
    text = asked(
        learner, "import copy\nx = torch.ones(2, requires_grad=True) * 2\nys = copy.deepcopy([x])"
    ).text
    assert "torch.Tensor.__deepcopy__" in text
    assert "[2] float32" in text


def test_what_failed_inside_of_a_call_is_told(learner) -> None:
    code = "loader = torch.utils.data.DataLoader([1, None], batch_size=2)\nfor row in loader:\n    pass"
    text = asked(learner, code).text
    assert "Inside of it, `torch.tensor` failed" in text
    assert "[1, None]" in text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("hiden = 2\nprint(hidden)", ("`hidden`", "`hiden`")),
        ("x = torch.ones(2)\nx.shpae", ("a Tensor", "`shpae`", "`shape`")),
        ("x = torch.ones(2)\nx.astype(torch.int64)", ("`x.to(dtype)`",)),
        ("m = nn.Linear(2, 2)\nm.wieght", ("a Linear", "`weight`")),
        ("nn.Liner(2, 2)", ("module `nn`", "`Linear`")),
        ("torch.tesnor([1])", ("module `torch`", "`tensor`")),
        ("from torch import nnn", ("module `torch`", "`nnn`", "`nn`")),
        ("import tirch", ("no module `tirch`", "`torch`")),
        ("def f(): pass\ny = f()\ny.sum()", ("`y` is None", "without `return`")),
        ("d = {'model_state': 1}\nd['model']", ('`"model"`', '`"model_state"`', "1 entry")),
        ("xs = [1, 2]\ni = 2\nxs[i]", ("list of 2 elements", "from 0 to 1", "2 is asked for")),
        ("def f():\n    n += 1\nn = 0\nf()", ("`n` is read before it is set", "as its own")),
        ("nn.Linear(2, 3, biass=False)", ("`biass`", "`bias`", "`out_features`")),
        ("torch.optim.SGD([torch.ones(1)], learning_rate=0.1)", ("`learning_rate`", "looks like it: `lr`")),
        ("torch.zeros(2, requires_gard=True)", ("`requires_gard`", "`requires_grad`")),
        ("torch.ones(2).sum(axs=0)", ("`axs`", "`dim`")),
    ],
)
def test_a_name_that_is_not_there(learner, code: str, words: tuple[str, ...]) -> None:
    error = asked(learner, code, absent.missing_name)
    assert error.kind == "error"
    for word in words:
        assert word in f"{error.title} {error.text}", error.text


def test_one_letter_looks_like_no_longer_name(learner) -> None:
    assert "looks like" not in asked(learner, "rate = 1\nprint(q)", absent.missing_word).text
    assert "looks like" not in asked(learner, "rate = 1\nprint(m)", absent.missing_word).text


def test_a_gap_of_an_exercise_is_told_as_one(learner) -> None:
    for code in ("g = ____", "def f(v):\n    return v.____()\ng = [____, 1]"):
        told = asked(learner, code, absent.missing_word)
        assert "gap" in told.title
        assert "in place of `____`" in told.text


@pytest.mark.parametrize("name", ["np", "F", "nn", "torch"])
def test_the_usual_import_is_the_fix(learner, name: str) -> None:
    use = {"np": "np.ones(2).sum()", "F": "F.relu(x)", "nn": "nn.ReLU()(x)", "torch": "torch.relu(x)"}[name]
    told = learner.run(f"import torch as t\nx = t.ones(2)\nif '{name}' in globals(): del {name}\ny = {use}")
    error = told.only("missing-name")
    assert ("usual name" in error.text) == (name != "torch")
    fixed = learner.run_fixed(told, error)
    assert fixed.run.ok
    assert learner.value("float(y.sum())") == 2.0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = torch.ones(3)\nn = 0\nlen(x) // n", ("`len(x) // n`", "`n` is 0", "`x` is [3] float32")),
        ("def f(k):\n    return 10 % k\nf(0)", ("in `f`", "`k` is 0")),
        ("int('abc')", ("`int('abc')` raised ValueError", "invalid literal")),
    ],
)
def test_errors_of_pythons_own(learner, code: str, words: tuple[str, ...]) -> None:
    error = asked(learner, code, general.plain_error)
    for word in words:
        assert word in error.text, error.text


@pytest.mark.parametrize(
    "code", ["raise ValueError('no')", "assert torch.ones(1).item() == 2, 'no'", "raise SystemExit(2)"]
)
def test_what_the_learner_raises_is_not_explained(learner, code: str) -> None:
    assert not learner.run(code).explanations


def test_a_rule_that_knows_better_comes_first(learner) -> None:
    told = learner.run("a = torch.ones(2, 3)\na @ a")
    assert told.rules == {"matmul-shapes"}


def test_traces_of_cpp_are_left_out() -> None:
    from tutor.explain.rules.general import cleaned

    asynchronous = "CUDA kernel errors might be asynchronously reported at some other API call.\n"
    debugging = "For debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
    raised = "Exception raised from c10_cuda_check at ../c10/CUDAException.cpp:43 (most recent call first):\n"
    frames = "frame #0: c10::Error::Error(...) + 0x57"
    said = "CUDA error: device-side assert triggered"
    assert cleaned(f"{said}\n{asynchronous}{debugging}{raised}{frames}") == said
    caught = "Caught ValueError in DataLoader worker process 0.\nOriginal Traceback (most recent):\n"
    assert cleaned(f'{caught}  File "x", line 3, in f\nValueError: no row 3\n') == "ValueError: no row 3"
    refused = "sum() received an invalid combination of arguments - got (axs=int, )"
    assert cleaned(f"{refused}, but expected one of:\n * (*, torch.dtype dtype = None)\n") == refused


@pytest.mark.parametrize(
    "code",
    [
        "with torch.ones(3) as x:\n    pass",
        "a, b = torch.ones(3)",
        "for i, (a, b) in enumerate([1, 2]):\n    pass",
        "torch.ones(3)()",
        "def f(a, *, b): return a\nf(1)",
        "x = torch.ones(2)\nx.data = 3",
        "d = {torch.ones(2): 1}\nd[torch.ones(2)]",
        "import json\njson.dumps({'a': torch.ones(2)})",
        "'%d' % torch.ones(2)",
        "torch.vmap(torch.sum)(torch.tensor(3.))",
        "range(torch.ones(2))",
        "net = nn.Sequential(nn.ReLU())\nnet[3]",
        "torch.utils.data.random_split([1, 2, 3], [1, 1])",
        "x = torch.ones(3)\ndel x[0]",
        "eval('torch.ones(2) @ torch.ones(3)')",
        "exec('torch.ones(2).view(7)')",
        "sum(map(len, [torch.tensor(3)]))",
        "torch.ones(2).apply_(lambda v: 1 / 0)",
    ],
)
def test_nothing_that_raises_is_passed_over(learner, code: str) -> None:
    told = learner.run(code)
    assert told.run.error is not None
    error = [one for one in told.explanations if one.kind == "error"]
    assert len(error) == 1
    assert error[0].text.count("“") == error[0].text.count("”")
