"""Explanations of what autograd refuses, and of devices that are not there."""

from __future__ import annotations

import pytest

from tests.explain.applying import runs_repaired, told_unrepaired

W = "w = torch.tensor([1., 2.], requires_grad=True)\n"
SQUARE = """
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x{more}):
        {body}
        return x * x
    @staticmethod
    def backward(ctx, g):
        {back}
"""


@pytest.mark.parametrize(
    ("code", "rule", "words", "meaning"),
    [
        (
            W + "loss = (w * w).sum()\nloss.backward(1.0)",
            "gradient-argument",
            ("`1.0` is a float",),
            "w.grad.tolist() == [2., 4.]",
        ),
        (
            W + "y = w * 3\nfor _ in range(1):\n    y.backward([1., 0.])",
            "gradient-argument",
            ("is a list", "[2]"),
            "w.grad.tolist() == [3., 0.]",
        ),
        (
            W + "h = w * 2\nh.requires_grad = False",
            "flag-of-computed",
            ("`h` is no leaf", "by `mul`"),
            "h.tolist() == [2., 4.] and not h.requires_grad",
        ),
        (W + "h = w.exp()\nh.requires_grad_(False)", "flag-of-computed", ("`h = h.detach()`",), "h.is_leaf"),
        (
            "import copy\n" + W + "h = w * 2\nc = copy.deepcopy(h)",
            "deepcopy-of-computed",
            ("`h.detach().clone()`",),
            "c.tolist() == [2., 4.] and c.data_ptr() != h.data_ptr()",
        ),
        (W + "w.grad = 0", "gradient-assigned", ("`w.grad = None`",), "w.grad is None"),
        (
            W + "a, b = (w * 2).unbind()\na += 1",
            "piece-in-place",
            ("several views", "`a = a + 1`"),
            "a == 3 and a.requires_grad",
        ),
        (
            W + "h = w * 2\nfor c in h.chunk(2):\n    c *= h.sum() + 1",
            "piece-in-place",
            ("`split`",),
            "c.requires_grad",
        ),
        (W + "k = (w * 2)[:1]\nk.detach_()", "detach-of-view", ("`k = k.detach()`",), "not k.requires_grad"),
        (
            "with torch.inference_mode():\n    x = torch.ones(1, 2)\nnet = nn.Linear(2, 1)\ny = net(x)",
            "inference-tensor",
            ("`x` is [1, 2] float32", "torch.no_grad()"),
            "y.requires_grad",
        ),
        (
            W + "with torch.inference_mode():\n    x = torch.ones(2)\n(w * x).sum().backward()",
            "inference-tensor",
            ("`x.clone()`",),
            "w.grad.tolist() == [1., 1.]",
        ),
        (
            "with torch.inference_mode():\n    x = torch.ones(2)\nx.add_(1)",
            "inference-tensor",
            ("changed in place",),
            "x.tolist() == [2., 2.]",
        ),
        (
            SQUARE.format(more="", body="pass", back="return g") + W + "y = Square()(w)",
            "custom-function",
            ("`Square.apply(w)`",),
            "y.tolist() == [1., 4.]",
        ),
        (
            "y = torch.ones(2).to('float64')",
            "device-name",
            ("is a dtype", "torch.float64"),
            "y.dtype == torch.float64",
        ),
        (
            "y = torch.ones(2, device='cpuu')",
            "device-name",
            ('The nearest is "cpu"',),
            "y.device.type == 'cpu'",
        ),
    ],
)
def test_what_has_one_right_repair(
    learner, code: str, rule: str, words: tuple[str, ...], meaning: str
) -> None:
    runs_repaired(learner, code, rule, words, titled=True)
    assert learner.value(f"bool({meaning})") is True


@pytest.mark.parametrize(
    ("code", "rule", "words"),
    [
        (
            W + "v = torch.ones(2, requires_grad=True)\ntorch.autograd.grad(w.sum(), v)",
            "unused-in-grad",
            ("`v`",),
        ),
        (
            W + "v = torch.ones(2)\nloss = (w * v).sum()\ntorch.autograd.grad(loss, [w, v])",
            "unused-in-grad",
            ("`v` does not require grad", "before `loss`"),
        ),
        (
            "import copy\nnet = nn.Linear(2, 2)\nnet.last = net(torch.ones(2))\ncopy.deepcopy(net)",
            "deepcopy-of-computed",
            ("inside of what it copies", "`.detach()`"),
        ),
        (W + "w.grad = torch.ones(3)", "gradient-assigned", ("`torch.ones(3)`, [3] float32", "[2] float32")),
        ("x = torch.ones(2)\nx.retain_grad()", "hook-without-grad", ("`x` is [2] float32",)),
        ("x = torch.ones(2)\nx.register_hook(print)", "hook-without-grad", ("`register_hook`",)),
        (
            W + "o = torch.empty(2)\ntorch.mul(w, 2, out=o)",
            "out-with-grad",
            ("`w` requires grad", "torch.mul(w, 2)"),
        ),
        (W + "w.resize_(3)", "resize-with-grad", ("reshape",)),
        (W + "loss = w.sum().item()\nloss.backward()", "number-not-tensor", ("`loss` is a float", "history")),
        ("n = 3\nn.item()", "number-not-tensor", ("leave `.item()` away",)),
        (
            "z = torch.ones(1, dtype=torch.complex64, requires_grad=True)\nz.backward()",
            "complex-backward",
            (".abs()",),
        ),
        (
            SQUARE.format(more=", k", body="pass", back="return g")
            + W
            + "Square.apply(w, 2).sum().backward()",
            "custom-function",
            ("2 arguments", "1 result", "return None"),
        ),
        (
            SQUARE.format(more="", body="pass", back="return g[:1]") + W + "Square.apply(w).sum().backward()",
            "custom-function",
            ("[1]", "[2]"),
        ),
        (
            SQUARE.format(more="", body="ctx.save_for_backward(2)", back="return g") + W + "Square.apply(w)",
            "custom-function",
            ("an int", "ctx.factor"),
        ),
        (
            SQUARE.format(more="", body="pass", back="x, = ctx.saved_tensors; return 2 * x * g")
            + W
            + "Square.apply(w).sum().backward()",
            "custom-function",
            ("save_for_backward", "none"),
        ),
        (
            SQUARE.format(more="", body="pass", back="return 1.0") + W + "Square.apply(w).sum().backward()",
            "custom-function",
            ("`Square.backward` returned a float",),
        ),
        ("net = nn.Linear(1, 1)\nnet.to('cuda')", "device-absent", ("is_available()",)),
        ("x = torch.ones(1)\nx.cuda()", "device-absent", ('asks for "cuda"',)),
        ("d = torch.device('cuda')\ntorch.zeros(2, device=d)", "device-absent", ("CPU only",)),
        ("torch.ones(2).to('gpu')", "device-name", ('"gpu"', '"cuda"')),
        ("x = torch.ones(1, device='meta')\nx.item()", "meta-values", ("`x` is [1] float32",)),
        ("x = torch.ones(1, device='meta')\nif x > 0: pass", "meta-values", ("no memory",)),
    ],
)
def test_what_depends_on_intent(learner, code: str, rule: str, words: tuple[str, ...]) -> None:
    told_unrepaired(learner, code, rule, words, titled=True)


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('Inference tensors cannot be saved for backward.')",
        "raise AssertionError('Torch not compiled with CUDA enabled')",
        W + "y = (w * w).sum()\ny.backward()\ny.backward()",
        "n = 3\nn.upper()",
    ],
)
def test_other_errors_are_not_told_so(learner, code: str) -> None:
    ours = {"inference-tensor", "device-absent", "gradient-argument", "number-not-tensor", "custom-function"}
    assert not learner.run(code).rules & ours
