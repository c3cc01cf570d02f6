"""The CPU stays as it is: where the device is not asked for, and where it is there but not used."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

from tests.kernel.sim.unchanged import unlike
from tutor.session import Session

ROOT = Path(__file__).resolve().parents[3]
PATHS = [str(Path(__file__).parent), str(ROOT)]
IMPORT = f"import json, sys\nsys.path[:0] = {PATHS!r}\nimport unchanged\n"
BESIDE = IMPORT + "from tutor.kernel import sim\nsim.install()\n"
#: What `install` replaces in torch, used on the CPU alone.
LINES = """\
x = torch.ones(3); x.data = torch.zeros(2, 2); a = x, x._version
x = torch.ones(3, requires_grad=True); x.data = torch.zeros(2); a = x
x = torch.ones(3, requires_grad=True); x.data = torch.zeros(3, dtype=torch.int64); a = x
x = torch.ones(3); x.data = 5; a = x
x = torch.ones(3); x.data = torch.ones(2).to_sparse(); a = x
x = torch.ones(3); del x.data; a = x
x = torch.ones(3); y = x.data; y[0] = 5; a = x, y, x._version, y._version
a = torch.rand(2, generator=torch.Generator().manual_seed(3))
a = torch.Generator("cpu").manual_seed(3).get_state().sum(), torch.Generator().device
a = isinstance(torch.default_generator, torch.Generator), type(torch.Generator()).__name__
g = torch.Generator(); g.set_state(torch.get_rng_state()); a = torch.randperm(5, generator=g)
a = torch.Generator("nowhere")
a = torch.Generator(1, 2)
a = torch.UntypedStorage(8).nbytes(), torch.UntypedStorage([1, 2]).tolist()
a = torch.UntypedStorage(8, device="meta").device, torch.UntypedStorage(4, device="cpu").device
a = torch.UntypedStorage("x")
s = torch.ones(2).untyped_storage(); s.resize_(16); a = s.nbytes()
s = torch.ones(2).untyped_storage(); s.resize_(-1); a = s.nbytes()
a = torch.ones(2).is_pinned()
a = torch._has_compatible_shallow_copy_type(torch.ones(2), torch.ones(3))
a = torch._has_compatible_shallow_copy_type(torch.ones(2), torch.ones(3).to_sparse())
m = nn.Linear(2, 2); p = m.weight; m.double(); a = m.weight is p, m.weight, m.weight._version
m = nn.Linear(2, 2); p = m.weight; m.to("cpu", torch.bfloat16); a = m.weight is p, m(torch.ones(2).bfloat16())
m = nn.Linear(2, 2); m(torch.ones(2)).sum().backward(); g = m.weight.grad; m.half(); a = m.weight.grad is g, g
m = nn.Linear(2, 2, device="meta"); a = m.to_empty(device="cpu").weight.shape
b = io.BytesIO(); torch.save({"x": torch.ones(2)}, b); b.seek(0); a = torch.load(b, map_location="cpu")
a = copy.deepcopy(nn.Linear(2, 2)).state_dict(), pickle.loads(pickle.dumps(torch.arange(3)))
with torch.autocast("cpu", torch.bfloat16): a = nn.Linear(2, 2)(torch.ones(2)), F.softmax(torch.ones(2), 0)
a = nn.LSTM(2, 3)(torch.randn(4, 1, 2)), nn.GRU(2, 3, num_layers=2)(torch.randn(4, 1, 2))[0]
a = F.scaled_dot_product_attention(*torch.randn(3, 1, 2, 4, 8), is_causal=True)
a = F.conv2d(torch.randn(1, 2, 5, 5), torch.randn(3, 2, 3, 3), padding=1)
a = nn.MultiheadAttention(4, 2)(*torch.randn(3, 2, 4))
a = [x for x, in DataLoader(TensorDataset(torch.arange(6)), batch_size=4, shuffle=True)]
a = [x for x, in DataLoader(TensorDataset(torch.arange(6)), batch_size=4, num_workers=2)]
a = [list(part) for part in random_split(range(6), [4, 2], torch.Generator().manual_seed(1))]
a = torch.jit.trace(nn.Linear(2, 2), torch.ones(2))(torch.ones(2))
a = torch.func.vmap(torch.func.grad(lambda x: (x * x).sum()))(torch.arange(6.0).view(3, 2))
x, y = torch.ones(2), torch.zeros(3); torch.utils.swap_tensors(x, y); a = x, y
a = torch.ones(2).to("meta").device, torch.ones(2).to("cpu"), torch.ones(2, device="cuda")
a = torch.get_default_device(), torch.cuda.is_available(), torch.manual_seed(4).initial_seed()
a = torch.ones(2).numpy(), torch.from_numpy(torch.ones(2).numpy()), torch.ones(2).tolist()
a = torch.complex(torch.ones(2), torch.ones(2)).conj().imag, torch.ones(2).to_sparse() * 2
""".splitlines()


@pytest.mark.parametrize("setting", ["cpu", "auto"])
def test_a_kernel_without_it_has_nothing_of_it(setting):
    async def go():
        session = Session(setting, spare=False)
        try:
            await session.start()
            await session.execute(
                "import torch\nx = torch.ones(2, requires_grad=True)\n(x * 2).sum().backward()"
            )
            run = await session.execute(IMPORT + "unchanged.traces()")
            return run.steps[-1].result, run.error
        finally:
            await session.close()

    result, error = asyncio.run(go())
    assert error is None
    assert ast.literal_eval(result) == []


def test_a_process_with_it_would_show(child):
    found = child("tell(unchanged.traces())", head=BESIDE)
    assert {"torch.Tensor.data", "torch.UntypedStorage.resize_", "torch.Generator.__new__"} <= set(found)
    assert {"tutor.kernel.sim.dispatch", "aten::add.Tensor", "the name", "an accelerator"} <= set(found)


def test_what_it_replaces_in_torch_does_the_same_on_the_cpu(child):
    without, beside = (child(f"tell(unchanged.answers({LINES!r}))", head=head) for head in (IMPORT, BESIDE))
    assert {line: (without[line], beside[line]) for line in LINES if without[line] != beside[line]} == {}
    assert sum("Error" not in answer for answer in without.values()) > 30


@pytest.mark.slow
def test_torchs_samples_give_the_same_on_the_cpu_beside_it(child, tmp_path):
    files = [str(tmp_path / "without"), str(tmp_path / "beside")]
    for file, head in zip(files, (IMPORT, BESIDE), strict=True):
        child(f"unchanged.save_samples(2, {file!r})\ntell(None)", head=head)
    differing, close = unlike(*files)
    assert differing == []
    assert len(close) < 10, close  # LAPACK's last bits depend on where memory lies
