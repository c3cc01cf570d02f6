"""Values out of the records are those that the kernel told at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.running import running_kernel
from tutor.session import Session
from tutor.view.kept_values import NOT_KEPT, values_at

CODE = """
import torch, numpy as np
x = torch.arange(24.)
cut = x[4:20:2]
grid = x.view(4, 6)
turned = grid.t()
cube = x.view(2, 3, 4).permute(2, 0, 1)
one = x[5]
wide = torch.arange(3).expand(4, 3)
array = np.arange(6)[::-1]
truth = torch.tensor([True, False])
odd = torch.tensor([float("nan"), float("inf")])
none = torch.empty(0, 3)
half = torch.ones(3, dtype=torch.float16)
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[asyncio.Runner, Session]]:
    with running_kernel() as pair:
        yield pair


def test_every_window_is_as_the_kernel_tells_it(pair: tuple[asyncio.Runner, Session]) -> None:
    runner, session = pair
    assert runner.run(session.execute(CODE)).ok
    names = list(session.snapshot.tensors)
    assert len(names) == 12
    for name in names:
        told, kept = runner.run(session.preview(name)), values_at(name, session.snapshot)
        assert (kept.window, kept.texts, kept.start or told.start) == (told.window, told.texts, told.start), (
            name
        )


def test_what_is_not_in_the_records_is_not_told(pair: tuple[asyncio.Runner, Session]) -> None:
    runner, session = pair
    code = "import torch\nbig = torch.zeros(100_000)\nturn = torch.tensor([1j, 2j]).conj()\n"
    assert runner.run(session.execute(code + "seen = torch.zeros(4).view(torch.int32)\n")).ok
    for name in ("big", "turn", "gone"):
        assert values_at(name, session.snapshot).reason == NOT_KEPT


def test_values_stay_those_of_their_moment(pair: tuple[asyncio.Runner, Session]) -> None:
    runner, session = pair
    run = runner.run(session.execute("import torch\na = torch.zeros(2)\nb = a[1:]\na.fill_(7)\n"))
    before, after = run.steps[2].snapshot, run.steps[3].snapshot
    assert values_at("b", before).texts == ("0.",)
    assert values_at("b", after).texts == ("7.",)


def test_a_window_is_around_what_is_asked_for(pair: tuple[asyncio.Runner, Session]) -> None:
    runner, session = pair
    assert runner.run(session.execute("import torch\nrow = torch.arange(60).view(30, 2)\n")).ok
    kept = values_at("row", session.snapshot, (20, 0))
    first, rows = kept.start[0], kept.window[0]
    assert first <= 20 < first + rows < 30
    assert kept.texts[0].rstrip(".") == str(2 * first)
    last = values_at("row", session.snapshot, (29, 1))
    assert last.start[0] + last.window[0] == 30
