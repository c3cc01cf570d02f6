"""The device: chosen, bound, shown, and refused in one sentence when it is not there."""

from __future__ import annotations

import asyncio

import pytest
import torch

from tutor.session import Session, SessionError

HAS_GPU = torch.cuda.is_available()


def with_session(device, use):
    async def go():
        session = Session(device, spare=False)
        try:
            return await use(session)
        finally:
            await session.close()

    return asyncio.run(go())


def test_auto_takes_the_best_device_and_leaves_defaults_alone():
    async def use(session):
        ready = await session.start()
        run = await session.execute("import torch\nx = torch.ones(2)\nstr(device)")
        return ready, run

    ready, run = with_session("auto", use)
    assert ready.device == ("cuda" if HAS_GPU else "cpu")
    assert ready.preamble is None
    assert run.steps[1].snapshot.tensors["x"].device == "cpu"
    assert run.steps[2].result == repr(ready.device)


def test_cpu_is_always_there_and_changes_nothing():
    async def use(session):
        ready = await session.start()
        return ready, await session.execute("import torch\nstr(torch.get_default_device())")

    ready, run = with_session("cpu", use)
    assert (ready.device, ready.preamble) == ("cpu", None)
    assert run.steps[1].result == "'cpu'"


@pytest.mark.parametrize("device", ["cuda:63", "mps"])
def test_a_device_that_is_not_there_is_refused_in_a_sentence_that_names_what_is(device):
    async def use(session):
        with pytest.raises(SessionError) as refusal:
            await session.start()
        return str(refusal.value), session.state

    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("mps is here")
    sentence, state = with_session(device, use)
    assert device in sentence
    assert "cpu" in sentence
    assert "\n" not in sentence
    assert state == "dead"


def test_a_restart_can_change_the_device_and_a_refusal_can_be_mended():
    async def use(session):
        await session.start()
        with pytest.raises(SessionError, match="cuda:63"):
            await session.restart("cuda:63")
        ready = await session.restart("cpu")
        return ready, await session.execute("1 + 1")

    ready, run = with_session("auto", use)
    assert ready.device == "cpu"
    assert run.steps[0].result == "2"


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason="needs CUDA")
def test_an_accelerator_that_was_asked_for_is_the_default_openly_and_can_be_undone():
    async def use(session):
        ready = await session.start()
        run = await session.execute("""\
import torch
x = torch.arange(6.).view(2, 3)
y = x[1]
x[0, 0] = 5
torch.set_default_device(None)
z = torch.ones(2)
""")
        return ready, run

    ready, run = with_session("cuda", use)
    assert ready.preamble == "torch.set_default_device('cuda')"
    facts = run.steps[-1].snapshot
    assert {name: t.device for name, t in facts.tensors.items()} == {"x": "cuda:0", "y": "cuda:0", "z": "cpu"}
    assert facts.sharing == (("x", "y"),)
    assert facts.tensors["y"].data_ptr - facts.tensors["x"].data_ptr == 12
