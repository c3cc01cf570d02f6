"""`torchtutor inspect --json`: one object, whatever the script does."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from inspection import command, is_running, strict


def test_the_object_has_the_shape_of_the_contract(inspect):
    answer = inspect("""\
        import torch
        import numpy as np
        x = torch.arange(6.).reshape(2, 3)
        y = x[:, 1]
        x[0, 1] = 9
        w = torch.ones(3, requires_grad=True)
        h = x @ w
        loss = (h - 1).pow(2).mean()
        loss.backward()
        a = np.zeros(4)
        t = torch.from_numpy(a)
        print("grad", w.grad.tolist())
        y
        """)
    assert answer.status == 0
    assert answer.data["ok"] is True
    assert answer.data["error"] is None
    assert answer.data["device"] == "cpu"
    assert answer.data["torch"].startswith("2.")
    assert [step["line"] for step in answer.steps] == list(range(1, 14))
    assert answer.last["result"] == "tensor([9., 4.])"
    assert answer.steps[11]["stdout"].startswith("grad [")
    tensors = answer.last["tensors"]
    assert tensors["y"]["shape"] == [2]
    assert tensors["y"]["stride"] == [3]
    assert tensors["y"]["offset"] == 1
    assert tensors["y"]["storage"] == tensors["x"]["storage"]
    assert tensors["x"]["version"] == tensors["y"]["version"] == 1
    assert tensors["x"]["data_ptr"] + 4 == tensors["y"]["data_ptr"]
    assert tensors["w"]["grad"] == {"shape": [3]}
    assert (tensors["w"]["is_leaf"], tensors["h"]["is_leaf"]) == (True, False)
    assert tensors["loss"]["grad_fn"] == "MeanBackward0"
    assert tensors["h"]["grad"] is None
    assert answer.groups == {frozenset("xy"), frozenset("at")}
    graph = answer.data["graphs"]["loss"]
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    assert [names[a] + ">" + names[b] for a, b in graph["edges"]] == [
        "MeanBackward0>PowBackward0", "PowBackward0>SubBackward0",
        "SubBackward0>MvBackward0", "MvBackward0>AccumulateGrad",
    ]  # fmt: skip
    assert [node["variable"] for node in graph["nodes"] if node["name"] == "AccumulateGrad"] == ["w"]
    required = {"line", "end_line", "source", "stdout", "result", "warnings"}
    required |= {"tensors", "sharing", "explanations"}
    assert all(required <= set(step) for step in answer.steps)


def test_a_raise_is_the_last_step_with_the_namespace_as_left(inspect):
    answer = inspect("""\
        import torch
        def f(t):
            u = t * 2
            return u.view(7)
        x = torch.ones(2, 3)
        y = [x := x + 1, f(x)]
        z = 1
        """)
    assert answer.status == 1
    assert answer.data["ok"] is False
    assert (answer.data["error"]["type"], answer.data["error"]["line"]) == ("RuntimeError", 4)
    assert answer.last["line"] == 6
    assert answer.last["tensors"]["x"]["shape"] == [2, 3]


@pytest.mark.parametrize(
    ("code", "kind"),
    [("import sys\nsys.exit()", "SystemExit"), ("raise SystemExit(0)", "SystemExit"),
     ("class Odd(Exception): pass\nraise Odd", "Odd"), ("raise KeyboardInterrupt", "KeyboardInterrupt")],
)  # fmt: skip
def test_any_uncaught_exception_is_not_ok(inspect, code, kind):
    answer = inspect(code)
    assert (answer.data["ok"], answer.data["error"]["type"]) == (False, kind)
    assert answer.status == (130 if kind == "KeyboardInterrupt" else 1)


@pytest.mark.parametrize(
    "code", [b"x = = 1\n", b"x = '\xff'\n", b"# coding: no-such\nx = 1\n", b"a\0b\n", b"return\n"]
)
def test_source_that_is_not_python_has_no_steps(inspect, code):
    answer = inspect(code)
    assert (answer.status, answer.steps, answer.data["error"]["type"]) == (1, [], "SyntaxError")


def test_an_empty_script_ran_to_its_end(inspect):
    answer = inspect("")
    assert (answer.status, answer.data["ok"], answer.steps) == (0, True, [])


def test_source_encodings_and_line_ends(inspect):
    answer = inspect("# -*- coding: euc-kr -*-\r\ns = '한글'\r\nprint(s)\r\n".encode("euc-kr"))
    assert answer.last["stdout"] == "한글\n"
    assert answer.last["line"] == 3
    assert inspect(b"\xef\xbb\xbfx = 1\nx").last["result"] == "1"


def test_the_script_runs_as_under_plain_python(inspect, tmp_path):
    (tmp_path / "sibling.py").write_text("value = 'imported'")
    (tmp_path / "elsewhere").mkdir()
    answer = inspect(
        """\
        '''The docstring.'''
        import os, sys, sibling
        print(__name__, __doc__, sys.argv[1:], sibling.value, os.getcwd(), __file__ == sys.argv[0])
        def main(): return input() + input()
        if __name__ == "__main__":
            print(main())
        import gc, torch
        print(torch.get_default_dtype(), torch.is_grad_enabled(), gc.isenabled(), gc.get_freeze_count())
        print(sys.stdin.read())
        try:
            input()
        except EOFError:
            print("end")
        """,
        "--", "one", "--two",
        stdin=b"he\nllo\nrest",
        cwd=tmp_path / "elsewhere",
    )  # fmt: skip
    assert answer.data["ok"], answer.data["error"]
    out = "".join(step["stdout"] for step in answer.steps)
    folder = tmp_path / "elsewhere"
    assert out.startswith(f"__main__ The docstring. ['one', '--two'] imported {folder} True\nhello\n")
    assert out.endswith("rest\nend\n")
    assert "torch.float32 True True 0\n" in out


def test_standard_input_can_be_the_script():
    script = b"import sys\nprint(sys.argv)\ninput()"
    done = subprocess.run(command("-", "--json"), input=script, capture_output=True, check=False)
    data = strict(done.stdout)
    assert data["steps"][1]["stdout"] == "['-']\n"
    assert data["error"]["type"] == "EOFError"


@pytest.mark.parametrize("arguments", [["missing.py"], ["."], ["x.py", "--device", "nonsense"], ["--json"]])
def test_wrong_use_is_one_sentence_and_status_2(arguments, tmp_path):
    done = subprocess.run(command(*arguments), capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_a_device_that_is_not_there_names_what_is(tmp_path):
    (tmp_path / "x.py").write_text("x = 1")
    done = subprocess.run(
        command("x.py", "--device", "cuda:77"), capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2
    assert "cuda:77" in done.stderr
    assert "cpu" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("code", "steps"),
    [
        ("while True: pass", 2),
        ("import time\nwhile True:\n  try: time.sleep(9)\n  except BaseException: pass", 3),
        ("sum(range(10**13))", 2),
    ],
    ids=["loop", "swallows", "holds the GIL"],
)
def test_ctrl_c_answers_within_five_seconds(tmp_path, code, steps):
    flag = tmp_path / "flag"
    (tmp_path / "s.py").write_text(f"open({str(flag)!r}, 'w')\n{code}")
    process = subprocess.Popen(command("s.py", "--json"), stdout=subprocess.PIPE, cwd=tmp_path)
    while not flag.exists():
        time.sleep(0.05)
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert time.monotonic() - began < 5
    data = strict(out)
    assert process.returncode == 130
    assert (data["ok"], data["error"]["type"]) == (False, "KeyboardInterrupt")
    assert len(data["steps"]) == steps


def test_ctrl_c_while_torch_is_imported_still_answers(tmp_path):
    (tmp_path / "s.py").write_text("x = 1")
    process = subprocess.Popen(command("s.py", "--json"), stdout=subprocess.PIPE, cwd=tmp_path)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not children.read_text().strip():
        time.sleep(0.01)
    time.sleep(0.2)  # the kernel is there and imports torch, which takes longer
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    data = strict(out)
    assert process.returncode == 130
    assert data["error"]["type"] == "KeyboardInterrupt"


def test_a_death_is_an_error_with_the_last_known_namespace(inspect):
    answer = inspect("import torch, os\nx = torch.ones(2)\nprint('a')\nos.kill(os.getpid(), 11)\ny = 1")
    assert answer.status == 1
    assert answer.data["error"]["type"] == "KernelDied"
    assert "SIGSEGV" in answer.data["error"]["message"]
    assert [step["line"] for step in answer.steps] == [1, 2, 3, 4]
    assert "x" in answer.last["tensors"]
    assert answer.data["graphs"] == {}
    status = inspect("import os\nos._exit(9)").data["error"]["message"]
    assert "9" in status


def test_leftover_threads_and_children_are_ended(inspect, tmp_path):
    answer = inspect("""\
        import subprocess, threading, time
        threading.Thread(target=time.sleep, args=(600,)).start()
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        print(child.pid)
        """)
    assert answer.status == 0
    pid = int(answer.steps[-1]["stdout"])
    deadline = time.monotonic() + 10  # whoever takes over orphans has to notice
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)


def test_warnings_have_category_message_and_line(inspect):
    answer = inspect("""\
        import torch
        def read(t):
            return t.grad
        x = torch.ones(2, requires_grad=True)
        for _ in range(2):
            read(x * 2)
        """)
    warnings = answer.last["warnings"]
    assert [(w["category"], w["line"]) for w in warnings] == [("UserWarning", 3)] * 2
    assert "stdout" in answer.last
    assert answer.last["stdout"] == ""


def test_values_are_strict_json(inspect):
    answer = inspect(r"""
        import torch
        float("nan")
        print("\ud800 lone")
        "\udfff"
        x = torch.tensor([1.0], requires_grad=True)
        y = x * float("inf")
        z = x ** float("nan")
        """)
    assert answer.data["ok"], answer.data["error"]
    assert answer.steps[1]["result"] == "nan"
    assert "z" in answer.data["graphs"]


def test_output_beyond_a_mebibyte_keeps_head_and_tail(inspect):
    answer = inspect("print('HEAD' + 'x' * 3_000_000 + 'TAIL')")
    step = answer.steps[0]
    assert step["stdout"].startswith("HEAD")
    assert step["stdout"].endswith("TAIL\n")
    assert len(step["stdout"]) + step["stdout_elided"] == 3_000_009
    assert len(step["stdout"].encode()) <= 1 << 20


def test_people_get_the_code_with_notes_and_the_error(tmp_path):
    code = "import torch\nx = torch.arange(6.).view(2, 3)\ny = x.t()\nprint('hello')\ny.view(6)\n"
    (tmp_path / "s.py").write_text(code)
    done = subprocess.run(command("s.py"), capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "view of x" in done.stdout
    assert "hello" in done.stdout
    assert "RuntimeError" in done.stdout
    assert "\x1b[" not in done.stdout


def test_a_lesson_is_walked_step_by_step():
    from tutor.course.loader import find_lesson, load_lesson

    path = find_lesson("view-reshape")
    done = subprocess.run(command(str(path), "--json"), capture_output=True, check=False)
    data = strict(done.stdout)
    assert done.returncode == 0, data["error"]
    with_code = [step.id for step in load_lesson(path).steps if step.code.strip()]
    assert list(dict.fromkeys(step["lesson_step"] for step in data["steps"])) == with_code


def test_containers_add_paths_and_nothing_else(inspect):
    answer = inspect("""\
        import torch
        batch = {"x": torch.ones(3), "y": torch.zeros(2)}
        x = batch["x"]
        free = [torch.ones(2, requires_grad=True)]
        loss = free[0].sum()
        many = [torch.ones(1) for _ in range(300)]
        for n in range(950):
            globals()[f"t{n}"] = x
        """)
    assert answer.data["ok"]
    assert answer.steps[2]["tensors"]['batch["x"]']["storage"] == answer.steps[2]["tensors"]["x"]["storage"]
    assert all(name.isidentifier() for step in answer.steps for group in step["sharing"] for name in group)
    assert answer.steps[2]["sharing"] == []
    assert answer.steps[5]["containers_omitted"] == {"many": 200}
    assert "tensors_omitted" not in answer.steps[5]
    assert {"x", "loss", *(f"t{n}" for n in range(950))} <= set(answer.last["tensors"])
    assert len(answer.last["tensors"]) == 1_000
    assert set(answer.data["graphs"]) == {"loss"}
    (leaf,) = [node for node in answer.data["graphs"]["loss"]["nodes"] if node["name"] == "AccumulateGrad"]
    assert leaf["variable"] is None


def test_the_simulated_device_is_named_with_what_was_copied(inspect):
    answer = inspect(
        """
        import torch
        x = torch.ones(2, 3)
        y = x.to(device)
        x + y
        """,
        "--device",
        "sim",
    )
    assert answer.status == 1
    assert (answer.data["device"], answer.data["simulated"]) == ("sim:0", True)
    copied, failed = answer.steps[2:]
    assert copied["transfers"] == [
        {"source": "cpu", "target": "sim:0", "count": 1, "nbytes": 24, "names": ["x"]}
    ]
    assert copied["memory"]["device"] == "sim:0"
    assert copied["memory"]["allocated"] >= 24
    assert "transfers" not in failed
    assert answer.data["error"]["explanation"]["rule"] == "device-mismatch"
    assert answer.data["error"]["explanation"]["fix"] == "x.to(y.device) + y"
