"""What is known of optimizers: each step as it happened, and which parameters they hold."""

from __future__ import annotations

from textwrap import dedent, indent

TRAINING = """
    import torch
    from torch import nn
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    model[0].bias.requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range({rounds}):
        optimizer.zero_grad()
        for part in torch.randn(4, 3).split(2):
            model(part).sum().backward()
        optimizer.step()
    last = 1
"""


def test_each_step_says_what_it_used(driver):
    run = driver.run(TRAINING.format(rounds=2))
    assert run.ok
    step = run.steps[-2]
    objects = {name: facts.object for name, facts in step.snapshot.tensors.items()}
    names = ["model[0].weight", "model[0].bias", "model[1].weight", "model[1].bias"]
    numbers = tuple(objects[name] for name in names)
    first, second = step.updates
    assert (first.hit, first.hits, second.hit) == (1, 2, 2)
    assert first.parameters == second.parameters == numbers
    assert first.passes == second.passes == (2, 0, 2, 2)
    assert first.frozen == (objects["model[0].bias"],)
    assert (first.optimizer, first.expression, first.line) == ("Adam", "optimizer.step()", 11)
    assert second.backwards - first.backwards == 2
    passes = [one.seq for one in step.backwards]
    assert passes[1] < first.seq < passes[2] < second.seq
    assert [one.name for one in step.optimizers] == ["optimizer"]
    assert step.optimizers[0].parameters == numbers
    assert all(not one.updates and not one.optimizers for one in run.steps if one is not step)


DEEP = """
    import torch
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    for _ in range(8):
        z = w
        for _ in range(400):
            z = z * 1.0
        z.sum().backward()
    optimizer.step()
    last = 1
"""


def test_passes_that_were_too_long_to_be_recorded_are_counted(driver):
    run = driver.run(f"def train():\n{indent(dedent(DEEP), '    ')}\ntrain()")
    assert run.ok
    (update,) = run.steps[-1].updates
    assert update.passes == (8,)
    (place,) = {one.line for one in run.steps[-1].backwards}
    assert len([one for one in run.steps[-1].backwards if one.nodes]) < 8, place


def test_many_steps_are_counted_and_the_first_are_told(driver):
    step = driver.run(TRAINING.format(rounds=50)).steps[-2]
    assert [(one.hit, one.hits) for one in step.updates] == [(1, 50), (2, 50), (3, 50)]


def test_no_hook_of_ours_is_there_between_statements_or_in_the_optimizer(driver):
    run = driver.run("""
        import torch
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=1)
        seen = []
        handle = optimizer.register_step_post_hook(lambda *given: seen.append(len(given)))
        w.sum().backward()
        optimizer.step()
        own = len(optimizer._optimizer_step_post_hooks)
        handle.remove()
    """)
    assert run.ok
    assert driver.value("seen") == [3]
    assert driver.value("own") == 1


def test_optimizers_in_objects_and_lists_are_found(driver):
    run = driver.run("""
        import torch
        class Agent:
            def __init__(self):
                self.w = torch.ones(2, requires_grad=True)
                self.opt = torch.optim.SGD([self.w], lr=1)
        agent, others = Agent(), [torch.optim.Adam([torch.ones(1, requires_grad=True)])]
        agent.w.sum().backward()
        agent.opt.step()
    """)
    assert run.ok
    assert {one.type for one in run.steps[-1].optimizers} == {"SGD", "Adam"}


def test_a_result_says_whether_it_is_broken(driver):
    run = driver.run("""
        import torch
        x = torch.tensor([0., 4.])
        a = x.log()
        b = a - a
        c = x.half() / 0
        d = torch.ones(100_000).log()
        e = x.sqrt()
    """)
    found = {
        op.name: ([one.broken for one in op.ins], op.outs[0].broken) for s in run.steps for op in s.operations
    }
    assert found["sub"] == (["inf", "inf"], "nan")
    assert found["div"] == ([None], "nan")
    assert found["sqrt"] == ([None], None)


def test_parameters_in_a_plain_list_are_hidden(driver):
    run = driver.run("""
        import torch
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.kept = nn.ModuleList([nn.Linear(1, 1)])
                self.loose = [nn.Linear(1, 1)]
        net = Net()
        box = [nn.Linear(1, 1)]
    """)
    hidden = {name for name, facts in run.steps[-1].snapshot.tensors.items() if facts.hidden}
    assert hidden == {"net.loose[0].weight", "net.loose[0].bias"}
