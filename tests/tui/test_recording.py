"""What keeps the whole output of a run: limits, order, and a disk that is full."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import textwrap

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from tutor.session.recording import IN_MEMORY, Recordings
from tutor.tui.lines import fold
from tutor.tui.reel import Reel, lines_of, plain, row_count

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)


@given(st.lists(st.binary(max_size=200), max_size=40), st.integers(1, 4))
def test_what_was_written_comes_back_in_order(pieces: list[bytes], times: int) -> None:
    recording = Recordings().new()
    for piece in pieces:
        recording.write(piece * 50 * times)
    assert b"".join(recording.chunks(1_000)) == b"".join(piece * 50 * times for piece in pieces)
    assert recording.lost == 0
    recording.close()


def test_beyond_the_limit_both_ends_stay_and_the_rest_is_counted() -> None:
    recording = Recordings(each=100_000).new()
    for number in range(100_000):
        recording.write(b"%09d\n" % number)
    pieces = list(recording.chunks())
    gap = pieces.index(b"")
    head, tail = b"".join(pieces[:gap]), b"".join(pieces[gap:])
    assert len(head) == 100_000
    assert head.startswith(b"000000000\n")
    assert tail.endswith(b"000099999\n")
    assert recording.lost == 1_000_000 - len(head) - len(tail)
    assert recording.newlines == 100_000
    recording.close()


def test_the_oldest_make_way() -> None:
    shelf = Recordings(total=5 * IN_MEMORY)
    recordings = [shelf.new() for _ in range(4)]
    for recording in recordings:
        recording.write(b"x" * 2 * IN_MEMORY)
    assert [recording.gone for recording in recordings] == [True, True, False, False]
    assert b"".join(recordings[-1].chunks()) == b"x" * 2 * IN_MEMORY
    for recording in recordings:
        recording.close()


def open_files() -> int:
    return len(psutil.Process().open_files())


def test_many_runs_do_not_use_up_the_files() -> None:
    shelf = Recordings(files=5)
    before = open_files()
    recordings = [shelf.new() for _ in range(50)]
    for recording in recordings:
        recording.write(b"x" * 2 * IN_MEMORY)
    assert open_files() <= before + 5
    assert sum(recording.gone for recording in recordings) == 45
    for recording in recordings:
        recording.close()


def test_a_full_disk_is_one_sentence_and_the_end_is_still_there() -> None:
    program = """
        import resource, signal
        from tutor.session.recording import Recordings
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        recording = Recordings().new()
        for number in range(100_000):
            recording.write(b"%09d\\n" % number)
        pieces = list(recording.chunks())
        assert pieces[-1].endswith(b"000099999\\n")
        assert b"".join(pieces).startswith(b"000000000\\n")
        assert b"" in pieces
        assert recording.lost == 1_000_000 - sum(map(len, pieces))
        print(recording.trouble)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert re.fullmatch(r"Long output could not be kept in full: [^\n]+\.\n", done.stdout)


def test_nowhere_to_write_is_a_sentence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    recording = Recordings().new()
    recording.write(b"x" * 10 * IN_MEMORY)
    assert recording.trouble.endswith(".")
    assert b"".join(recording.chunks()).endswith(b"x")


@given(st.lists(TEXTS, max_size=20), st.integers(2, 15), st.integers(2, 15))
def test_every_row_of_a_reel_belongs_to_its_line_at_every_width(
    texts: list[str], first: int, then: int
) -> None:
    reel = Reel(first)
    reel.add(texts[:5])
    reel.add(texts[5:])
    for width in (first, then):
        reel.fold(width)
        rows = [
            (number, piece) for number, text in enumerate(texts) for piece in range(row_count(text, width))
        ]
        assert [reel.at(row) for row in range(reel.rows)] == rows
        assert [len(fold(Text(text), width)) for text in texts] == [row_count(text, width) for text in texts]
    assert [plain(line) for line in reel.lines()] == texts
    reel.close()


def test_a_reel_beyond_its_memory_is_read_from_the_file() -> None:
    reel = Reel(80)
    for start in range(0, 60_000, 1_000):
        reel.add([f"line {number} {'x' * 50}" for number in range(start, start + 1_000)])
    assert plain(reel.line(0)).startswith("line 0 ")
    assert plain(reel.line(59_999)).startswith("line 59999 ")
    assert reel.find(re.compile("LINE 43210 ", re.IGNORECASE), 100, 1) == 43_210
    assert reel.find(re.compile("line 7 "), 100, 1) == 7
    assert reel.find(re.compile("nowhere"), 0, 1) is None
    reel.close()


def test_lines_of_bytes_keep_colour_over_pieces_and_say_what_is_missing() -> None:
    pieces = [b"a\x1b[3", b"1mred\xea\xb0", b"\x80\n", b"b\r", b"c\n", b"", b"end"]
    lines = [line for some in lines_of(pieces, 1_234) for line in some]
    assert [plain(line) for line in lines] == ["ared가", "c", "… 1,234 bytes were not kept …", "end"]
    assert not isinstance(lines[0], str)
