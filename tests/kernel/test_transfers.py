"""What is told of a device beside the CPU: copies, memory, and who shares what; on the simulated one."""

from __future__ import annotations

from tutor.facts import TransferFacts

#: What the kernel of this module starts with.
DEVICE = "sim"


def to_sim(count: int, nbytes: int, *names: str) -> TransferFacts:
    return TransferFacts("cpu", "sim:0", count, nbytes, names)


def to_cpu(count: int, nbytes: int, *names: str) -> TransferFacts:
    return TransferFacts("sim:0", "cpu", count, nbytes, names)


def test_copies_are_counted_by_statement_with_bytes_and_names(driver):
    run = driver.run("""
        import torch
        from torch import nn
        x = torch.arange(6.0).reshape(2, 3)
        y = x.to(device)
        y += 1
        row = y[1].cpu()
        made = torch.tensor([1, 2], device=device)
        model = nn.Linear(3, 2)
        model.to(device)
        for _ in range(5):
            x.to(device)
        y.to(device)
        z = torch.zeros(0).to(device)
        total = y.sum().item()
        if y[0, 0] > 0:
            pass
        """)
    assert run.ok
    told = {step.source.splitlines()[0]: step.transfers for step in run.steps}
    assert told["y = x.to(device)"] == (to_sim(1, 24, "x"),)
    assert told["y += 1"] == ()
    assert told["row = y[1].cpu()"] == (to_cpu(1, 12, "row"),)
    assert told["made = torch.tensor([1, 2], device=device)"] == (to_sim(1, 16, "made"),)
    assert told["model.to(device)"] == (to_sim(2, 32, "model.weight", "model.bias"),)
    assert told["for _ in range(5):"] == (to_sim(5, 120, "x"),)
    assert told["y.to(device)"] == ()
    assert told["total = y.sum().item()"] == (to_cpu(1, 4),)
    assert told["if y[0, 0] > 0:"] == (to_cpu(1, 1),)
    assert told["z = torch.zeros(0).to(device)"] == ()


def test_reading_facts_and_values_is_no_copy(driver):
    driver.run("import torch\nx = torch.arange(3.0, device=device)\nx")
    session = driver.session
    values = driver.runner.run(session.preview("x"))
    assert values.texts == ("0.", "1.", "2.")
    assert driver.run("x").steps[0].transfers == ()
    assert driver.run("y = x * 2\ny").steps[1].transfers == ()


def test_storage_sharing_and_writes_are_those_of_the_device(driver):
    run = driver.run("""
        import torch
        x = torch.arange(6.0)
        y = x.to(device)
        rows = y.view(2, 3)
        column = rows[:, 1]
        column.zero_()
        """)
    snapshot = run.steps[-1].snapshot
    tensors = snapshot.tensors
    assert {name: facts.device for name, facts in tensors.items()} == {
        "x": "cpu", "y": "sim:0", "rows": "sim:0", "column": "sim:0",
    }  # fmt: skip
    assert tensors["x"].block != tensors["y"].block
    assert tensors["y"].storage == tensors["rows"].storage == tensors["column"].storage
    assert snapshot.sharing == (("y", "rows", "column"),)
    block = snapshot.storages[tensors["y"].block]
    assert (block.device, block.nbytes) == ("sim:0", 24)
    assert block.written == ((1, 2), (4, 5))
    assert block.values == ("0.", "0.", "2.", "3.", "0.", "5.")
    assert {change.name for change in run.steps[-1].changes if change.kind == "written"} == {
        "y", "rows", "column",
    }  # fmt: skip
    assert tensors["y"].version == 1
    overlap = driver.runner.run(driver.session.compare("rows", "column"))
    assert (overlap.same_storage, overlap.overlap) == (True, True)
    apart = driver.runner.run(driver.session.compare("x", "y"))
    assert (apart.same_storage, apart.overlap) == (False, False)


def test_memory_of_the_device_is_told_after_each_statement(driver):
    run = driver.run("""
        import torch
        big = torch.zeros(1000, device=device)
        same = big.view(10, 100)
        del big, same
        """)
    held = [step.device.allocated for step in run.steps]
    assert {step.device.device for step in run.steps} == {"sim:0"}
    assert held[1] - held[0] == 4000
    assert held[2] == held[1]
    assert held[3] == held[0]
    assert run.steps[3].device.peak >= held[1]


def test_gradients_are_replayed_with_their_values(driver):
    run = driver.run("""
        import torch
        w = torch.tensor([1.0, 2.0], device=device, requires_grad=True)
        loss = (w * w).sum()
        loss.backward()
        """)
    (backward,) = run.steps[-1].backwards
    (leaf,) = backward.leaves
    assert leaf.name == "w"
    assert leaf.gradient.values == ("2.", "4.")
    assert leaf.gradient.device == "sim:0"
    assert [node.name for node in backward.nodes] == ["SumBackward0", "MulBackward0", "AccumulateGrad"]
    facts = run.steps[-1].snapshot.tensors["w"]
    assert (facts.grad, facts.passes) == ((2,), 1)


def test_operations_are_judged_as_on_the_cpu(driver):
    run = driver.run("""
        import torch
        x = torch.arange(6.0, device=device)
        t = x.view(2, 3).t()
        c = t.reshape(6)
        x.mul_(float("inf"))
        """)
    verdicts = [(op.name, op.verdict) for step in run.steps for op in step.operations]
    assert verdicts == [
        ("arange", "new"), ("view", "view"), ("t", "view"), ("reshape", "copy"), ("mul_", "in place"),
    ]  # fmt: skip
    assert run.steps[-1].operations[0].outs[0].broken == "nan"


def test_data_is_told_as_on_the_cpu(driver):
    run = driver.run("""
        import torch
        x = torch.ones(2, device=device, requires_grad=True)
        d = x.data
        x.data = torch.zeros(2, device=device)
        """)
    told = [[(op.name, op.verdict, op.within) for op in step.operations] for step in run.steps[2:]]
    assert told[0] == [("data", "view", "")]
    assert ("data", "in place", "") in told[1]
