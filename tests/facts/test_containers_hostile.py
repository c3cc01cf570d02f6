"""Containers that are hostile or too big: nobody's code runs, and nothing is kept."""

from __future__ import annotations

import weakref
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from facts.held import Pair, Record, names
from facts.truth import Followed, read_everything
from torch import nn

from tutor.kernel.names import MAX_CONTAINED, MAX_IN_ONE, MAX_LOOKS_FOR_ONE

# ── hostile containers ───────────────────────────────────────────────────────

CALLS: list[str] = []


def refuse(*_args, **_kwargs):
    CALLS.append("called")
    raise RuntimeError("the learner's code ran")


DUNDERS = [
    "__getattribute__", "__getattr__", "__repr__", "__eq__", "__bool__", "__len__", "__iter__", "__getitem__",
    "__contains__", "__dir__", "keys", "values", "items", "get", "_asdict", "__reversed__",
]  # fmt: skip


@pytest.mark.parametrize("base", [list, dict, tuple, OrderedDict, defaultdict, Pair])
def test_subclasses_whose_every_method_raises(base):
    CALLS.clear()
    cls = type("Hostile", (base,), dict.fromkeys(DUNDERS, refuse))
    made = (torch.ones(1), torch.ones(1)) if base is Pair else ()
    hostile = base.__new__(cls, *made)
    if issubclass(base, list):
        list.append(hostile, torch.ones(1))
    if issubclass(base, dict):
        dict.__setitem__(hostile, "x", torch.ones(1))
    f = Followed(hostile=hostile, inside=[hostile, {"deeper": hostile}], x=torch.ones(2))
    read_everything(f)
    expected = ["hostile.left", "hostile.right"] if base is Pair else []
    assert [name for name in names(f) if not name.startswith("inside")] == [*expected, "x"]
    assert CALLS == []


class HostileKey:
    __eq__ = __repr__ = __str__ = __index__ = refuse  # type: ignore[assignment]
    __hash__ = object.__hash__


class HostileText(str):
    __eq__ = __repr__ = __str__ = __len__ = __format__ = refuse  # type: ignore[assignment]
    __hash__ = str.__hash__
    __slots__ = ()


def test_hostile_keys_and_fields():
    CALLS.clear()

    class Meta(type):
        pass

    @dataclass(repr=False, eq=False)
    class Fields(metaclass=Meta):
        given: Any
        guarded: Any

        @property  # type: ignore[no-redef]
        def guarded(self):
            return refuse()

        @guarded.setter
        def guarded(self, value):
            pass

        __getattr__ = refuse

    Meta.__eq__ = Meta.__instancecheck__ = Meta.__subclasscheck__ = Meta.__hash__ = refuse  # type: ignore[assignment]

    class Lying(Pair):
        left = property(refuse)

    f = Followed(
        keys={HostileKey(): torch.ones(1), HostileText("text"): torch.ones(1), "x": torch.ones(1)},
        fields=Fields(torch.ones(1), torch.ones(1)),
        lying=tuple.__new__(Lying, (torch.ones(1), torch.ones(1))),
        factory=defaultdict(refuse, a=torch.ones(1)),
    )
    read_everything(f)
    assert names(f) == ['keys["x"]', "fields.given", 'factory["a"]']
    assert f.snapshot.beyond == {"keys": 2}
    assert CALLS == []


@pytest.mark.parametrize("slots", [True, False])
def test_objects_whose_every_hook_raises(slots):
    CALLS.clear()
    body = dict.fromkeys([*DUNDERS, "__hash__", "__setattr__", "__delattr__", "__class__"], property(refuse))
    body |= {"guarded": property(refuse), "__getattribute__": refuse, "__getattr__": refuse}
    body |= {"__module__": "__main__"} | ({"__slots__": ("kept", "unset")} if slots else {})
    hostile = object.__new__(type("Hostile", (), body))
    object.__setattr__(hostile, "kept", [torch.ones(1)])
    if not slots:
        object.__getattribute__(hostile, "__dict__")["guarded"] = torch.ones(1)
        object.__getattribute__(hostile, "__dict__")[HostileText("kept2")] = torch.ones(1)
    f = Followed(hostile=hostile, inside=[hostile])
    read_everything(f)
    assert names(f) == ["hostile.kept[0]", "inside[0].kept[0]"]
    assert CALLS == []


# ── budgets, and nothing kept ────────────────────────────────────────────────


def test_what_a_big_container_holds_beyond_its_share_is_counted():
    f = Followed()
    f.run("l = [torch.ones(1) for _ in range(10_000)]")
    assert len(f.snapshot.tensors) == MAX_IN_ONE
    assert f.snapshot.beyond == {"l": 10_000 - MAX_IN_ONE}
    assert f.changes("l.append(torch.ones(1))", mention=False) == {}
    assert f.snapshot.beyond == {"l": 10_001 - MAX_IN_ONE}
    assert f.changes("l[3] = torch.ones(2)") == {"l[3]": "rebound"}
    assert f.changes("del l[50:]") == {f"l[{at}]": "deleted" for at in range(50, MAX_IN_ONE)}
    assert (f.snapshot.beyond, len(f.snapshot.tensors)) == ({}, 50)


def test_a_dictionary_beyond_its_share_says_nothing_false():
    f = Followed()
    f.run("d = {n: torch.ones(1) for n in range(150)}")
    changes = f.changes("del d[3]")  # d[100] comes into view, and d[3] may have gone beyond
    assert "d[100]" in f.snapshot.tensors
    assert changes == {}
    assert f.snapshot.beyond == {"d": 49}


def test_all_containers_together_have_a_budget():
    f = Followed()
    f.run("big = {n: [[torch.ones(1) for _ in range(40)] for _ in range(20)] for n in 'abc'}")
    f.run("a, b, c = big['a'], big['b'], big['c']; big = None")
    f.run("x = torch.ones(1); late = {'x': torch.ones(1)}")
    assert len(f.snapshot.tensors) == MAX_CONTAINED + 1
    assert f.snapshot.beyond["late"] == 1
    assert f.snapshot.unshown + len(f.snapshot.tensors) == 3 * 20 * 40 + 2
    f.run("a = b = None")
    assert f.changes("c = None; x.add_(1)")["x"] == "written"
    assert names(f) == ["x", 'late["x"]']
    assert f.snapshot.beyond == {}


def test_variables_and_modules_are_not_crowded_out():
    f = Followed(nn=nn)
    f.run("big = [[torch.ones(1) for _ in range(40)] for _ in range(50)]")
    f.run("layers = [nn.Linear(1, 1) for _ in range(40)]; m = nn.Linear(1, 1); x = torch.ones(1)")
    assert {"m.weight", "m.bias", "x"} <= set(names(f))
    assert f.snapshot.omitted == 0


def test_many_small_containers_are_searched_up_to_a_limit():
    f = Followed()
    f.run(f"l = [[n] for n in range({2 * MAX_LOOKS_FOR_ONE})]; l[3].append(torch.ones(1))")
    assert names(f) == ["l[3][1]"]
    f.run("other = {'x': torch.ones(1)}")
    assert 'other["x"]' in names(f)


def test_a_long_list_of_numbers_holds_nothing():
    f = Followed()
    f.run("l = list(range(100_000)); d = dict.fromkeys(range(100_000)); x = torch.ones(1)")
    assert names(f) == ["x"]
    assert f.changes("l[5] = x", mention=False) == {"l[5]": "new"}


def test_nothing_in_a_container_is_kept_alive():
    f = Followed(Record=Record)
    f.run("d = {'x': torch.ones(2), 'l': [torch.ones(1), np.ones(3)]}; r = Record(torch.ones(1))")
    f.take(["d", "r"])
    d, r = f.namespace["d"], f.namespace["r"]
    gone = [weakref.ref(each) for each in (d["x"], d["l"][0], d["l"][1], r.logits)]
    d.clear()
    r.logits = None
    del d, r
    assert [ref() for ref in gone] == [None] * 4
    assert {change.kind for change in f.take().changes} == {"deleted"}
    assert names(f) == []
