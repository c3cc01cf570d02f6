"""Explanations across separate inputs: what was entered before counts as if it stood in the same code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tutor.course.schema import Lesson
from tutor.explain import Entry, Past
from tutor.facts import Explanation, Snapshot
from tutor.session import Session
from tutor.tui.follow import Following
from tutor.tui.runner import Outcome, Place, Runner


class Prompt:
    """The app's runner on a real kernel, without its screen."""

    def __init__(self, loop: asyncio.Runner, session: Session) -> None:
        self._loop = loop
        self.runner = Runner(session, lambda event: None)
        loop.run(self.runner.start())

    def _follow(self, run: object) -> tuple[Explanation, ...]:
        begun: list[tuple[Snapshot, Past]] = []
        outcome: Outcome = self._loop.run(run(lambda before, past: begun.append((before, past))))
        assert outcome.run is not None, outcome.fault
        following = Following(outcome.kind, *begun[0])
        for step in outcome.run.steps:
            following.add(step)
        self.past = begun[0][1]
        return following.explanations()

    def clear(self) -> None:
        self._loop.run(self.runner.prepare(None))
        self.enter("import torch\nfrom torch import nn")

    def enter(self, *inputs: str) -> tuple[Explanation, ...]:
        """Enter each at the prompt; what is said of the last one."""
        told: tuple[Explanation, ...] = ()
        for source in inputs:
            told = self._follow(lambda begin, source=source: self.runner.line(source, begin))
        return told

    def run(self, source: str, where: Place | None = None) -> tuple[Explanation, ...]:
        """Run it as the editor's code."""
        return self._follow(lambda begin: self.runner.step(source, "graphs.py", where, begin))

    def prepare(self, setup: str) -> Place:
        """A lesson's step, with its namespace prepared."""
        import msgspec

        document = {"schema": 1, "id": "made", "title": "Made", "track": "Tests", "setup": setup}
        lesson = msgspec.convert(
            {**document, "steps": [{"id": "only", "kind": "read", "prompt": "Look."}]}, Lesson
        )
        where = Place(lesson, lesson.steps[0])
        assert self._loop.run(self.runner.prepare(where)) == ""
        return where


@pytest.fixture(scope="module")
def open_prompt() -> Iterator[Prompt]:
    with asyncio.Runner() as loop:
        session = Session("cpu", spare=False)
        session.spawn()
        yield Prompt(loop, session)
        loop.run(session.close())


@pytest.fixture
def prompt(open_prompt: Prompt) -> Prompt:
    open_prompt.clear()
    return open_prompt


def only(told: tuple[Explanation, ...], rule: str) -> Explanation:
    assert [each.rule for each in told] == [rule], told
    return told[0]


W = "w = torch.tensor([3., 1., 2.], requires_grad=True)"

FAMILIES = {
    "second backward": (
        "second-backward",
        [W, "cost = (w * w).sum()", "cost.backward()", "cost.backward()"],
        "already went back through `cost`, computed in the earlier input `cost = (w * w).sum()`.",
    ),
    "two losses": (
        "second-backward",
        [W, "hid = w.sigmoid()", "one, two = hid.sum(), hid.prod()", "one.backward()", "two.backward()"],
        "the backward in the earlier input `one.backward()` both go back through `hid`",
    ),
    "block that does not record": (
        "no-grad-fn",
        [W, "with torch.no_grad():\n    cost = (w * w).sum()", "cost.backward()"],
        "`cost` was computed under `with torch.no_grad():` (an earlier input)",
    ),
    "detach": (
        "no-grad-fn",
        [W, "fixed = w.exp().detach()", "cost = fixed.sum()", "cost.backward()"],
        "`w.exp().detach()` in the earlier input `fixed = w.exp().detach()` gives the same numbers",
    ),
    "non scalar": ("non-scalar-backward", [W, "per = w * 2", "per.backward()"], "shape [3], 3 elements"),
    "non-leaf": (
        "non-leaf-grad",
        [W, "mid = w * 5", "mid.sum().backward()", "print(mid.grad)"],
        "computed by `mul` from other tensors in the earlier input `mid = w * 5`",
    ),
    "bound anew": (
        "non-leaf-grad",
        [W, "w.sum().backward()", "w = w - 0.1 * w.grad", "(w * w).sum().backward()", "w.grad.norm()"],
        "the earlier input `w = w - 0.1 * w.grad` bound `w` to a new tensor",
    ),
    "no gradient": (
        "grad-none",
        ["still = torch.ones(2)", W, "(still.sum() * w).sum().backward()", "still.grad.zero_()"],
        "It was made in the earlier input `still = torch.ones(2)`",
    ),
    "leaf in place": ("leaf-in-place", [W, "head = w[:2]", "head.mul_(2)"], "`head` is a view of it"),
    "whole numbers": (
        "integer-requires-grad",
        ["counts = torch.arange(4)", "counts.requires_grad_()"],
        "`counts` has dtype int64, from the earlier input `counts = torch.arange(4)`.",
    ),
    "view refused": (
        "view-incompatible",
        ["base = torch.arange(6.).reshape(2, 3)", "turned = base.t()", "turned.view(6)"],
        "`turned` has shape [3, 2] and stride (1, 3)",
    ),
    "view of a wrong size": ("view-size", ["ten = torch.arange(10.)", "ten.view(3, 4)"], "shape [10]: 10"),
    "matmul": (
        "matmul-shapes",
        ["left = torch.ones(2, 3)", "right = torch.ones(4, 5)", "left @ right"],
        "`left`",
    ),
    "broadcast": (
        "broadcast-shapes",
        ["rows = torch.ones(2, 3)", "column = torch.ones(2)", "rows + column"],
        "`column`",
    ),
    "device": (
        "device-mismatch",
        ["here = torch.ones(2)", "there = torch.ones(2, device='meta')", "here + there"],
        "`there`",
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_error_is_explained_by_earlier_inputs(prompt: Prompt, family: str) -> None:
    rule, inputs, words = FAMILIES[family]
    explanation = only(prompt.enter(*inputs), rule)
    assert words in explanation.text
    assert "line 1" not in explanation.text


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_code_at_once_is_told_by_its_lines(prompt: Prompt, family: str) -> None:
    rule, inputs, _ = FAMILIES[family]
    explanation = only(prompt.enter("\n".join(inputs)), rule)
    assert "earlier input" not in explanation.text
    assert explanation.title == only((prompt.clear(), prompt.enter(*inputs))[1], rule).title


def test_a_line_after_the_editor_names_the_file(prompt: Prompt) -> None:
    prompt.run("w = torch.ones(2, requires_grad=True)\ncost = w.prod()\ncost.backward()")
    explanation = only(prompt.enter("cost.backward()"), "second-backward")
    assert "line 3 of graphs.py already went back through `cost`, computed in line 2 of graphs.py" in (
        explanation.text
    )


def test_code_run_twice_is_not_taken_for_the_code_of_now(prompt: Prompt) -> None:
    prompt.run("w = torch.ones(2, requires_grad=True)\ncost = w.prod()\ncost.backward()")
    explanation = only(prompt.run("# again\ncost.backward()"), "second-backward")
    assert "line 3 of an earlier run of graphs.py" in explanation.text


def test_a_lessons_setup_is_known(prompt: Prompt) -> None:
    where = prompt.prepare(
        "import torch\nw = torch.ones(3, requires_grad=True)\nwith torch.no_grad():\n    x = w.exp()"
    )
    for told in (prompt.run("x.sum().backward()", where), prompt.enter("x.sum().backward()")):
        text = only(told, "no-grad-fn").text
        assert "`x` was computed under `with torch.no_grad():` (the setup)" in text


def test_a_fresh_run_knows_nothing_of_the_run_before(prompt: Prompt) -> None:
    where = prompt.prepare("import torch\nw = torch.ones(3, requires_grad=True)")
    prompt.run("cost = w.prod()\ncost.backward()", where)
    assert prompt.run("cost = w.prod()\ncost.backward()\nw.grad", where) == ()


def test_an_input_that_failed_did_nothing(prompt: Prompt) -> None:
    prompt.enter(W, "per = w * 2", "per.backward()")
    told = only(prompt.enter("w.grad + 1"), "grad-none")
    assert "no backward has run" in told.text


def test_a_function_of_an_earlier_input_is_named_by_its_code(prompt: Prompt) -> None:
    prompt.enter(W, "def cost():\n    kept = w * 3\n    cut = kept.detach()\n    return cut.sum()")
    text = only(prompt.enter("\n\ncost().backward()"), "no-grad-fn").text
    assert "`kept.detach()` in an earlier input's `cut = kept.detach()`" in text


def test_a_restarted_kernel_has_no_past(prompt: Prompt) -> None:
    prompt.enter(W, "cost = w.prod()", "cost.backward()")
    prompt._loop.run(prompt.runner.restart())
    prompt.clear()
    assert [code.source for code in prompt.past.codes] == []


def test_what_is_remembered_is_bounded(prompt: Prompt) -> None:
    run = "\n".join(f"n{at} = {at}" for at in range(1_500))
    prompt.enter(run)
    prompt.enter("pass")
    assert len(prompt.past.codes) == 1_000
    assert prompt.past.codes[-1].source == "n1499 = 1499"


def test_a_past_is_not_changed_by_what_begins_after_it(prompt: Prompt) -> None:
    prompt.enter("a = torch.ones(1)", "b = a")
    was = [(code.source, str(code.at(code.tree[0]))) for code in prompt.past.codes]
    later = prompt.past.begin(Entry("other.py", numbered=True))
    assert [(code.source, str(code.at(code.tree[0]))) for code in prompt.past.codes] == was
    assert later.entry.name == "other.py"
