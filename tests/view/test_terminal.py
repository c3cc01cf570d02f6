"""The learner's output: lines and colour survive, everything that could reach the screen does not."""

import io
import time
import tracemalloc
import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from tutor.view.palette import ANSI, INK, PAPER
from tutor.view.sgr import PLAIN, apply_sgr, sgr_style
from tutor.view.terminal import TerminalText

PIECES = st.sampled_from(
    [
        "\n", "\r", "\r\n", "\b", "abc", "가나", "e\u0301", "\u0301", "👩\u200d🚀", "\u202e", "\ud800", " ",
        "\t", "\x1b", "\x1b[", "31", ";", "m", "\x1b[31m", "12345678",
        "\x1b[1;38;5;200m", "\x1b[0m", "\x1b[38;2;1;2;3m", "\x1b[K", "\x1b[2K", "\x1b[1K", "\x1b[A",
        "\x1b[2A", "\x1b[B", "\x1b[F", "\x1b[J",
        "\x1b[2J", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x1b]52;c;aGk=", "\x07", "\x1b\\", "\x1bP",
        "\x9b31m", "\x9d", "\x9c", "\x85", "\x00", "\x7f", "\x1b(", "B",
    ]
)  # fmt: skip
OUTPUT = st.lists(PIECES | st.text(max_size=4), max_size=30).map("".join)


def fed(*chunks: str, **limits: int) -> TerminalText:
    output = TerminalText(**limits)
    for chunk in chunks:
        output.feed(chunk)
    return output


def shown(text: str, **limits: int) -> list[str]:
    return fed(text, **limits).plain()


def painted(output: TerminalText) -> list[list[tuple[str, str]]]:
    """Each character with its style, since spans may be cut differently."""
    lines = []
    for line in output.lines(INK):
        styles = [""] * len(line.plain)
        for span in line.spans:
            styles[span.start : span.end] = [str(span.style)] * (span.end - span.start)
        lines.append(list(zip(line.plain, styles, strict=True)))
    return lines


@settings(max_examples=400)
@given(OUTPUT, st.data())
@example("\x1b[31", None)
@example("\n1234567812345678\n", None)
def test_chunks_do_not_matter(text: str, data: st.DataObject | None) -> None:
    limits = {"head": 3, "tail": 3, "columns": 12, "rewind": 2}
    whole = fed(text, **limits)
    assert painted(fed(*text, **limits)) == painted(whole)
    if data is not None:
        cut = data.draw(st.integers(0, len(text)))
        assert painted(fed(text[:cut], text[cut:], **limits)) == painted(whole)


@given(OUTPUT)
def test_no_control_character_survives(text: str) -> None:
    for line in (*fed(text).lines(INK), *fed(text, rewind=5).lines(INK)):
        assert not {unicodedata.category(char) for char in line.plain} & {"Cc", "Cs", "Zl", "Zp"}
        assert "\u202e" not in line.plain


@given(st.lists(st.text(alphabet="ab 가é", min_size=0, max_size=9), max_size=9))
def test_plain_lines_come_back_as_they_are(lines: list[str]) -> None:
    assert shown("".join(line + "\n" for line in lines)) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one\ntwo", ["one", "two"]),
        ("one\n\n", ["one", ""]),
        ("a\r\nb", ["a", "b"]),
        ("  0%\r 50%\r100%\ndone", ["100%", "done"]),
        ("abcdef\rxy", ["xycdef"]),
        ("abc\b\bX", ["aXc"]),
        ("a\tb\n1234567\tc", ["a       b", "1234567 c"]),
        ("가나다\rab", ["ab나다"]),
        ("가나다\ra", ["a 나다"]),
        ("가\tx", ["가      x"]),
        ("downloading\r\x1b[Kok", ["ok"]),
        ("downloading\r\x1b[2Kok", ["ok"]),
        ("\x1b[1A\x1b[2Jtext\x1b[H", ["text"]),
        ("\x1b]0;title\x07text", ["text"]),
        ("\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\", ["link"]),
        ("\x1b]52;c;aGVsbG8=\x07x", ["x"]),
        ("\x1bPq#0;2;0\x1b\\x", ["x"]),
        ("\x9b31mred\x9b0m", ["red"]),
        ("\x1b(Bx\x1b7\x1b8y\x1bcz", ["xyz"]),
        ("never ended \x1b]0;title\nnext", ["never ended ", "next"]),
        ("bell\x07 form\x0c nul\x00", ["bell form nul"]),
        ("half \ud800", ["half \ufffd"]),
        ("cut \x1b[3", ["cut "]),
    ],
)
def test_sequences(text: str, lines: list[str]) -> None:
    assert shown(text) == lines


def test_a_progress_bar_with_cursor_up_stays_in_its_lines() -> None:
    bar = "\r 10%|#   |\n\r 20%|##  |\x1b[A"
    assert shown("before\n" + bar) == ["before", " 10%|#   |", " 20%|##  |"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("outer 0\n\rinner 0\x1b[A\n\rinner 1\x1b[A\router 1\n\rinner 2\x1b[A", ["outer 1", "inner 2"]),
        ("a\nb\nc\x1b[2AX\x1b[2BY", ["aX", "b", "c Y"]),
        ("a\nb\n\x1b[2Fone\ntwo\nthree", ["one", "two", "three"]),
        ("a\nb\nc\x1b[99A\x1b[2Kz", [" z", "b", "c"]),
        ("gone\ngone\n\x1b[2A\x1b[Jnew", ["new"]),
        ("a\n\x1b[A\x1b[A\x1b[Ab", ["b"]),
        ("top\n\x1b[31mred\x1b[Ax", ["topx", "red"]),
    ],
)
def test_the_cursor_may_go_up_where_lines_can_still_change(text: str, lines: list[str]) -> None:
    assert shown(text, rewind=5) == lines


def test_nested_bars_of_tqdm_stay_in_their_lines() -> None:
    from tqdm import tqdm

    written = io.StringIO()
    for _ in tqdm(range(3), desc="epochs", file=written, mininterval=0, ascii=True):
        for _ in tqdm(range(4), desc="steps", file=written, mininterval=0, ascii=True, leave=False):
            pass
    text = "before\n" + written.getvalue() + "\nafter\n"
    lines = shown(text, rewind=30)
    assert [line.split(":")[0] for line in lines if line.strip()] == ["before", "epochs", "after"]
    assert "3/3" in lines[1]


@given(st.lists(OUTPUT, max_size=5))
def test_lines_that_are_taken_are_those_that_stay(chunks: list[str]) -> None:
    whole, taken = TerminalText(10_000, 0, rewind=3), TerminalText(10_000, 0, rewind=3)
    lines = []
    for chunk in chunks:
        whole.feed(chunk)
        taken.feed(chunk)
        lines += taken.take()
    lines += taken.take(all=True)
    assert lines == whole.take(all=True)


def test_shrinking_keeps_both_ends_and_counts_the_rest() -> None:
    output = fed("".join(f"{i}\n" for i in range(50)), head=10, tail=10)
    output.shrink(2, 3)
    assert (output.hidden, output.gap) == (45, 2)
    assert [line for line in output.plain() if "…" not in line] == ["0", "1", "47", "48", "49"]
    output.feed("50\n")
    assert [line for line in output.plain() if "…" not in line] == ["0", "1", "48", "49", "50"]
    assert output.hidden == 46


def test_colours_of_all_three_sizes_and_attributes() -> None:
    line = fed("\x1b[31ma\x1b[1;4mb\x1b[0mc\x1b[38;5;200md\x1b[48;2;1;2;3me\x1b[38:2::9:8:7mf").line(0, INK)
    styles = {line.plain[span.start]: span.style for span in line.spans}
    assert styles["a"].color.name == INK.error
    assert styles["b"].bold
    assert styles["b"].underline
    assert "c" not in styles
    assert styles["d"].color.name == "color(200)"
    assert styles["e"].bgcolor.triplet == (1, 2, 3)
    assert styles["f"].color.triplet == (9, 8, 7)


def test_colour_lasts_over_lines_until_it_is_reset() -> None:
    first, second, third = fed("\x1b[32mone\ntwo\x1b[39m\nthree").lines(INK)
    assert [len(first.spans), len(second.spans), len(third.spans)] == [1, 1, 0]


@pytest.mark.parametrize("parameters", ["38;5", "38", "38;2;1", "48;5;999", "58;5;1", "999", "38;2;1;2;300"])
def test_malformed_colours_change_nothing(parameters: str) -> None:
    assert apply_sgr(PLAIN, parameters) == PLAIN


def test_the_sixteen_colours_are_the_palettes_own() -> None:
    red = apply_sgr(PLAIN, "31")
    names = [sgr_style(red, palette).color.name for palette in (INK, PAPER, ANSI)]
    assert names == [INK.error, PAPER.error, "red"]


def test_overwritten_colour_keeps_the_rest() -> None:
    line = fed("\x1b[31mabcdef\x1b[0m\r\x1b[32mxy").line(0, INK)
    assert line.plain == "xycdef"
    assert [(span.start, span.end) for span in line.spans] == [(0, 2), (2, 6)]


def test_head_and_tail_stay_and_the_middle_is_counted() -> None:
    output = fed("".join(f"{i}\n" for i in range(1_000)), head=3, tail=2)
    assert output.plain() == ["0", "1", "2", "… 995 lines (4 KiB) not shown …", "998", "999"]
    assert len(output) == 6
    assert [output.line(i, INK).plain for i in range(6)] == output.plain()
    with pytest.raises(IndexError):
        output.line(6, INK)


def test_a_line_is_cut_at_the_column_limit() -> None:
    assert shown("x" * 50 + "\ny", columns=20) == ["x" * 20 + " … 30 more characters", "y"]
    assert shown("가" * 50, columns=21) == ["가" * 10 + " … 40 more characters"]
    assert shown(("x" * 21 + "\r") * 3, columns=20) == ["x" * 20 + " … 1 more character"]


def test_marks_without_width_cannot_grow_a_line_without_end() -> None:
    assert len(shown("e" + "\u0301" * 100_000, columns=50)[0].partition(" …")[0]) <= 100


def test_an_endless_sequence_is_not_kept() -> None:
    output = fed("\x1b]52;c;", *["A" * 65_536] * 64, "\x07done")
    assert output.plain() == ["done"]


def test_clear_forgets_the_colour_and_the_open_sequence() -> None:
    output = fed("\x1b[31mred\x1b]0;")
    output.clear()
    output.feed("plain")
    assert painted(output) == [[(char, "") for char in "plain"]]


def test_a_flood_takes_little_time_and_constant_memory() -> None:
    chunk = ("epoch 1 loss 0.123456 accuracy 0.98\n" * 2_000)[:65_536]
    output = TerminalText()
    output.feed(chunk * 4)
    tracemalloc.start()
    started = time.process_time()
    for _ in range(160):
        output.feed(chunk)
    spent = time.process_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20
    assert spent < 5
    assert len(output) <= 2_502


@given(st.lists(st.lists(PIECES, max_size=8).map("".join), max_size=6))
def test_lines_taken_early_are_the_lines_there_would_have_been(chunks):
    whole, taken = TerminalText(), TerminalText()
    lines = []
    for chunk in chunks:
        whole.feed(chunk)
        taken.feed(chunk)
        lines += taken.drain(INK)
    lines += taken.lines(INK)
    assert lines == whole.lines(INK)
    assert [line.spans for line in lines] == [line.spans for line in whole.lines(INK)]


def test_what_a_flood_dropped_is_counted_since_the_last_taking():
    output = TerminalText(head=2, tail=1)
    output.feed("a\nb\nc\nd\ne\nopen")
    assert [line.plain for line in output.drain(INK)] == ["a", "b", "… 2 lines (4 B) not shown …", "e"]
    output.feed(" now\nf\n")
    assert [line.plain for line in output.drain(INK)] == ["open now", "f"]
    assert len(output) == 0
