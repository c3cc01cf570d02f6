"""Facts written by hand, as the kernel would make them."""

from math import prod

from tutor.facts import Change, ErrorFacts, Run, Snapshot, Step, StorageFacts, TensorFacts, WarningFacts

BASE = 0x7F0000001000
SIZES = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint8": 1}


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    stride, step = [], 1
    for size in reversed(shape):
        stride.append(step)
        step *= max(size, 1)
    return tuple(reversed(stride))


def tensor(name: str, block: int, shape: tuple[int, ...], **more) -> TensorFacts:
    """A tensor in `block`; its object is numbered after its name unless given."""
    offset = more.pop("offset", 0)
    dtype = more.pop("dtype", "float32")
    itemsize = SIZES[dtype]
    facts = {
        "kind": "gradient" if name.endswith(".grad") else "tensor",
        "type": "torch.Tensor",
        "object": sum(ord(char) * 97**place for place, char in enumerate(name)),
        "stride": contiguous(shape),
        "device": "cpu",
        "numel": prod(shape),
        "storage": block * 10,
        "data_ptr": start_of(block) + offset * itemsize,
        "requires_grad": False,
        "is_leaf": True,
    }
    facts |= {"name": name, "block": block, "shape": shape, "dtype": dtype} | more
    return TensorFacts(itemsize=itemsize, offset=offset, **facts)


def start_of(block: int) -> int:
    return BASE + block * 0x100000


def storage(block: int, count: int, residents: tuple[str, ...], **more) -> StorageFacts:
    dtype = more.pop("dtype", "float32")
    facts = {"storages": (block * 10,), "start": start_of(block), "device": "cpu"} | more
    itemsize = SIZES[dtype]
    return StorageFacts(
        block=block, nbytes=count * itemsize, dtype=dtype, itemsize=itemsize, residents=residents, **facts
    )


def snapshot(*facts: TensorFacts | StorageFacts) -> Snapshot:
    """Tensors in order, storages as given; a storage that is not given is made to fit."""
    tensors = {f.name: f for f in facts if isinstance(f, TensorFacts)}
    storages = {f.block: f for f in facts if isinstance(f, StorageFacts)}
    residents: dict[int, list[str]] = {}
    for t in tensors.values():
        if t.block is not None:
            residents.setdefault(t.block, []).append(t.name)
    for block, names in residents.items():
        largest = max(tensors[name].numel + tensors[name].offset for name in names)
        storages.setdefault(block, storage(block, largest, tuple(names)))
    sharing = tuple(tuple(names) for names in residents.values() if len(names) > 1)
    return Snapshot(tensors=tensors, storages=storages, sharing=sharing)


def step(source: str, after: Snapshot, *changes: tuple[str, str], line: int = 1, **more) -> Step:
    facts = {
        "index": line - 1,
        "stdout": "",
        "stdout_elided": 0,
        "result": None,
        "warnings": (),
        "error": None,
        "elapsed": 0.001,
    } | more
    made = tuple(Change(name, kind) for name, kind in changes)
    end = line + source.count("\n")
    return Step(line=line, end_line=end, source=source, snapshot=after, changes=made, **facts)


def warning(category: str, message: str = "careful", line: int = 1) -> WarningFacts:
    return WarningFacts(category, message, line)


def error(kind: str, message: str = "no", line: int = 1) -> ErrorFacts:
    return ErrorFacts(kind, message, line)


def lesson_run() -> Run:
    """The run in the README's picture: a view, a write through it, a small graph."""
    x = tensor("x", 1, (2, 3))
    y = tensor("y", 1, (2,), stride=(3,), offset=1)
    w = tensor("w", 2, (3,), requires_grad=True)
    h = tensor("h", 4, (2,), requires_grad=True, is_leaf=False, grad_fn="MvBackward0")
    loss = tensor("loss", 5, (), requires_grad=True, is_leaf=False, grad_fn="MeanBackward0")
    grad = tensor("w.grad", 3, (3,))
    zero = storage(1, 6, ("x",), values=("0.", "1.", "2.", "3.", "4.", "5."))
    both = storage(1, 6, ("x", "y"), values=zero.values)
    nine = storage(1, 6, ("x", "y"), values=("0.", "9.", "2.", "3.", "4.", "5."), written=((1, 2),))
    still = storage(1, 6, ("x", "y"), values=nine.values)
    ones = storage(2, 3, ("w",), values=("1.", "1.", "1."))
    grads = storage(3, 3, ("w.grad",), values=("33.", "134.", "75."), written=((0, 3),))
    lines = CODE.split("\n")
    steps = (
        step(lines[0], Snapshot(), line=1),
        step(lines[2], snapshot(x, zero), ("x", "new"), line=3),
        step(lines[3], snapshot(x, y, both), ("y", "new"), line=4),
        step(lines[4], snapshot(x, y, nine), ("x", "written"), ("y", "written"), line=5),
        step(lines[6], snapshot(x, y, w, still, ones), ("w", "new"), line=7),
        step(lines[7], snapshot(x, y, w, h, still, ones), ("h", "new"), line=8),
        step(lines[8], snapshot(x, y, w, h, loss, still, ones), ("loss", "new"), line=9),
        step(
            lines[9],
            snapshot(x, y, w, grad, h, loss, still, ones, grads),
            ("w", "altered"),
            ("w.grad", "new"),
            line=10,
        ),
    )
    return Run(source=CODE, filename="views.py", steps=steps, error=None, elapsed=0.012)


CODE = """\
import torch

x = torch.arange(6.).reshape(2, 3)
y = x[:, 1]
x[0, 1] = 9

w = torch.ones(3, requires_grad=True)
h = x @ w
loss = (h - 1).pow(2).mean()
loss.backward()
"""
