"""Checks look at what the code did, not at how it is written; and each fact says what torch says."""

from __future__ import annotations

import ast
from textwrap import indent
from typing import Any

import pytest
import torch
from course.learner import Class, classroom  # noqa: F401
from course.test_checks import FACTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FEW = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
MANY = settings(FEW, max_examples=40)

# ── the same, written differently ────────────────────────────────────────────


def _by_way_of(code: str) -> str:
    """What is assigned goes by way of another name."""
    lines = []
    for number, node in enumerate(ast.parse(code).body):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                lines += [f"middle{number} = {ast.unparse(value)}", f"{name} = middle{number}"]
            case _:
                lines.append(ast.unparse(node))
    return "\n".join(lines)


def _in_function(code: str) -> str:
    tree = ast.parse(code)
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    names = {node.id for node in found if isinstance(node.ctx, ast.Store)}
    names |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    told = f"    global {', '.join(sorted(names))}\n" if names else ""
    return f"def do():\n{told}{indent(code, '    ')}\ndo()"


def _among_other_work(code: str) -> str:
    return f"other = torch.ones(3) * 2\nother += 1\n{code}\nrest = other[1:] + 0\ndel other"


WAYS = {
    "by way of another name": _by_way_of,
    "in a function": _in_function,
    "under a condition": lambda code: f"if 1 < 2:\n{indent(code, '    ')}\nelse:\n    pass",
    "in a loop": lambda code: f"for turn in range(1):\n{indent(code, '    ')}",
    "in a try": lambda code: f"try:\n{indent(code, '    ')}\nfinally:\n    done = True",
    "in a with": lambda code: f"import contextlib\nwith contextlib.nullcontext():\n{indent(code, '    ')}",
    "among other work": _among_other_work,
    "with prints": lambda code: f"print('begin', torch.ones(2))\n{code}\nprint('end')",
    "with remarks": lambda code: f"# first\n\n{code}  # so\n\n# last\n",
    "with its parts unparsed": lambda code: ast.unparse(ast.parse(code)),
}
#: Facts about the text or the output itself, and the ways that change what they ask about.
SPOILT = {"stdout": {"with prints"}, "avoids": {"in a loop"}}


@pytest.mark.parametrize("fact", FACTS)
def test_code_that_does_the_same_has_the_same_result(classroom: Class, fact: str) -> None:  # noqa: F811
    setup, check, passing, failing = FACTS[fact]
    ways = [way for name, way in WAYS.items() if name not in SPOILT.get(fact.split(maxsplit=1)[0], set())]
    codes = [(code, "") for code in passing] + list(failing.items())
    # A line of the setup counts as no change where it is repeated word for word.
    codes = [case for case in codes if not setup or not case[0].startswith(f"{setup}\n")]

    @FEW
    @given(st.sampled_from(codes), st.lists(st.sampled_from(ways), min_size=1, max_size=3, unique=True))
    def holds(case: tuple[str, str], chosen: list[Any]) -> None:
        code, kind = case
        for way in chosen:
            code = way(code)
        failed = [each.kind for each in classroom.check(setup, code, check) if not each.ok]
        assert failed == ([kind] if kind else []), code

    holds()


# ── what torch says ──────────────────────────────────────────────────────────

SETUP = "x = torch.arange(6.)\nw = torch.ones(6, requires_grad=True)"
#: Expressions whose facts differ in one thing or another.
EXPRESSIONS = [
    "x",
    "x.view(2, 3)",
    "x.view(3, 2)",
    "x.view(2, 3).t()",
    "x.view(3, 2).t()",
    "x.reshape(2, 3)",
    "x[None]",
    "x[:3]",
    "x[3:]",
    "x[::2]",
    "x[1::2]",
    "x.flip(0)",
    "x.clone()",
    "x + 0",
    "x * 1.0",
    "x.double()",
    "x.int()",
    "x.long()",
    "x.bool()",
    "x.half()",
    "x.view(2, 3).t().contiguous()",
    "x.view(2, 3).t().clone()",
    "x.detach()",
    "x.expand(2, 6)",
    "x.unsqueeze(1)",
    "x.view(2, 3).sum(0)",
    "x.sum()",
    "x / 0",
    "x.log()",
    "x + 1e-7",
    "w",
    "w * 2",
    "w.view(2, 3)",
    "w.detach()",
    "w.detach().clone().requires_grad_()",
    "(w + x)",
    "(w * x).sum()",
    "w.clone()",
    "x.requires_grad_(False)",
    "torch.zeros(0)",
    "torch.zeros(2, 0, 3)",
    "x.numpy()",
    "x.tolist()",
]


def names() -> dict[str, Any]:
    found: dict[str, Any] = {"torch": torch}
    exec(SETUP, found)
    return found


def span(tensor: torch.Tensor) -> set[int]:
    """The addresses of the elements."""
    places = torch.arange(tensor.untyped_storage().nbytes() // max(tensor.element_size(), 1))
    seen = places.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset()) if tensor.numel() else []
    start = tensor.untyped_storage().data_ptr()
    return {start + int(n) * tensor.element_size() for n in torch.as_tensor(seen).flatten()}


def facts_of(value: torch.Tensor, x: torch.Tensor) -> dict[str, Any]:
    """What torch itself says, by the facts of checks."""
    return {
        "shape": list(value.shape),
        "ndim": value.ndim,
        "dtype": str(value.dtype).removeprefix("torch."),
        "stride": list(value.stride()),
        "contiguous": value.is_contiguous(),
        "storage_offset": value.storage_offset(),
        "requires_grad": value.requires_grad,
        "is_leaf": value.is_leaf,
        "grad_fn": value.grad_fn is not None,
        "all_finite": bool(value.isfinite().all()),
        "shares_memory": bool(span(value) & span(x)),
        "same_storage": value.untyped_storage().data_ptr() == x.untyped_storage().data_ptr() != 0,
    }


def asked(fact: str, wanted: Any) -> dict[str, Any]:
    """The fact as an item of checks."""
    if fact not in ("shares_memory", "same_storage"):
        return {"var": "v", fact: wanted}
    item = {"var": "v", fact: "x"}
    return item if wanted else {"not": item}


def test_every_fact_of_a_tensor_is_what_torch_says(classroom: Class) -> None:  # noqa: F811
    tensors = [each for each in EXPRESSIONS if isinstance(eval(each, names()), torch.Tensor)]

    @MANY
    @given(st.sampled_from(tensors), st.sampled_from(tensors))
    def holds(done: str, meant: str) -> None:
        here = names()
        is_so, should_be = (facts_of(eval(each, here), here["x"]) for each in (done, meant))
        items = [asked(fact, wanted) for fact, wanted in should_be.items()]
        results = classroom.check(SETUP, f"v = {done}", *items)
        assert [each.ok for each in results] == [is_so[fact] == should_be[fact] for fact in is_so], (
            done,
            meant,
        )
        for fact, result in zip(is_so, results, strict=True):
            assert result.ok or result.kind == fact

    holds()


def test_equal_is_what_is_equal_in_shape_dtype_and_values(classroom: Class) -> None:  # noqa: F811
    @MANY
    @given(st.sampled_from(EXPRESSIONS), st.sampled_from(EXPRESSIONS))
    def holds(done: str, meant: str) -> None:
        here = names()
        got, wanted = eval(done, here), eval(meant, here)
        items = {"var": "v", "equals": meant}, {"var": "v", "close": meant}
        equal, close = classroom.check(SETUP, f"v = {done}", *items)
        if not (isinstance(got, torch.Tensor) and isinstance(wanted, torch.Tensor)):
            assert equal.ok == (done == meant), (done, meant)
            return
        alike = got.shape == wanted.shape and got.dtype == wanted.dtype
        assert equal.ok == (alike and torch.equal(got.nan_to_num(7), wanted.nan_to_num(7))), (done, meant)
        try:
            torch.testing.assert_close(got, wanted, equal_nan=True, check_stride=False)
        except AssertionError:
            assert not close.ok, (done, meant)
        else:
            assert close.ok, (done, meant)

    holds()


#: Statements, whether they write to the memory that `x` had, and whether `x` is another object then.
WRITES = {
    "x += 1": (True, False),
    "x.mul_(2)": (True, False),
    "x[0] = 9": (True, False),
    "x[:2][1] = 9": (True, False),
    "x.view(2, 3).t()[0] = 9": (True, False),
    "x.data.zero_()": (True, False),
    "x.numpy()[2] = 9": (True, False),
    "x[x > 2] = 0": (True, False),
    "torch.neg(x, out=x)": (True, False),
    "x.copy_(x + 1)": (True, False),
    "y = x\ny -= 1": (True, False),
    "x = x + 1": (False, True),
    "y = x + 1": (False, False),
    "x[x > 2].zero_()": (False, False),
    "y = x.clone()\ny += 1": (False, False),
    "x.reshape(2, 3).flip(0).zero_()": (False, False),
    "x = x.clone()\nx += 1": (False, True),
    "y = x.view(2, 3)": (False, False),
    "x = x": (False, False),
}


@pytest.mark.parametrize("way", WAYS)
def test_writes_are_told_from_new_names_however_they_are_written(classroom: Class, way: str) -> None:  # noqa: F811
    @FEW
    @given(st.sampled_from(list(WRITES)))
    def holds(code: str) -> None:
        written, rebound = WRITES[code]
        items = {"var": "x", "unchanged": True}, {"var": "x", "mutated_in_place": True}
        kept, mutated = classroom.check(SETUP, WAYS[way](code), *items)
        assert kept.ok == (not written and not rebound), code
        assert mutated.ok == (written and not rebound), code

    holds()
