"""What is told of code does not depend on the device: the simulated one against the CPU."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tutor.facts import Run, Step
from tutor.session import Session

SUBJECTS = Path(__file__).parents[1] / "subjects"
#: Those that neither leave the device nor ask what it is.
NAMES = ("containers", "dtypes", "functional", "modules", "scalar_autograd", "shapes", "vector_autograd")


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Run]]:
    async def on(device: str) -> dict[str, Run]:
        session = Session(device, spare=False)
        await session.start()
        try:
            found = {}
            for name in NAMES:
                await session.reset()
                await session.execute(
                    f"import torch\ntorch.manual_seed(0)\ntorch.set_default_device({device!r})"
                )
                found[name] = await session.execute((SUBJECTS / f"{name}.py").read_text())
            return found
        finally:
            await session.close()

    async def both() -> dict[str, dict[str, Run]]:
        return {device: await on(device) for device in ("cpu", "sim")}

    return asyncio.run(both())


def told(step: Step) -> dict[str, object]:
    """Everything but device, address and time."""
    return {
        "tensors": {
            name: (
                *(facts.kind, facts.type, facts.shape, facts.stride, facts.offset, facts.dtype, facts.block),
                *(facts.version, facts.requires_grad, facts.is_leaf, facts.grad_fn, facts.grad, facts.passes),
                facts.unread,
            )
            for name, facts in step.snapshot.tensors.items()
        },
        "sharing": step.snapshot.sharing,
        "changes": step.changes,
        "memory": {b: (s.nbytes, s.written, s.values) for b, s in step.snapshot.storages.items()},
        "operations": [(op.name, op.verdict, op.of, len(op.wrote), op.error) for op in step.operations],
        "backwards": [[(node.name, node.variable) for node in one.nodes] for one in step.backwards],
        "error": step.error and (step.error.type, step.error.failed and step.error.failed.name),
        "stdout": re.sub(r", device='sim:0'", "", step.stdout),
    }


@pytest.mark.parametrize("name", NAMES)
def test_code_is_told_as_on_the_cpu(runs: dict[str, dict[str, Run]], name: str) -> None:
    there, here = runs["sim"][name].steps, runs["cpu"][name].steps
    assert len(there) == len(here) > 10
    devices = {facts.device for step in there for facts in step.snapshot.tensors.values()}
    assert "sim:0" in devices
    for one, other in zip(there, here, strict=True):
        assert told(one) == told(other), one.source
