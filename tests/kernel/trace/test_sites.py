"""From a frame to the learner's sub-expression, in all kinds of expressions and code."""

from __future__ import annotations

import asyncio
import sys
import textwrap

import pytest

from tutor.kernel.source import TOP_LEVEL_AWAIT, Source
from tutor.kernel.trace.sites import Site, Sites
from tutor.kernel.trace.text import LONGEST, one_line


class Probe:
    """Answers everything that can be written down; each answer notes where it was asked for."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def _asked(self, *_: object, **__: object) -> Probe:
        self._run.note(sys._getframe(1))
        return self

    __add__ = __radd__ = __iadd__ = __matmul__ = __neg__ = __getitem__ = __setitem__ = __lt__ = _asked
    __call__ = _asked

    def __getattr__(self, name: str) -> Probe:
        if name.startswith("_"):
            raise AttributeError(name)
        self._run.note(sys._getframe(1))
        return self

    def __iter__(self):
        self._run.note(sys._getframe(1))
        return iter((self, self))


class Run:
    """Runs source statement by statement, as the kernel does."""

    def __init__(self) -> None:
        self.namespace: dict[str, object] = {"__name__": "__main__", "asyncio": asyncio}
        self.sites = Sites(self.namespace)
        self.namespace["x"] = self.namespace["y"] = Probe(self)
        self.namespace["here"] = self._here
        self.seen: list[Site] = []

    def note(self, frame) -> None:
        nearest = self.sites.nearest(frame)
        if nearest is not None:
            self.seen.append(self.sites.at(nearest))

    def _here(self, *_: object, **__: object) -> Probe:
        self.note(sys._getframe(1))
        return Probe(self)

    def __call__(self, text: str, filename: str = "<cell 1>") -> list[Site]:
        self.seen = []
        source = Source(textwrap.dedent(text).strip("\n"), filename, TOP_LEVEL_AWAIT)
        for node in source.statements:
            code = source.code(node)
            self.sites.enter(source, node, code)
            result = eval(code, self.namespace)
            if asyncio.iscoroutine(result):
                asyncio.run(result)
        return self.seen

    def parts(self, text: str) -> list[str]:
        return [site.part for site in self(text)]


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.mark.parametrize(
    ("code", "expressions"),
    [
        ("z = x + y", ["x + y"]),
        ("z = 1 + x", ["1 + x"]),
        ("x += y", ["x += y"]),
        ("z = -x", ["-x"]),
        ("z = x @ y + x", ["x @ y", "x @ y + x"]),
        ("z = x[0, 1:]", ["x[0, 1:]"]),
        ("x[0] = 1", ["x[0] = 1"]),
        ("x[0] += y", ["x[0]", "x[0] += y", "x[0]"]),
        ("a, x[0] = 1, 2", ["x[0]"]),
        ("z = x < y", ["x < y"]),
        ("z = here(x + 1, b=here())", ["x + 1", "here()", "here(x + 1, b=here())"]),
        ("a, b = x", ["x"]),
        ("(a, b), c = [x, 1]", ["(a, b)"]),
        ("z = [i for i in x]", ["x"]),
        ("z = [i for j in (1,) for i in x]", ["[i for j in (1,) for i in x]"]),
        ("z = {i: j for i, j in [x]}", ["i, j"]),
        ("z = list(i for i in x)", ["x"]),
        ("z = [*x]", ["[*x]"]),
        ("for row in x: here()", ["x", "here()", "here()"]),
        ("z = [here(i) for i in range(2)]", ["here(i)", "here(i)"]),
        ("z = {i: here(i) for i in range(1)}", ["here(i)"]),
        ("z = list(here(i) for i in range(1))", ["here(i)"]),
        ("f = lambda v: v + 1; f(x)", ["v + 1"]),
        ("z = (x\n     + y)", ["x + y"]),
        ("z = here(  # why\n    x +\n    y,  # and so\n)", ["x + y", "here(x + y,)"]),
        ('é = here("ü") + x', ['here("ü")', 'here("ü") + x']),
        ("if x < y:\n    z = here()", ["x < y", "here()"]),
        ("with open('/dev/null') as f: here()", ["here()"]),
        ("match 3:\n    case 3: here()", ["here()"]),
        ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    here()", ["here()"]),
        ("z = (w := x + 1)", ["x + 1"]),
        ("z = f'{here()} and {here(1)}'", ["here()", "here(1)"]),
        ("async def f():\n    await asyncio.sleep(0)\n    return here(1)\nawait f()", ["here(1)"]),
        ("await asyncio.sleep(0); z = here(2)", ["here(2)"]),
    ],
)
def test_expression(run: Run, code: str, expressions: list[str]):
    assert [site.expression for site in run(code)] == expressions


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("z = x.T.reshape(6)", ["x.T", ".reshape", ".reshape(6)"]),
        ("z = (x + y).T", ["x + y", ".T"]),
        (
            "z = (\n    x\n    .T  # turned\n    .reshape(\n        6,\n    )\n)",
            ["x.T", ".reshape", ".reshape(6,)"],
        ),
        ("z = x[0][1]", ["x[0]", "[1]"]),
        ("z = ( x [ 0 ] )", ["x [ 0 ]"]),
        ("z = here().T", ["here()", ".T"]),
        ("z = x.weight @ y", ["x.weight", "x.weight @ y"]),
        ("z = (x)(1)", ["(x)(1)"]),
        ("z = ((x.T)).T", ["x.T", ".T"]),
    ],
)
def test_part_that_is_the_call(run: Run, code: str, parts: list[str]):
    assert run.parts(code) == parts


def test_each_call_of_a_chain_is_on_its_own_line(run: Run):
    seen = run("z = (\n    x\n    .T\n    .reshape(\n        6,\n    )\n    .T\n)")
    assert [(site.part, site.line) for site in seen] == [
        ("x.T", 3),
        (".reshape", 4),
        (".reshape(6,)", 4),
        (".T", 7),
    ]


def test_names_the_function(run: Run):
    code = """
        class Net:
            def forward(self, v):
                return [v + i for i in range(1)]
        def f(v):
            def g(v): return v @ v
            return g(v)
        Net().forward(x)
        f(x)
        z = [x[i] for i in range(1)]
        (lambda v: v + 2)(x)
        """
    found = [(site.function, site.expression, site.line) for site in run(code)]
    assert found == [
        ("forward", "v + i", 3),
        ("g", "v @ v", 5),
        ("<module>", "x[i]", 9),
        ("<lambda>", "v + 2", 10),
    ]


def test_function_of_an_earlier_cell_keeps_its_text_under_the_same_filename(run: Run):
    run("def f(v):\n    return v + 1", "<cell>")
    site = run("# other text here\n# and here\nz = f(x) @ y", "<cell>")
    assert [(one.expression, one.line) for one in site] == [("v + 1", 2), ("f(x) @ y", 3)]


def test_code_made_from_a_string_belongs_to_the_line_that_ran_it(run: Run):
    assert [site.expression for site in run("exec('z = x + 1')")] == ["exec('z = x + 1')"]
    run("from dataclasses import dataclass, field")
    made = "@dataclass\nclass A:\n    v: object = field(default_factory=here)\nA()"
    assert [site.expression for site in run(made)] == ["A()"]


def test_a_handler_that_hands_on_is_passed_over(run: Run):
    code = """
        class Mode:
            def __torch_function__(self, func, types, args=(), kwargs=None):
                here(1)
                return func(*args)
        Mode().__torch_function__(lambda v: v, (), (here(0),))
        Mode().__torch_function__(here, ())
        """
    assert [site.line for site in run(code)] == [5, 3, 3, 6]


def test_a_decorator_is_a_call(run: Run):
    seen = run("@here\ndef f():\n    return here(5)\nhere")
    assert [site.line for site in seen] == [1]


def test_statements_on_one_line_are_told_apart(run: Run):
    assert [site.expression for site in run("a = x + 1; b = x @ 2; c = [x[0]]")] == ["x + 1", "x @ 2", "x[0]"]


def test_no_learner_code_no_site(run: Run):
    assert run.sites.nearest(sys._getframe()) is None


def test_long_text_loses_its_middle():
    text = one_line("f(" + ", ".join(str(n) for n in range(1_000)) + ")")
    assert len(text) == LONGEST + 1
    assert text.startswith("f(0, 1")
    assert text.endswith("999)")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('f("a  b",\n  c)', 'f("a  b", c)'),
        ("a\n  .b", "a.b"),
        ("f(x,\n\n  # why\n  y)", "f(x, y)"),
        ("x  +  y", "x  +  y"),
        ("'''a\nb'''.c(\n1)", "'''a b'''.c(1)"),
    ],
)
def test_one_line(text: str, shown: str):
    assert one_line(text) == shown
