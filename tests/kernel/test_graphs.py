"""Graphs over the channel: opened by outline, told node by node, and recorded statement by statement."""

from __future__ import annotations

from tutor.facts import GraphHistory
from tutor.session import StepFinished
from tutor.session.requests import Pace

CODE = """\
import torch
w = torch.ones(3, requires_grad=True)
y = w.exp()
z = (y * w).sum()
z.backward()
y.add_(1)
"""


def test_an_outline_opens_and_its_nodes_tell_the_rest(driver):
    driver.run(CODE)
    outline = driver.runner.run(driver.session.outline("z"))
    names = [outline.name(at) for at in range(len(outline.kind))]
    assert names == ["SumBackward0", "MulBackward0", "ExpBackward0", "AccumulateGrad"]
    assert sorted(names[at] for at in outline.freed) == ["ExpBackward0", "MulBackward0"]
    nodes = driver.runner.run(driver.session.nodes("z", outline.numbers[:3]))
    assert [node.origin.expression for node in nodes] == ["(y * w).sum()", "y * w", "w.exp()"]
    assert nodes[0].slots == (0,)
    assert driver.runner.run(driver.session.outline("w")) is None
    assert driver.runner.run(driver.session.outline("nothing")) is None


def test_past_graphs_come_with_the_events_and_only_where_asked_for(driver):
    history = GraphHistory()
    run = driver.run(CODE, pace=Pace(graphs=True))
    seen = [event.step for event in driver.of(StepFinished)]
    for step in seen:
        history.add(step.graphs)
    assert sum(len(step.graphs.nodes) for step in seen) == 5
    assert driver.run("v = torch.ones(1)").steps[0].graphs is None
    assert all(not step.graphs.nodes for step in run.steps), "a run that is kept holds no nodes"
    then = [history.outline("z", step) for step in run.steps]
    assert [outline is None for outline in then] == [True, True, True, False, False, False]
    assert [len(outline.freed) for outline in then[3:]] == [0, 2, 2]
    y = [history.outline("y", step) for step in run.steps[2:]]
    assert [outline.name(0) for outline in y] == ["ExpBackward0"] * 3 + ["AddBackward0"]
