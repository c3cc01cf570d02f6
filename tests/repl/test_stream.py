"""The learner's output goes forward only, harmless, as it comes."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.repl.out import Out
from tutor.repl.stream import HEAD, TAIL, Stream


@pytest.fixture
def written(capsys):
    """Feed chunks to a stream; what has been written after each, and at the end."""

    def feed(*chunks: str) -> list[str]:
        async def go() -> list[str]:
            stream = Stream(Out(colour=False))
            seen = []
            for chunk in chunks:
                stream.feed(chunk)
                seen.append(capsys.readouterr().out)
            stream.finish()
            return [*seen, capsys.readouterr().out]

        return asyncio.run(go())

    return feed


def test_a_line_is_written_as_far_as_it_has_come(written):
    assert written("load", "ing", " done\nnext") == ["load", "ing", " done\nnext", "\n"]


def test_a_line_that_is_written_over_is_told_at_its_end(written):
    assert written("\r 0%", "\r10%", "\r20%", "\r30%\n", "after\n") == [
        " 0%",
        "",
        "",
        "\n30%\n",
        "after\n",
        "",
    ]


def test_a_flood_is_shortened_and_says_by_how_much(written):
    chunk = "".join(f"{i}\n" for i in range(3_000))
    lines = "".join(written(chunk)).splitlines()
    assert lines[:HEAD] == [str(i) for i in range(HEAD)]
    assert lines[-TAIL:] == [str(i) for i in range(3_000 - TAIL, 3_000)]
    assert lines[HEAD].startswith(f"… {3_000 - HEAD - TAIL:,} lines (")
    assert len(lines) == HEAD + TAIL + 1


def test_what_a_flood_holds_back_comes_soon_without_more_output(capsys):
    async def go() -> str:
        stream = Stream(Out(colour=False))
        stream.feed("x\n" * 1_000)
        stream.feed("last\n")
        capsys.readouterr()
        await asyncio.sleep(0.7)
        return capsys.readouterr().out

    assert asyncio.run(go()) == "last\n"


HOSTILE = st.sampled_from(
    ["\x1b[2J", "\x1b[1;1H", "\x1b]0;title\x07", "\x1bP+q\x1b\\", "\x9b31m", "\x1bc", "\x07", "\x1b[?1049h",
     "\x1b", "[", "31m", "\r", "\b", "\n", "\t", "\u202e", "\x00", "\udc80", "가", "é"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(chunks=st.lists(st.one_of(HOSTILE, st.text(max_size=5)), max_size=20))
def test_no_control_sequence_reaches_the_terminal(chunks):
    async def go() -> None:
        stream = Stream(out)
        for chunk in chunks:
            stream.feed(chunk)
        stream.finish()

    out = Out(colour=False)
    parts: list[str] = []
    out.part = lambda text: parts.append(text.plain)
    out.line = lambda text="": parts.append(str(text))
    asyncio.run(go())
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "".join(parts))


def test_colour_is_kept_where_there_is_colour(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    async def go() -> None:
        stream = Stream(Out(colour=True))
        stream.feed("\x1b[31mred\x1b[2J\x1b[0m plain\n")

    asyncio.run(go())
    out = capsys.readouterr().out
    assert "\x1b[31mred" in out
    assert re.sub(r"\x1b\[[\d;]*m", "", out) == "red plain\n"
