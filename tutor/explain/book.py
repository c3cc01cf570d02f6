"""Pages about the ideas behind the rules: one a rule, with an example that makes the rule speak."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "pages"
_EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: Rules that are named where a name is not known.
_NEAR = 3


class NoPageError(Exception):
    """There is no such rule; the text is one sentence for people."""


@dataclass(frozen=True)
class Page:
    """The idea behind one rule, in Markdown; `example` is the code in it."""

    rule: str
    title: str
    text: str
    example: str


@cache
def rules() -> tuple[str, ...]:
    """The ids of all rules that have a page, in the order of the alphabet."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.md")))


def find_page(rule: str, lister: str = "`torchtutor explain`") -> Page:
    """The page of a rule. NoPageError where there is none, with the rules whose names are near, or with
    the command that lists them."""
    if rule not in rules():
        raise NoPageError(_unknown(rule, lister))
    text = (_FOLDER / f"{rule}.md").read_text(encoding="utf-8")
    title = text.partition("\n")[0].removeprefix("#").strip()
    example = _EXAMPLE.search(text)
    return Page(rule, title, text, example.group(1).rstrip("\n") if example is not None else "")


def all_pages() -> list[Page]:
    """Every page, in the order of the rules' names."""
    return [find_page(rule) for rule in rules()]


def _unknown(rule: str, lister: str) -> str:
    word = re.sub(r"[\s_]+", "-", rule.strip().lower())
    near = get_close_matches(word, rules(), n=_NEAR, cutoff=0.5)
    parts = {part for part in word.split("-") if len(part) > 2}
    near += [each for each in rules() if parts & set(each.split("-")) and each not in near]
    shown = "".join(ch if ch.isprintable() else "\N{REPLACEMENT CHARACTER}" for ch in rule)[:60]
    if not near:
        return f"There is no rule {shown}: {lister} lists them."
    *first, last = near[:_NEAR]
    return f"There is no rule {shown}: did you mean {', '.join(first)}{' or ' if first else ''}{last}?"
