"""Copying: what reaches the terminal and the tools of this computer, and what is said about it."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.conftest import Play, Player
from tutor.tui.clipboard import LIMIT, Tool, find_tool, hand_to, sequence, told


def everything(name: str) -> str:
    return f"/usr/bin/{name}"


@given(st.text())
def test_what_is_copied_is_what_the_terminal_reads(text: str) -> None:
    osc = sequence(text, {})
    assert osc.startswith("\x1b]52;c;")
    assert osc.endswith("\x07")
    assert base64.b64decode(osc[7:-1]).decode() == text.encode("utf-8", "replace").decode()


def test_inside_tmux_the_terminal_around_it_is_told_too() -> None:
    bare = sequence("hi", {})
    wrapped = sequence("hi", {"TMUX": "x"}).removeprefix(bare)
    assert wrapped == "\x1bPtmux;\x1b" + bare + "\x1b\\"


def test_what_no_terminal_takes_is_not_sent() -> None:
    assert sequence("x" * LIMIT, {}) == ""


@pytest.mark.parametrize(
    ("environment", "platform", "tool"),
    [
        ({}, "darwin", "pbcopy"),
        ({}, "linux", None),
        ({"DISPLAY": ":0"}, "linux", "xclip"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, "linux", "wl-copy"),
        ({"WSL_DISTRO_NAME": "U", "WAYLAND_DISPLAY": "w"}, "linux", "clip.exe"),
        ({"DISPLAY": ":10", "SSH_CONNECTION": "a b"}, "linux", None),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", None),
        ({"SSH_TTY": "/dev/pts/1", "TMUX": "x"}, "linux", "tmux"),
    ],
)
def test_the_tool_is_one_that_reaches_the_learner(
    environment: dict[str, str], platform: str, tool: str | None
) -> None:
    found = find_tool(environment, platform, everything)
    assert (found.command[0] if found is not None else None) == tool
    assert find_tool(environment, platform, lambda name: None) is None


def test_only_xsel_is_there() -> None:
    found = find_tool({"DISPLAY": ":0"}, "linux", lambda name: name if name == "xsel" else None)
    assert found is not None
    assert found.command[0] == "xsel"


def test_a_tool_gets_the_text_and_failing_ones_are_no_trouble(tmp_path: Path) -> None:
    place = tmp_path / "copied"
    take = Tool(("sh", "-c", f"cat > '{place}'"))

    async def story() -> None:
        assert await hand_to(take, "한국어\n" * 100_000)
        assert place.read_text(encoding="utf-8") == "한국어\n" * 100_000
        assert not await hand_to(Tool(("sh", "-c", "exit 1")), "x" * 1_000_000)
        assert not await hand_to(Tool(("no-such-tool-anywhere",)), "x")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a", "copied 1 character"),
        ("한국어", "copied 3 characters"),
        ("a\nb", "copied 2 lines"),
        ("a\nb\nc\n", "copied 3 lines"),
        ("x\n" * 1_234, "copied 1,234 lines"),
    ],
)
def test_what_is_said(text: str, words: str) -> None:
    assert told(text) == words


def fake_tool(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clipboard of this computer that is a file."""
    place = folder / "clipboard"
    tool = folder / "xclip"
    tool.write_text(f"#!/bin/sh\ncat > '{place}.new' && mv '{place}.new' '{place}'\n", encoding="utf-8")
    tool.chmod(0o755)
    for name in ("TMUX", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return place


def test_every_pane_copies(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = fake_tool(tmp_path, monkeypatch)

    async def copied(p: Player, text: str, words: str) -> None:
        await p.until(lambda: place.exists() and place.read_text(encoding="utf-8") == text, repr(text))
        await p.see(words)

    async def story(p: Player) -> None:
        await p.code("a = '한국어'\nprint(a)\nprint(2)\na * 2\n")
        await p.run()
        p.bench.editor.focus()
        await p.press("shift+down", "ctrl+c")
        await copied(p, "a = '한국어'\n", "copied 9 characters")
        p.bench.out.focus()
        await p.press("y")
        await copied(p, "한국어\n2\n'한국어한국어'", "copied 3 lines")
        await p.enter("'other'")
        await p.settle()
        p.bench.out.focus()
        await p.press("ctrl+c")
        await copied(p, "'other'", "copied 7 characters")
        await p.press("left_square_bracket", "y")
        await copied(p, "한국어\n2\n'한국어한국어'", "copied 3 lines")

    play(story, lesson=None)


def test_the_mouse_selects_output_and_folded_lines_are_whole_again(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fake_tool(tmp_path, monkeypatch)
    long = "가나다라" * 20

    async def story(p: Player) -> None:
        await p.code(f"print('first')\nprint('{long}')\n")
        await p.run()
        out = p.bench.out
        first = [row.text.plain for row in out._rows].index("first")
        await p.pilot.mouse_down(out, offset=(1, first))
        await p.pilot.hover(out, offset=(52, first + 3))
        await p.pilot.mouse_up(out, offset=(52, first + 3))
        await p.press("ctrl+c")
        await p.until(place.exists)
        assert place.read_text(encoding="utf-8").startswith(f"first\n{long}")

    play(story, lesson=None, size=(60, 24))
