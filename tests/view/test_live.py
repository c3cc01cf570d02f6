"""Notes and strips of code that really ran."""

from tutor.facts import Snapshot
from tutor.view.notes import note_text, notes_for
from tutor.view.palette import INK
from tutor.view.report import run_report
from tutor.view.strips import storage_strips, written_by

from .build import CODE
from .live import run_code


def notes(source: str) -> list[str]:
    shown = notes_for(run_code(source).steps, Snapshot())
    return [note_text(shown[line], INK, 80).plain for line in sorted(shown)]


def test_the_lesson() -> None:
    assert notes(CODE) == [
        "A [2, 3] f32",
        "A [2] f32 view of x",
        "A writes 1 of 6 y too",
        "B [3] f32 leaf",
        "C [2] f32 ← Mv",
        "D [] f32 ← Mean",
        "E w.grad [3] new",
    ]


def test_arrays_aliases_and_modules() -> None:
    source = """\
import numpy as np
import torch
a = np.arange(6)
t = torch.from_numpy(a)
a[0] = 7
b = t
b += 1
i = b.view(torch.int32)
del b
lin = torch.nn.Linear(3, 2)
opt = torch.optim.SGD(lin.parameters(), lr=0.1)
out = lin(torch.ones(2, 3))
out.sum().backward()
opt.step()
opt.zero_grad()
big = torch.zeros(1000, 1000)
big[3] += 1
big.t_()
"""
    assert notes(source) == [
        "A [6] i64",
        "A [6] i64 shares with a",
        "A writes 1 of 6 t too",
        "A [6] i64 same as t",
        "A writes all 6 a, t too",
        "A [12] i32 view of b",
        "A deleted b a, t +1 stay",
        "B lin.weight [2, 3] f32 leaf +1",
        "D [2, 2] f32 ← Addmm",
        "E lin.weight.grad [2, 3] new +1",
        "B lin.weight written +1",
        "lin.weight.grad is None +1",
        "G [1000, 1000] f32",
        "G writes into big",
        "G stride (1, 1000) was (1000, 1)",
    ]


def test_strips_show_the_values_and_what_was_written() -> None:
    run = run_code(CODE)
    assert written_by(run.steps) == {1: ((1, 2),), 5: ((0, 3),)}
    text = storage_strips(run.steps[-1].snapshot, INK, 60, True, written=written_by(run.steps)).plain
    assert "0.   9.   2.   3.   4.   5." in text
    assert "33.  134. 75." in text


def test_the_report_ends_with_the_error() -> None:
    text = run_report(run_code("import torch\nx = torch.ones(2, 3)\nx @ x\n"), INK).plain
    assert "3✗ x @ x" in text
    assert "RuntimeError at line 3\nmat1 and mat2 shapes cannot be multiplied" in text


def test_containers() -> None:
    source = """\
import torch
x = torch.ones(3)
batch = {"x": x, "y": torch.zeros(3), "z": x[:2], "n": 3}
batch["x"] = torch.ones(3)
batch['y'][0] = 5
key = "x"
batch[key] = torch.ones(2)
x.add_(1)
b = batch["x"][:1]
params = []
w = torch.ones(3, requires_grad=True)
params.append(w)
params.extend([torch.ones(1), torch.ones(2)])
params.insert(0, torch.ones(7))
params.reverse()
params[2].sum().backward()
params.pop(1)
params = params[:1]
losses = [torch.ones(1) for _ in range(300)]
losses.append(torch.ones(1))
losses.clear()
both = torch.max(torch.ones(2, 3), 1)
halves = torch.ones(4).split(2)
batch = {k: v.double() for k, v in batch.items() if k != "n"}
"""
    assert notes(source) == [
        "A [3] f32",
        "3 tensors share with x",
        "C [3] f32",
        "B writes 1 of 3",
        'D batch["x"] [2] f32',
        'A writes all 3 batch["z"] too',
        'D [1] f32 view of batch["x"]',
        "E [3] f32 leaf",
        "E params[0] [3] f32 same as w leaf",
        "F params[1] [1] f32 +1",
        "H params[0] [7] f32",
        "other order",
        "I params[2].grad [3] new",
        "3 tensors was 4",
        "1 tensor was 3",
        "300 tensors",
        "301 tensors was 300",
        "0 tensors was 301",
        "2 tensors",
        "DH 2 tensors",
        "3 tensors",
    ]


def test_an_object_with_a_better_name_is_told_once() -> None:
    source = """\
import torch
lin = torch.nn.Linear(2, 1)
held = list(lin.parameters())
lin(torch.ones(1, 2)).sum().backward()
torch.optim.SGD(held, 0.1).step()
held[0].data.mul_(2)
"""
    assert notes(source)[1:] == [
        "2 tensors share with lin.weight, lin.bias",
        "C lin.weight.grad [1, 2] new +1",
        "A lin.weight written +1",
        "A writes all 2 lin.weight too",
    ]
