"""The failed call of an error: name, form, arguments in the learner's words, and what torch asks for."""

from __future__ import annotations

import textwrap

import pytest

from tutor.facts import Argument, FailedCall

HEAD = "import torch\nimport numpy as np\nfrom torch import nn\nimport torch.nn.functional as F\n"


@pytest.fixture
def failed(driver):
    """Runs code that raises, and gives the failed call."""

    def run(code: str, **options: object) -> FailedCall | None:
        driver.run(HEAD)
        error = driver.run(textwrap.dedent(code).strip("\n"), **options).error
        assert error is not None
        return error.failed

    return run


def texts(call: FailedCall) -> list[tuple[str, str]]:
    return [(one.parameter, one.text) for one in call.arguments]


def argument(call: FailedCall, parameter: str) -> Argument:
    return next(one for one in call.arguments if one.parameter == parameter)


PAIR = "a = torch.ones(2, 3)\nb = torch.ones(2, 3)\n"

FORMS = [
    ("torch.matmul(a, b)", "torch.matmul", "function", [("input", "a"), ("other", "b")]),
    ("a @ b", "torch.matmul", "operator", [("input", "a"), ("other", "b")]),
    ("a.matmul(b)", "torch.Tensor.matmul", "method", [("self", "a"), ("other", "b")]),
    ("torch.mm(input=a, mat2=b)", "torch.mm", "function", [("input", "a"), ("mat2", "b")]),
    ("a.T.mm(b.T)", "torch.Tensor.mm", "method", [("self", "a.T"), ("mat2", "b.T")]),
    ("a + b[0, :2]", "torch.add", "operator", [("input", "a"), ("other", "b[0, :2]")]),
    ("a += b.T", "torch.Tensor.add_", "operator", [("self", "a"), ("other", "b.T")]),
    ("a.view(4, -1)", "torch.Tensor.view", "method", [("self", "a"), ("size", "4"), ("size", "-1")]),
    ("a[2, 0]", "torch.Tensor.__getitem__", "index", [("self", "a"), ("index", "2, 0")]),
    ("a[0] = b", "torch.Tensor.__setitem__", "assignment", [("self", "a"), ("index", "0"), ("value", "b")]),
    ("torch.cat([a, b[0]], dim=1)", "torch.cat", "function", [("tensors", "[a, b[0]]"), ("dim", "1")]),
    ("bool(a)", "torch.Tensor.__bool__", "function", [("self", "a")]),
    ("float(a)", "torch.Tensor.__float__", "function", [("self", "a")]),
    ("a.item()", "torch.Tensor.item", "method", [("self", "a")]),
    ("torch.tensor([[1, 2], [3]])", "torch.tensor", "function", [("data", "[[1, 2], [3]]")]),
    ("F.linear(a, b.T)", "torch.nn.functional.linear", "function", [("input", "a"), ("weight", "b.T")]),
    ("torch.linalg.inv(a)", "torch.linalg.inv", "function", [("A", "a")]),
    ("a.sum(axs=0)", "torch.Tensor.sum", "method", [("self", "a"), ("", "0")]),
    ("torch.optim.SGD([], lr=0.1)", "torch.optim.SGD", "class", [("params", "[]"), ("lr", "0.1")]),
    ("nn.Linear(3)", "torch.nn.Linear", "class", [("in_features", "3")]),
    ("np.add(a.numpy(), np.ones(2))", "numpy.add", "function", [("x1", "a.numpy()"), ("x2", "np.ones(2)")]),
]


@pytest.mark.parametrize(
    "where",
    [
        "(lambda a, b: {})(a, b)",
        "[{} for a in [a]]",
        "def f(a, b):\n    return [list({} for i in range(2)) for j in [b]]\nf(a, b)",
        "print({} if True else 0, end='')",
        "c = torch.ones(1); d, *e = {}, 2",
    ],
    ids=["lambda", "comprehension", "generator", "argument", "assigned"],
)
def test_every_expression_is_told_inside_of_others(driver, where: str) -> None:
    for code, name, form, expected in FORMS:
        if form == "assignment" or "+=" in code:
            continue
        driver.run(HEAD + PAIR)
        call = driver.run(where.format(code)).error.failed
        assert call is not None, code
        assert (call.name, call.form, texts(call)) == (name, form, expected), code


@pytest.mark.parametrize(
    "where",
    [
        "{}",
        "def f():\n    {}\nf()",
        "for i in range(2):\n    if i == 1:\n        {}",
        "class C:\n    def run(self):\n        {}\nC().run()",
        "with torch.no_grad():\n    {}",
    ],
    ids=["top", "function", "loop", "method", "with"],
)
def test_every_form_is_told_by_its_public_name_and_the_learners_words(driver, where: str) -> None:
    for code, name, form, expected in FORMS:
        driver.run(HEAD + PAIR)
        before = "a = torch.ones(2, 3); b = torch.ones(2, 3); " if "f()" in where or "run" in where else ""
        error = driver.run(where.format(before + code)).error
        call = error.failed
        assert call is not None, (code, error.message)
        assert (call.name, call.form, texts(call)) == (name, form, expected), code
        assert call.expression == code


def test_the_layer_inside_of_a_model_is_told_with_path_settings_and_input(failed) -> None:
    call = failed("""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = nn.ModuleDict({"first": nn.Sequential(nn.ReLU(), nn.Linear(3, 2))})
            def forward(self, v):
                return self.body["first"](v)
        model = Net().eval()
        model(torch.ones(1, 5))
        """)
    assert (call.name, call.form, call.expression) == ("torch.nn.Linear", "module", 'self.body["first"](v)')
    layer = call.module
    assert (layer.type, layer.path, layer.training) == ("Linear", "self.body.first[1]", False)
    assert layer.settings == {"in_features": "3", "out_features": "2"}
    assert {name: one.shape for name, one in layer.tensors.items()} == {"weight": (2, 3), "bias": (2,)}
    given = argument(call, "input")
    assert (given.text, given.operand.shape) == ("", (1, 5))
    assert call.inner.name == "torch.nn.functional.linear"
    assert [one.operand.name for one in call.inner.arguments[1:]] == [
        "model.body.first[1].weight",
        "model.body.first[1].bias",
    ]


@pytest.mark.parametrize(
    ("code", "name", "text"),
    [
        ("lin = nn.Linear(3, 2)\nx = torch.ones(1, 5)\nlin(x)", "torch.nn.Linear", "x"),
        ("lin = nn.Linear(3, 2)\nx = torch.ones(1, 5)\nlin(input=x * 2)", "torch.nn.Linear", "x * 2"),
        ("x = torch.ones(1, 5)\nnn.Linear(3, 2)(x)", "torch.nn.Linear", "x"),
        ("layers = [nn.Conv1d(3, 2, 1)]\nx = torch.ones(1, 5)\nlayers[0](x)", "torch.nn.Conv1d", "x"),
        ("x = torch.ones(1, 5)\nlist(map(nn.Linear(3, 2), [x]))", "torch.nn.Linear", ""),
        ("class Mine(nn.Linear): pass\nx = torch.ones(1, 5)\nMine(3, 2)(x)", "torch.nn.Linear", "x"),
    ],
)
def test_what_a_layer_was_given_is_in_the_learners_words(failed, code: str, name: str, text: str) -> None:
    call = failed(code)
    given = argument(call, "input")
    assert (call.name, given.text, given.operand.shape) == (name, text, (1, 5))


@pytest.mark.parametrize(
    ("code", "name", "form", "parameter", "told"),
    [
        ("m.load_state_dict({'weight': torch.ones(1)})", "torch.nn.Module.load_state_dict", "method",
         "state_dict", {"kind": "dict", "keys": ("weight",), "length": 1}),
        ("torch.load('/no/such.pt', weights_only=True)", "torch.load", "function",
         "f", {"kind": "text", "value": '"/no/such.pt"'}),
        ("torch.optim.Adam(m.parameters(), lr=-1)", "torch.optim.Adam", "class",
         "lr", {"kind": "number", "value": "-1", "text": "-1"}),
        ("torch.optim.SGD(m)", "torch.optim.SGD", "class",
         "params", {"kind": "module", "type": "Linear", "value": None}),
        ("nn.Sequential(m, nn.ReLU)", "torch.nn.Sequential", "class",
         "args", {"kind": "module"}),
        ("torch.utils.data.DataLoader([1, 2], batch_size=0)", "torch.utils.data.DataLoader", "class",
         "batch_size", {"value": "0"}),
        ("torch.stack([torch.ones(2), 3])", "torch.stack", "function",
         "tensors", {"kind": "list"}),
        ("torch.tensor([[1, 2], [3]])", "torch.tensor", "function",
         "data", {"value": "[[1, 2], [3]]", "lengths": (2, 1)}),
        ("nn.functional.one_hot(torch.tensor([0, 7]), 5)", "torch.nn.functional.one_hot", "function",
         "input", {"low": 0, "high": 7, "type": "Tensor"}),
        ("nn.Embedding(4, 2)(torch.tensor([1, 9]))", "torch.nn.Embedding", "module",
         "input", {"low": 1, "high": 9}),
        ("torch.nn.utils.clip_grad_norm_([3], 1.0)", "torch.nn.utils.clip_grad_norm_", "function",
         "parameters", {"value": "[3]", "types": ("int",)}),
        ("torch.zeros(2).to('gpu')", "torch.Tensor.to", "method", "", {"value": '"gpu"'}),
        ("torch.save(lambda: 0, '/no/such/folder/x')", "torch.save", "function",
         "obj", {"kind": "function", "value": None}),
        ("opt = torch.optim.SGD(m.parameters()); opt.step(3)", "torch.optim.SGD.step", "method",
         "closure", {"value": "3"}),
    ],
)  # fmt: skip
def test_arguments_that_are_no_tensors(
    failed, code: str, name: str, form: str, parameter: str, told: dict
) -> None:
    call = failed(f"m = nn.Linear(2, 2)\n{code}")
    assert (call.name, call.form) == (name, form)
    names = {parameter} if parameter else {one.parameter for one in call.arguments[-1:]}
    one = next(each for each in reversed(call.arguments) if each.parameter in names)
    if parameter == "args":
        one = call.arguments[0]
    assert {key: getattr(one, key) for key in told} == told


def test_going_through_a_loader_tells_what_its_batch_was_made_of(failed) -> None:
    rows = "rows = [torch.ones(2), torch.ones(3)]\nloader = torch.utils.data.DataLoader(rows, batch_size=2)\n"
    for code in ("for row in loader:\n    pass", "next(iter(loader))", "[row for row in loader]"):
        call = failed(rows + code)
        assert (call.name, call.form) == ("torch.utils.data.DataLoader.__iter__", "iteration")
        assert call.inner.name == "torch.stack"
        assert [one.shape for one in call.inner.arguments[0].items] == [(2,), (3,)]


def test_a_call_without_super_init_is_told(failed) -> None:
    call = failed("class Net(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(2, 3)\nNet()")
    assert (call.name, call.form) == ("torch.nn.Module.__setattr__", "assignment")
    assert argument(call, "name").value == '"fc"'
    assert (argument(call, "value").type, argument(call, "value").text) == ("Linear", "nn.Linear(2, 3)")


@pytest.mark.parametrize("code", ["np.asarray(t)", "np.array(t)", "np.sqrt(t)", "np.array([t, t])"])
def test_numpy_asks_the_tensor_inside(failed, code: str) -> None:
    call = failed(f"t = torch.ones(3, requires_grad=True)\n{code}")
    assert call.name == "numpy." + code[3:].partition("(")[0]
    assert call.inner.name == "torch.Tensor.__array__"
    (asked, *_) = call.inner.arguments
    assert asked.operand.requires_grad
    assert asked.text == ("t" if code in ("np.asarray(t)", "np.array(t)") else "")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("a = np.ones(2); b = np.ones(3)\na + b", "numpy.add"),
        ("a = np.ones((2, 3))\na.reshape(4, 4)", "numpy.ndarray.reshape"),
        ("np.ones((2, 3)).reshape(4)", "numpy.ndarray.reshape"),
        ("np.linalg.inv(np.ones((2, 3)))", "numpy.linalg.inv"),
        ("a = np.ones(2)\na[0, 0]", "numpy.ndarray.__getitem__"),
        ("np.concatenate([np.ones(2), np.ones((2, 2))])", "numpy.concatenate"),
    ],
)
def test_numpy_has_its_own_names(failed, code: str, name: str) -> None:
    assert failed(code).name == name


def test_what_only_torchs_parser_saw_is_told_from_the_code(failed) -> None:
    call = failed("n = 4\ntorch.zeros(2, n, requires_gard=True)")
    assert (call.name, call.source) == ("torch.zeros", "code")
    assert [(one.parameter, one.value) for one in call.arguments] == [
        ("size", "2"),
        ("size", "4"),
        ("", "True"),
    ]
    assert "requires_grad" in call.parameters
    assert failed("torch.ones(3).t().sum(axs=0)").name == "torch.Tensor.sum"


def test_code_that_is_too_hot_to_be_watched_is_read_from_the_code(failed) -> None:
    call = failed("""
        x = torch.ones(2, 3)
        for i in range(60_000):
            x = x + 1
            if i == 59_999:
                x.view(7)
        """)
    assert (call.name, texts(call)) == ("torch.Tensor.view", [("self", "x"), ("size", "7")])
    assert argument(call, "self").operand.shape == (2, 3)


def test_without_tracing_the_code_tells(driver, failed) -> None:
    driver.session.trace = False
    try:
        untraced = failed("x = torch.ones(2, 3)\nx @ x")
    finally:
        driver.session.trace = True
    assert (untraced.name, untraced.source) == ("torch.matmul", "code")
    assert [one.operand.shape for one in untraced.arguments] == [(2, 3), (2, 3)]


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('mat1 and mat2 shapes cannot be multiplied')",
        "assert torch.ones(2).sum() > 3",
        "{}['k']",
        "1 / 0",
        "int('x')",
        "def f(): pass\nf(1)",
        "import no_such_module",
        "[1][4]",
    ],
)
def test_where_no_call_of_torch_is_at_fault_there_is_none(failed, code: str) -> None:
    assert failed(code) is None


def test_the_last_of_several_failures_is_told(failed) -> None:
    call = failed("""
        a = torch.ones(2, 3)
        def f(n):
            try:
                a.view(n)
            except RuntimeError:
                a.mm(a)
        f(5)
        """)
    assert call.name == "torch.Tensor.mm"
    raised_again = failed("""
        a = torch.ones(2, 3)
        try:
            a.view(5)
        except RuntimeError as problem:
            kept = problem
        a + 1
        raise kept
        """)
    assert raised_again is None or raised_again.name == "torch.Tensor.view"


def test_nothing_of_the_learners_is_called_and_nothing_kept(driver) -> None:
    driver.run(HEAD)
    code = """
    import weakref
    class Sly:
        def __getattr__(self, name): print("getattr", name); raise AttributeError(name)
        def __repr__(self): print("repr"); return "sly"
        __str__ = __repr__
        def __eq__(self, other): print("eq"); return True
        def __hash__(self): print("hash"); return 1
        def __len__(self): print("len"); return 1
        def __iter__(self): print("iter"); return iter(())
        def __bool__(self): print("bool"); return True
    class Meta(type):
        def __repr__(cls): print("meta repr"); return "meta"
        def __getattribute__(cls, name): print("meta", name); return type.__getattribute__(cls, name)
    class Odd(metaclass=Meta): pass
    class Words(dict):
        def keys(self): print("keys"); return []
    class Text(str):
        def __repr__(self): print("text repr"); return "t"
    class Loud(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            print("torch_function"); return super().__torch_function__(func, types, args, kwargs)
    seen = []
    def f(sly, odd, words, text):
        big = torch.ones(3)
        seen.append(weakref.ref(big))
        lin = nn.Linear(4, 2)
        seen.append(weakref.ref(lin))
        {}
    """
    calls = [
        "lin(big)",
        "torch.stack([big, sly])",
        "torch.add(big, odd)",
        "torch.optim.SGD([big], lr=sly)",
        "torch.optim.SGD([big], lr=text)",
        "torch.zeros(2, dtype=words)",
        "big.view(sly)",
        "nn.Linear(sly, odd)",
        "lin.load_state_dict(words)",
        "torch.full((2,), fill_value=text)",
        "torch.mm(big, big, out=sly)",
    ]
    for call in calls:
        run = driver.run(textwrap.dedent(code).strip().replace("{}", call))
        assert run.ok, run.error
        run = driver.run("try:\n    f(Sly(), Odd, Words(a=1), Text('t'))\nfinally:\n    print('raised')")
        assert run.error.failed is not None, call
        assert run.error.failed.expression == call
        after = "".join(step.stdout for step in run.steps).partition("raised\n")[2]
        assert after == "", call
        assert driver.value("[one() is None for one in seen]") == [True, True], call
        driver.run("seen.clear()")


def test_much_is_cut_short(failed) -> None:
    call = failed("xs = [torch.ones(2)] * 500 + [torch.ones(3)]\ntorch.stack(xs)")
    tensors = argument(call, "tensors")
    assert (tensors.length, len(tensors.items)) == (501, 64)
    long = failed("words = 'x' * 100_000\ntorch.zeros(3).to(words)")
    assert len(long.arguments[-1].value) <= 80
    wide = failed("rows = [[0] * 1000] * 1000 + [[0]]\ntorch.tensor(rows)")
    assert len(argument(wide, "data").value) <= 80
    huge = failed("x = torch.zeros(3_000_000)\nx.view(7)")
    assert (argument(huge, "self").low, argument(huge, "self").operand.shape) == (None, (3_000_000,))


def test_several_inputs_at_the_prompt_are_one_namespace(driver) -> None:
    driver.run(HEAD)
    driver.run("def product(left, right):\n    return left @ right")
    driver.run("w = torch.ones(4, 2)")
    error = driver.run("product(torch.ones(3), w)").error
    assert error.failed.expression == "left @ right"
    assert [one.operand.shape for one in error.failed.arguments] == [(3,), (4, 2)]
    assert error.failed.span == (2, 11, 2, 23)


def test_torchs_modules_may_hold_what_the_learner_put_there(driver) -> None:
    driver.run(HEAD)
    driver.run("""
        class Sly:
            def __getattr__(self, name): print("getattr", name); raise AttributeError(name)
            def __eq__(self, other): print("eq"); return True
            __hash__ = None
        kept = F.cross_entropy, torch.mm, torch.linalg.inv
        sly = F.cross_entropy = torch.linalg.inv = torch.nn.functional.mm = Sly()
        """)
    for code, name in (
        ("nn.CrossEntropyLoss()(torch.ones(2), 'x')", "torch.nn.CrossEntropyLoss"),
        ("torch.mm(torch.ones(2), torch.ones(2))", "torch.mm"),
        ("kept[2](torch.ones(2))", "torch.linalg.inv"),
        ("kept[0](torch.ones(2), torch.ones(3))", "torch.nn.functional.cross_entropy"),
    ):
        run = driver.run(code)
        assert (run.error.failed.name, run.steps[-1].stdout) == (name, ""), code
    driver.run("F.cross_entropy, torch.mm, torch.linalg.inv = kept; del torch.nn.functional.mm")


LAYERS = [
    ("torch.relu(nn.Linear(2, 2))", "Linear"),
    ("torch.sum(input=nn.Embedding(3, 2))", "Embedding"),
    ("torch.matmul(x, nn.Sequential(nn.Linear(2, 2)).double())", "Sequential"),
    ("x.add(other=make())", "Linear"),
    ("nn.Linear(2, 2) @ x", "Linear"),
    ("F.conv2d(nn.Conv2d(1, 1, 1), x)", "Conv2d"),
    ("torch.exp(Net())", "Net"),
]


def test_a_layer_that_is_made_in_the_call_is_none_of_its_parameters(driver) -> None:
    driver.run(HEAD + "x = torch.ones(2, 2)\nmake = lambda: nn.Linear(2, 2)")
    driver.run("""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.w = nn.Parameter(torch.randn(2))
        """)
    for code, kind in LAYERS:
        call = driver.run(code).error.failed
        told = [one for one in call.arguments if one.text != "x"]
        assert [(one.kind, one.type, one.operand) for one in told] == [("module", kind, None)], code
    members = driver.run("torch.cat([x, nn.Linear(2, 2), make()])").error.failed.arguments[0]
    assert ([one.name for one in members.items], members.layers) == (["x"], ("Linear",))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("torch.exp(torch.distributions.Normal(torch.zeros(2), torch.ones(2)))", "object"),
        ("torch.exp(torch.ones(2).max(0))", "object"),
        ("torch.exp(torch.ones(2).numpy())", "array"),
    ],
)
def test_an_argument_known_by_its_code_alone_is_what_the_error_says(failed, code: str, kind: str) -> None:
    assert failed(code).arguments[0].kind == kind


def test_what_is_missing_is_told_without_asking_the_owner(driver) -> None:
    driver.run(HEAD)
    driver.run("""
        class Sly:
            def __init__(self): self.weight = 1
            def __dir__(self): print("dir"); return ["weigth"]
        class Net(nn.Module):
            def __dir__(self): print("dir"); return []
        sly, net = Sly(), Net()
        net.layer = nn.Linear(2, 2)
        """)
    for code, name, near in (
        ("sly.wieght", "wieght", "weight"),
        ("net.layr", "layr", "layer"),
        ("net.layer.wait", "wait", None),
        ("torch.nn.Sequentail", "Sequentail", "Sequential"),
        ("prnt(1)", "prnt", "print"),
    ):
        run = driver.run(code)
        missing = run.error.missing
        assert (missing.name, run.steps[-1].stdout) == (name, ""), code
        assert near is None or missing.near[0] == near
