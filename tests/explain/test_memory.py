"""Notes about memory: who shares it, what was copied, whom a write reached."""

from __future__ import annotations

import pytest

SHARING = {
    "assignment": (
        "weights = torch.ones(4)\nalias = weights",
        ("alias", "weights"),
        "one and the same tensor",
    ),
    "transpose": ("m = torch.ones(2, 5)\nmt = m.T", ("mt", "m"), "shape [5, 2] and stride (1, 5)"),
    "slice": ("row = torch.arange(8.)\ntail = row[3:]", ("tail", "row"), "from place 3 on"),
    "column": ("grid = torch.ones(3, 4)\ncol = grid[:, 1]", ("col", "grid"), "stride (4), from place 1 on"),
    "from_numpy": (
        "a = np.ones(3)\nt = torch.from_numpy(a)",
        ("t", "a"),
        "laid over the memory of the numpy array",
    ),
    "numpy": (
        "t = torch.ones(3)\na = t.numpy()",
        ("a", "t"),
        "numpy array laid over the memory of the tensor `t`",
    ),
    "arrays": ("a = np.ones(6)\nb = a[::2]", ("b", "a"), "Every write into `b` changes `a`."),
    "detach": (
        "w = torch.ones(3, requires_grad=True)\nd = w.detach()",
        ("d", "w"),
        "cut off from the gradient",
    ),
    "data": ("p = nn.Parameter(torch.ones(3))\nraw = p.data", ("raw", "p"), "raw = p.detach().clone()"),
    "expand": ("r = torch.ones(3)\nwide = r.expand(7, 3)", ("wide", "r"), "all 7 steps there read the same"),
    "dtype": (
        "f = torch.ones(3)\nbits = f.view(torch.int32)",
        ("bits", "f"),
        "as int32, where `f` is float32",
    ),
    "contiguous": (
        "m = torch.ones(2, 3)\nc = m.contiguous()",
        ("c", "m"),
        "`m.contiguous()` returned `m` itself",
    ),
    "no conversion": ("m = torch.ones(2)\nc = m.to(torch.float32)", ("c", "m"), "nothing to convert"),
    "reshape": ("m = torch.ones(2, 3)\nr = m.reshape(-1)", ("r", "m"), "`reshape` copies only when it must"),
    "unpacking": ("x = torch.ones(6)\na, b = x.split(3)", ("a", "x", "b"), "`b` lives in this memory too."),
    "parameter": ("lin = nn.Linear(2, 3)\nk = lin.weight", ("k", "lin.weight"), "one and the same tensor"),
    "tied": (
        "e = nn.Embedding(5, 2)\no = nn.Linear(2, 5)\no.weight = e.weight",
        ("o.weight", "e.weight"),
        "two names",
    ),
    "two names at once": ("a = b = torch.zeros(3)", ("b", "a"), "one and the same tensor"),
    "two rebound": ("x = y = 0\nx = y = torch.ones(3)", ("y", "x"), "one and the same tensor"),
    "rebound over tensors": (
        "y = torch.ones(3)\nx = torch.ones(3)\nx = y = torch.ones(3)",
        ("x", "y"),
        "one and the same tensor",
    ),
    "item": ('batch = {"x": torch.ones(4)}\nx = batch["x"]', ("x", 'batch["x"]'), "one and the same tensor"),
    "into a dictionary": (
        "x = torch.ones(4)\nbatch = {}\nbatch['half'] = x[:2]",
        ('batch["half"]', "x"),
        'Every write into `batch["half"]` changes `x`.',
    ),
    "a better name": (
        "held = []\nw = torch.ones(4)\nheld.append(w)\nview = lambda: w.view(2, 2)\nv = view()",
        ("v", "w"),
        "shape [2, 2]",
    ),
    "in a loop": (
        "m = torch.ones(2, 3)\nfor r in m:\n    pass",
        ("r", "m"),
        "Every write into `r` changes `m`.",
    ),
}


@pytest.mark.parametrize("case", SHARING)
def test_sharing_is_told_with_its_reason(learner, case: str) -> None:
    code, names, words = SHARING[case]
    note = learner.run(code).only("shares-memory")
    assert (note.kind, note.names, note.fix) == ("note", names, None)
    assert words in note.text


def test_two_slices_of_one_storage_may_have_no_element_in_common(learner) -> None:
    told = learner.run("x = torch.arange(6.)\nleft = x[::2]\ndel x\nright = left.as_strided((3,), (2,), 1)")
    first, second = told.of("shares-memory")
    assert first.names == ("left", "x")
    assert second.names == ("right", "left")
    assert "no element in common" in second.text


def test_names_may_have_some_elements_in_common(learner) -> None:
    told = learner.run("x = torch.arange(6.)\na = x[:4]\ndel x\nb = a.as_strided((4,), (1,), 2)")
    assert "They have 2 elements in common" in told.of("shares-memory")[-1].text


def test_the_older_name_that_the_statement_reads_is_told(learner) -> None:
    told = learner.run("x = torch.arange(6.)\ny = x.view(2, 3)\nz = y.t()")
    assert told.of("shares-memory")[-1].names == ("z", "y")


def test_a_big_tensor_is_not_listed_element_by_element(learner) -> None:
    note = learner.run("big = torch.ones(500, 500)\nrows = big[100:200]").only("shares-memory")
    assert "Every write into `rows` changes `big`." in note.text


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.ones(3)\ny = x.clone()",
        "x = torch.ones(3)\ny = x + 0",
        "a = np.ones(3)\nt = torch.tensor(a)",
        "x = torch.ones(4)\ny = x[[0, 2]]",
        "x = torch.ones(4)\nx = x.view(2, 2)",
        "x = torch.ones(0, 3)\ny = x.view(3, 0)",
        "x = torch.ones(3)\ny = x.double()",
        "x = torch.ones(3)\nx += 1",
        "lin = nn.Linear(2, 2)\nout = lin(torch.ones(1, 2))",
    ],
)
def test_memory_of_its_own_is_no_sharing(learner, code: str) -> None:
    assert not learner.run(code).of("shares-memory")


COPIES = {
    "reshape": ("x = torch.arange(6).view(2, 3).t()\nflat = x.reshape(6)", ("flat", "x"), "2 × 3 = 6 places"),
    "of an expression": ("m = torch.ones(4, 5)\nv = m.T.reshape(-1)", ("v", "m"), "`m.T` has shape [5, 4]"),
    "flatten": ("img = torch.ones(2, 3, 4).transpose(0, 1)\nf = img.flatten()", ("f", "img"), "moves 4"),
    "function": ("s = torch.ones(4, 4)[:, :2]\nf = torch.flatten(s)", ("f", "s"), "stride (4, 1)"),
    "contiguous": ("g = torch.ones(2, 3).T\nc = g.contiguous()", ("c", "g"), "for this shape, stride (2, 1)"),
    "expanded": ("one = torch.ones(1, 3).expand(2, 3)\nf = one.reshape(6)", ("f", "one"), "here it moves 0"),
    "own name": ("x = torch.ones(2, 3).t()\nx = x.reshape(6)", ("x",), "the memory that `x` had before"),
}


@pytest.mark.parametrize("case", COPIES)
def test_a_copy_is_told_with_the_strides_that_made_it_needed(learner, case: str) -> None:
    code, names, words = COPIES[case]
    told = learner.run(code)
    note = told.only("copied")
    assert (note.kind, note.names, note.fix) == ("note", names, None)
    assert words in note.text
    if len(names) == 2:
        share = f"{names[0]}.untyped_storage().data_ptr() == {names[1]}.untyped_storage().data_ptr()"
        assert learner.value(share) is False


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.ones(6)\ny = x.reshape(2, 3)",
        "x = torch.ones(2, 3).t()\ny = x.reshape(3, 1, 2)",
        "x = torch.ones(2, 3)\ny = x.contiguous()",
        "x = torch.ones(2, 3)\ny = x.flatten()",
        "x = torch.ones(2, 3).t()\ny = x.clone()",
        "x = torch.ones(2, 3).t()\ny = x.reshape(6) + 1",
        "x = torch.ones(0, 3).t()\ny = x.reshape(0)",
        "x = torch.ones(1, 2, 3, 3)\ny = x.contiguous(memory_format=torch.channels_last)",
    ],
)
def test_no_copy_is_told_where_none_was_needed(learner, code: str) -> None:
    assert not learner.run(code).of("copied")


WRITES = {
    "index": ("x = torch.zeros(2, 3)\nv = x.t()\nv[2, 1] = 9", ("v", "x"), "`x[1, 2]` was 0. and is 9. now."),
    "augmented": ("x = torch.ones(4)\nhalf = x[:2]\nhalf += 1", ("half", "x"), "2 of the 4 elements of `x`"),
    "method": ("x = torch.ones(3)\ny = x.view(3, 1)\nx.mul_(5)", ("x", "y"), "All 3 elements of `y`"),
    "of a view": (
        "x = torch.ones(3)\ny = x.view(3, 1)\ny[0].fill_(2)",
        ("y", "x"),
        "`x[0]` was 1. and is 2. now.",
    ),
    "out": ("x = torch.ones(3)\nd = x.data\ntorch.add(x, 1, out=d)", ("d", "x"), "All 3 elements of `x`"),
    "numpy": (
        "a = np.zeros(3)\nt = torch.from_numpy(a)\na[0] = 4",
        ("a", "t"),
        "`t[0]` was 0. and is 4. now.",
    ),
    "big": (
        "big = torch.ones(300, 300)\nrow = big[7]\nrow -= 1",
        ("row", "big"),
        "wrote into memory through `row`",
    ),
    "both": ("x = torch.zeros(4)\ny = x[1:3]\nx += 1", ("x", "y"), "Both elements of `y` are different now."),
    "loop": (
        "x = torch.zeros(4)\ny = x[1:]\nfor i in range(2):\n    x[i + 1] = i + 5",
        ("x", "y"),
        "2 of the 3",
    ),
}


@pytest.mark.parametrize("case", WRITES)
def test_a_write_tells_whom_it_reached(learner, case: str) -> None:
    code, names, words = WRITES[case]
    note = learner.run(code).only("written-through")
    assert (note.kind, note.names, note.fix) == ("note", names, None)
    assert words in note.text


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.ones(3)\ny = x.clone()\ny[0] = 5",
        "x = torch.zeros(6)\na = x[:3]\nb = x[3:]\ndel x\na += 1",
        "x = torch.zeros(4)\ny = x[::2]\nx[1] = 3",
        "x = torch.zeros(4)\nalias = x\nx[1] = 3",
        "x = torch.zeros(4)\nx[1] = 3\ny = x[1:]",
        "x = torch.zeros(4)\ny = x[1:]\ny = y + 1",
        "x = torch.zeros(4)\ny = x[1:]\ny.requires_grad_()",
        "x = torch.zeros(4)\ny = x[1:]\ny[0] = 0",
        "big = torch.zeros(300, 300)\nrow = big[7]\nbig[8] = 1",
    ],
)
def test_a_write_that_reaches_nobody_else_is_not_told(learner, code: str) -> None:
    assert not learner.run(code).of("written-through")


@pytest.mark.parametrize(
    ("code", "method"),
    [
        ("y = x.movedim(0, 1).reshape(6)", "reshape"),
        ("y = x.T.contiguous().view(-1)", "contiguous"),
        ("y = torch.transpose(x, 0, 1).flatten()", "flatten"),
        ("y: torch.Tensor = x.T.ravel()", "ravel"),
        ("y, z = x.T.reshape(-1), 1", "reshape"),
        ("y = x.narrow(1, 0, 2).reshape(-1)", "reshape"),
        ("y = x.unfold(1, 2, 1).reshape(-1)", "reshape"),
        ("y = x[:, :1].expand(2, 5).contiguous()", "contiguous"),
    ],
)
def test_copies_behind_other_layouts(learner, code: str, method: str) -> None:
    note = learner.run("x = torch.arange(6.).view(2, 3)\n" + code).only("copied")
    assert note.names == ("y", "x")
    assert f"So `{method}` laid" in note.text
