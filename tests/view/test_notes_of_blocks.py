"""Beside which line of a statement of several lines its note stands, by what a real kernel saw."""

from __future__ import annotations

import pytest
from course.learner import Class, classroom  # noqa: F401

from tutor.view.notes import notes_for

SETUP = (
    "import torch\nx = torch.arange(6.)\nw = torch.ones(2, requires_grad=True)\n"
    "def grow(tensor):\n    tensor.add_(1)\n"
)


@pytest.mark.parametrize(
    ("code", "places"),
    [
        ("for n in range(3):\n    a = n\n    v = torch.ones(2) * n\n    b = n", {3: "[2] f32"}),
        ("with torch.no_grad():\n    w -= 0.1\n    k = 1", {2: "writes all 2"}),
        ("while x[0] < 2:\n    x += 1\n    k = 1", {2: "writes all 6"}),
        ("if len(x) == 6:\n    y = x.view(2, 3)\n    k = 1\nelse:\n    y = x", {2: "view of x"}),
        ("for n in range(2):\n    grow(x)\n    k = n", {1: "writes all 6"}),
        ("def double(t):\n    return t * 2\ny = double(x)", {3: "[6] f32"}),
        ("v = torch.tensor([\n    1.,\n])", {3: "[1] f32"}),
        ("try:\n    v = x[:2]\nfinally:\n    del x", {2: "[2] f32"}),
    ],
)
def test_the_note_of_a_block_is_beside_the_line_that_had_the_effect(
    classroom: Class,  # noqa: F811
    code: str,
    places: dict[int, str],
) -> None:
    async def go():
        await classroom.session.reset()
        await classroom.session.execute(SETUP, display="none")
        return await classroom.session.execute(code)

    run = classroom.runner.run(go())
    notes = notes_for(run.steps, run.before)
    assert set(notes) == set(places), notes
    for line, words in places.items():
        assert words in f"{notes[line].text} {notes[line].tail}"
