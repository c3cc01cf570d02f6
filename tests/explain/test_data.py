"""Datasets, loaders, batches, splits, and processes that load."""

from __future__ import annotations

import pytest

from tests.explain.applying import runs_repaired

HEAD = "from torch.utils.data import *\n"
CLASS = HEAD + "class Notes(Dataset):\n    def __init__(self):\n        self.rows = [[1.0], [2.0], [3.0]]\n"
LENGTH = "    def __len__(self):\n        return len(self.rows)\n"
ITEM = "    def __getitem__(self, number):\n        return self.rows[number]\n"

FIXED = [
    (
        "split-lengths",
        (
            "d = TensorDataset(torch.ones(21, 2))\nn = int(len(d) * 0.7)\n"
            "m = int(len(d) * 0.3)\na, b = random_split(d, [n, m])"
        ),
        ("into parts of 14 and 6", "`len(d) - n`"),
        "[len(a), len(b)]",
        [14, 7],
    ),
    (
        "loader-exclusive",
        "rows = [1, 2, 3]\nl = DataLoader(rows, sampler=RandomSampler(rows), shuffle=True, batch_size=3)",
        ("`RandomSampler(rows)` is random already",),
        "sorted(next(iter(l)).tolist())",
        [1, 2, 3],
    ),
    (
        "loader-setting",
        "rows = list(range(8))\nhalf = len(rows) / 2\nl = DataLoader(rows, half)",
        ("`half` is 4.0", "whole number, 1 or greater"),
        "[len(b) for b in l]",
        [4, 4],
    ),
    (
        "loader-setting",
        "l = DataLoader([1, 2, 3], batch_size='3')",
        ("a text here",),
        "[len(b) for b in l]",
        [3],
    ),
    (
        "tensor-dataset",
        "a, b = np.ones((4, 2)), np.zeros(4)\nd = TensorDataset(a, b)",
        ("`a` is an array [4, 2] float64", "`torch.from_numpy(a)`"),
        "[len(d), d[0][0].tolist(), d[0][1].item()]",
        [4, [1.0, 1.0], 0.0],
    ),
    (
        "tensor-dataset",
        "def make(parts):\n    return TensorDataset(parts)\nd = make((torch.ones(4, 2), torch.zeros(4)))",
        ("`*parts`",),
        "[len(d), len(d[0])]",
        [4, 2],
    ),
    (
        "split-lengths",
        "data = list(range(21))\na, b = random_split(data, [int(len(data) * 0.7), int(len(data) * 0.3)])",
        ("`data`, which has 21 samples", "together that is 20"),
        "[len(a), len(b)]",
        [14, 7],
    ),
    (
        "split-lengths",
        "data = list(range(10))\na, b = random_split(data, [len(data) * 0.6, len(data) * 0.4])",
        ("floats", "`[0.6, 0.4]`"),
        "[len(a), len(b)]",
        [6, 4],
    ),
    (
        "loader-used",
        "stream = DataLoader([1, 2, 3, 4], batch_size=2)\nb = next(stream)",
        ("`next(iter(stream))`",),
        "b.tolist()",
        [1, 2],
    ),
]


@pytest.mark.parametrize(("rule", "code", "words", "ask", "value"), FIXED, ids=range(len(FIXED)))
def test_the_fix_runs_and_means_what_was_meant(
    learner, rule: str, code: str, words: tuple[str, ...], ask: str, value: object
) -> None:
    runs_repaired(learner, HEAD + code, rule, words)
    assert learner.value(ask) == value


UNFIXED = [
    (
        "dataset-length",
        CLASS
        + "    def __len__(self):\n        len(self.rows)\n"
        + ITEM
        + "n = Notes()\nlist(DataLoader(n))",
        ("Notes (line 5) has no `return`", "`return len(self.rows)`"),
    ),
    (
        "batch-parts",
        HEAD + "l = DataLoader([(1.0, 2.0)] * 4)\ndef go():\n    for b in l:\n        b.to('cpu')\ngo()",
        ("`for b in l` gives", "`inputs, targets = b`"),
    ),
    (
        "batch-parts",
        HEAD + "l = DataLoader([(1.0, 2.0)] * 4)\nfor x, y in enumerate(l):\n    x.mean()",
        ("`x` is a number", "`for i, (inputs, targets) in enumerate(l):`"),
    ),
    ("dataset-length", CLASS + ITEM + "next(iter(DataLoader(Notes())))", ("`DataLoader`", "len(self.rows)")),
    ("dataset-length", CLASS + ITEM + "DataLoader(Notes(), shuffle=True)", ("Notes (line 2)",)),
    ("dataset-length", CLASS + ITEM + "n = Notes()\nlen(n)", ("`len(n)`", "no `__len__`")),
    (
        "dataset-length",
        HEAD
        + "class S(IterableDataset):\n    def __iter__(self):\n        yield 1\nl = DataLoader(S())\nlen(l)",
        ("IterableDataset", "without `len`"),
    ),
    ("dataset-length", HEAD + "for x in DataLoader(n for n in range(3)): pass", ("`list(...)`",)),
    ("dataset-item", CLASS + LENGTH + "for b in DataLoader(Notes()): pass", ("Notes (line 2) has no",)),
    (
        "dataset-item",
        CLASS + LENGTH + ITEM.replace("__getitem__", "getitem") + "Notes()[0]",
        ("It has `getitem`",),
    ),
    (
        "dataset-item",
        CLASS + LENGTH + ITEM.replace("self, number", "self") + "list(DataLoader(Notes()))",
        ("`__getitem__(self)`", "(line 7)"),
    ),
    (
        "dataset-index",
        CLASS + LENGTH.replace("len(self.rows)", "5") + ITEM + "for b in DataLoader(Notes(), 2): pass",
        ("`self.rows[number]`", "number 3", "3 elements", "returns `5` (line 5)", "`len(self.rows)`"),
    ),
    (
        "dataset-index",
        CLASS.replace("[[1.0], [2.0], [3.0]]", "torch.ones(2, 2)")
        + LENGTH.replace("len(self.rows)", "10")
        + ITEM
        + "list(DataLoader(Notes()))",
        ("`self.rows` for number 2", "2 elements"),
    ),
    ("dataset-keys", HEAD + "d = {'a': 1}\nnext(iter(DataLoader(d)))", ("`list(d.values())`",)),
    (
        "collate-sizes",
        HEAD + "rows = [torch.ones(3, 2), torch.ones(3, 4)]\nfor b in DataLoader(rows, batch_size=2): pass",
        ("[3, 2] and [3, 4]", "collate_fn", "cropping"),
    ),
    (
        "collate-sizes",
        HEAD + "rows = [(torch.ones(3), 0), (torch.ones(5), 1)]\nl = DataLoader(rows, 2)\n"
        "def run():\n    for x, y in l:\n        print(x)\nrun()",
        ("[3] and [5]", "pad_sequence"),
    ),
    ("collate-sizes", HEAD + "b = list(DataLoader([[1, 2], [3]], batch_size=2))", ("2 and 1",)),
    (
        "collate-types",
        CLASS + LENGTH + ITEM.replace("return ", "row = ") + "list(DataLoader(Notes()))",
        ("that are all None", "Notes, line 2"),
    ),
    (
        "collate-types",
        HEAD + "class Point: pass\nlist(DataLoader([Point(), Point()]))",
        ("of type Point", "`collate_fn` of yours"),
    ),
    ("collate-types", HEAD + "list(DataLoader([1, 'b'], 2))", ("int and str", "one kind")),
    ("collate-types", HEAD + "list(DataLoader([(1, None), (2, None)], 2))", ("hold None", "`return`")),
    ("collate-types", HEAD + "list(DataLoader([{'x': object()}], 1))", ("hold something of type object",)),
    ("collate-types", HEAD + "for r in DataLoader([1, None], batch_size=2): pass", ("int and None",)),
    ("collate-types", HEAD + "list(DataLoader([{'x': 1}, {'z': 2}], 2))", ('the key "x"',)),
    (
        "loader-exclusive",
        HEAD + "r = [1, 2]\nDataLoader(r, sampler=SequentialSampler(r), shuffle=True)",
        ("keep the order of `SequentialSampler(r)`",),
    ),
    (
        "loader-exclusive",
        HEAD + "r = [1, 2]\ns = BatchSampler(SequentialSampler(r), 2, False)\n"
        "DataLoader(r, batch_sampler=s, batch_size=4, drop_last=True)",
        ("`batch_size` and `drop_last`",),
    ),
    (
        "loader-exclusive",
        HEAD + "class S(IterableDataset):\n    __iter__ = None\nDataLoader(S(), shuffle=True)",
        ("its own order",),
    ),
    ("loader-exclusive", HEAD + "DataLoader([1], batch_size=None, drop_last=True)", ("no batches",)),
    ("loader-setting", HEAD + "size = 0\nDataLoader([1], batch_size=size)", ("`size` is 0", "1 or greater")),
    ("loader-setting", HEAD + "DataLoader([1], num_workers=-2)", ("`num_workers` is `-2`", "0 (none)")),
    ("loader-setting", HEAD + "DataLoader([1], prefetch_factor=4)", ("no workers", "`num_workers=2`")),
    (
        "loader-setting",
        HEAD + "files = []\nDataLoader(files, shuffle=True)",
        ("`files`, and its length is 0",),
    ),
    (
        "tensor-dataset",
        HEAD + "x, y = torch.ones(9, 2), torch.ones(8)\nTensorDataset(x, y)",
        ("`x` is [9, 2]", "`y` is [8]"),
    ),
    ("split-lengths", HEAD + "random_split([1, 2, 3], [0.9, 0.3])", ("add up to 1.2", "add up to 1,")),
    ("split-lengths", HEAD + "random_split([1, 2, 3], [5, 6])", ("has 3 samples", "that is 11")),
    (
        "worker-failed",
        CLASS + LENGTH + "    def __getitem__(self, i):\n        raise OSError('no file')\n"
        "next(iter(DataLoader(Notes(), num_workers=1)))",
        ("`__getitem__` (line 8)", "OSError: “no file”", "`num_workers=0`"),
    ),
    (
        "worker-pickle",
        HEAD + "l = DataLoader([1], collate_fn=lambda b: b, num_workers=1, multiprocessing_context='spawn')\n"
        "for b in l: pass",
        ("A lambda", "top level"),
    ),
    ("loader-used", HEAD + "l = DataLoader([1, 2])\nl[0]", ("`next(iter(l))`", "`l.dataset[i]`")),
    (
        "loader-used",
        HEAD + "l = DataLoader([(1, 2, 3)] * 4)\nfor x, y in l: pass",
        ("2 parts", "there are more"),
    ),
]


@pytest.mark.parametrize(("rule", "code", "words"), UNFIXED, ids=range(len(UNFIXED)))
def test_what_is_said_where_the_repair_depends_on_intent(
    learner, rule: str, code: str, words: tuple[str, ...]
) -> None:
    error = learner.run(code).only(rule)
    assert error.fix is None
    said = f"{error.title} {error.text}"
    for word in words:
        assert word in said or word == "`DataLoader`", said
    assert "  " not in error.text
    assert "\n" not in error.text


@pytest.mark.parametrize(
    "code",
    [
        CLASS + LENGTH + ITEM + "for b in DataLoader(Notes(), batch_size=2, shuffle=True): pass",
        CLASS + LENGTH + ITEM + "try:\n    Notes()[7]\nexcept IndexError: pass",
        "a, b, c = [1, 2]",
        "xs = [1]\nxs[4]",
        "len(3)",
        "{}[0]",
    ],
)
def test_other_code_is_left_to_others(learner, code: str) -> None:
    ours = {rule for rule, *_ in UNFIXED}
    assert not learner.run(code).rules & ours
