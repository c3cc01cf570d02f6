"""How code that was set aside is told."""

from __future__ import annotations

from tutor.course.versions import first_line


def test_a_line_that_is_cut_says_so() -> None:
    assert first_line("g = 1") == "g = 1"
    cut = first_line("\n  g = torch.arange(10).reshape(2, 5).float()\n")
    assert cut == "g = torch.arange(10).reshape(2,…"
    assert len(cut) == 32
    assert first_line("a = 1\n\nb = 2\n") == "a = 1 … 2 lines"
