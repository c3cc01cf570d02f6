"""Names and documentation of live objects, for which nothing of the learner's runs."""

from __future__ import annotations

import pytest

PLAIN = """\
    import torch, torch.nn as nn, torch.nn.functional as F, numpy as np
    x = torch.ones(2, 3)
    lin = nn.Linear(2, 3)
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    named = nn.ModuleDict({'first': lin})
    d = {'alpha': x, 'beta': [x, lin], 3: 'three'}
    a = np.ones(3)
    text = 'abc'
    class Net(nn.Module):
        rate = 0.1
        def __init__(self):
            super().__init__()
            self.first_layer = lin
        def forward(self, x) -> torch.Tensor:
            'Goes forward.'
            return x
    mine = Net()
    def twice(value, /, factor=2, *rest, exact, dtype=torch.float32, hook=lambda: 0, **more):
        'Doubles.'
    """


def names(driver, expression: str, **said) -> set[str]:
    return set(driver.runner.run(driver.session.complete(expression, **said)))


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("x", "reshape"),
        ("x.T", "reshape"),
        ("x[:, 1]", "reshape"),
        ("x.T.reshape(6)", "reshape"),
        ("(x @ x.T)", "reshape"),
        ("-x", "reshape"),
        ("(x > 1)", "reshape"),
        ("torch.zeros(3)", "reshape"),
        ("F.softmax(x, 0)", "reshape"),
        ("lin(x)", "reshape"),
        ("mine(x)", "reshape"),
        ("lin.weight.grad", "reshape"),
        ("d['alpha']", "reshape"),
        ("d['beta'][0]", "reshape"),
        ("d['beta'][-1]", "in_features"),
        ("d[3]", "upper"),
        ("net[0]", "in_features"),
        ("net[-1]", "inplace"),
        ("named['first']", "in_features"),
        ("mine", "first_layer"),
        ("mine", "rate"),
        ("mine.first_layer", "in_features"),
        ("nn.Linear(2, 3)", "in_features"),
        ("nn.Linear(2, 3).weight", "reshape"),
        ("Net", "forward"),
        ("x.shape", "numel"),
        ("a.T", "argsort"),
        ("a[0]", "argsort"),
        ("'text'", "upper"),
        ("text.upper", "__name__"),
        ("torch.nn.functional", "softmax"),
        ("[x]", "append"),
    ],
)
def test_attributes_are_found_without_running(driver, expression, name):
    driver.run(PLAIN)
    assert name in names(driver, expression)


@pytest.mark.parametrize(
    "expression",
    ["nosuch", "twice(x)", "x.max(0)", "x.nosuch", "d['nosuch']", "d[0]", "x +", "f(", "x" * 5_000, "(" * 900,
     "lambda: 0", "x.sum().item()"],
)  # fmt: skip
def test_what_is_not_known_has_no_names(driver, expression):
    driver.run(PLAIN)
    assert names(driver, expression) == set()


def test_keys_and_variables(driver):
    driver.run(PLAIN)
    assert names(driver, "d", keys=True) == {"alpha", "beta"}
    assert names(driver, "named", keys=True) == {"first"}
    assert names(driver, "x", keys=True) == set()
    assert {"x", "net", "Net", "twice"} <= names(driver, "")


def test_names_that_only_the_text_has(driver):
    driver.run("z = 1")
    said = {"imports": {"torch": "torch", "F": "torch.nn.functional"}}
    assert "softmax" in names(driver, "F", **said)
    assert "reshape" in names(driver, "y", values={"y": "w.T", "w": "torch.zeros(2)"}, **said)
    assert "real" in names(driver, "z", values={"z": "torch.zeros(2)"}, **said)
    assert "reshape" not in names(driver, "z", values={"z": "torch.zeros(2)"}, **said)
    assert names(driver, "a", values={"a": "b", "b": "a"}) == set()
    assert names(driver, "m", imports={"m": "no.such.module"}) == set()


HOSTILE = """\
    import torch
    touched = []
    def touch(what):
        touched.append(what)
        raise RuntimeError(what)
    class Meta(type):
        def __getattribute__(cls, name): touch('meta ' + name)
        def __dir__(cls): touch('meta dir')
        def __instancecheck__(cls, other): touch('instancecheck')
        def __subclasscheck__(cls, other): touch('subclasscheck')
        def __repr__(cls): touch('meta repr')
    class Trap(metaclass=Meta):
        def __init__(self): object.__setattr__(self, 'field', 1)
        def __dir__(self): touch('dir')
        def __getattr__(self, name): touch(name)
        def __getattribute__(self, name): touch(name)
        def __repr__(self): touch('repr')
        def __len__(self): touch('len')
        def __eq__(self, other): touch('eq')
        def __hash__(self): return 12
        def __bool__(self): touch('bool')
        def __getitem__(self, key): touch('item')
        def __call__(self): touch('call')
        @property
        def __class__(self): touch('class')
        @property
        def inner(self): touch('inner')
        def method(self, default={}): touch('method')
    class Descriptor:
        def __get__(self, *_): touch('get')
    class Holder:
        found = Descriptor()
        trap = Trap()
    class Words(str):
        def __eq__(self, other): touch('text eq')
        __hash__ = str.__hash__
    class Tensor(torch.Tensor):
        @classmethod
        def __torch_function__(cls, *_, **__): touch('function')
    trap, holder = Trap(), Holder()
    table = {trap: 1, Words('key'): 2, 'other': 3}
    tensor = torch.ones(2).as_subclass(Tensor)
    def with_default(a=trap, *, b=tensor) -> Trap: 'Says.'
    """

EVERYWHERE = [
    "trap", "Trap", "trap.method", "trap.inner", "trap.nosuch", "trap()", "trap[0]", "-trap", "trap + trap",
    "holder.found", "holder.trap", "table['key']", "table[trap]", "with_default", "with_default()",
    "tensor", "tensor.shape", "tensor.reshape",
]  # fmt: skip


def test_nothing_of_the_learners_runs(driver):
    assert driver.run(HOSTILE).ok
    assert {"field", "method", "inner"} <= names(driver, "trap")
    assert "method" in names(driver, "Trap")
    assert "found" in names(driver, "holder")
    assert "reshape" in names(driver, "tensor")
    assert "reshape" in names(driver, "tensor[0].T")
    assert names(driver, "table", keys=True) == {"other"}
    for expression in EVERYWHERE:
        names(driver, expression)
        driver.runner.run(driver.session.document(expression))
    assert driver.value("touched") == []


def test_replaced_builtins_and_modules_change_nothing(driver):
    driver.run("""\
        import sys, builtins, torch
        x = torch.ones(2)
        builtins.isinstance = builtins.dict = builtins.type = builtins.len = None
        dict = type = list = None
        """)
    assert "reshape" in names(driver, "x.T")


@pytest.mark.parametrize(
    ("expression", "signature", "text"),
    [
        ("x.reshape", "reshape(*shape) -> Tensor", "same data"),
        ("torch.ones", "ones(*size", "scalar value"),
        ("torch.nn.Linear", "Linear(in_features, out_features, bias=True", "linear transformation"),
        ("F.softmax", "softmax(input, dim=None", "softmax function"),
        ("x.T", "T", "reversed"),
        ("lin", "lin(input)  # Linear", "linear transformation"),
        ("mine", "mine(x)  # Net", ""),
        ("mine.forward", "forward(x)", "Goes forward."),
        ("twice", "twice(value, /, factor=2, *rest, exact, dtype=torch.float32, hook=…, **more)", "Doubles."),
        ("print", "print(*args, sep=' ', end='\\n', file=None, flush=False)", "Prints the values"),
        ("len", "len(obj, /)", "number of items"),
        ("torch", "module torch", "multi-dimensional"),
        ("x", "x: Tensor", ""),
        ("text.upper", "upper()", "uppercase"),
        ("nosuch", "", ""),
        ("x.nosuch", "", ""),
    ],
)
def test_documentation(driver, expression, signature, text):
    driver.run(PLAIN)
    found = driver.runner.run(driver.session.document(expression))
    assert found.signature.startswith(signature)
    assert text in found.text
    assert bool(found.signature) is bool(signature)


def test_nothing_is_kept_alive(driver):
    driver.run("""\
        import weakref, torch
        class Net(torch.nn.Module): pass
        net = Net(); net.x = torch.ones(3)
        watch = weakref.ref(net.x)
        """)
    for expression in ("net.x", "net", "net.x.T"):
        names(driver, expression)
        driver.runner.run(driver.session.document(expression))
    driver.run("del net")
    assert driver.value("watch() is None") is True
