"""In a terminal: the prompt, its keys, and what Ctrl-C does."""

from __future__ import annotations

import re
import stat
import time

UP, LEFT, ALT_ENTER = "\x1b[A", "\x1b[D", "\x1b\r"
CTRL_C, CTRL_D, CTRL_R, TAB = "\x03", "\x04", "\x12", "\t"


def test_lines_blocks_notes_and_korean(open_terminal):
    terminal = open_terminal()
    terminal.enter("import torch", "torch 2.")
    terminal.enter("텐서 = torch.arange(6.).reshape(2, 3)", "\n    A [2, 3] f32\n")
    terminal.enter("텐서.t().is_contiguous()", "False")
    terminal.type("for i in range(2):\r")
    terminal.expect("...")
    terminal.type("print('안녕', i)\r\r")  # the indentation comes by itself
    terminal.expect("안녕 0\n안녕 1\n")
    terminal.enter(":table", "A  텐서")
    terminal.type(CTRL_D)
    assert terminal.end() == 0


def test_only_the_line_being_edited_is_drawn_anew(open_terminal):
    terminal = open_terminal()
    terminal.enter("print('one\\ntwo')", "two")
    terminal.type(CTRL_D)
    terminal.end()
    assert "\x1b[?1049h" not in terminal.raw
    assert "\x1b[2J" not in terminal.raw
    assert "\x1b[H" not in terminal.raw


def test_alt_enter_goes_on_and_enter_in_the_middle_does_not_run(open_terminal):
    terminal = open_terminal()
    terminal.type("a = 1" + ALT_ENTER)
    terminal.expect("...")
    terminal.type("a + 41\r")
    terminal.expect("\n42\n")


def test_pasted_code_runs_as_one_piece_with_its_notes(open_terminal):
    terminal = open_terminal()
    terminal.enter("import torch", "torch 2.")
    pasted = "m = torch.zeros(2, 3)\nif True:\n    v = m[0]\n\n    v += 1\nprint('sum', m.sum().item())"
    terminal.type(f"\x1b[200~{pasted}\x1b[201~\r")
    terminal.expect("m = torch.zeros(2, 3)                   A [2, 3] f32\n", 10)
    came = terminal.expect("sum 3.0")
    assert "print('sum', m.sum().item())\n" in came


def test_history_lasts_and_is_searched(open_terminal, tmp_path):
    first = open_terminal()
    first.enter("x = 'kept for later'", "torch 2.")
    first.enter("1 + 1", "2")
    first.type(CTRL_D)
    assert first.end() == 0
    kept = tmp_path / "data" / "torchtutor" / "line-history"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    second = open_terminal()
    second.type(CTRL_R + "kept")
    second.expect("x = 'kept for later'")
    second.type("\r\r")
    second.enter("x", "'kept for later'")
    second.expect(">>> ")
    time.sleep(0.3)
    second.type(UP + UP + UP + "\r")
    second.expect("\n2\n")


def test_without_a_place_for_history_one_sentence_and_on(open_terminal, tmp_path):
    (tmp_path / "data").write_text("a file is in the way")
    terminal = open_terminal()
    sentence = terminal.seen.replace("\n", " ")
    assert "The history cannot be kept in" in sentence
    terminal.enter("20 + 22", "42")
    terminal.type(UP)
    terminal.expect("20 + 22")


def test_tab_completes_what_is_certain_and_lists_the_rest(open_terminal):
    terminal = open_terminal()
    terminal.enter("import torch; weights = torch.ones(3)", "A [3] f32")
    time.sleep(0.3)
    terminal.type("wei" + TAB)
    terminal.expect("weights")
    terminal.type(".resh" + TAB)
    terminal.expect("reshape")
    terminal.type(TAB)
    terminal.expect("reshape  ")
    terminal.expect("reshape_as")
    terminal.expect(">>> weights.reshape")
    terminal.type("(1, 3).shape\r")
    terminal.expect("torch.Size([1, 3])")
    terminal.expect(">>>")
    terminal.type(":ta" + TAB)
    terminal.expect(":table")
    terminal.type("\r")
    terminal.expect("A  weights")


def test_ctrl_c_drops_what_is_typed_and_stops_what_runs(open_terminal):
    terminal = open_terminal()
    terminal.type("nonsense(" + CTRL_C)
    terminal.expect(">>>")
    terminal.type("import time; print('on'); time.sleep(600)\r")
    terminal.expect("\non\n")
    began = time.monotonic()
    terminal.type(CTRL_C)
    terminal.expect("\nStopped.\n")
    assert time.monotonic() - began < 5
    terminal.expect(">>>")
    terminal.type("import getpass; len(getpass.getpass('key: '))\r")
    terminal.expect("\nkey: ")
    terminal.type("geheim\r")
    terminal.expect("\n6\n")
    assert "geheim" not in terminal.seen
    terminal.expect(">>>")
    terminal.type("answer = input('wh' 'ich? ')\r")
    terminal.expect("which? ", 10)
    terminal.type(CTRL_C)
    terminal.expect("Stopped.")
    terminal.expect(">>>")
    terminal.enter("1 + 1", "2")


def test_what_is_stuck_is_restarted_by_a_second_ctrl_c(open_terminal):
    terminal = open_terminal()
    terminal.enter("x = 1", "torch 2.")
    terminal.type("sum(range(10**12))\r")
    time.sleep(1)
    terminal.type(CTRL_C)
    terminal.expect("press ctrl+c again to restart the kernel, or wait.")
    terminal.type(CTRL_C)
    terminal.expect("The kernel restarts; its namespace is empty.")
    terminal.expect(">>>")
    terminal.enter("'x' in globals()", "False")


def test_death_while_nothing_runs_is_told_and_restart_goes_on(open_terminal):
    terminal = open_terminal()
    code = "import os, threading; threading.Timer(0.5, os._exit, [4]).start()"
    terminal.enter(code, "torch 2.")
    terminal.expect("The kernel ended itself with exit status 4")
    terminal.expect(":restart starts a new one.")
    terminal.enter("1", "There is no kernel to run this")
    terminal.enter(":restart", "The kernel restarts; its namespace is empty.")
    terminal.enter("40 + 2", "42")


def test_input_asks_on_the_line_that_the_code_left_open(open_terminal):
    terminal = open_terminal()
    terminal.type("print('이름', end=' '); name = input('> ')\r")
    terminal.expect("\n이름 ")
    terminal.expect("이름 > ")
    terminal.type("철수\r")
    terminal.enter("name * 2", "'철수철수'")
    terminal.type("print('not', 'hing'); input()\r")
    terminal.expect("\nnot hing\n")
    time.sleep(0.5)
    terminal.type(CTRL_D)
    terminal.expect("EOFError")


def test_commands_help_refuse_and_quit(open_terminal):
    terminal = open_terminal()
    came = terminal.enter(":help", "ctrl+d  ")
    for name in (
        ":help",
        ":table",
        ":storage",
        ":graph NAME",
        ":why",
        ":explain [RULE]",
        ":device [NAME]",
        ":restart",
        ":reset",
        ":quit",
    ):
        assert re.search(rf"^  {re.escape(name)}  ", came, re.MULTILINE)
    terminal.enter(":graph", "Write it so: :graph NAME")
    terminal.enter(":tables", "There is no command :tables: :help lists them.")
    terminal.enter(":device", "Device cpu, torch 2.")
    terminal.enter(":device tpu", "There is no device tpu here")
    terminal.enter("x = 1", "")
    terminal.enter(":reset", "The namespace is empty.")
    terminal.enter("x", "NameError")
    terminal.type(":quit\r")
    assert terminal.end() == 0


def test_a_dumb_terminal_gets_plain_lines(open_terminal):
    terminal = open_terminal(TERM="dumb")
    terminal.type("for i in range(2):\n")
    terminal.expect("...")
    terminal.type("    print('row', i)\n\n")
    terminal.expect("row 0\nrow 1\n")
    terminal.expect(">>>")
    terminal.type("while True: pass\n\n")
    time.sleep(1)
    terminal.type(CTRL_C)
    terminal.expect("Stopped.")
    terminal.expect(">>>")
    terminal.type("x = (1,\n")
    terminal.expect("...")
    terminal.type(CTRL_C)
    terminal.expect(">>>")
    terminal.type("import getpass; len(getpass.getpass('key: '))\n")
    terminal.expect("\nkey: ")
    terminal.type("geheim\n")
    terminal.expect("\n6\n")
    assert "geheim" not in terminal.seen
    terminal.expect(">>>")
    terminal.type("input('which? ')\n")
    terminal.expect("which? ")
    terminal.expect("which? ")
    terminal.type("한\n")
    terminal.expect("'한'")
    terminal.type("input('more? ')\n")
    terminal.expect("more? ")
    terminal.expect("more? ")
    terminal.type(CTRL_D)
    terminal.expect("EOFError: EOF")
    terminal.expect(">>>")
    terminal.type(CTRL_C)
    terminal.expect("^C\n>>>")
    terminal.type("3 * 5\n")
    terminal.expect("15")
    terminal.type(CTRL_D)
    assert terminal.end() == 0
    assert "\x1b" not in terminal.raw


def test_no_colour_where_it_is_not_wanted(open_terminal):
    terminal = open_terminal(NO_COLOR="1")
    terminal.enter("print('\\x1b[31mred\\x1b[0m')  # comment", "red")
    terminal.enter("undefined", "NameError")
    colours = re.findall(r"\x1b\[([\d;]*)m", terminal.raw)
    assert {part for found in colours for part in found.split(";")} <= {"", "0", "1", "3", "4", "7"}
    coloured = open_terminal()
    coloured.enter("print('\\x1b[31mred\\x1b[0m')", "red")
    assert "\x1b[31mred" in coloured.raw
