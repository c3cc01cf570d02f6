"""Line mode explains an error by what was entered before it."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def words(text: str) -> str:
    """The text without line ends and indentation, which wrapping adds."""
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "w = torch.ones(2, requires_grad=True)\ncost = (w * w).sum()\ncost.backward()\ncost.backward()\n",
            "`cost.backward()` in line 4 already went back through `cost`, computed in line 3.",
        ),
        (
            "w = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\n    q = w.sum()\nq.backward()\n",
            "`q` was computed under `with torch.no_grad():` (line 3)",
        ),
        (
            "w = torch.ones(2, requires_grad=True)\nmid = w * 2\nmid.sum().backward()\nmid.grad\n",
            "was computed by `mul` from other tensors in line 3",
        ),
    ],
)
def test_a_piped_script_is_one_with_its_own_lines(piped: Callable, script: str, told: str) -> None:
    """The lines are those that the error above the explanation counts."""
    assert told in words(piped("import torch\n" + script).stdout)


def test_a_person_is_told_which_input_it_was(open_terminal: Callable) -> None:
    terminal = open_terminal(TERM="dumb")
    for line in (
        "import torch; w = torch.ones(2, requires_grad=True)",
        "cost = (w * w).sum()",
        "cost.backward()",
    ):
        terminal.type(line + "\r")
        terminal.expect(">>>")
    terminal.type("cost.backward()\r")
    terminal.expect("Why:")
    told = words(terminal.expect("Instead:"))
    assert "`cost.backward()` in an earlier input already went back through `cost`" in told
    assert "computed in the earlier input `cost = (w * w).sum()`" in told


def test_a_script_that_ran_first_is_named(open_terminal: Callable, tmp_path) -> None:
    script = tmp_path / "first.py"
    script.write_text("import torch\nw = torch.ones(2, requires_grad=True)\nmid = w.exp().detach()\n")
    terminal = open_terminal(str(script), TERM="dumb")
    terminal.type("mid.sum().backward()\r")
    terminal.expect("Why:")
    told = words(terminal.expect("Do not set requires_grad"))
    assert "`w.exp().detach()` in line 3 of the script gives the same numbers" in told


def test_a_restarted_kernel_has_no_earlier_inputs(open_terminal: Callable) -> None:
    terminal = open_terminal(TERM="dumb")
    for line in (
        "import torch; w = torch.ones(2, requires_grad=True); w.sum().backward()",
        ":restart",
        "import torch; w = torch.ones(2, requires_grad=True)",
    ):
        terminal.type(line + "\r")
        terminal.expect(">>>")
    terminal.type("w.grad + 1\r")
    terminal.expect("Why:")
    assert "no backward has run before this line" in words(terminal.expect("Gradients come"))
