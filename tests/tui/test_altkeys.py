"""Alt with an arrow in the bytes that terminals send."""

from __future__ import annotations

import pytest
from textual.drivers import linux_driver

from tutor.tui.altkeys import Parser, read_alt_by


def keys(*received: str) -> list[str]:
    parser = Parser()
    return [event.key for data in (*received, "") for event in parser.feed(data)]


@pytest.mark.parametrize("sent", ["\x1b[1;3{}", "\x1b[1;9{}"])
def test_alt_and_an_arrow_are_one_key_however_they_are_sent(sent: str) -> None:
    up, down = sent.format("A"), sent.format("B")
    assert keys(up + down + "x") == ["alt+up", "alt+down", "x"]
    assert keys("a", up, up) == ["a", "alt+up", "alt+up"]


def test_other_keys_are_what_they_were() -> None:
    assert keys("\x1b[A", "\x1bOB", "\x1b[1;2A", "\x1b[1;5C") == ["up", "down", "shift+up", "ctrl+right"]
    assert keys("\x1b", "\x1b[A") == ["escape", "up"]
    assert keys("\x1b\x1b[A", "\x1b\x1bOB") == ["escape", "up", "escape", "down"]
    assert keys("\x1b\x1b") == ["escape", "escape"]


def test_the_driver_of_the_app_reads_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_driver, "XTermParser", Parser.__base__)
    read_alt_by(linux_driver.LinuxDriver)
    assert linux_driver.XTermParser is Parser
