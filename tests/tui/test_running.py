"""Running code in the app: notes, output, errors, stopping, input, the death of the kernel."""

from __future__ import annotations

import os
import signal

from rich.style import Style

from tests.tui.conftest import Gates, Play, Player


def style_at(p: Player, row_part: str, part: str) -> Style:
    """The style of `part` in the first row that has `row_part` in it."""
    for strip in p.strips:
        text = "".join(segment.text for segment in strip)
        if row_part in text and part in text:
            at = text.index(part)
            for segment in strip:
                at -= len(segment.text)
                if at < 0:
                    return segment.style or Style()
    raise AssertionError(f"no {part!r} in a row with {row_part!r}:\n{p.text}")


def test_lines_entered_while_another_runs_wait_their_turn(play: Play, gates: Gates) -> None:
    async def story(p: Player) -> None:
        await p.enter(f"{gates.code}; wait('go'); k = [1]")
        await p.press(*"k.append(2)", "enter", *"k", "enter", *"k.po")
        await p.see("2 waiting › k.po")
        gates.open("go")
        await p.settle()
        await p.see("› k.append(2)", "[1, 2]")
        assert p.bench.repl.text == "k.po"

    play(story, lesson=None)


def test_lines_that_wait_stand_at_the_prompt_again_when_the_code_is_stopped(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.enter("import time; time.sleep(60)")
        await p.press(*"print('first')", "enter", *"print('second')", "enter", *"th")
        await p.see("2 waiting")
        await p.press("f4")
        await p.settle()
        await p.see("stopped at line 1")
        assert p.bench.repl.text == "print('first')\nprint('second')\nth"
        assert p.bench.store.history(limit=2) == ["print('second')", "print('first')"]

    play(story, lesson=None)


def test_notes_stand_beside_their_lines_with_the_letter_of_the_memory(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        assert "A [6] f32" in p.row("x = torch.zeros(6)")
        assert "A [2, 3] f32" in p.row("v = x.view(2, 3)")
        assert "A writes 1 of 6" in p.row("v[0, 0] = 1")
        assert "ran in" in p.row("same-input.py")
        note, table = style_at(p, "x = torch.zeros(6)", "A [6]"), style_at(p, "A x ", "A x ")
        assert note.color is not None
        assert note.color == table.color

    play(story)


def test_notes_are_struck_through_once_their_line_is_edited_and_undo_takes_that_back(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.go_to("same-input")
        await p.run()
        p.bench.editor.focus()
        await p.press("down", "end", "0")
        await p.see("edited, ^r to run")
        assert not style_at(p, "zeros(6)", "[6] f32").strike
        assert style_at(p, "v = x.view(2, 3)0", "A [2, 3] f32").strike
        assert style_at(p, "v[0, 0] = 1", "A writes").strike
        await p.press("ctrl+z")
        await p.see("ran in")
        assert not style_at(p, "v[0, 0] = 1", "A writes").strike

    play(story)


def test_note_moves_right_of_a_long_line_and_never_covers_code(play: Play) -> None:
    line = "x = torch.zeros(6).reshape(2, 3).t().reshape(3, 2).t()  # long"

    async def story(p: Player) -> None:
        await p.code(f"import torch\n{line}\ny = 1\n")
        await p.run()
        row = p.row("x = torch.zeros(6)")
        assert line in row
        assert row[row.index("# long") + 6 :].strip().startswith("A")

    play(story, lesson=None)


def test_output_result_warning_and_error_come_in_this_order(play: Play) -> None:
    code = "import warnings\nprint('said')\nwarnings.warn('careful')\n1 / 0\n"

    async def story(p: Player) -> None:
        await p.code(code)
        await p.run()
        await p.see("ZeroDivisionError at line 4: division by zero")
        said = [i for i, row in enumerate(p.screen) if row.strip() == "said" or row.startswith(" said")]
        warned = [i for i, row in enumerate(p.screen) if "UserWarning at line 3: careful" in row]
        failed = [i for i, row in enumerate(p.screen) if "✗ ZeroDivisionError at line 4" in row]
        assert said[0] < warned[0] < failed[0]
        assert "ZeroDivisionError" in p.row("1 / 0")
        assert "ZeroDivisionError at line 4" in p.row("scratch.py")

    play(story, lesson=None)


def test_syntax_error_names_its_line(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("x = 1\ny = = 2\n")
        await p.run()
        await p.see("SyntaxError at line 2")

    play(story, lesson=None)


def test_progress_bars_animate_in_place(play: Play, gates: Gates) -> None:
    loop = "for i in range(3):\n    print(f'\\r{i} of 3', end='', flush=True)\n    wait(str(i))\n"
    code = f"{gates.code}\n{loop}"

    async def story(p: Player) -> None:
        await p.code(code)
        await p.press("ctrl+r")
        await p.see("0 of 3")
        gates.open("0")
        await p.see("1 of 3")
        gates.open("1")
        await p.see("2 of 3")
        assert "0 of 3" not in p.text
        gates.open("2")
        await p.settle()
        assert "2 of 3" in p.text

    play(story, lesson=None)


def test_output_that_looks_like_markup_is_shown_as_it_is(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("print('[b, t]', '[/b]', '[red]x')\n'[/b] [b, t]'\n")
        await p.run()
        await p.see("[b, t] [/b] [red]x", "'[/b] [b, t]'")
        await p.enter("raise ValueError('[/b] [nope]')")
        await p.see("ValueError at line 1: [/b] [nope]")

    play(story, lesson=None)


def test_output_cannot_drive_the_terminal(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("print('\\x1b[2J\\x1b]0;title\\x07safe\\x1b[31mred\\x1b[0m')\n'\\x1b[2J'\n")
        await p.run()
        await p.see("safered")
        assert "\x1b" not in p.text
        await p.enter("raise ValueError('a\\x1b[2Jb')")
        await p.see("ValueError at line 1")
        assert "\x1b" not in p.text

    play(story, lesson=None)


def test_flood_is_bounded_and_keys_work_meanwhile(play: Play) -> None:
    code = "for i in range(400_000):\n    print(i, 'x' * 80)\nprint('the end')\n"

    async def story(p: Player) -> None:
        await p.code(code)
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.out.virtual_size.height > 20)
        p.bench.repl.focus()
        await p.press(*"typed")
        assert "typed" in p.text
        await p.settle()
        await p.see("the end")
        assert p.bench.out.virtual_size.height < 6_000

    play(story, lesson=None)


def test_running_code_is_shown_and_stopped_and_the_namespace_survives(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("kept = 42\nwhile True: pass\n")
        await p.press("ctrl+r")
        await p.see("▸ running")
        assert "▸ running" in p.row("while True: pass")
        await p.until(lambda: "f4 stop" in p.row("scratch.py"))
        await p.see("f4 Stop")
        await p.press("ctrl+r")
        await p.see("The code is still running; f4 stops it.")
        await p.press("ctrl+r", "ctrl+r")
        await p.pilot.pause(0.2)
        assert p.text.count("The code is still running") == 1, "once is enough"
        await p.press("f4")
        await p.settle()
        await p.see("stopped at line 2")
        await p.enter("kept")
        await p.see("42")
        assert "f4 Stop" not in p.text

    play(story, lesson=None)


def test_ctrl_c_stops_too(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.enter("import time; time.sleep(60)")
        await p.press("enter")
        await p.until(lambda: p.bench.runner.session.state == "busy")
        await p.press("ctrl+c")
        await p.settle()
        await p.see("stopped at line 1")

    play(story, lesson=None)


def test_code_that_cannot_be_stopped_is_ended_by_a_restart(play: Play) -> None:
    code = "total = sum(range(10**13))\n"  # one call into C that keeps the GIL and looks for no signal

    async def story(p: Player) -> None:
        await p.code(code)
        await p.press("ctrl+r")
        await p.see("▸ running")
        await p.press("f4")
        await p.see("does not stop · ^\\ restarts the kernel")
        await p.press("ctrl+backslash")
        await p.settle()
        await p.see("The kernel was restarted; its namespace is empty.")
        await p.enter("6 * 7")
        await p.see("42")

    play(story, lesson=None)


def test_input_is_asked_for_at_the_prompt(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("name = input('your name? ')\nprint('hello', name)\n")
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.repl.asking)
        await p.see("your name?")
        await p.press(*"Ada", "enter")
        await p.settle()
        await p.see("your name? Ada", "hello Ada")
        assert p.row("›")

    play(story, lesson=None)


def test_end_of_input(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("input()\n")
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.repl.asking)
        await p.press("ctrl+d")
        await p.settle()
        await p.see("EOFError at line 1")

    play(story, lesson=None)


def test_stop_while_input_is_asked_for(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("input('wait: ')\n")
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.repl.asking)
        await p.press("f4")
        await p.settle()
        await p.see("stopped at line 1")
        assert not p.bench.repl.asking

    play(story, lesson=None)


def test_death_of_the_kernel_keeps_code_and_output_and_restart_brings_it_back(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("import os\nprint('before', flush=True)\nos._exit(3)\n")
        await p.run()
        await p.see("before", "exit status 3", "^\\ restarts it", "no kernel", "os._exit(3)")
        await p.press("ctrl+r")
        await p.see("There is no kernel to run this; ^\\ starts one.")
        await p.press("ctrl+backslash")
        await p.settle()
        await p.see("The kernel was restarted", "before", "os._exit(3)")
        await p.enter("6 * 7")
        await p.see("42")

    play(story, lesson=None)


def test_kernel_killed_while_idle_is_noticed(play: Play) -> None:
    async def story(p: Player) -> None:
        pid = p.bench.runner.session.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await p.see("no kernel", "^\\ Restart")
        await p.press("ctrl+backslash")
        await p.settle()
        assert p.bench.runner.session.state == "idle"

    play(story)


def test_lines_at_the_prompt_share_the_namespace_and_are_remembered(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.enter("a = 20")
        await p.settle()
        await p.enter("a + 1")
        await p.see("21")
        await p.press("up", "up", "enter")
        await p.settle()
        await p.press("down")
        assert p.bench.repl.text == ""
        assert p.bench.out._entries[-1].title == "a = 20"

    play(story, lesson=None)


def test_a_block_at_the_prompt_goes_on_until_an_empty_line(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.enter("for i in range(2):")
        assert p.bench.repl.text == "for i in range(2):\n    "
        await p.press(*"print('turn', i)", "enter", "enter")
        await p.settle()
        await p.see("turn 0", "turn 1")

    play(story, lesson=None)


def test_korean_is_typed_printed_and_named(play: Play) -> None:
    async def story(p: Player) -> None:
        p.bench.editor.focus()
        await p.press(*"값 = '한국어'", "enter", *"print(값)")
        await p.run()
        await p.see("값 = '한국어'")
        assert any(row.strip().startswith("한국어") for row in p.screen)

    play(story, lesson=None)


def test_scratch_page_keeps_its_namespace_between_runs(play: Play) -> None:
    async def story(p: Player) -> None:
        assert p.app.focused is p.bench.repl
        await p.enter("import torch")
        await p.settle()
        await p.code("t = torch.arange(3)")
        await p.run()
        await p.code("u = t[1:]")
        await p.run()
        await p.see("2 live")
        assert "A [2] i64" in p.row("u = t[1:]")

    play(story, lesson=None)


def test_an_error_is_explained_with_a_repair(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.code("m = torch.arange(6.).view(2, 3)\nn = m.t()\nn.view(6)")
        await p.run()
        await p.see("RuntimeError at line 3", "▎ Instead:", "▎   n.reshape(6)")

    play(story)


def test_code_from_the_prompt_has_its_notes_below(play: Play) -> None:
    async def story(p: Player) -> None:
        await p.enter("u = torch.ones(2, 3); w = u.t()")
        await p.see("[3, 2] f32 view of u")

    play(story)


def test_an_error_at_the_prompt_is_explained_by_what_ran_before(play: Play) -> None:
    async def story(player: Player) -> None:
        await player.code("import torch\nw = torch.ones(2, requires_grad=True)\ncost = (w * w).sum()")
        await player.run()
        for line in ("cost.backward()", "cost.backward()"):
            await player.enter(line)
            await player.settle()
        told = player.bench.following.explanations()
        assert [each.rule for each in told] == ["second-backward"]
        assert "`cost.backward()` in an earlier input already went" in told[0].text
        assert "computed in line 3 of scratch.py" in told[0].text

    play(story, lesson=None)
