"""A kernel that dies is noticed at once, said in one sentence, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from inspection import is_running

from tutor.session import Died, Session, SessionError, StepFinished

DEATHS = {
    "os._exit": ("import os\nos._exit(7)", "exit status 7"),
    "segfault": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "abort": ("import os\nos.abort()", "SIGABRT"),
    "sigkill": ("import os\nos.kill(os.getpid(), 9)", "SIGKILL"),
    "daemon thread": (
        "import threading, os, time\nthreading.Thread(target=lambda: os._exit(5)).start()\ntime.sleep(60)",
        "exit status 5",
    ),
}


@pytest.mark.parametrize(("code", "word"), DEATHS.values(), ids=DEATHS.keys())
def test_a_death_is_one_sentence_and_the_fatal_statement_is_the_last_step(driver, code, word):
    run = driver.run(f"import torch\nx = torch.ones(2)\nprint('before')\n{code}\nnever = 1")
    assert run.error.type == "KernelDied"
    assert word in run.error.message
    assert run.error.message.count("\n") == 0
    assert run.steps[-1].error == run.error
    assert "x" in run.steps[-1].snapshot.tensors
    assert "before\n" in "".join(s.stdout for s in run.steps)
    assert driver.session.state == "dead"
    (died,) = driver.of(Died)
    assert died.sentence == run.error.message
    assert isinstance(driver.events[-1], Died)
    assert any(isinstance(event, StepFinished) and event.step.error for event in driver.events)


def test_running_in_a_dead_kernel_says_so_and_restart_brings_it_back(driver):
    driver.run("import os; os._exit(1)")
    with pytest.raises(SessionError, match="restart"):
        driver.run("1")
    driver.runner.run(driver.session.restart())
    assert driver.run("1 + 1").steps[0].result == "2"


def test_too_much_memory_is_the_codes_error_and_never_the_machines_end():
    code = "import torch\nhoard = []\nwhile True: hoard.append(torch.ones(2**24))"

    async def go():
        session = Session(spare=False, memory="2")
        await session.start()
        run = await session.execute(code)
        after = await session.execute("del hoard\nlen(torch.ones(2**20))")
        await session.close()
        return run, after

    run, after = asyncio.run(go())
    assert run.error.type in ("RuntimeError", "MemoryError")
    assert after.steps[-1].result == str(2**20)


def test_workers_and_children_die_with_a_restart(driver):
    driver.run("""\
        import subprocess
        plain = subprocess.Popen(["sleep", "300"])
        own_session = subprocess.Popen(["sleep", "300"], start_new_session=True)
        pids = [plain.pid, own_session.pid]
        """)
    pids = driver.value("pids")
    assert all(is_running(pid) for pid in pids)
    driver.runner.run(driver.session.restart())
    assert _gone_within(pids, 2.0)


@pytest.mark.parametrize("code", ["import time; time.sleep(600)", "sum(range(10**13))", "while True: pass"])
def test_a_killed_parent_takes_its_kernel_along_also_from_inside_a_c_call(code):
    script = textwrap.dedent(f"""\
        import asyncio
        from tutor.session import Session
        async def main():
            session = Session(spare=False)
            session.spawn()
            await session.start()
            print(session.pid, flush=True)
            await session.execute({code!r})
        asyncio.run(main())
        """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        kernel = int(parent.stdout.readline())
        time.sleep(0.5)
        parent.send_signal(signal.SIGKILL)
    assert _gone_within([kernel], 1.0)


def _gone_within(pids: list[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(is_running(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False
