"""The Korean README follows the English one: the same blocks, with the same code, names and links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent


def tokens_of(name: str) -> list[Token]:
    text = (ROOT / name).read_text("utf-8").replace("(README.ko.md)", "(README.md)")
    return MarkdownIt().enable("table").parse(text)


def blocks(tokens: list[Token]) -> Iterator[str]:
    """Headings, paragraphs, rows of tables, in order, and code as it is without its comments."""
    for token in tokens:
        if token.type == "fence":
            yield token.info + "\n" + re.sub(r" *#.*", "", token.content)
        else:
            yield token.type + token.tag


def names(tokens: list[Token]) -> Counter[str]:
    """Code within sentences, and what links and pictures lead to."""
    return Counter(
        str(part.content if part.type == "code_inline" else part.attrGet("href") or part.attrGet("src"))
        for token in tokens
        for part in token.children or ()
        if part.type in ("code_inline", "link_open", "image")
    )


def test_the_korean_readme_has_what_the_english_has() -> None:
    english, korean = tokens_of("README.md"), tokens_of("README.ko.md")
    assert list(blocks(korean)) == list(blocks(english))
    assert names(korean) == names(english)


def test_links_of_both_lead_somewhere() -> None:
    for name in ("README.md", "README.ko.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text("utf-8")):
            assert target.startswith("https://") or (ROOT / target).is_file(), (name, target)
