"""Lesson Markdown as one text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tutor.view.palette import INK
from tutor.view.prose import fold, mark_code, render_prose, split_question

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


def test_what_continues_a_list_item_stands_under_its_text() -> None:
    markdown = "- one two three four\n  - nested five six seven\n\n12. eight nine ten\n\n> - asked and more"
    assert fold(render_prose(markdown, INK), 16).plain.split("\n") == [
        "· one two three",
        "  four",
        "  · nested five",
        "    six seven",
        "",
        "12. eight nine",
        "    ten",
        "",
        "▎ · asked and",
        "▎   more",
    ]


@given(st.text(alphabet="->*`1. \nabc가"), st.integers(2, 30))
def test_folded_text_fits_and_loses_nothing_but_space(markdown: str, width: int) -> None:
    page = render_prose(markdown, INK)
    folded = fold(page, width)
    assert all(cell_len(line) <= width for line in folded.plain.split("\n"))
    bare = str.maketrans("", "", " \n▎")
    assert folded.plain.translate(bare) == page.plain.translate(bare)


@given(st.text(alphabet="#->*_`[]()!1. \n\x1babc가\u202e"))
def test_any_text_is_safe(markdown: str) -> None:
    plain = render_prose(markdown, INK).plain
    assert "\x1b" not in plain
    assert "\u202e" not in plain


@pytest.mark.parametrize(
    ("markdown", "text", "question"),
    [
        ("A.\n\nB.\n\n> What is `x`?\n", "A.\n\nB.", "> What is `x`?"),
        ("A.\n\n> One\n> two?", "A.", "> One\n> two?"),
        ("A.\n\n> A quotation.\n\nB.", "A.\n\n> A quotation.\n\nB.", ""),
        ("A > B?", "A > B?", ""),
    ],
)
def test_question_at_the_end_is_found(markdown: str, text: str, question: str) -> None:
    assert split_question(markdown) == (text, question)


def test_code_in_a_sentence_is_coloured_without_its_backticks() -> None:
    marked = mark_code(Text("call `x.t()`, not `x.T` or ` alone"), INK)
    assert marked.plain == "call x.t(), not x.T or ` alone"
    assert [marked.plain[s.start : s.end] for s in marked.spans if s.style == INK.primary] == ["x.t()", "x.T"]


@given(st.text(st.sampled_from("ab `"), max_size=30))
def test_marking_code_takes_away_nothing_but_backticks(text: str) -> None:
    assert mark_code(Text(text), INK).plain.replace("`", "") == text.replace("`", "")


def test_where_nothing_is_coloured_code_keeps_its_backticks_and_words_have_no_marks() -> None:
    text = render_prose("# One\n\nA *new* **name** for `t`.\n\n```python\ny = `x`\n```", INK, quoted=True)
    assert text.plain == "One\n\nA new name for `t`.\n\n  y = `x`"
