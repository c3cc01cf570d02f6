"""Frames of an error as facts: the expression that raised, and what its names stood for."""

from __future__ import annotations

CODE = """
class Sly:
    def __getattr__(self, name):
        raise SystemExit(name)
    def __getitem__(self, key):
        raise SystemExit(key)
    def __eq__(self, other):
        raise SystemExit(other)
    __hash__ = None

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.sly = Sly()

    def forward(self, v, *, count=2):
        rows = [v, v * 2]
        return (rows[1] *
                self.scale) + self.sly.more[0]

net = Net()
net(torch.ones(2, 3))
"""


def test_the_deepest_frame_tells_expression_and_operands(learner) -> None:
    error = learner.run(CODE).run.error
    outer, inner = error.frames
    assert (outer.function, inner.function) == ("<module>", "forward")
    assert inner.line == error.line
    first, begin, last, end = inner.span
    lines = inner.source.split("\n")
    assert lines[first - 1][begin:] == "rows[1] *"
    assert lines[last - 1][:end].strip() == "self.scale"
    assert inner.tensors["rows[1]"].shape == (2, 3)
    assert inner.tensors["self.scale"].shape == (4,)
    assert inner.numbers["count"] == 2
    assert error.call is None


def test_nothing_of_the_learners_is_called_to_read_a_frame(learner) -> None:
    error = learner.run(CODE + "\nprint('not reached')").run.error
    assert error.type == "RuntimeError"


def test_a_frame_keeps_no_tensor_alive(learner) -> None:
    learner.run(
        "import weakref\nseen = []\ndef f():\n    big = torch.ones(3)\n    seen.append(weakref.ref(big))\n"
        "    big @ torch.ones(2)\nf()"
    )
    assert learner.value("seen[0]() is None") is True


def test_the_layer_that_was_called_is_told(learner) -> None:
    error = learner.run("net = nn.Sequential(nn.ReLU(), nn.Linear(3, 2))\nnet(torch.ones(1, 5))").run.error
    assert (error.call.module, error.call.path) == ("Linear", "net[1]")
    assert error.call.tensors["input"].shape == (1, 5)
