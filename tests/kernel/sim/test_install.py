"""The simulated device is there when asked for, and nowhere before."""

from __future__ import annotations

import asyncio

import pytest

from tutor.kernel.sim import apis
from tutor.session import Session

LOOKING = """
import json, operator
import torch
import torch._decomp.decompositions
import torch.utils.backend_registration
"""


@pytest.mark.parametrize("setting", ["sim", "sim:0"])
def test_a_kernel_binds_the_device_and_leaves_torchs_default_alone(setting):
    async def go():
        session = Session(setting, spare=False)
        try:
            ready = await session.start()
            run = await session.execute(
                "import torch\nx = torch.ones(2)\ny = x.to(device)\n"
                "str(x.device), str(y.device), str(device), torch.cuda.is_available(), "
                "str(torch.accelerator.current_accelerator()), type(x) is torch.Tensor"
            )
            return ready, run.steps[-1].result
        finally:
            await session.close()

    ready, result = asyncio.run(go())
    assert ready.device == "sim:0"
    assert ready.preamble is None
    assert result == "('cpu', 'sim:0', 'sim:0', False, 'sim', True)"


def test_auto_never_chooses_it_and_nothing_of_it_is_imported(child):
    answer = child(
        """
        import tutor.kernel.worker
        from tutor.kernel.device import available, choose
        tell([str(choose("auto")[0]), *available(), "tutor.kernel.sim" in sys.modules])
        """,
        head="import json, sys\n",
    )
    assert not any(str(device).startswith("sim") for device in answer)
    assert answer[-1] is False


def test_every_api_it_stands_on_is_there():
    assert apis.missing() == []


def test_one_that_is_gone_is_named(child):
    """Each in a fork of one process that has torch, but not yet the device."""
    sentences = child(
        f"""
        import os
        from tutor.kernel.device import DeviceMissing, choose

        def said_without(path):
            reader, writer = os.pipe()
            if os.fork() == 0:
                owner, _, name = path.rpartition(".")
                delattr(operator.attrgetter(owner.removeprefix("torch."))(torch), name)
                try:
                    choose("sim")
                except DeviceMissing as refusal:
                    os.write(writer, str(refusal).encode())
                os._exit(0)
            os.close(writer)
            os.wait()
            with open(reader) as told:
                return told.read()

        tell({{path: said_without(path) for path in {apis.USED!r}}})
        """,
        head=LOOKING,
    )
    assert set(sentences) == set(apis.USED)
    for path, sentence in sentences.items():
        assert path in sentence
        assert "--device cpu" in sentence


def test_backing_is_the_cpu_memory_itself(child):
    assert child(
        """
        from tutor.kernel import raw
        x = torch.arange(6.0, device="sim").reshape(2, 3)
        row = x[1]
        raw.backing(row)[0] = 9
        plain = torch.ones(2)
        tell([x.tolist(), raw.backing(row).data_ptr() == row.data_ptr(), raw.backing(plain) is plain,
              raw.backing(x).untyped_storage()._cdata == raw.backing(row).untyped_storage()._cdata])
        """
    ) == [[[0, 1, 2], [9, 4, 5]], True, True, True]


def test_it_reports_its_memory_and_ends(child):
    answers = child(
        """
        before = torch.accelerator.memory_allocated()
        x = torch.zeros(1000, device="sim")
        view, twice = x[10:], x * 2
        during = torch.accelerator.memory_allocated() - before
        del x, twice
        kept = torch.sim.memory_allocated() - before
        del view
        torch.accelerator.synchronize()
        after = torch.accelerator.memory_allocated() - before
        answers = []
        ones = torch.ones(2, device="sim")
        for make in (lambda: ones.new_empty(1 << 40), ones.to_sparse):
            try:
                make()
            except Exception as error:
                answers.append((type(error).__name__, str(error)))
        tell([during, kept, after, *answers])
        """
    )
    assert answers[:3] == [8000, 4000, 0]
    (full, room), (kind, sentence) = answers[3:]
    assert (full, kind) == ("OutOfMemoryError", "NotImplementedError")
    assert room.startswith("SIM out of memory. Tried to allocate 4096.00 GiB.")
    assert sentence.startswith("`_to_sparse` works with sparse")


def test_without_the_device_a_file_says_where_its_tensors_were_and_opens_on_the_cpu(child, tmp_path):
    path = str(tmp_path / "saved.pt")
    child(f"torch.save(torch.arange(3.0, device='sim'), {path!r})\ntell(None)")
    words, values = child(
        f"""
        try:
            torch.load({path!r})
        except RuntimeError as error:
            words = str(error)
        tell([words, torch.load({path!r}, map_location="cpu").tolist()])
        """,
        head="import json\nimport torch\n",
    )
    assert "tagged with sim:0" in words
    assert values == [0, 1, 2]


def test_a_forked_process_is_refused_the_device_and_keeps_the_cpu(child):
    words, values = child(
        """
        import os
        x = torch.ones(2, device="sim")
        read, write = os.pipe()
        if os.fork() == 0:
            try:
                x + 1
                os.write(write, b"taken")
            except RuntimeError as error:
                os.write(write, f"{(torch.ones(2) + 1).tolist()} {error}".encode())
            os._exit(0)
        tell([os.read(read, 500).decode(), (x + 1).tolist()])
        """
    )
    assert words.startswith("[2.0, 2.0] Cannot re-initialize SIM in forked subprocess.")
    assert values == [2, 2]
