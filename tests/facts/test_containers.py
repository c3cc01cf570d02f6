"""Tensors in lists, dictionaries, tuples, named tuples and dataclasses: every path, and nobody's code."""

from __future__ import annotations

import gc
import weakref
from collections import OrderedDict, defaultdict, deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from facts.held import MINE, Pair, Record, Slotted, Trainer, names
from facts.truth import Followed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tutor.facts import Snapshot, apply
from tutor.kernel.graph import describe_graphs
from tutor.kernel.names import MAX_CONTAINED, find
from tutor.kernel.namespace import Snapshots
from tutor.kernel.values import preview

# ── what is named ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("c = {'x': torch.ones(2), 'n': 3, 'y': torch.ones(1)}", ['c["x"]', 'c["y"]']),
        ("c = [1, torch.ones(2), None, np.ones(2)]", ["c[1]", "c[3]"]),
        ("c = (torch.ones(2), [torch.ones(1)])", ["c[0]", "c[1][0]"]),
        ("c = {'img': {'mask': torch.ones(1)}}", ['c["img"]["mask"]']),
        ("c = {0: torch.ones(1), -1: torch.ones(1), True: 0}", ["c[0]", "c[-1]"]),
        ("c = {(0, 'a'): torch.ones(1), (1,): torch.ones(1)}", ['c[(0, "a")]', "c[(1,)]"]),
        ("c = {'a\"b': torch.ones(1), 'it\\'s': torch.ones(1)}", ["c['a\"b']", 'c["it\'s"]']),
        ("c = {False: torch.ones(1), '': torch.ones(1)}", ["c[False]", 'c[""]']),
        ("c = Pair(torch.ones(1), 2)", ["c.left"]),
        ("c = Record(torch.ones(1), (torch.ones(2),))", ["c.logits", "c.hidden[0]"]),
        ("c = Slotted(torch.ones(1), torch.ones(1))", ["c.image", "c.mask"]),
        ("c = torch.max(torch.ones(2, 2), 1)", ["c.values", "c.indices"]),
        ("c = OrderedDict(a=torch.ones(1))", ['c["a"]']),
        ("c = defaultdict(list); c['k'].append(torch.ones(1))", ['c["k"][0]']),
        ("c = deque([torch.ones(1), 2], maxlen=5)", ["c[0]"]),
        ("c = Trainer([torch.ones(1)])", ["c.history[0]", "c._mean"]),
        ("c = Sparse(); c.weight = torch.ones(1)", ["c.weight"]),
        ("c = Child(); c.weight, c.more = torch.ones(1), {'k': torch.ones(1)}", ["c.weight", 'c.more["k"]']),
        ("c = SimpleNamespace(a=torch.ones(1), b=Trainer(0))", ["c.a", "c.b._mean"]),
        (
            "c = torch.utils.data.TensorDataset(torch.ones(1), torch.ones(1))",
            ["c.tensors[0]", "c.tensors[1]"],
        ),
        ("c = Masked()", ["c.mask", "c.seen[0]", "c.lin.weight"]),
        (
            "c = Masked(); c.seen.append(c); c.seen.append(c.lin)",
            ["c.mask", "c.seen[0]", "c.seen[2].weight", "c.lin.weight"],
        ),
        ("c = Trainer(0); c.history = c; c.other = [c]", ["c._mean"]),
        ("c = [nn.Linear(1, 1, bias=False)]", ["c[0].weight"]),
        ("c = [torch.ones(1, requires_grad=True)]; c[0].sum().backward()", ["c[0]", "c[0].grad"]),
        ("c = {2.5: torch.ones(1), None: torch.ones(1), b'k': torch.ones(1)}", []),
        ("c = {'k' * 100: torch.ones(1)}", []),
        ("c = {torch.ones(1)}", []),
        ("c = []; c.append(c); c.append({'back': c, 'x': torch.ones(1)})", ['c[1]["x"]']),
        ("c = torch.ones(2, 3).shape", []),
    ],
)
def test_paths(code, expected):
    f = Followed(nn=nn, Pair=Pair, Record=Record, Slotted=Slotted)
    f.namespace.update(OrderedDict=OrderedDict, defaultdict=defaultdict, deque=deque)
    f.namespace.update({each.__name__: each for each in MINE}, SimpleNamespace=SimpleNamespace)
    f.run(code)
    assert names(f) == expected
    values = find(f.namespace, expected)
    for path, value in zip(expected, values, strict=True):
        assert eval(path, f.namespace) is value
        facts = f.snapshot.tensors[path]
        assert facts.shape == tuple(value.shape)
        assert facts.data_ptr == (value.ctypes.data if isinstance(value, np.ndarray) else value.data_ptr())


def test_views_of_what_containers_hold_have_the_same_block():
    f = Followed()
    f.run("batch = {'x': torch.ones(4), 'y': torch.ones(2)}")
    f.run("b = batch['x'][:2]")
    tensors = f.snapshot.tensors
    assert tensors["b"].block == tensors['batch["x"]'].block != tensors['batch["y"]'].block
    assert f.snapshot.sharing == (('batch["x"]', "b"),)
    assert f.changes("b[0] = 7") == {'batch["x"]': "written", "b": "written"}
    assert f.block("b").written == ((0, 1),)
    assert preview(f.namespace, 1, 'batch["x"]', (1, 1, 4)).texts == ("7.", "1.", "1.", "1.")


def test_graphs_prefer_names_and_are_those_of_names_unless_asked():
    f = Followed()
    f.run("held = [torch.ones(2, requires_grad=True)]; w = held[0]; held.append((w * 2).sum()); y = w + 1")
    assert list(describe_graphs(f.namespace, None, 100)) == ["y"]
    graph = describe_graphs(f.namespace, ["held[1]"], 100)["held[1]"]
    assert [node.variable for node in graph.nodes if node.name == "AccumulateGrad"] == ["w"]


def test_a_long_list_does_not_take_the_values_of_others():
    f = Followed()
    f.run("x = torch.ones(2); pair = (torch.zeros(1), torch.zeros(1))")
    f.run("l = [torch.ones(1) for _ in range(90)]")
    assert f.block("x").values == ("1.", "1.")
    assert f.block("pair[1]").values == ("0.",)
    assert f.block("l[0]").values == ("1.",)


# ── optimizers and objects ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("make", "kept"),
    [
        ("SGD([w, *lin.parameters()], 0.1, momentum=0.9)", {"momentum_buffer"}),
        ("Adam([w, *lin.parameters()])", {"step", "exp_avg", "exp_avg_sq"}),
        ("AdamW([{'params': [w]}, {'params': lin.parameters()}])", {"step", "exp_avg", "exp_avg_sq"}),
        ("RMSprop([w, *lin.parameters()], 0.1)", {"step", "square_avg"}),
        ("Adagrad([w, *lin.parameters()], 0.1)", {"step", "sum"}),
    ],
)
def test_what_an_optimizer_keeps_is_spelled_by_the_learners_names(make, kept):
    f = Followed(nn=nn)
    f.run("w = torch.ones(2, requires_grad=True); lin = nn.Linear(2, 1)")
    f.run(f"opt = torch.optim.{make}")
    f.run("lin(w).sum().backward()")
    changes = f.changes("opt.step()")
    owners = ("w", "lin.weight", "lin.bias")
    state = [f'opt.state[{owner}]["{what}"]' for owner in owners for what in kept]
    assert {path for path in changes if path.startswith("opt")} == set(state)
    for path, value in zip(state, find(f.namespace, state), strict=True):
        assert eval(path, f.namespace) is value, path
        assert f.snapshot.tensors[path].data_ptr == value.data_ptr()
    assert f.take().tensors == ()
    written = f.changes("opt.step()")
    assert {path for path in written if path.startswith("opt")} == set(state)
    assert set(written.values()) == {"written"}


def test_parameters_without_a_name_go_by_their_number():
    f = Followed()
    f.run("opt = torch.optim.SGD([torch.ones(1, requires_grad=True) for _ in 'ab'], 0.1, momentum=0.9)")
    f.run("sum(opt.param_groups[0]['params']).backward(); opt.step()")
    expected = [f'opt.state[{number}]["momentum_buffer"]' for number in (0, 1)]
    assert names(f) == expected
    assert None not in find(f.namespace, expected)


def test_a_model_with_a_name_of_its_own_is_not_shown_again_inside_objects():
    f = Followed(nn=nn, Trainer=Trainer)
    f.run("model = nn.Linear(1, 1); opt = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)")
    f.run("t = Trainer(model); t.opt = opt; s = torch.optim.lr_scheduler.StepLR(opt, 1)")
    assert names(f) == ["model.weight", "model.bias", "t._mean"]
    f.run("del model")
    assert names(f) == ["t.history.weight", "t.history.bias", "t._mean"]


def test_what_the_budget_leaves_out_of_an_optimizer_is_counted():
    f = Followed()
    f.run("ws = tuple(torch.ones(1, requires_grad=True) for _ in range(1500)); opt = torch.optim.Adam(ws)")
    f.run("sum(ws).backward(); opt.step(); del ws")
    shown = len(f.snapshot.tensors)
    assert 0 < shown <= MAX_CONTAINED
    assert shown + f.snapshot.unshown == 3 * 1500


def test_objects_and_optimizers_keep_nothing_alive():
    f = Followed(Trainer=Trainer)
    f.run(
        "w = torch.ones(1, requires_grad=True); opt = torch.optim.Adam([w]); w.sum().backward(); opt.step()"
    )
    f.run("t = Trainer([torch.ones(1)])")
    held = [weakref.ref(f.namespace[name]) for name in ("w", "opt", "t")]
    held += [weakref.ref(value) for value in f.namespace["opt"].state[f.namespace["w"]].values()]
    held.append(weakref.ref(f.namespace["t"].history[0]))
    f.run("del w, opt, t")
    gc.collect()
    assert [reference() for reference in held] == [None] * len(held)


# ── changes ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mention", [True, False])
def test_kinds_of_change(mention):
    f = Followed()
    f.run("d = {}; l = []; again = iter([d, l])")

    def changes(code: str) -> dict[str, str]:
        return f.changes(code, mention=mention)

    assert changes("d['x'] = torch.ones(2)") == {'d["x"]': "new"}
    assert changes("d['x'] = torch.ones(2)") == {'d["x"]': "rebound"}
    assert changes("d['x'].add_(1)") == {'d["x"]': "written"}
    assert changes("d['x'].requires_grad_()") == {'d["x"]': "altered"}
    assert changes("d['x'] = 3") == {'d["x"]': "deleted"}
    assert changes("d['x'] = {'in': torch.ones(1)}") == {'d["x"]["in"]': "new"}
    assert changes("d['x'].clear()") == {'d["x"]["in"]': "deleted"}
    assert changes("l.append(torch.ones(1))") == {"l[0]": "new"}
    assert changes("l.insert(0, torch.ones(2))") == {"l[0]": "rebound", "l[1]": "new"}
    assert changes("l.pop()") == {"l[1]": "deleted"}
    assert changes("l = 5") == {"l[0]": "deleted"}
    assert changes("d = torch.ones(2)") == {"d": "new"}
    assert changes("d = [d]") == {"d[0]": "new"}
    assert changes("pass") == {}


def test_numpy_can_resize_arrays_in_containers():
    f = Followed()
    f.run("d = {'a': np.ones(4)}")
    before = f.snapshot.tensors['d["a"]'].object
    f.snapshots.prepare({"d", "resize"})
    f.run("d['a'].resize(6, refcheck=True)")
    assert f.snapshot.tensors['d["a"]'].shape == (6,)
    assert f.snapshot.tensors['d["a"]'].object == before


OPERATIONS = st.sampled_from(
    [
        "d['a'] = torch.ones(2)",
        "d['b'] = l",
        "d['n'] = {'m': x, 'k': [1, x]}",
        "d[3] = x[:1]",
        "d[(1, 'a')] = np.ones(2)",
        "d.pop('a', None)",
        "d.clear()",
        "d.update(d2)",
        "d2 = dict(d)",
        "d2 = d",
        "l.append(x)",
        "l.append(torch.zeros(1))",
        "l.append(d)",
        "l.append(t)",
        "l.insert(0, torch.zeros(3))",
        "l.pop() if l else None",
        "l.reverse()",
        "l[:] = l[1:]",
        "l[-1:] = [7]",
        "l = list(l)",
        "t = (x, l)",
        "t = (torch.ones(1), 2, {'z': torch.ones(1)})",
        "t = 5",
        "x = torch.ones(4)",
        "x.add_(1)",
        "[each.mul_(2) for each in l if type(each) is torch.Tensor]",
        "p = Pair(x, t)",
        "p = p._replace(left=torch.ones(1))",
        "r.logits = x",
        "r.hidden = l",
        "r.more.append(x)",
        "r = Record()",
        "l = [x, x]",
        "o = OrderedDict(d2); o['q'] = x",
        "del o['q']",
        "o = OrderedDict(q=x * 2)",
        "gc.collect()",
    ]
)


def walk(path: str, value: Any, above: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Every tensor and array below `value` by path: the slow and plain way."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return {path: value}
    if type(value) in (list, tuple):
        entries = [(f"[{at}]", each) for at, each in enumerate(value)]
    elif type(value) in (dict, OrderedDict):
        entries = [(f"[{key!r}]".replace("'", '"'), each) for key, each in value.items()]
    elif isinstance(value, Pair | Record):
        fields = value._asdict() if isinstance(value, Pair) else vars(value)
        entries = [(f".{key}", each) for key, each in fields.items()]
    else:
        return {}
    if any(value is each for each in above) or len(above) == 3:
        return {}
    found: dict[str, Any] = {}
    for suffix, each in entries:
        found |= walk(path + suffix, each, (*above, value))
    return found


def truth(f: Followed) -> dict[str, tuple[Any, Any, int]]:
    found: dict[str, Any] = {}
    for name in ("d", "d2", "l", "t", "x", "p", "r", "o"):
        found |= walk(name, f.namespace[name])
    return {
        path: (value, tuple(value.shape), value._version if isinstance(value, torch.Tensor) else 0)
        for path, value in found.items()
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(OPERATIONS, st.booleans()), max_size=25))
def test_any_operations_give_what_a_plain_walk_finds(operations):
    f = Followed(Pair=Pair, Record=Record, OrderedDict=OrderedDict, gc=gc)
    f.run(
        "x = torch.ones(3); d = {}; d2 = {}; l = []; t = 0; p = Pair(x, 1); r = Record(); o = OrderedDict()"
    )
    before = truth(f)
    objects: dict[int, Any] = {}
    for code, mention in operations:
        changes = {}
        try:
            changes = f.changes(code, mention=mention)
        except KeyError:
            f.take()
        after = truth(f)
        tensors = f.snapshot.tensors
        assert set(tensors) == set(after), code
        for path, (value, shape, version) in after.items():
            assert tensors[path].shape == shape
            assert tensors[path].version == (version if isinstance(value, torch.Tensor) else None)
            assert objects.setdefault(tensors[path].object, value) is value, "one number for two objects"
        for path in {*before, *after}:
            if path not in before:
                assert changes.pop(path) == "new"
            elif path not in after:
                assert changes.pop(path) in ("deleted", "rebound")
            elif before[path][0] is not after[path][0]:
                assert changes.pop(path) == "rebound"
            elif before[path][2] != after[path][2]:
                assert changes.pop(path) == "written"
        assert changes == {}, code
        before = after
    fresh = apply(Snapshot(), Snapshots(f.namespace, frozenset({"__builtins__"})).take())
    assert list(fresh.tensors) == list(f.snapshot.tensors)
    assert sorted(map(sorted, fresh.sharing)) == sorted(map(sorted, f.snapshot.sharing))
