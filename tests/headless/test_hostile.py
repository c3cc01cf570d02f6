"""Scripts that do their worst, and still get the contract's one object with true facts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from inspection import command

SURVIVED = {
    "closes descriptors": "import os, torch\nos.closerange(3, 4096)\nx = torch.ones(3)",
    "closes all of /proc/self/fd": """
import os, torch
for fd in os.listdir("/proc/self/fd"):
    try: os.close(int(fd))
    except OSError: pass
x = torch.ones(3)
""",
    "reopens closed descriptors": """
import os, torch
os.closerange(0, 4096)
files = [open(os.devnull, "w") for _ in range(40)]
x = torch.ones(3)
""",
    "replaces builtins": """
import builtins, torch
x = torch.ones(3)
names = "len isinstance print repr type getattr dict list tuple str int id map all any set range open super"
for name in names.split() + ["hasattr", "sorted", "min", "max", "zip", "bytes"]:
    setattr(builtins, name, None)
y = x
""",
    "deletes builtins": "import builtins, torch\nx = torch.ones(3)\nvars(builtins).clear()",
    "replaces torch functions": """
import torch
x = torch.ones(3)
def broken(*a, **k): raise RuntimeError("replaced")
for name in "data_ptr stride size untyped_storage storage_offset numel is_contiguous __repr__".split():
    setattr(torch.Tensor, name, broken)
for name in ["shape", "dtype", "device", "grad", "grad_fn", "_version", "requires_grad", "is_leaf", "layout"]:
    setattr(torch.Tensor, name, property(broken))
torch.is_tensor = torch.equal = torch.arange = torch.no_grad = broken
torch._C._get_tracing_state = broken
""",
    "replaces stdlib": """
import os, sys, time, json, traceback, torch
x = torch.ones(3)
def broken(*a, **k): raise RuntimeError("replaced")
time.perf_counter = os.getpid = traceback.walk_tb = json.dumps = broken
sys.settrace = sys.exc_info = broken
""",
    "replaces streams": """
import sys, torch
class Odd:
    def __getattr__(self, name): raise RuntimeError(name)
x = torch.ones(3)
sys.stdout = sys.stderr = sys.__stdout__ = Odd()
""",
    "prints escape codes": r"""
import torch, os
x = torch.ones(3)
print("\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m\x00\x9b5A")
os.write(1, bytes(range(256)))
""",
    "warnings are errors": """
import warnings, torch
warnings.simplefilter("error")
x = torch.ones(3)
w = torch.ones(2, requires_grad=True)
h = w * 2
""",
    "leaves modes open": """
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.overrides import TorchFunctionMode
class D(TorchDispatchMode):
    def __torch_dispatch__(self, f, t, a=(), k=None): raise RuntimeError("dispatch mode")
class F(TorchFunctionMode):
    def __torch_function__(self, f, t, a=(), k=None): raise RuntimeError("function mode")
x = torch.ones(3)
D().__enter__()
F().__enter__()
y = 1
""",
    "own trace function": """
import sys, torch
sys.settrace(lambda *a: None)
x = torch.ones(3)
sys.setprofile(lambda *a: None)
""",
    "chdir to nowhere": """
import os, tempfile, torch
folder = tempfile.mkdtemp(); os.chdir(folder); os.rmdir(folder)
x = torch.ones(3)
""",
    "changes its namespace oddly": """
import torch
x = torch.ones(3)
globals()[3] = x
globals()[("a", 1)] = x
globals()["not an identifier"] = x
globals()["\\ud800"] = x
globals()[""] = x
__builtins__ = {}
""",
    "removes __main__": "import sys, torch\nx = torch.ones(3)\nsys.modules.clear()",
    "small recursion limit": "import sys, torch\nx = torch.ones(3)\nsys.setrecursionlimit(40)",
    "environment and limits": """
import os, resource, torch
x = torch.ones(3)
os.environ.clear()
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
""",
}


@pytest.mark.parametrize("code", SURVIVED.values(), ids=SURVIVED.keys())
def test_the_facts_survive(inspect, code):
    answer = inspect(code)
    assert answer.data["error"] is None, answer.data["error"]
    facts = answer.last["tensors"]["x"]
    assert (facts["shape"], facts["stride"], facts["dtype"]) == ([3], [1], "float32")


def test_learner_code_is_never_run_for_facts(inspect):
    answer = inspect("""\
        import torch
        calls = []
        class Nosy:
            def __getattribute__(self, name): calls.append(name); raise RuntimeError
            def __repr__(self): calls.append("repr"); return ""
            def __eq__(self, other): calls.append("eq"); return True
            def __hash__(self): calls.append("hash"); return 1
            def __len__(self): calls.append("len"); return 1
            def __bool__(self): calls.append("bool"); return True
            def __iter__(self): calls.append("iter"); return iter(())
            def __array__(self): calls.append("array")
        class Spy(torch.Tensor):
            @classmethod
            def __torch_function__(cls, f, t, a=(), k=None):
                calls.append(str(f)); return super().__torch_function__(f, t, a, k or {})
            @property
            def shape(self): calls.append("shape"); raise ValueError
            def __repr__(self): calls.append("tensor repr"); return ""
        class Module(torch.nn.Module):
            def __init__(self): super().__init__(); self.p = torch.nn.Parameter(torch.ones(2))
            def __getattr__(self, name): calls.append(name); return super().__getattr__(name)
            def parameters(self): calls.append("parameters"); raise ValueError
        n, m = Nosy(), Module()
        s = torch.ones(2, 3).as_subclass(Spy)
        t = [n, s]
        calls.clear()
        a = 1
        b = 2
        print(calls)
        """)
    assert answer.last["stdout"] == "[]\n"
    assert answer.last["tensors"]["s"]["shape"] == [2, 3]


def test_a_hundred_thousand_variables(inspect):
    answer = inspect("""\
        import torch
        for i in range(100_000):
            globals()[f"v{i}"] = torch.ones(1)
        fresh = torch.ones(2)
        for i in range(100_000):
            globals()[f"n{i}"] = i
        last = fresh
        """)
    assert answer.data["ok"], answer.data["error"]
    for step in answer.steps[1:]:
        assert len(step["tensors"]) <= 1000
        assert step["tensors_omitted"] + len(step["tensors"]) >= 100_000
    assert "fresh" in answer.steps[2]["tensors"]
    assert frozenset({"fresh", "last"}) in answer.groups


def test_a_thousand_names_of_many_kinds(inspect):
    answer = inspect("""\
        import torch, numpy as np
        from torch._subclasses.fake_tensor import FakeTensorMode
        huge = torch.empty(10**6, 10**6, device="meta")
        view = huge[1:]
        sparse = torch.eye(3).to_sparse()
        csr = torch.eye(3).to_sparse_csr()
        nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
        jagged = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)
        quant = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
        cplx = torch.ones(2, dtype=torch.complex64)
        real = cplx.real
        small = torch.ones(4).to(torch.float8_e4m3fn)
        brain = torch.ones(4, dtype=torch.bfloat16)
        empty = torch.empty(0, 3)
        part = torch.ones(3)[:0]
        with FakeTensorMode():
            fake = torch.ones(5, 2)
        leaked = []
        def f(t):
            leaked.append(t); globals()["dual"] = t
            return (t * 2).sum()
        torch.func.grad(f)(torch.ones(3))
        torch.vmap(f)(torch.ones(4, 3))
        with torch.inference_mode():
            inf = torch.ones(2)
        expanded = torch.ones(1).expand(10**9)
        bits = torch.zeros(3, dtype=torch.bool)
        strings = np.array(["a", "b"]); objects = np.array([object()], dtype=object)
        record = np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])
        back = torch.arange(4).flip(0)
        neg = torch.ones(2, dtype=torch.complex64).conj()
        print("end")
        """)
    assert answer.data["ok"], answer.data["error"]
    tensors = answer.last["tensors"]
    assert tensors["huge"]["shape"] == [10**6, 10**6]
    assert tensors["huge"]["device"] == "meta"
    assert tensors["sparse"]["data_ptr"] is None
    assert tensors["sparse"]["storage"] is None
    assert tensors["sparse"]["shape"] == [3, 3]
    assert tensors["quant"]["dtype"] == "qint8"
    assert tensors["small"]["dtype"] == "float8_e4m3fn"
    assert tensors["fake"]["shape"] == [5, 2]
    assert tensors["inf"]["version"] is None
    assert tensors["expanded"]["stride"] == [0]
    assert tensors["nested"]["dtype"] == "float32"
    assert frozenset({"huge", "view"}) in answer.groups
    assert frozenset({"cplx", "real"}) in answer.groups
    assert not any("empty" in group or "part" in group for group in answer.groups)
    assert "record" in answer.last["arrays"]


def test_a_long_chain_and_a_large_graph(inspect):
    answer = inspect("""\
        import torch
        x = torch.ones(1, requires_grad=True)
        y = x
        for _ in range(20_000): y = y + 1
        z = y
        for _ in range(60_000): z = z * 1
        """)
    graph = answer.data["graphs"]["y"]
    assert len(graph["nodes"]) == 20_001
    assert len(graph["edges"]) == 20_000
    assert "truncated" not in graph
    assert answer.data["graphs"]["z"]["truncated"] is True
    assert answer.data["graphs"]["z"]["total_nodes"] == 80_001


def test_a_flood_is_bounded_and_quick(inspect):
    answer = inspect("import os\nfor _ in range(100): os.write(1, b'y' * 1_000_000)\nprint('done')")
    assert answer.steps[1]["stdout_elided"] > 90_000_000
    assert answer.last["stdout"] == "done\n"


def test_objects_altered_under_another_name_are_read_again(inspect):
    answer = inspect("""\
        import torch, numpy as np
        w = torch.ones(2, requires_grad=True)
        y = w * 2
        z = y
        z.retain_grad()
        m = torch.ones(2, 3)
        h = [m]
        def turn(): h[0].data = h[0].data.t()
        turn()
        c = torch.ones(3)
        d = c
        d.resize_(7)
        a = np.zeros(4)
        a.resize(8)
        with torch.inference_mode():
            i = torch.ones(2, 3)
        j = [i]
        with torch.inference_mode():
            j[0].t_()
        """)
    assert answer.data["ok"], answer.data["error"]
    tensors = answer.last["tensors"]
    assert tensors["y"]["retains_grad"] is True
    assert tensors["m"]["shape"] == [3, 2]
    assert tensors["c"]["shape"] == [7]
    assert tensors["i"]["shape"] == [3, 2]
    assert answer.last["arrays"]["a"]["shape"] == [8]


def test_names_that_are_not_utf8_are_wrong_use(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.py"
    Path(os.fsdecode(path)).write_text("x = 1")
    done = subprocess.run([*command(), path, "--json"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_script_named_like_a_module_shadows_nothing_of_ours(tmp_path):
    (tmp_path / "logging.py").write_text("x = 1")
    done = subprocess.run(command("logging.py", "--json"), capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
