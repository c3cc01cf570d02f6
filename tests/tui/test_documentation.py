"""Signature and documentation of what is under the cursor."""

from __future__ import annotations

import psutil
import pytest

from tutor.tui.editing.documentation import DocumentationScreen

from .conftest import Play, Player
from .test_editing import write


def readers() -> list[psutil.Process]:
    """Processes that read sources for documentation."""
    return [child for child in psutil.Process().children() if "tutor.assist.lookup" in child.cmdline()]


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("torch.nn.Linear", 12, ("Linear(in_features, out_features, bias=True", "linear transformation")),
        ("x.reshape", 9, ("reshape(*shape) -> Tensor", "same data")),
        ("y = x.T.reshape(2, 3)", 17, ("reshape(*shape) -> Tensor", "same data")),
        ("F.softmax(x, ", 13, ("softmax(input, dim=None", "Apply a softmax function")),
        ("mine(1, x[0], ", 14, ("mine(a, b=2)", "What mine does.")),
        ("", 0, ("Put the cursor on a name",)),
        ("nosuch_name", 3, ("Nothing is known about nosuch_name",)),
    ],
)
def test_what_is_under_the_cursor_or_called_is_explained(play: Play, line, column, expected) -> None:
    async def story(p: Player) -> None:
        before = "import torch\nimport torch.nn.functional as F\nx = torch.ones(6)\n"
        before += "def mine(a, b=2):\n    'What mine does.'\n"
        await write(p, before)
        await p.run()
        await p.code(before + line)
        p.bench.editor.move_cursor((5, column))
        await p.press("ctrl+d")
        await p.see(*expected)
        assert isinstance(p.app.screen, DocumentationScreen)
        await p.press("escape")
        assert p.app.focused is p.bench.editor
        assert p.bench.editor.text == before + line

    play(story, size=(80, 24), lesson=None)


def test_code_that_has_not_run_is_read_and_a_busy_kernel_is_not_asked(play: Play) -> None:
    async def story(p: Player) -> None:
        source = "while True: pass\ndef mine(a, b=2):\n    'What mine does.'\n    return a\nmine(1)"
        await write(p, source)
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.runner.session.state == "busy")
        p.bench.editor.move_cursor((4, 2))
        await p.press("ctrl+d")
        await p.see("mine(a, b=2)", "What mine does.")
        assert p.bench.runner.session.state == "busy"
        await p.press("escape", "ctrl+c")
        await p.settle()
        assert readers() == []

    play(story, lesson=None)


def test_closing_ends_the_reading(play: Play) -> None:
    async def story(p: Player) -> None:
        await write(p, "from torch.nn import Linear\nLinear(2, 3).weight.reshape", (1, 24))
        p.bench.runner.session.state = "dead"
        try:
            await p.press("ctrl+d")
            await p.until(readers, "a process that reads")
            await p.see("Reading…")
            await p.press("escape")
            await p.until(lambda: not readers(), "the end of the process")
        finally:
            p.bench.runner.session.state = "idle"
        assert p.app.focused is p.bench.editor

    play(story, lesson=None)


def test_the_answer_to_input_is_not_looked_up(play: Play) -> None:
    async def story(p: Player) -> None:
        await write(p, "try:\n    input()\nexcept EOFError:\n    print('ended', 'here')")
        await p.press("ctrl+r")
        await p.until(lambda: p.bench.repl.asking)
        await p.press("ctrl+d")
        await p.settle()
        await p.see("ended here")

    play(story, lesson=None)
