"""Completion knows the namespace, and runs nothing of the learner's to know it."""

from __future__ import annotations

import asyncio
import textwrap

import pytest

from tutor.repl.completion import Candidates, Completion
from tutor.repl.terminal import columns


@pytest.fixture
def complete(kernel):
    """Run code in an empty namespace, then complete a text: the names."""
    runner, session = kernel
    runner.run(session.reset())

    def run(code: str, *texts: str) -> list[tuple[str, ...]]:
        async def go() -> list[tuple[str, ...]]:
            done = await session.execute(textwrap.dedent(code))
            assert done.ok, done.error
            completion = Completion(session)
            await completion.refresh()
            return [(await completion.candidates(text)).names for text in texts]

        return runner.run(go())

    return run


def test_names_and_attributes_of_what_is_known(complete):
    names, attributes, deep, private, called, unknown, quoted, number = complete(
        "import torch\nthe_weights = torch.ones(3)\nthe_other = 1\n_hidden = 2",
        "x = the_", "the_weights.resh", "y = torch.nn.functional.scaled_dot", "_hid",
        "the_weights.T.resh", "f(the_weights).", "'abc'.isalnu", "1.",
    )  # fmt: skip
    assert names == ("the_other", "the_weights")
    assert attributes == ("reshape", "reshape_as")
    assert deep == ("scaled_dot_product_attention",)
    assert private == ("_hidden",)
    assert called == ("reshape", "reshape_as")
    assert quoted == ("isalnum",)
    assert unknown == number == ()


def test_modules_and_gradients_have_attributes(complete):
    layers, weight, gradient = complete(
        """\
        import torch
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.first_layer = torch.nn.Linear(2, 2)
                self.rate_of_net = 0.1
            def forward(self, x):
                return self.first_layer(x)
        net = Net()
        w = torch.ones(2, requires_grad=True)
        w.sum().backward()
        """,
        "net.first", "net.rate", "w.grad.resh",
    )  # fmt: skip
    assert layers == ("first_layer",)
    assert weight == ("rate_of_net",)
    assert gradient == ("reshape", "reshape_as")


def test_nothing_of_the_learners_runs(complete):
    ran, shadowed, through, names = complete(
        """\
        touched = []
        class Meta(type):
            def __getattribute__(cls, name):
                touched.append(name); return type.__getattribute__(cls, name)
            def __dir__(cls):
                touched.append("meta dir"); return []
        class Trap(metaclass=Meta):
            def __dir__(self): touched.append("dir"); return []
            def __getattr__(self, name): touched.append(name); raise AttributeError
            def __getattribute__(self, name): touched.append(name); return object.__getattribute__(self, name)
            def __repr__(self): touched.append("repr"); return ""
            @property
            def inner(self): touched.append("inner"); return 1
            method_of_trap = 1
        trap = Trap()
        touched.clear()
        dir = type = sorted = set = list = globals = exec = None
        """,
        "trap.method", "trap.__di", "trap.inner.", "tou",
    )  # fmt: skip
    assert ran == ("method_of_trap",)
    assert "__dict__" in shadowed
    assert through == ()
    assert names == ("touched",)
    assert complete("assert touched == [], touched") == []


def test_commands_complete_and_a_busy_kernel_is_not_asked(kernel, complete):
    complete("import torch\nw = torch.ones(2, requires_grad=True)\nv = w.detach()\nloss_of_w = (w * v).sum()")
    runner, session = kernel

    async def go() -> tuple[Candidates, ...]:
        completion = Completion(session)
        running = asyncio.create_task(session.execute("while True: pass"))
        await asyncio.sleep(0.2)
        found = [
            await completion.candidates(text) for text in (":t", ":graph ", ":device c", "w.resh", "loss_")
        ]
        session.interrupt()
        await running
        return tuple(found)

    table, graph, device, attributes, names = runner.run(go())
    assert table.names == ("table",)
    assert graph.names == ("loss_of_w",)
    assert device.names == ("cpu",)
    assert attributes.names == ()
    assert names.names == ("loss_of_w",)


def test_the_common_beginning_is_certain():
    assert Candidates("re", ("requires_grad", "requires_grad_")).common == "requires_grad"
    assert Candidates("x").common == "x"
    assert Candidates("s", ("softmax", "softmin", "sum")).common == "s"


def test_names_are_listed_in_columns_that_fit():
    names = [f"name{i}" for i in range(10)]
    lines = columns(names, 30)
    assert max(map(len, lines)) <= 30
    assert sorted(" ".join(lines).split()) == sorted(names)
    assert lines[0].split() == ["name0", "name3", "name6", "name9"]
    assert columns(["a" * 200], 30) == ["a" * 200]
    assert columns([], 30) == []


def test_commands_of_a_lesson_are_offered_beside_the_others(kernel):
    runner, session = kernel
    completion = Completion(session, ["answer", "check"])
    assert runner.run(completion.candidates(":ch")).names == ("check",)
    assert runner.run(completion.candidates(":tab")).names == ("table",)
    assert runner.run(Completion(session).candidates(":ch")).names == ()
