"""The learner's code does what it would do without us: modes, compilers, processes, tracebacks."""

from __future__ import annotations

import pytest

from tests.kernel.trace.traced import both, printed, what_went_wrong

SAME = {
    "TorchFunctionMode": """
        from torch.overrides import TorchFunctionMode
        class Counting(TorchFunctionMode):
            def __init__(self): super().__init__(); self.names = []
            def __torch_function__(self, func, types, args=(), kwargs=None):
                self.names.append(getattr(func, "__name__", "?"))
                return func(*args, **(kwargs or {}))
        with Counting() as mode:
            x = torch.ones(2) + 1
            F.relu(x)
        print(mode.names)
        mode.__enter__()
        y = torch.ones(3) * 2
        mode.__exit__(None, None, None)
        print(mode.names)
        """,
    "TorchDispatchMode": """
        from torch.utils._python_dispatch import TorchDispatchMode
        class Log(TorchDispatchMode):
            def __torch_dispatch__(self, func, types, args=(), kwargs=None):
                print(func)
                return func(*args, **(kwargs or {}))
        with Log():
            x = torch.ones(2, 3).T.reshape(6) + 1
            x[0] = 5
        """,
    "subclass": """
        class Loud(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                print(func.__name__)
                return super().__torch_function__(func, types, args, kwargs or {})
        x = torch.ones(2).as_subclass(Loud)
        y = x + 1
        print(type(y), y.shape)
        """,
    "default device": """
        with torch.device("meta"):
            x = torch.ones(3)
        print(x.device)
        torch.set_default_device("meta")
        y = torch.ones(2)
        print(y.device)
        torch.set_default_device(None)
        print(torch.ones(1).device)
        with torch.device("cpu"):
            with torch.device("meta"):
                print(torch.ones(1).device)
            print(torch.ones(1).device)
        """,
    "vmap": """
        f = lambda v: (v * 2).sum() + v[0]
        print(torch.vmap(f)(torch.arange(6.).reshape(2, 3)))
        print(torch.func.grad(lambda v: (v ** 2).sum())(torch.ones(3)))
        print(torch.func.jacrev(lambda v: v ** 2)(torch.ones(2)))
        print(torch.vmap(torch.func.grad(lambda v: v.sin().sum()))(torch.ones(2, 2)))
        """,
    "jit": """
        @torch.jit.script
        def f(v: torch.Tensor) -> torch.Tensor:
            return v.relu() + 1
        print(f(torch.ones(2)), f.graph)
        g = torch.jit.trace(lambda v: v.reshape(v.shape[0] * 2).relu() + 1, torch.ones(3, 2))
        print(g.code)
        """,
    "fx": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(2, 2)
            def forward(self, v):
                return F.relu(self.fc(v)) + v.T.reshape(2, 2)
        traced = torch.fx.symbolic_trace(Net())
        print(traced.code)
        """,
    "make_fx": """
        from torch.fx.experimental.proxy_tensor import make_fx
        print(make_fx(lambda v: v.relu() + 1)(torch.ones(2)).code)
        """,
    "export": """
        class Net(nn.Module):
            def forward(self, v): return v.relu() + 1
        print(torch.export.export(Net(), (torch.ones(2),)).graph)
        """,
    "fake": """
        from torch._subclasses.fake_tensor import FakeTensorMode
        with FakeTensorMode():
            x = torch.ones(2, 3)
            print(x.T.reshape(6) + 1)
        """,
    "errors": """
        def f(v):
            return F.cross_entropy(v, torch.ones(5, dtype=torch.long))
        for go in (
            lambda: f(torch.ones(2, 3)),
            lambda: torch.ones(2) @ torch.ones(3),
            lambda: torch.ones(2) + "a",
            lambda: "a" - torch.ones(2),
            lambda: nn.Linear(2, 3)(torch.ones(4, 5)),
            lambda: torch.ones(2).view(3),
            lambda: torch.ones(2)[5],
            lambda: torch.ones(2).backward(),
            lambda: torch.zeros(2, dtype=torch.long).requires_grad_(),
            lambda: torch.from_numpy([1]),
            lambda: torch.stack([torch.ones(1), 3]),
            lambda: torch.ones(2).nothing,
            lambda: 3 in torch.ones(2, 2) @ torch.ones(3),
            lambda: F.max_pool2d(torch.ones(1), 2),
        ):
            try:
                go()
            except Exception as error:
                traceback.print_exc(file=sys.stdout)
        torch.ones(2) == "a"
        print(torch.ones(2) == "a")
        """,
    "uncaught": """
        net = nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 5))
        net(torch.ones(1, 2))
        """,
    "uncaught in a function of torch": """
        def f():
            return F.softmax(torch.ones(2), dim=7)
        f()
        """,
    "stack": """
        class Mine(torch.autograd.Function):
            @staticmethod
            def forward(ctx, v):
                print("".join(traceback.format_stack()[-3:]))
                return v * 2
            @staticmethod
            def backward(ctx, g):
                return g * 2
        x = torch.ones(2, requires_grad=True)
        y = Mine.apply(x)
        y.sum().backward()
        print(x.grad)
        """,
    "warnings": """
        import numpy as np
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            for i in range(3):
                F.softmax(torch.ones(2))
                torch.ones(2, 2, 2).T
                torch.from_numpy(np.broadcast_to(np.ones(1), (3,)))
                (torch.ones(2, requires_grad=True) * 2).grad
        print([(w.filename, w.lineno, w.category.__name__, str(w.message)) for w in caught])
        F.softmax(torch.ones(2))
        warnings.filterwarnings("error", module="__main__")
        try:
            torch.ones(2, 2, 2).T
        except UserWarning as error:
            print("raised", error)
        """,
    "random numbers": """
        torch.manual_seed(0)
        print(torch.randn(3), nn.Linear(2, 2).weight, F.dropout(torch.ones(5)))
        """,
    "anomaly": """
        with torch.autograd.set_detect_anomaly(True):
            x = torch.zeros(1, requires_grad=True)
            y = (x / x).sum()
            try:
                y.backward()
            except RuntimeError as error:
                print(error)
        """,
    "their own tracer": """
        lines = []
        def tracer(frame, event, arg):
            if frame.f_globals is globals():
                lines.append((event, frame.f_lineno))
                return tracer
        def hot():
            x = torch.ones(2)
            for i in range(400):
                x = x * 1.0
            return x
        sys.settrace(tracer)
        y = hot()
        sys.settrace(None)
        print(len(lines), lines[:4], y)
        """,
    "recursion": """
        def f(v, n):
            return v if n == 0 else f(v + 1, n - 1)
        print(f(torch.zeros(1), 300))
        """,
    "threads": """
        import threading
        out = []
        def work():
            x = torch.ones(2)
            for i in range(200):
                x = x + 1
            out.append(x)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for one in threads: one.start()
        for one in threads: one.join()
        print(out)
        """,
    "checkpoint": """
        from torch.utils.checkpoint import checkpoint
        lin = nn.Linear(2, 2)
        torch.nn.init.ones_(lin.weight)
        x = torch.ones(1, 2, requires_grad=True)
        checkpoint(lin, x, use_reentrant=False).sum().backward()
        print(x.grad)
        """,
    "swap": """
        a, b = torch.ones(2) * 1, torch.zeros(3) * 1
        c = a + 1
        torch.utils.swap_tensors(a, b)
        print(a, b)
        torch.__future__.set_swap_module_params_on_conversion(True)
        print(nn.Linear(2, 2).double().weight.dtype)
        torch.__future__.set_swap_module_params_on_conversion(False)
        """,
    "pickling": """
        import pickle, copy, io
        x = torch.ones(2) * 3
        print(pickle.loads(pickle.dumps(x)), copy.deepcopy(x), pickle.loads(pickle.dumps(torch.from_numpy)))
        f = io.BytesIO(); torch.save(x, f); f.seek(0)
        print(torch.load(f))
        """,
    "hooks": """
        x = torch.ones(2, requires_grad=True)
        x.register_hook(lambda g: print("hook", g * 2))
        lin = nn.Linear(2, 1)
        nn.init.ones_(lin.weight)
        lin.register_forward_hook(lambda m, i, o: print("forward", o.shape))
        lin(x).sum().backward()
        """,
    "parametrize": """
        from torch.nn.utils import parametrizations
        torch.manual_seed(0)
        lin = parametrizations.weight_norm(nn.Linear(2, 2))
        print(lin(torch.ones(1, 2)))
        """,
}


@pytest.mark.parametrize("what", SAME)
def test_the_same_with_and_without(driver, what: str):
    traced, bare = both(driver, SAME[what])
    assert printed(traced) == printed(bare)
    assert what_went_wrong(traced) == what_went_wrong(bare)
    assert [step.warnings for step in traced.steps] == [step.warnings for step in bare.steps]


def test_the_learners_line_is_told_under_modes_of_their_own(driver):
    run, _ = both(driver, SAME["TorchFunctionMode"])
    told = [
        (one.part, one.line) for step in run.steps for one in step.operations if one.name in ("add", "mul")
    ]
    assert told == [("torch.ones(2) + 1", 10), ("torch.ones(3) * 2", 14)]


COMPILED = {
    "function": 'call = torch.compile(lambda v: (v * 2).relu(), backend="eager", fullgraph=True)',
    "decorated": """
        @torch.compile(backend="eager", fullgraph=True)
        def call(v): return (v * 2).relu()
        """,
    "module": 'call = torch.compile(nn.Linear(2, 2), backend="eager", fullgraph=True)',
    "compiled in place": """
        class Net(nn.Module):
            def forward(self, v): return (v * 2).relu()
        call = Net()
        call.compile(backend="eager", fullgraph=True)
        """,
    "called by their own": """
        inner = torch.compile(lambda v: (v * 2).relu(), backend="eager", fullgraph=True)
        def call(v): return inner(v)
        """,
}


@pytest.mark.parametrize("way", COMPILED)
def test_compiled_code_sees_nothing_of_it(driver, way: str):
    driver.run("import torch, torch.nn as nn, torch._dynamo.utils as u")
    driver.run("torch._dynamo.reset(); u.counters.clear()")
    setup = driver.run(COMPILED[way])
    assert setup.ok, setup.error
    run = driver.run("""
        x = torch.ones(3, 2)
        for i in range(300):
            y = x + 1
            z = call(x)
        z = call(x)
        z = call(x) + y[:, :2]
        c = u.counters
        print(c["stats"]["unique_graphs"], dict(c["graph_break"]), dict(c["recompiles"]))
    """)
    assert run.ok, run.error
    assert printed(run) == "1 {} {}\n"
    assert [one.name for one in run.steps[-3].operations] == ["getitem", "add"]


def test_workers_of_a_data_loader_and_forked_children(driver):
    run = driver.run("""
        import os, torch
        from torch.utils.data import DataLoader, Dataset
        class Squares(Dataset):
            def __len__(self): return 40
            def __getitem__(self, i):
                x = torch.tensor(float(i))
                for _ in range(20): x = x * 1
                return x ** 2
        total = sum(batch.sum() for batch in DataLoader(Squares(), batch_size=8, num_workers=2))
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            y = torch.ones(2) + 1
            os.write(write, str(torch._C._len_torch_function_stack()).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        print(int(total), os.read(read, 9))
    """)
    assert run.ok, run.error
    assert printed(run) == "20540 b'0'\n"
    assert all(one.name != "pow" for step in run.steps for one in step.operations)


def test_other_threads_are_nobodys_line(driver):
    run, _ = both(driver, SAME["threads"])
    assert all(step.operations == () for step in run.steps)


def test_a_signal_handler_of_theirs_gets_through(driver):
    run = driver.run("""
        import signal, torch
        class Enough(Exception): pass
        def ring(*_): raise Enough("time is up")
        signal.signal(signal.SIGALRM, ring)
        def busy():
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            x = torch.ones(2)
            while True:
                x = x * 1.0; y = x.T; z = y.reshape(2); w = z.sum()
        for i in range(5):
            try:
                busy()
            except Enough as error:
                print(error)
    """)
    assert run.ok, run.error
    assert printed(run) == "time is up\n" * 5


def test_builtins_that_they_replaced(driver):
    run = driver.run("""
        import torch, builtins
        kept = builtins.isinstance, builtins.type, builtins.len
        def broken(*_): raise RuntimeError("replaced")
        builtins.isinstance = builtins.len = broken
        x = torch.ones(2).T
        builtins.isinstance, builtins.type, builtins.len = kept
    """)
    assert run.ok, run.error
    assert [one.name for one in run.steps[-2].operations] == ["ones", "T"]
