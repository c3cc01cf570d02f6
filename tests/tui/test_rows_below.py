"""Rows below lines of a wrapped document, through any edits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.document._document import Document
from textual.geometry import Offset

from tutor.tui.editing.wrapping import QuickWrappedDocument

TEXTS = st.text(alphabet="ab \n", max_size=40)
BELOW = st.dictionaries(st.integers(0, 6), st.integers(0, 4), max_size=3)


def check(wrapped: QuickWrappedDocument, below: dict[int, int]) -> None:
    """Every line has its rows of text, then those below it; and places lead there and back."""
    expected = []
    for line in range(wrapped.document.line_count):
        expected += [(line, None)] * len(wrapped.get_sections(line))
        expected += [(line, number) for number in range(below.get(line, 0))]
    assert wrapped.height == len(expected)
    for row, (line, number) in enumerate(expected):
        assert wrapped.below(row) == (None if number is None else (line, number))
        location = wrapped.offset_to_location(Offset(0, row))
        assert location[0] == line
        back = wrapped.location_to_offset(location).y
        assert expected[back][1] is None, "no place of the text is on a row below"
        if number is None:
            assert back == row
    end = wrapped.offset_to_location(Offset(99, 999))
    assert end == (wrapped.document.line_count - 1, len(wrapped.document[-1]))


@given(TEXTS, BELOW, st.integers(3, 12), st.data())
def test_they_stay_with_their_lines(
    text: str, below: dict[int, int], width: int, data: st.DataObject
) -> None:
    document = Document(text)
    wrapped = QuickWrappedDocument(document)
    wrapped.wrap(width)
    wrapped.put_below(below)
    check(wrapped, below)
    lines = document.line_count
    first = data.draw(st.integers(0, lines - 1))
    last = data.draw(st.integers(first, lines - 1))
    start = (first, data.draw(st.integers(0, len(document[first]))))
    end = max(start, (last, data.draw(st.integers(0, len(document[last])))))
    result = document.replace_range(start, end, data.draw(TEXTS))
    wrapped.wrap_range(start, end, result.end_location)
    moved = document.line_count - lines
    kept = {line + moved if line > end[0] else line: n for line, n in below.items() if line < lines}
    check(wrapped, {line: n for line, n in kept.items() if line < document.line_count})
    wrapped.wrap(width + 1)
    wrapped.put_below({})
    check(wrapped, {})
