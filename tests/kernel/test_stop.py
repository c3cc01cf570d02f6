"""Stopping: at once where Python can be stopped, by Restart where it cannot."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from tutor.kernel.learner import Interrupts
from tutor.session import InputAsked, Session, StateChanged, StepStarted
from tutor.session.process import KernelProcess

STOPPABLE = {
    "loop": "while True: pass",
    "sleep": "import time; time.sleep(60)",
    "await": "import asyncio\nawait asyncio.sleep(60)",
    "asyncio.run": "import asyncio\nasyncio.run(asyncio.sleep(60))",
    "torch loop": "import torch\nwhile True: torch.ones(3) + 1",
    "thread join": "import threading\nt = threading.Event()\nt.wait(60)",
    "subprocess": "import subprocess\nsubprocess.run(['sleep', '60'])",
    "flood": "while True: print('x' * 1000)",
}


@pytest.mark.parametrize("code", STOPPABLE.values(), ids=STOPPABLE.keys())
def test_stop_ends_the_code_and_keeps_the_namespace(driver, code):
    driver.run("kept = 41")
    run = driver.run_and(code, Session.interrupt)
    assert run.error.type == "KeyboardInterrupt"
    assert driver.session.state == "idle"
    assert driver.value("kept + 1") == 42


def test_stop_during_input(driver):
    run = driver.run_and("input('? ')", Session.interrupt, lambda e: isinstance(e, InputAsked))
    assert run.error.type == "KeyboardInterrupt"
    late = driver.run_and("x = input()", lambda s: s.reply("fresh"), lambda e: isinstance(e, InputAsked))
    assert late.ok
    assert driver.value("x") == "fresh"


def test_stop_before_the_kernel_has_heard_of_the_code(driver):
    for _ in range(5):
        run = driver.run_and(
            "n = 0\ninput('? ')",
            Session.interrupt,
            lambda event: isinstance(event, StateChanged) and event.state == "busy",
        )
        assert run.error is not None
        assert run.error.type == "KeyboardInterrupt"
    assert driver.value("1 + 1") == 2


def test_stop_between_statements_leaves_the_rest_undone(driver):
    code = "done = 0\n" + "for _ in range(50_000): done += 1\n" * 400
    run = driver.run_and(code, Session.interrupt, after=0.2)
    assert run.error.type == "KeyboardInterrupt"
    assert len(run.steps) < 401


def test_stop_when_nothing_runs_does_nothing(driver):
    driver.session.interrupt()
    assert driver.run("1 + 1").ok


def test_a_display_that_hangs_can_be_stopped(driver):
    run = driver.run_and(
        """\
        class Slow:
            def __repr__(self):
                while True: pass
        Slow()
        """,
        Session.interrupt,
    )
    assert run.error.type == "KeyboardInterrupt"


def test_a_learners_own_handler_stays_theirs(driver):
    run = driver.run_and(
        """\
        import signal, time
        caught = []
        previous = signal.signal(signal.SIGINT, lambda *_: caught.append(1))
        while not caught: time.sleep(0.01)
        signal.signal(signal.SIGINT, previous)
        """,
        Session.interrupt,
        lambda e: isinstance(e, StepStarted) and e.line == 4,
    )
    assert run.ok
    stopped = driver.run_and("while True: pass", Session.interrupt)
    assert stopped.error.type == "KeyboardInterrupt"


STUBBORN = {
    "swallows": """
import time
while True:
    try:
        time.sleep(1)
    except KeyboardInterrupt:
        pass
""",
    "holds the GIL": "sum(range(10**12))",
    "ignores it": "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(600)",
}


@pytest.mark.parametrize("code", STUBBORN.values(), ids=STUBBORN.keys())
def test_what_cannot_be_stopped_is_stuck_and_restart_ends_it(code):
    async def go() -> tuple[list[str], object, float]:
        session = Session(spare=False)
        states: list[str] = []
        stuck = asyncio.Event()

        def listen(event: object) -> None:
            if isinstance(event, StateChanged):
                states.append(event.state)
                if event.state == "stuck":
                    stuck.set()

        session.listener = listen
        session.spawn()
        await session.start()
        running = asyncio.create_task(session.execute(code))
        await asyncio.sleep(0.3)
        session.interrupt()
        asked = time.monotonic()
        await asyncio.wait_for(stuck.wait(), 10)
        waited = time.monotonic() - asked
        await session.restart()
        run = await running
        assert (await session.execute("1")).ok
        await session.close()
        return states, run, waited

    states, run, waited = asyncio.run(go())
    assert states[:4] == ["idle", "busy", "stopping", "stuck"]
    assert run.error.type == "KernelDied"
    assert 1.5 < waited < 6


def test_restart_goes_on_in_the_warm_spare_and_can_do_without():
    async def go(spare: bool) -> bool:
        session = Session(spare=spare)
        session.spawn()
        await session.start()
        if spare:
            async with asyncio.timeout(30):
                while not session.spare_is_ready:  # noqa: ASYNC110 (a spare comes without an event)
                    await asyncio.sleep(0.05)
            expected = session.spare_pid
        else:
            await asyncio.sleep(1.5)
            assert session.spare_pid is None
            expected = None
        await session.restart()
        same = session.pid == expected
        assert (await session.execute("1")).ok
        await session.close()
        return same

    assert asyncio.run(go(True))
    assert not asyncio.run(go(False))


def test_who_waits_for_a_kernel_gets_the_one_that_replaced_it():
    async def go() -> bool:
        session = Session(spare=False)
        waiting = asyncio.create_task(session.start())
        await asyncio.sleep(0.1)
        again = await session.restart()
        first = await asyncio.wait_for(waiting, 10)
        ran = await session.execute("1")
        await session.close()
        return first == again and ran.ok

    assert asyncio.run(go())


def test_a_kernel_that_is_replaced_leaves_nothing_open_even_where_the_loop_ends_meanwhile():
    async def go() -> tuple[KernelProcess, KernelProcess]:
        session = Session(spare=False)
        await session.start()
        first = session._kernel
        restarting = asyncio.create_task(session.restart())
        await asyncio.sleep(0)
        restarting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await restarting
        second = session._kernel
        closing = asyncio.create_task(second.close())
        await asyncio.sleep(0)
        closing.cancel()
        return first, second

    for process in asyncio.run(go()):
        assert process._channel.fileno() == process._listener.fileno() == -1
        assert process._process.stdout.closed


def test_a_session_closes_with_all_kernels_that_it_had():
    holds_the_output = "import subprocess; subprocess.run(['sh', '-c', 'setsid sleep 6 &'])"

    async def go() -> int:
        session = Session(spare=False)
        await session.start()
        assert (await session.execute(holds_the_output)).ok
        first = session._kernel
        restarting = asyncio.create_task(session.restart())
        await asyncio.sleep(0)
        await session.close()
        restarting.cancel()
        return first._channel.fileno()

    assert asyncio.run(go()) == -1


def test_a_signal_between_two_statements_reaches_the_next_one():
    original = signal.getsignal(signal.SIGINT)
    interrupts = Interrupts()
    try:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interrupts:
            pass
        assert not interrupts.pending
        interrupts.leave()
        with interrupts:
            pass
    finally:
        signal.signal(signal.SIGINT, original)
