"""The app on real pseudo-terminals: its colours, Korean typing, and what a dumb terminal gets."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from benchmarks.terminal import RUN, Terminal
from tutor.course.store import Store

#: What sets a colour: of 24 bits, of 256, one of the sixteen, or the terminal's own.
DEEP, INDEXED = re.compile(rb"[34]8;2;"), re.compile(rb"[34]8;5;")
_SGR = re.compile(rb"\x1b\[([\d;]*)m")


def codes(painted: bytes) -> set[int]:
    """All parameters of all "select graphic rendition" sequences, those of deep colours left out."""
    found: set[int] = set()
    for parameters in _SGR.findall(painted):
        plain = re.sub(rb"[34]8;(2;\d+;\d+;\d+|5;\d+)", b"", parameters)
        found |= {int(each) for each in plain.split(b";") if each}
    return found


@contextmanager
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[Terminal]:
    for name in ("COLORTERM", "TEXTUAL_COLOR_SYSTEM", "NO_COLOR", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    with Terminal("repl", "--device", "cpu", "--no-spare", home=tmp_path, variables=variables) as terminal:
        yield terminal


def painted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> bytes:
    """Everything that a scratch page with a run in it was painted with."""
    with opened(tmp_path, monkeypatch, **variables) as terminal:
        terminal.wait_for("cpu")
        terminal.send("import torch; x = torch.ones(3)\r")
        terminal.wait_for("[3]")
        terminal.drain(0.5)
        return bytes(terminal.painted)


def test_256_colours_are_all_that_is_used_where_the_terminal_has_no_more(tmp_path, monkeypatch) -> None:
    seen = painted(tmp_path, monkeypatch, TERM="xterm-256color")
    assert INDEXED.search(seen)
    assert not DEEP.search(seen)


def test_deep_colour_is_used_where_the_terminal_says_that_it_has_it(tmp_path, monkeypatch) -> None:
    assert DEEP.search(painted(tmp_path, monkeypatch, TERM="xterm-256color", COLORTERM="truecolor"))


@pytest.mark.parametrize("term", ["xterm", "xterm-16color", "screen"])
def test_sixteen_colours_are_the_terminals_own(tmp_path, monkeypatch, term: str) -> None:
    seen = painted(tmp_path, monkeypatch, TERM=term)
    assert not DEEP.search(seen)
    assert not INDEXED.search(seen)
    used = codes(seen)
    assert used & {*range(30, 38), *range(90, 98)}, "no colours at all"
    assert 1 in used


@pytest.mark.parametrize("term", ["xterm", "xterm-256color"])
def test_no_color_leaves_attributes_only(tmp_path, monkeypatch, term: str) -> None:
    with Store.open(tmp_path / "tutor.db", patience=5) as store:
        store.set_setting("theme", "paper")
    seen = painted(tmp_path, monkeypatch, TERM=term, COLORTERM="truecolor", NO_COLOR="1")
    assert not DEEP.search(seen)
    assert not INDEXED.search(seen)
    assert codes(seen) <= {*range(10), *range(22, 30)}
    assert {1, 2, 7} <= codes(seen), "bold, dim, and reverse for the cursor"


def test_korean_is_typed_run_and_answered(tmp_path, monkeypatch) -> None:
    with opened(tmp_path, monkeypatch, TERM="xterm-256color", LANG="C.UTF-8") as terminal:
        terminal.wait_for("cpu")
        terminal.send('이름 = input("누" "구? ")\r')
        terminal.wait_for("누구?")
        terminal.send("파이토치\r")
        terminal.drain(1)
        terminal.send("이름 * 2\r")
        terminal.wait_for("'파이토치파이토치'")
        terminal.send("\x1b")  # to the editor
        terminal.drain(0.5)
        terminal.send('print("안녕", len("하세요"))')
        terminal.send(RUN)
        terminal.wait_for("안녕 3")


def test_chosen_theme_is_worn_again_at_the_next_start(tmp_path, monkeypatch) -> None:
    with Store.open(tmp_path / "tutor.db", patience=5) as store:
        store.set_setting("theme", "paper")
    light = b"48;2;251;250;247"
    assert light in painted(tmp_path, monkeypatch, TERM="xterm-256color", COLORTERM="truecolor")


def _start(terminal: bool, **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **variables}
    command = [sys.executable, "-m", "tutor"]
    if not terminal:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    outer, inner = pty.openpty()
    try:
        process = subprocess.Popen(command, env=environment, stdin=inner, stdout=inner, stderr=inner)
        os.close(inner)
        said = b""
        with suppress(OSError):  # the other side has closed
            while data := os.read(outer, 4096):
                said += data
        return subprocess.CompletedProcess(command, process.wait(60), b"", said)
    finally:
        os.close(outer)


@pytest.mark.parametrize(("terminal", "term"), [(True, "dumb"), (False, "xterm-256color"), (False, "dumb")])
def test_without_a_screen_one_sentence_names_the_line_mode(terminal: bool, term: str) -> None:
    answer = _start(terminal, TERM=term)
    said = " ".join(answer.stderr.decode().split())
    assert answer.returncode == 2
    assert "torchtutor repl --plain" in said
    assert "\x1b" not in said
    assert "Traceback" not in said
    assert answer.stdout == b""
