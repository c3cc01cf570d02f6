"""Lesson Markdown as one text."""

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tutor.view.palette import INK
from tutor.view.prose import render_prose

LESSON = """\
## A view is a second name

Slicing never copies. `y = x[:, 1]` makes a new *tensor* -
its own **shape** - see [the docs](http://example.com).

- One letter,
  one memory.
- Two
  - nested

3. three
4. four

> Predict first: what does `y` print?

```python
y = x[:, 1]  # a view
```
"""


def style_of(markdown: str, word: str) -> str:
    text = render_prose(markdown, INK)
    return str(text.get_style_at_offset(Console(color_system="truecolor"), text.plain.index(word)))


def test_blocks_are_separated_and_paragraphs_have_no_hard_breaks() -> None:
    assert render_prose(LESSON, INK).plain.split("\n") == [
        "A view is a second name",
        "",
        "Slicing never copies. y = x[:, 1] makes a new tensor - its own shape - see the docs.",
        "",
        "· One letter, one memory.",
        "· Two",
        "  · nested",
        "",
        "3. three",
        "4. four",
        "",
        "▎ Predict first: what does y print?",
        "",
        "  y = x[:, 1]  # a view",
    ]


def test_styles() -> None:
    assert style_of(LESSON, "A view") == f"bold {INK.foreground}"
    assert style_of(LESSON, "y = x") == INK.primary
    assert style_of(LESSON, "tensor") == f"italic {INK.foreground}"
    assert style_of(LESSON, "shape") == f"bold {INK.foreground}"
    assert style_of(LESSON, "Predict") == INK.accent
    assert style_of(LESSON, "▎") == INK.accent
    assert style_of(LESSON, "# a view") == f"italic {INK.muted}"


def test_a_loose_list_keeps_its_blank_lines() -> None:
    assert render_prose("- one\n\n- two\n\n  more", INK).plain == "· one\n\n· two\n\n  more"


def test_code_of_another_language_is_plain() -> None:
    assert render_prose("```text\nif x:\n```", INK).plain == "  if x:"
    assert style_of("```text\nif x:\n```", "if") == INK.foreground


def test_markup_and_html_are_text() -> None:
    assert render_prose("[b]not markup[/b] and <b>tags</b>", INK).plain == "[b]not markup[/b] and <b>tags</b>"
    assert render_prose("", INK).plain == ""


@given(st.text(alphabet="#->*_`[]()!1. \n\x1babc가\u202e"))
def test_any_text_is_safe(markdown: str) -> None:
    plain = render_prose(markdown, INK).plain
    assert "\x1b" not in plain
    assert "\u202e" not in plain
