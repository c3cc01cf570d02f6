"""What each statement did: changes, blocks, written elements, values, budgets, and deltas that add up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from facts import truth
from facts.truth import Followed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tutor.facts import Snapshot, SnapshotDelta, apply
from tutor.kernel.identity import allow_swap_tensors
from tutor.kernel.namespace import Snapshots


def test_kinds_of_change():
    f = Followed()
    assert f.changes("x = torch.arange(6.)") == {"x": "new"}
    assert f.changes("v = x.view(2, 3)") == {"v": "new"}
    assert f.changes("v[0, 0] = 9") == {"x": "written", "v": "written"}
    assert f.changes("x.requires_grad_()") == {"x": "altered", "v": "altered"}  # v is its view
    assert f.changes("x = torch.arange(6.)") == {"x": "rebound"}
    assert f.changes("y = 3") == {}
    assert f.changes("del v") == {"v": "deleted"}
    assert f.changes("x = 'text'") == {"x": "rebound"}
    assert f.snapshot.tensors == {}


@pytest.mark.parametrize("mention", [True, False])
def test_changes_are_seen_whether_or_not_the_statement_names_them(mention):
    f = Followed()
    f.run("x = torch.zeros(3); w = torch.ones(2, requires_grad=True); a = np.zeros(2); p = iter([x, w, a])")
    assert f.changes("x.add_(1)", mention=mention) == {"x": "written"}
    assert f.changes("x.data[1] = 5", mention=mention) == {"x": "written"}
    assert f.changes("a[0] = 1", mention=mention) == {"a": "written"}
    assert f.changes("x.requires_grad = True", mention=mention) == {"x": "altered"}
    assert f.changes("w.data = torch.zeros(2)", mention=mention) == {"w": "written"}
    assert f.changes("a.shape = (2, 1)", mention=mention) == {"a": "altered"}
    assert f.changes("(w * 2).sum().backward()", mention=mention) == {"w": "altered", "w.grad": "new"}
    assert f.changes("w.grad.zero_()", mention=mention) == {"w.grad": "written"}
    assert f.changes("w.grad = None", mention=mention) == {"w": "altered", "w.grad": "deleted"}
    assert f.changes("pass", mention=mention) == {}


def test_an_optimizer_step_writes_the_parameters():
    f = Followed(nn=nn)
    f.run("lin = nn.Linear(2, 1); opt = torch.optim.SGD(lin.parameters(), 0.1)")
    f.run("lin(torch.ones(1, 2)).sum().backward()")
    assert f.changes("opt.step()") == {"lin.weight": "written", "lin.bias": "written"}
    assert f.changes("opt.zero_grad()") == {
        "lin.weight": "altered",
        "lin.weight.grad": "deleted",
        "lin.bias": "altered",
        "lin.bias.grad": "deleted",
    }


def both(path: str, kind: str) -> dict[str, str]:
    """A change of `m`'s part, which is also that of `hold[0]`."""
    return {path: kind, path.replace("m", "hold[0]", 1): kind}


def test_modules_that_change_shape_are_followed():
    f = Followed(nn=nn)
    f.run("m = nn.Linear(2, 1); hold = [m]")
    assert f.changes("hold[0].extra = nn.Parameter(torch.ones(1))") == both("m.extra", "new")
    assert f.changes("hold[0].bias = None") == both("m.bias", "deleted")
    assert f.changes("hold[0].double()") == both("m.weight", "altered") | both("m.extra", "altered")


def test_a_value_that_becomes_a_tensor_is_new():
    f = Followed()
    f.run("x = 3")
    assert f.changes("x = torch.ones(1)") == {"x": "new"}


def test_replacing_a_plain_value_is_seen_without_mention():
    f = Followed()
    f.run("x = [1]")
    f.take()
    f.namespace["x"] = torch.ones(1)
    assert [(c.name, c.kind) for c in f.take().changes] == [("x", "new")]


def test_nothing_new_is_an_empty_delta():
    f = Followed()
    f.run("x = torch.ones(2); a = np.ones(2); w = torch.ones(1, requires_grad=True)")
    f.take()
    assert f.take() == SnapshotDelta()
    assert f.take(["x", "a", "w", "missing"]) == SnapshotDelta()


def test_order_is_that_of_the_namespace():
    f = Followed()
    f.run("b = torch.ones(1, requires_grad=True); a = np.ones(1); b.sum().backward()")
    assert list(f.snapshot.tensors) == ["b", "b.grad", "a"]
    f.run("del b; b = torch.ones(1)")
    assert list(f.snapshot.tensors) == ["a", "b"]


def test_numbers_are_never_used_again():
    f = Followed()
    seen = set()
    for _ in range(20):
        f.run("x = torch.ones(3)")
        facts = f.snapshot.tensors["x"]
        seen.add((facts.object, facts.storage, facts.block))
        f.run("del x")
    assert len(seen) == 20
    assert [number for number, _, _ in sorted(seen)] == list(range(1, 21))


def test_blocks_are_numbered_by_first_sight_and_temporaries_take_none():
    f = Followed()
    f.run("a = torch.ones(2); b = torch.ones(2); v = a[1:]")
    f.run("(a * 2).sum()")
    f.run("c = a + b")
    assert {n: t.block for n, t in f.snapshot.tensors.items()} == {"a": 1, "b": 2, "v": 1, "c": 3}


def test_a_group_keeps_the_block_of_its_survivors():
    f = Followed()
    f.run("a = np.zeros(4)")
    f.run("t = torch.from_numpy(a)")
    f.run("del a")
    assert f.snapshot.tensors["t"].block == 1
    f.run("s = t[2:]; t = None")
    assert f.snapshot.tensors["s"].block == 1


def test_memory_that_lost_its_name_for_a_while_keeps_its_block():
    f = Followed()
    f.run("x = torch.ones(2); held = [x]")
    f.run("del x")
    f.run("y = torch.ones(2)")
    f.run("z = held[0]")
    assert (f.snapshot.tensors["z"].block, f.snapshot.tensors["y"].block) == (1, 2)


def test_groups_that_split_have_two_blocks():
    f = Followed()
    f.run("a = np.zeros(8); left = a[:4]; right = a[4:]; del left, right; left, right = a[:4], a[4:]")
    assert {t.block for t in f.snapshot.tensors.values()} == {1}
    f.run("del a")
    assert [f.snapshot.tensors[n].block for n in ("left", "right")] == [1, 2]


def test_reset_counts_from_one_again():
    f = Followed()
    f.run("x = torch.ones(2)")
    f.snapshots.reset()
    f.snapshot = Snapshot()
    f.namespace["y"] = f.namespace.pop("x")
    f.take()
    facts = f.snapshot.tensors["y"]
    assert (facts.object, facts.storage, facts.block) == (1, 1, 1)


def test_swapping_tensors_still_works(monkeypatch):
    monkeypatch.setattr(torch.utils, "swap_tensors", torch.utils.swap_tensors)
    allow_swap_tensors()
    f = Followed()
    f.run("a = torch.zeros(2); b = torch.ones(3)")
    before = f.snapshot.tensors
    f.run("torch.utils.swap_tensors(a, b)")
    after = f.snapshot.tensors
    assert (after["a"].shape, after["b"].shape) == ((3,), (2,))
    assert (after["a"].object, after["b"].object) == (before["a"].object, before["b"].object)


def test_a_new_block_was_written_in_full_and_then_not():
    f = Followed()
    f.run("x = torch.zeros(3)")
    assert f.block("x").written == ((0, 3),)
    f.run("pass")
    assert f.block("x").written == ()


@pytest.mark.parametrize(
    "code", ["x[1] = 5", "x.data[1] = 5", "a[1] = 5", "v[0] = 5", "x.numpy()[1] = 5", "x.detach()[1] = 5"]
)
def test_written_elements_are_found_whoever_writes(code):
    f = Followed()
    f.run("x = torch.zeros(4); a = x.numpy(); v = x[1:]")
    f.run(code)
    assert f.block("x").written == ((1, 2),)
    assert f.block("x").values == ("0.", "5.", "0.", "0.")


def test_a_name_is_written_only_where_its_elements_are():
    f = Followed()
    f.run("x = np.zeros(6); even = x[::2]; odd = x[1::2]")
    assert f.changes("x[1] = 5", mention=False) == {"x": "written", "odd": "written"}


def test_what_a_large_storage_wrote_is_unknown():
    f = Followed()
    f.run("x = torch.zeros(2_000_000); head = x.numpy()[:5]; tail = x.numpy()[-5:]")
    assert (f.block("x").values, f.block("x").written) == (None, ((0, 2_000_000),))
    assert f.changes("x[:3].add_(1)") == {"x": "written", "head": "written", "tail": "written"}
    assert f.block("x").written is None
    f.run("pass")
    assert f.block("x").written == ()
    assert not f.block("x").compared


def test_writes_that_no_version_counts_are_seen_in_larger_storages_too():
    f = Followed()
    f.run(
        "x = torch.zeros(10_000); head = x.numpy()[:5]; tail = x.numpy()[-5:]; alone = torch.ones(300, 300)"
    )
    assert f.block("x").compared
    assert f.changes("x.data[2] = 1") == {"x": "written", "head": "written"}
    assert f.block("x").written is None
    assert f.changes("tail[-1] = 7") == {"x": "written", "tail": "written"}
    assert f.changes("alone.data.mul_(2)") == {"alone": "written"}
    assert f.changes("alone.data.mul_(1); x.data[2] = 1") == {}
    f.run("pass")
    assert (f.block("x").written, f.block("alone").written) == ((), ())


def test_what_is_kept_of_large_storages_has_an_end():
    f = Followed()
    f.run("many = [torch.ones(500_000) for _ in range(12)]")
    kept = [f.block(f"many[{at}]").compared for at in range(12)]
    assert kept == [True] * 8 + [False] * 4
    f.run("del many[:4]")
    assert all(f.block(f"many[{at}]").compared for at in range(8))


def test_bytes_that_come_into_view_were_not_written():
    f = Followed()
    f.run("whole = np.zeros(8); a = whole[2:]; held = [whole]; del whole")
    f.run("whole = held[0]")
    assert f.block("whole").written == ()
    f.run("whole[0] = 1")
    assert f.block("whole").written == ((0, 1),)


@pytest.mark.parametrize(
    ("tensor", "values"),
    [
        (torch.tensor([0.0, 9.0, -1.5, 1e10, float("nan"), float("inf"), float("-inf"), 0.1, -0.0]),
         ("0.", "9.", "-1.5", "1e+10", "nan", "inf", "-inf", "0.1", "-0.")),
        (torch.tensor([1 / 3, -12345.678, 1234.56, -1.5e-5, -1.23e-7]),
         ("0.3333", "-12346.", "1234.6", "-1.5e-05", "-1.2e-07")),
        (torch.tensor([True, False]), ("True", "False")),
        (torch.tensor([3, -7, 10**12]), ("3", "-7", "1.0e+12")),
        (torch.tensor([1 + 2j, -1.5j]), ("1+2j", "0-1.5j")),
        (torch.tensor([1.5, -2.0], dtype=torch.bfloat16), ("1.5", "-2.")),
        (torch.tensor([1.5, -2.0], dtype=torch.float16), ("1.5", "-2.")),
        (torch.tensor([7], dtype=torch.uint8), ("7",)),
        (np.array([1, 2], dtype=">i4"), ("1", "2")),
        (np.array([True]), ("True",)),
        (np.array(["a"]), None),
    ],
)  # fmt: skip
def test_values_are_short_texts(tensor, values):
    f = Followed(x=tensor)
    f.take()
    assert f.block("x").values == values


FLOAT8 = ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"]


@pytest.mark.parametrize("name", [n for n in FLOAT8 if hasattr(torch, n)])
def test_every_float8_code_is_decoded_as_torch_does(name):
    codes = torch.arange(256, dtype=torch.uint8)
    expected = codes.view(getattr(torch, name)).to(torch.float32).tolist()
    for start in range(0, 256, 64):
        f = Followed(x=codes[start : start + 64].clone().view(getattr(torch, name)))
        f.take()
        for text, value in zip(f.block("x").values or (), expected[start : start + 64], strict=True):
            assert float(text) == pytest.approx(value, rel=0.05, nan_ok=True)


def test_values_need_a_small_block():
    f = Followed()
    f.run("x = torch.zeros(64); y = torch.zeros(65); v = torch.zeros(100)[:3]")
    assert f.block("x").values == ("0.",) * 64
    assert f.block("y").values is None
    assert f.block("v").values is None


def test_at_most_a_thousand_names_changed_first_then_newest():
    f = Followed(**{f"t{i}": torch.ones(1) for i in range(1_500)})
    f.take()
    assert len(f.snapshot.tensors) == 1_000
    assert f.snapshot.omitted == 500
    assert list(f.snapshot.tensors) == [f"t{i}" for i in range(500, 1_500)]
    delta = f.run("t0 = torch.zeros(2)")
    assert [(c.name, c.kind) for c in delta.changes] == [("t0", "rebound")]
    assert f.snapshot.tensors["t0"].shape == (2,)
    assert len(f.snapshot.tensors) == 1_000
    assert "t500" not in f.snapshot.tensors
    assert f.snapshot.omitted == 500


def test_a_variable_that_comes_within_the_budget_is_not_new():
    f = Followed(**{f"t{i}": torch.ones(1) for i in range(1_001)})
    f.take()
    assert "t0" not in f.snapshot.tensors
    assert f.changes("del t1") == {"t1": "deleted"}
    assert "t0" in f.snapshot.tensors
    assert f.snapshot.omitted == 0


def test_a_huge_namespace_is_counted():
    f = Followed(x=torch.ones(1), **{f"n{i}": i for i in range(20_000)})
    f.take()
    assert f.snapshot.tensors == {}
    assert f.snapshot.omitted == 1
    f.run("x.add_(1)")
    assert set(f.snapshot.tensors) == {"x"}
    assert f.snapshot.omitted == 0
    assert f.changes("x.add_(1)", mention=False) == {"x": "written"}
    assert f.changes("y = torch.ones(1)", mention=False) == {"y": "new"}
    assert f.changes("del x") == {"x": "deleted"}


NAMES = st.sampled_from("abc")
STATEMENTS = st.one_of(
    st.builds("{} = torch.zeros(2, 3)".format, NAMES),
    st.builds("{} = np.zeros(6)".format, NAMES),
    st.builds("{} = {}".format, NAMES, NAMES),
    st.builds("{} = {}[1:]".format, NAMES, NAMES),
    st.builds("{} = torch.as_tensor({})".format, NAMES, NAMES),
    st.builds("{} = {}.numpy()".format, NAMES, NAMES),
    st.builds("{} = {}.T".format, NAMES, NAMES),
    st.builds("{}[0] = 7".format, NAMES),
    st.builds("{}.data[0] = 8".format, NAMES),
    st.builds("{}.requires_grad_()".format, NAMES),
    st.builds("({} * 1.5).sum().backward()".format, NAMES),
    st.builds("{} = 5".format, NAMES),
    st.builds("del {}".format, NAMES),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(STATEMENTS, st.booleans()), max_size=12))
def test_deltas_add_up_to_what_a_fresh_reading_says(statements):
    f = Followed()
    for code, mention in statements:
        try:
            f.run(code, mention=mention)
        except Exception:  # the statement made no sense here; what it left is looked at all the same
            f.take()
        fresh = apply(Snapshot(), Snapshots(f.namespace, frozenset({"__builtins__"})).take())
        assert list(f.snapshot.tensors) == list(fresh.tensors)
        assert f.snapshot.sharing == fresh.sharing
        for name, facts in fresh.tensors.items():
            kept = f.snapshot.tensors[name]
            assert (kept.shape, kept.stride, kept.version, kept.grad, kept.requires_grad, kept.data_ptr) == (
                facts.shape, facts.stride, facts.version, facts.grad, facts.requires_grad, facts.data_ptr,
            )  # fmt: skip
        values = {name: f.namespace[name] for name in fresh.tensors if "." not in name}
        shown = {frozenset(n for n in group if "." not in n) for group in f.snapshot.sharing}
        assert {group for group in shown if len(group) > 1} == truth.groups(values)
        by_residents = {s.residents: s.values for s in fresh.storages.values()}
        assert {s.residents: s.values for s in f.snapshot.storages.values()} == by_residents
        assert [s.residents for s in f.snapshot.storages.values()] == list(by_residents)


def test_a_tensor_at_the_address_of_a_dead_one_is_another():
    f = Followed(x=torch.ones(1, device="meta"))  # which always has address 0
    f.take()
    reused = 0
    for _ in range(50):
        f.take()
        before = id(f.namespace["x"])
        del f.namespace["x"]
        f.namespace["x"] = torch.ones(1, device="meta")
        reused += id(f.namespace["x"]) == before
        assert [(c.name, c.kind) for c in f.take().changes] == [("x", "rebound")]
    assert reused > 0


def test_a_tensor_at_the_address_of_a_dead_plain_value_is_seen():
    slots = (torch.Tensor.__basicsize__ - object.__basicsize__) // 8 - 1
    base = type("Base", (), {"__slots__": tuple(f"s{i}" for i in range(slots))})
    plain = type("Plain", (base,), {})  # as large as a tensor, with a dictionary as tensors have
    if plain.__basicsize__ != torch.Tensor.__basicsize__:
        pytest.skip("this Python lays objects out otherwise")
    f = Followed()
    for _ in range(200):
        f.namespace["x"] = plain()
        f.take()
        before = id(f.namespace["x"])
        del f.namespace["x"]
        f.namespace["x"] = torch.ones(1)
        if id(f.namespace["x"]) == before:
            break
        f.take()
    else:
        pytest.skip("no tensor came to lie where a plain value was")
    assert [(c.name, c.kind) for c in f.take().changes] == [("x", "new")]


def test_a_module_without_tensors_is_followed():
    f = Followed(nn=nn)
    f.run("m = nn.Identity(); hold = [m]")
    f.take()
    changes = f.changes("hold[0].extra = nn.Parameter(torch.ones(1))", mention=False)
    assert changes == both("m.extra", "new")
