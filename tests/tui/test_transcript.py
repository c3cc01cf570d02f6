"""The transcript: entries, what is folded in them, everything of one over the whole screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.widgets import Input

from tests.tui.conftest import Gates, Play, Player
from tutor.course.store import TranscriptEntry
from tutor.facts import ErrorFacts, Run
from tutor.tui.entries import Entry
from tutor.tui.output import OutputScreen
from tutor.tui.remarks import Remark, remarks_of
from tutor.view.palette import INK
from tutor.view.terminal import TerminalText

OUTPUT = st.text(st.sampled_from("ab 가나é👩\u0301\n\r\t\x1b[31mKA\x9b\u202e0;"), max_size=300)


def shown(entry: Entry, width: int = 60) -> list[str]:
    return [row.text.plain.rstrip() for row in entry.rows(INK, width)]


def of(text: str, **facts: object) -> Entry:
    entry = Entry("▸", "a.py", **facts)  # type: ignore[arg-type]
    entry.output.feed(text)
    return entry


@given(OUTPUT, OUTPUT, st.integers(14, 70), st.booleans())
def test_every_row_fits_and_can_do_nothing_to_the_terminal(
    text: str, message: str, width: int, live: bool
) -> None:
    entry = of(text, live=live, fact="3 ms", opened=True)
    entry.remarks += [
        Remark("result", text),
        Remark("error", f"E: {message}", 3, message, f"Trace\n{message}"),
        Remark("explanation", message),
    ]
    for row in entry.rows(INK, width):
        assert row.text.cell_len <= width
        assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in row.text.plain)


def test_long_output_is_folded_to_both_ends_once_it_has_ended() -> None:
    entry = of("".join(f"line {number}\n" for number in range(820)), live=True)
    assert "line 0" not in shown(entry)
    entry.live = False
    rows = shown(entry)
    assert rows[1] == "line 0"
    assert rows[9:11] == ["… 804 lines more, enter shows all", "line 812"]
    assert rows[-1] == "line 819"
    assert [row.spot for row in entry.rows(INK, 60)].count("all") == 1


def test_a_line_that_would_fill_the_pane_is_folded_too() -> None:
    rows = shown(of("x" * 5_000 + "\nend\n"))
    assert len(rows) < 10
    assert rows[-2] == f"… {5_000 - 5 * 60:,} characters more, enter shows all"


def test_short_output_is_shown_whole() -> None:
    assert shown(of("a\nb\n")) == ["▸ a.py", "a", "b"]


def test_long_results_are_folded_too() -> None:
    entry = Entry("›", "x", remarks=[Remark("result", "\n".join(map(str, range(100))))])
    rows = shown(entry)
    assert "… 84 lines more, enter shows all" in rows
    assert rows[-1] == "99"


def test_error_names_its_place_and_keeps_the_way_to_it_folded() -> None:
    trace = 'Traceback:\n  File "a.py", line 2, in f\nValueError: no'
    run = Run(
        "def f():\n    raise ValueError('no')\nf()\n", "a.py", (), ErrorFacts("ValueError", "no", 2, trace), 0
    )
    entry = of("", remarks=remarks_of(run))
    assert shown(entry)[1:] == ["✗ ValueError at line 2: no", "   2  raise ValueError('no')   ▸ traceback"]
    entry.opened = True
    assert shown(entry)[3:] == ["  Traceback:", '    File "a.py", line 2, in f']


def test_fact_stands_at_the_right_where_there_is_room() -> None:
    assert shown(of("", fact="12 ms"), 20) == ["▸ a.py         12 ms"]
    assert shown(of("", fact="12 ms"), 8) == ["▸ a.py"]


@settings(deadline=None)  # thousands of lines take as long as the machine takes
@given(OUTPUT, st.integers(0, 2_000))
@example("0", 1_000)  # as many ended lines as are kept, and one that has not ended
@example("a\n\n", 999)
def test_what_is_kept_across_sessions_is_what_was_shown(text: str, lines: int) -> None:
    text = "".join(f"{number}\n" for number in range(lines)) + text
    entry = of(text, source="x = 1", place="lesson/step", fact="3 ms")
    entry.remarks.append(Remark("result", "7"))
    kept = entry.record()
    again = Entry.restore(kept)
    assert (kept.place, kept.source, kept.remarks) == ("lesson/step", "x = 1", (("result", "7"),))
    assert again.title == "step.py"
    whole = TerminalText(100_000, 0, rewind=30)
    whole.feed(text)
    if not entry.output.hidden:
        assert again.output.plain() == entry.output.plain()
    else:
        assert kept.elided > 0
        assert kept.head.startswith("0\n1\n")


# ── in the app ───────────────────────────────────────────────────────────────


def test_brackets_go_from_run_to_run_and_enter_opens_the_traceback(play: Play) -> None:
    async def story(p: Player) -> None:
        for line in ("'one'", "1 / 0", "'three'"):
            await p.enter(line)
            await p.settle()
        assert "▸ traceback" in p.row("ZeroDivisionError at line 1")
        p.bench.out.focus()
        await p.press("left_square_bracket", "enter")
        await p.see("▾ traceback", "Traceback (most recent call last)")
        await p.press("enter")
        await p.see("▸ traceback")
        assert "Traceback (most" not in p.text
        await p.press("ctrl+up", "ctrl+up", "ctrl+up", "y")
        assert p.app.clipboard == "'one'"
        await p.press("right_square_bracket", "right_square_bracket", "y")
        assert p.app.clipboard == "'three'"

    play(story, lesson=None)


def test_the_mouse_opens_the_traceback(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.enter("1 / 0")
        await p.settle()
        out = p.bench.out
        row = next(i for i, row in enumerate(out._rows) if row.spot == "traceback")
        await p.pilot.click(out, offset=(4, row))
        await p.see("▾ traceback")

    play(story, lesson=None)


async def flood(p: Player, lines: int) -> OutputScreen:
    await p.code(f"for i in range({lines}):\n    print('line', i, 'x' * 70)\n'the result'\n")
    await p.run()
    p.bench.out.focus()
    await p.press("enter")
    await p.until(lambda: isinstance(p.app.screen, OutputScreen))
    screen = p.app.screen
    assert isinstance(screen, OutputScreen)
    await p.until(lambda: f"{lines + 1:,} lines" in p.text and "reading" not in p.text)
    return screen


def test_everything_of_a_flood_can_be_seen_searched_and_saved(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(p: Player) -> None:
        await flood(p, 150_000)
        await p.see("line 0 ")
        await p.press("end")
        await p.see("line 149999 ", "'the result'")
        await p.press("ctrl+f", *"LINE 77777 ", "enter")
        await p.see("line 77777 ")
        await p.press("n")
        await p.press("slash", *"nothing like it", "enter")
        await p.see("not found")
        await p.press("s")
        await p.press("enter")
        await p.see("150,001 lines are in")
        saved = (tmp_path / "scratch-output.txt").read_text(encoding="utf-8").split("\n")
        assert saved[:-2] == [f"line {i} {'x' * 70}" for i in range(150_000)]
        assert saved[-2:] == ["'the result'", ""]
        await p.press("s")
        p.app.screen.query_one("#line", Input).value = str(tmp_path / "scratch-output.txt")
        await p.press("enter")
        await p.see("is there already: choose another name.")
        await p.press("s")
        p.app.screen.query_one("#line", Input).value = str(tmp_path / "no" / "such" / "folder")
        await p.press("enter")
        await p.see("It cannot be written: No such file or directory.")
        await p.press("escape")
        await p.until(lambda: p.app.screen is p.bench)
        assert p.app.focused is p.bench.out

    play(story, lesson=None)


def test_slash_at_the_output_searches_in_it(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("for i in range(100):\n    print('line', i)\n")
        await p.run()
        p.bench.out.focus()
        await p.press("ctrl+f")
        await p.until(lambda: isinstance(p.app.focused, Input))
        await p.press(*"line 57", "enter")
        await p.see("line 57")
        await p.press("escape")
        await p.until(lambda: p.app.screen is p.bench)

    play(story, lesson=None)


def test_nested_bars_animate_in_their_lines(play: Play, gates: Gates) -> None:
    code = (
        f"{gates.code}\nprint('before')\n"
        "for a in range(2):\n"
        "    print(f'\\router {a}', end='')\n"
        "    for b in range(3):\n"
        "        print(f'\\n\\rinner {a}{b}\\x1b[A', end='', flush=True); wait(f'{a}{b}')\n"
        "print('\\n\\nafter')\n"
    )

    async def story(p: Player) -> None:
        await p.code(code)
        await p.press("ctrl+r")
        await p.see("inner 00")
        gates.open("00", "01")
        await p.see("inner 02")
        gates.open("02", "10")
        await p.see("inner 11")
        assert "inner 10" not in p.text
        gates.open("11", "12")
        await p.settle()
        rows = [row.text.plain for row in p.bench.out._rows]
        assert rows[1:] == ["before", "outer 1", "inner 12", "after"]

    play(story, lesson=None)


def test_runs_of_earlier_sessions_are_shown_dim_and_never_as_this_ones(play: Play) -> None:
    earlier = [
        TranscriptEntry("scratch", "1 + 1", "›", "3 ms", remarks=(("result", "2"),)),
        TranscriptEntry("views/look", "print(5)", "▸", "9 ms", head="5\n", remarks=(("odd", "?"),)),
    ]

    async def story(p: Player) -> None:
        assert not p.bench.out.has_entries
        p.bench.out.restore(earlier)
        await p.see("earlier", "› 1 + 1", "▸ look.py")
        assert not p.bench.out.has_entries
        assert p.bench.out.record() is None
        await p.enter("'now'")
        await p.settle()
        rows = [row.text.plain.split("  ")[0] for row in p.bench.out._rows]
        assert rows == ["· earlier", "› 1 + 1", "2", "▸ look.py", "5", "· ?", "› 'now'", "'now'"]
        kept = p.bench.out.record()
        assert kept is not None
        assert (kept.source, kept.mark, kept.remarks) == ("'now'", "›", (("result", "'now'"),))

    play(story, lesson=None)


def test_what_was_forgotten_to_save_memory_is_said(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutor.tui.transcript.KEPT_ENTRIES", 3)

    async def story(p: Player) -> None:
        for line in range(5):
            await p.enter(str(line))
            await p.settle()
        await p.until(lambda: "2 earlier runs are not shown" in p.bench.out._rows[0].text.plain)

    play(story, lesson=None)


def test_where_the_disk_is_full_the_learner_reads_one_sentence(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(p: Player) -> None:
        monkeypatch.setattr("tempfile.tempdir", "/nowhere/at/all")
        await p.code("for i in range(20_000):\n    print('line', i)\n")
        await p.run()
        p.bench.out.focus()
        await p.press("enter")
        await p.see("could not be kept in full")
        await p.press("end")
        await p.see("line 19999")
        await p.press("escape")
        await p.until(lambda: p.app.screen is p.bench)

    play(story, lesson=None)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 18)])
def test_entries_fit_every_window(play: Play, size: tuple[int, int]) -> None:
    async def story(p: Player) -> None:
        await p.code("print('한국어 e\u0301 👩\u200d🚀 ' * 20)\nraise ValueError('말 ' * 40)\n")
        await p.run()
        p.bench.out.focus()
        await p.press("home")
        await p.see("▸ scratch.py")
        await p.press("end")
        assert all(cell_len(row) == size[0] for row in p.screen)

    play(story, lesson=None, size=size)
