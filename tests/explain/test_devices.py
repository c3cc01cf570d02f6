"""What is said of tensors on two devices, with the simulated device as the other one."""

from __future__ import annotations

import pytest

#: Code that fails, the words that it must say, the fix, and what holds after it.
CASES = {
    "operator": (
        """\
rate = torch.full((3,), 2.0, device=device)
hours = torch.arange(3.0)
pay = hours * rate
""",
        ["`hours` is on cpu", "`rate` is on sim:0", "`hours.to(rate.device)`"],
        "pay = hours.to(rate.device) * rate",
        "str(pay.device) == 'sim:0' and pay.tolist() == [0.0, 2.0, 4.0]",
    ),
    "in place": (
        """\
total = torch.zeros(2)
part = torch.ones(2).to('sim')
total += part
""",
        ["`part.to(total.device)`"],
        "total += part.to(total.device)",
        "str(total.device) == 'cpu' and total.tolist() == [1.0, 1.0]",
    ),
    "list": (
        """\
head = torch.ones(1, device=device)
tail = torch.zeros(1)
both = torch.cat([head, tail])
""",
        ["`tail` is on cpu"],
        "both = torch.cat([head, tail.to(head.device)])",
        "both.tolist() == [1.0, 0.0]",
    ),
    "unnamed": (
        """\
seen = torch.ones(3)
sum_ = seen + torch.ones(3, device=device)
""",
        ["`torch.ones(3, device=device)` is on sim:0"],
        'sum_ = seen.to("sim:0") + torch.ones(3, device=device)',
        "sum_.tolist() == [2.0, 2.0, 2.0]",
    ),
    "index": (
        """\
table = torch.arange(6.0)
rows = torch.tensor([5, 0], device=device)
picked = table[rows]
""",
        ["`rows` is on sim:0"],
        "picked = table[rows.to(table.device)]",
        "picked.tolist() == [5.0, 0.0]",
    ),
    "gather": (
        """\
table = torch.eye(2).to(device)
columns = torch.tensor([[1], [0]])
picked = table.gather(1, columns)
""",
        ["`columns` is on cpu"],
        "picked = table.gather(1, columns.to(table.device))",
        "picked.tolist() == [[0.0], [0.0]]",
    ),
    "batch": (
        """\
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).to(device)
batch = torch.ones(5, 3)
scores = net(batch)
""",
        ["`net[0].weight`", "`batch` is on cpu", "`batch.to(device)`"],
        "scores = net(batch.to(device))",
        "str(scores.device) == 'sim:0'",
    ),
    "batch, device unnamed": (
        """\
table = nn.Embedding(5, 3).to('sim')
words = torch.tensor([4, 0])
rows = table(words)
""",
        ["`words` is on cpu"],
        "rows = table(words.to(table.weight.device))",
        "str(rows.device) == 'sim:0'",
    ),
    "model": (
        """\
model = nn.Linear(3, 1)
batch = torch.ones(5, 3, device=device)
out = model(batch)
""",
        ["`model.to(batch.device)`"],
        "model.to(batch.device)\nout = model(batch)",
        "str(out.device) == 'sim:0'",
    ),
    "target": (
        """\
logits = torch.ones(3, 4, device=device, requires_grad=True)
labels = torch.tensor([0, 1, 2])
loss = nn.CrossEntropyLoss()(logits, labels)
""",
        ["`labels` is on cpu"],
        "loss = nn.CrossEntropyLoss()(logits, labels.to(logits.device))",
        "str(loss.device) == 'sim:0'",
    ),
    "loader": (
        """\
data = torch.utils.data.TensorDataset(torch.ones(4, 3))
model = nn.Linear(3, 1).to(device)
for (xb,) in torch.utils.data.DataLoader(data, batch_size=2):
    out = model(xb)
""",
        ["`xb` is on cpu"],
        "for (xb,) in torch.utils.data.DataLoader(data, batch_size=2):\n    out = model(xb.to(device))",
        "str(out.device) == 'sim:0'",
    ),
    "optimizer": (
        """\
model = nn.Linear(3, 1)
opt = torch.optim.Adam(model.parameters())
model(torch.ones(2, 3)).sum().backward()
opt.step()
model.to(device)
opt.zero_grad()
model(torch.ones(2, 3).to(device)).sum().backward()
opt.step()
""",
        ['`opt.state[model.weight]["exp_avg"]`', "on cpu", "`model.weight` is on sim:0"],
        "opt.load_state_dict(opt.state_dict())\nopt.step()",
        "str(opt.state[model.weight]['exp_avg'].device) == 'sim:0'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_fix_moves_what_lies_elsewhere(learner_on_sim, case: str) -> None:
    code, said, fix, holds = CASES[case]
    told = learner_on_sim.run(code)
    error = told.only("device-mismatch")
    for words in said:
        assert words in error.text
    assert error.fix == fix
    after = learner_on_sim.run_fixed(told, error)
    assert after.run.ok
    assert learner_on_sim.value(holds) is True


def test_an_attribute_that_stays_behind_is_to_become_a_buffer(learner_on_sim) -> None:
    told = learner_on_sim.run("""
        class Scaled(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.Linear(2, 2)
                self.factor = torch.ones(2)
            def forward(self, given):
                return self.inner(given) * self.factor
        layer = Scaled().to(device)
        given = torch.ones(1, 2).to(device)
        out = layer(given)
        """)
    error = told.only("device-mismatch")
    assert 'self.register_buffer("factor", ...)' in error.text
    assert error.fix == "return self.inner(given) * self.factor.to(given.device)"


@pytest.mark.parametrize("code", ["there.numpy()", "np.asarray(there)"])
def test_numpy_cannot_have_what_lies_on_the_device(learner_on_sim, code: str) -> None:
    told = learner_on_sim.run(f"there = torch.ones(2, device=device)\nhere = {code}")
    error = told.only("not-for-numpy")
    assert "sim:0" in error.title
    assert learner_on_sim.run_fixed(told, error).run.ok
    assert learner_on_sim.value("here.tolist()") == [1.0, 1.0]


def test_graphs_and_gradients_are_explained_as_on_the_cpu(learner_on_sim) -> None:
    told = learner_on_sim.run("""
        w = torch.ones(3, device=device, requires_grad=True)
        y = w.exp()
        y += 1
        y.sum().backward()
        """)
    error = told.only("saved-overwritten")
    assert "`y`" in error.title
    assert "from version 0 to 1" in error.text
