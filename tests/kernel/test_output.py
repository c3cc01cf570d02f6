"""Everything that code writes arrives once, in order, in bounds."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.session import KernelOptions, Output, StepFinished, StepStarted
from tutor.session.output import Capture, Mark, MarkScanner
from tutor.session.process import KernelProcess


def test_prints_raw_writes_and_subprocesses_keep_their_order(driver):
    run = driver.run("""\
        import os, subprocess, sys
        for i in range(20):
            print("a", end="")
            os.write(1, b"b")
            print("c")
            subprocess.run(["echo", "d"])
            print("e", end="", file=sys.stderr)
            print("f", end="")
            os.system("echo g")
        """)
    assert run.steps[1].stdout == "abc\nd\nefg\n" * 20


def test_c_level_output_belongs_to_the_statement_that_made_it(driver):
    run = driver.run("""\
        import ctypes
        libc = ctypes.CDLL(None)
        _ = libc.printf(b"from c")
        print("after")
        """)
    assert [s.stdout for s in run.steps[2:]] == ["from c", "after\n"]


def test_a_hundred_megabytes_are_bounded_and_counted(driver):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = driver.run("""\
        print("start"); import os
        for _ in range(100): os.write(1, b"x" * 1_000_000)
        print("end")
        """)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    step = run.steps[2]
    assert len(step.stdout) + step.stdout_elided == 100_000_000
    assert len(step.stdout) <= 1 << 20
    assert run.steps[3].stdout == "end\n"
    assert grown < 20  # MiB
    shown = sum(len(event.text) for event in driver.of(Output))
    skipped = sum(event.skipped for event in driver.of(Output))
    assert shown + skipped == 100_000_000 + len("start\nend\n")
    assert skipped > 0


def test_output_is_told_between_the_start_and_the_end_of_its_statement(driver):
    count = 300
    driver.run("\n".join(f"print({line})" for line in range(1, count + 1)))
    current, told = 0, []
    for event in driver.events:
        if isinstance(event, StepStarted):
            current = event.line
        elif isinstance(event, StepFinished):
            current = 0
        elif isinstance(event, Output):
            assert event.text == f"{current}\n"
            told.append(current)
    assert told == list(range(1, count + 1))


def test_invalid_and_split_utf8_never_breaks(driver):
    run = driver.run("""\
        import os
        a = os.write(1, b"\\xff" + "한".encode()[:2]); b = os.write(1, "한".encode()[2:]); print("글")
        """)
    assert run.steps[-1].stdout == "글\n"
    assert "\ufffd" in "".join(s.stdout for s in run.steps)
    assert driver.run("print('한글')").steps[0].stdout == "한글\n"


def test_a_learner_who_imitates_a_mark_gains_nothing(driver):
    run = driver.run(r"import os; n = os.write(1, b'\x00' + b'0' * 32 + b':1:0\x00'); print('ok')")
    assert "ok" in "".join(s.stdout for s in run.steps)
    assert run.ok


@pytest.mark.parametrize(
    "closing", ["os.close(1); os.close(2)", "os.closerange(1, 64)", "os.closerange(3, 256)"]
)
def test_closed_descriptors_cost_output_but_not_the_session(driver, closing):
    run = driver.run(f"import os\n{closing}\nx = 1\nf = open(os.devnull)\ny = 2")
    assert run.ok, run.error
    assert driver.value("y") == 2
    driver.runner.run(driver.session.restart())


def test_output_of_threads_is_kept_whole_by_line(driver):
    run = driver.run("""\
        import threading
        def speak(name):
            for _ in range(200): print(name * 20)
        threads = [threading.Thread(target=speak, args=(n,)) for n in "ab"]
        for t in threads: t.start()
        for t in threads: t.join()
        """)
    lines = "".join(s.stdout for s in run.steps).splitlines()
    assert sorted(set(lines)) == ["a" * 20, "b" * 20]
    assert len(lines) == 400


def test_a_non_blocking_pipe_loses_no_record(driver):
    run = driver.run("""\
        import os
        os.set_blocking(1, False)
        for _ in range(3): print("x" * 10)
        os.set_blocking(1, True)
        """)
    assert len(run.steps) == 4
    assert driver.run("1").ok


@given(
    st.lists(st.binary(max_size=60) | st.tuples(st.integers(0, 9), st.integers(-1, 9)), max_size=12),
    st.integers(1, 17),
)
def test_marks_are_found_wherever_the_stream_is_cut(parts, size):
    nonce = "n" * 8
    stream, expected = b"", []
    for part in parts:
        if isinstance(part, bytes):
            stream += part
            expected.append(part)
        else:
            stream += b"\0" + nonce.encode() + b":%d:%d\0" % part
            expected.append(Mark(part))
    scanner = MarkScanner(nonce)
    got = [piece for i in range(0, len(stream), size) for piece in scanner.feed(stream[i : i + size])]
    got.append(scanner.flush())
    assert [p for p in got if isinstance(p, Mark)] == [p for p in expected if isinstance(p, Mark)]
    assert _between(got) == _between(expected)


def _between(pieces):
    texts = [b""]
    for piece in pieces:
        if isinstance(piece, Mark):
            texts.append(b"")
        else:
            texts[-1] += piece
    return texts


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(2, 60))
def test_a_capture_keeps_both_ends_and_counts_the_rest(chunks, limit):
    capture = Capture(limit)
    for chunk in chunks:
        capture.add(chunk)
    whole = b"".join(chunks)
    head, tail = capture.parts()
    assert len(head) + len(tail) + capture.elided == len(whole)
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head) + len(tail) <= limit
    if len(whole) <= limit // 2 * 2:
        assert head + tail == whole


@pytest.mark.timeout(10)
def test_draining_a_pipe_that_never_runs_dry_comes_to_an_end():
    process = KernelProcess(KernelOptions())
    taken: list[int] = []
    process.on_output = lambda data: taken.append(len(data))
    process._pipe = os.open("/dev/zero", os.O_RDONLY)
    process._pipe_open = True
    try:
        process.drain()
    finally:
        os.close(process._pipe)
        Path(process._folder).rmdir()
    assert sum(taken) == 1 << 20
