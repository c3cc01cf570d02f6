"""The prompt: history, search, blocks, and the answers to `input()`."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.widgets import Input, OptionList

from tests.tui.conftest import Play, Player
from tutor.tui.history import HistorySearch, MemoryHistory, Walk, one_line

LINES = st.lists(st.text("axX.\n", min_size=1, max_size=4), max_size=12)


@given(LINES, st.text("axX", max_size=2))
def test_the_walk_meets_each_line_that_begins_so_once_newest_first(lines: list[str], draft: str) -> None:
    history = MemoryHistory()
    for line in lines:
        history.add_history(line)
    walk = Walk(history, draft)
    met = []
    while walk.step(1):
        met.append(walk.text)
    assert met == [x for x in dict.fromkeys(reversed(lines)) if x.startswith(draft) and x != draft]
    while walk.step(-1):
        pass
    assert walk.text == draft


@given(LINES, st.text("aX", max_size=2))
def test_history_finds_in_any_case(lines: list[str], part: str) -> None:
    history = MemoryHistory()
    for line in lines:
        history.add_history(line)
    assert {*history.history(part)} == {line for line in lines if part.lower() in line.lower()}
    assert history.history(part, 2) == history.history(part)[:2]


@given(st.text(max_size=60), st.integers(12, 40))
def test_a_line_of_history_is_one_row(text: str, room: int) -> None:
    row = one_line(text, room)
    assert row.cell_len <= room
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in row.plain)


async def entered(p: Player, *lines: str) -> None:
    for line in lines:
        await p.enter(line)
        await p.settle()


def test_up_finds_what_begins_as_the_line_does(play: Play) -> None:
    async def story(p: Player) -> None:
        await entered(p, "x = 1", "y = 2", "x + 5", "y * 2")
        repl = p.bench.repl
        await p.press("x", "up")
        assert repl.text == "x + 5"
        await p.press("up")
        assert repl.text == "x = 1"
        await p.press("up")
        assert repl.text == "x = 1"
        await p.press("down", "down")
        assert repl.text == "x"
        await p.press("backspace", "up", "left", "1")
        assert repl.text == "y * 12"
        await p.press("up")
        assert repl.text == "y * 12"

    play(story, lesson=None)


def test_history_is_searched_and_what_is_found_is_not_run(play: Play) -> None:
    async def story(p: Player) -> None:
        await entered(p, "Alpha = 1", "beta = 2", "alphabet = 3", "beta = 2")
        await p.press(*"draft", "ctrl+f")
        await p.until(lambda: isinstance(p.app.screen, HistorySearch))
        found = p.app.screen.query_one(OptionList)
        assert found.option_count == 3
        await p.press(*"ALPHA")
        await p.until(lambda: found.option_count == 2)
        await p.press("up", "enter")
        await p.until(lambda: p.app.screen is p.bench)
        assert p.bench.repl.text == "Alpha = 1"
        assert p.app.focused is p.bench.repl
        assert not p.bench.runner.busy
        await p.press("ctrl+f")
        await p.until(lambda: isinstance(p.app.focused, Input))
        await p.press(*"nothing", "enter", "escape")
        await p.until(lambda: p.app.screen is p.bench)
        assert p.bench.repl.text == "Alpha = 1"

    play(story, lesson=None)


def test_the_mouse_takes_a_line_of_history(play: Play) -> None:
    async def story(p: Player) -> None:
        await entered(p, "a = 1", "b = 2")
        await p.press("ctrl+f")
        await p.until(lambda: isinstance(p.app.screen, HistorySearch))
        await p.pilot.pause(0.1)
        await p.pilot.click("#lines", offset=(2, 0))
        await p.until(lambda: p.app.screen is p.bench)
        assert p.bench.repl.text == "a = 1"

    play(story, lesson=None)


@pytest.mark.parametrize("key", ["ctrl+j", "alt+enter"])
def test_a_new_line_can_always_be_had(play: Play, key: str) -> None:
    async def story(p: Player) -> None:
        p.bench.repl.focus()
        await p.press(*"a = 20", key, *"a + 1")
        assert p.bench.repl.text == "a = 20\na + 1"
        await p.press("enter")
        await p.settle()
        await p.see("› a = 20", "21")

    play(story, lesson=None)


def test_pasted_code_is_one_cell_and_one_line_of_history(play: Play) -> None:
    code = "def f(n):\n    if n:\n        return n * f(n - 1)\n\n    return 1\n\nf(5)"

    async def story(p: Player) -> None:
        p.bench.repl.focus()
        p.app.post_message(events.Paste(code))
        await p.until(lambda: p.bench.repl.text == code)
        assert p.bench.repl.size.height == 5
        await p.press("enter")
        await p.settle()
        await p.see("120")
        assert [e.source for e in p.bench.out._entries if e.mark] == [code]
        await p.press("up")
        assert p.bench.repl.text == code

    play(story, lesson=None)


def test_a_megabyte_is_pasted_without_a_freeze(play: Play) -> None:
    text = "value = [1, 2, 3]  # a line\n" * 37_000

    async def story(p: Player) -> None:
        p.bench.repl.focus()
        p.app.post_message(events.Paste(text))
        began = time.monotonic()
        await p.until(lambda: len(p.bench.repl.text) == len(text))
        await p.press("end", "1")
        assert p.bench.repl.text.endswith("\n1")
        assert time.monotonic() - began < 20

    play(story, lesson=None)


def test_several_questions_in_a_row_korean_answers_and_a_clean_history(play: Play) -> None:
    code = "a = input('이름?\\n> ')\nb = input('\\x1b[2Jage: ')\nprint(a, b, 'done')\n"

    async def story(p: Player) -> None:
        await entered(p, "'kept'")
        p.bench.repl.focus()
        await p.press(*"half")
        await p.code(code)
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.repl.asking)
        await p.see("이름?")
        await p.press(*"세종", "enter")
        await p.until(lambda: "age:" in p.row("age:"))
        await p.press(*"42", "enter")
        await p.settle()
        await p.see("> 세종", "age: 42", "세종 42 done")
        assert "\x1b" not in p.text
        assert p.bench.repl.text == "half"
        for _ in range(4):
            await p.press("backspace")
        await p.press("up")
        assert p.bench.repl.text == "'kept'"
        await p.press("up")
        assert p.bench.repl.text == "'kept'"

    play(story, lesson=None)


def test_a_hidden_answer_is_nowhere_to_be_seen(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("from getpass import getpass\nkey = getpass('key: ')\nprint(len(key), input('again: '))")
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.repl.asking)
        await p.press(*"geheim", "세")
        await p.see("key:", "••••••＊")
        await p.press("shift+home")
        p.bench.repl.action_copy()
        p.bench.repl.action_cut()
        assert "geheim" not in p.app.clipboard
        await p.press("end", "enter")
        await p.until(lambda: p.bench.repl.asking and not p.bench.repl.hides)
        await p.press(*"open", "enter")
        await p.settle()
        await p.see("7 open", "again: open")
        assert "geheim" not in p.text
        await p.press("ctrl+z", "up")
        assert "geheim" not in p.bench.repl.text
        assert "geheim" not in str(p.bench.out.record())

    play(story, lesson=None)


def test_a_hidden_answer_that_is_not_sent_is_gone(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.enter("import getpass; getpass.getpass()")
        await p.until(lambda: p.bench.repl.hides)
        await p.press(*"geheim", "f4")
        await p.settle()
        assert p.bench.repl.text == ""

    play(story, lesson=None)


def test_pasted_lines_answer_one_question_each(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("print([input() for _ in range(3)])")
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.repl.asking)
        p.app.post_message(events.Paste("one\ntwo\nthr"))
        await p.until(lambda: p.bench.repl.text.endswith("thr"))
        await p.press("enter")
        await p.until(lambda: p.bench.repl.asking and p.bench.repl.text == "thr")
        await p.press(*"ee", "enter")
        await p.settle()
        await p.see("['one', 'two', 'three']")

    play(story, lesson=None)


def test_escape_at_an_empty_question_is_the_end_of_input(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.enter("input('say: ')")
        await p.until(lambda: p.bench.repl.asking)
        await p.press("escape")
        await p.settle()
        await p.see("EOFError at line 1")
        assert p.app.focused is p.bench.repl

    play(story, lesson=None)


def test_a_long_question_leaves_room_for_the_answer(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("x = input('a very long question ' * 5)\nprint('got', x)")
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.repl.asking)
        assert p.bench.repl.size.width > 30
        await p.press(*"yes", "enter")
        await p.settle()
        await p.see("question yes", "got yes")

    play(story, lesson=None, size=(60, 18))
