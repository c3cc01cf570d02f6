"""Copying: through the terminal, which works over ssh, and through a tool of this computer."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual.app import App

from tutor.translation import say

#: Characters of an OSC 52 sequence; terminals refuse longer ones or hang.
LIMIT = 1 << 20
#: Seconds that a notice stays.
NOTICE = 2.0
#: Seconds that a tool may take.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that reads what to copy from its standard input."""

    command: tuple[str, ...]
    encoding: str = "utf-8"


def sequence(text: str, environment: Mapping[str, str]) -> str:
    """What tells the terminal to copy `text`; nothing where that is too much for one."""
    data = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    if len(data) > LIMIT:
        return ""
    osc = f"\x1b]52;c;{data}\x07"
    if "TMUX" not in environment:
        return osc
    # tmux takes the bare one with `set-clipboard on`, and hands the wrapped one on with `allow-passthrough`.
    return osc + f"\x1bPtmux;{osc.replace(chr(27), chr(27) * 2)}\x1b\\"


def find_tool(
    environment: Mapping[str, str],
    platform: str = sys.platform,
    which: Callable[[str], str | None] = shutil.which,
) -> Tool | None:
    """The tool that reaches the clipboard in front of the learner, not one of a computer far away."""
    candidates: list[tuple[bool, Tool]] = [
        ("TMUX" in environment, Tool(("tmux", "load-buffer", "-w", "-")))  # and on to the terminal
    ]
    if not {"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"} & environment.keys():
        candidates += [
            (platform == "darwin", Tool(("pbcopy",))),
            ("WSL_DISTRO_NAME" in environment, Tool(("clip.exe",), "utf-16")),
            ("WAYLAND_DISPLAY" in environment, Tool(("wl-copy",))),
            ("DISPLAY" in environment, Tool(("xclip", "-selection", "clipboard"))),
            ("DISPLAY" in environment, Tool(("xsel", "--clipboard", "--input"))),
        ]
    return next((tool for fits, tool in candidates if fits and which(tool.command[0])), None)


async def hand_to(tool: Tool, text: str) -> bool:
    """Give `text` to a tool; whether it took it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *tool.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(PATIENCE):
            await process.communicate(text.encode(tool.encoding, "replace"))
    except (TimeoutError, OSError):
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return False
    return process.returncode == 0


def told(text: str) -> str:
    """What was copied, in a few words."""
    lines = text.rstrip("\n").count("\n") + 1
    if lines > 1:
        return say("copied {lines:,} lines", lines=lines)
    count = len(text.rstrip("\n"))
    return say("copied 1 character") if count == 1 else say("copied {count:,} characters", count=count)


class Copying(App[int]):
    """An app whose every pane copies in this way."""

    def copy_to_clipboard(self, text: str) -> None:
        """Copy through the terminal and through a tool of this computer, and say how much."""
        if not text:
            return
        self._clipboard = text
        osc = sequence(text, os.environ)
        if osc and self._driver is not None:
            self._driver.write(osc)
        tool = find_tool(os.environ)
        if tool is not None:
            self.run_worker(self._hand_to(tool, text, bool(osc)), group="clipboard")
        elif not osc:
            self._tell_too_much()
        if osc:
            self.notify(told(text), timeout=NOTICE, markup=False)

    async def _hand_to(self, tool: Tool, text: str, sent: bool) -> None:
        taken = await hand_to(tool, text)
        if taken and not sent:
            self.notify(told(text), timeout=NOTICE, markup=False)
        elif not sent:
            self._tell_too_much()

    def _tell_too_much(self) -> None:
        self.notify(say("This is too much for the clipboard of a terminal."), timeout=NOTICE, markup=False)
