"""Pages about the ideas behind the rules: one a rule, with an example that makes the rule speak.

The page in another language, `pages/ko/view-size.md`, names by a digest the English that it translates, and
has a place for the example, which is written once; where the English changed since, it is English again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from pathlib import Path

from tutor.explain.wording import fill, or_text
from tutor.language import current_language

_FOLDER = Path(__file__).parent / "pages"
_EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: Where the example stands in a translation, on a line of its own.
_PLACE = "{example}"
#: Rules that are named where a name is not known.
_NEAR = 3

_UNKNOWN = "There is no rule {rule}: {lister} lists them."
_ALMOST = "There is no rule {rule}: did you mean {near}?"


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
    english = (_FOLDER / f"{rule}.md").read_text(encoding="utf-8")
    path = _FOLDER / current_language() / f"{rule}.md"
    text = spoken(english, path.read_text(encoding="utf-8") if path.is_file() else "")
    title = text.partition("\n")[0].removeprefix("#").strip()
    example = _EXAMPLE.search(text)
    return Page(rule, title, text, example.group(1).rstrip("\n") if example is not None else "")


def spoken(english: str, translation: str) -> str:
    """The translation of a page with the example of the English one, which stands in for a stale one."""
    head, _, text = translation.partition("\n")
    example = _EXAMPLE.search(english)
    if head.strip() != f"of: {digest(english)}" or example is None:
        return english
    return text.lstrip().replace(_PLACE, example.group().rstrip("\n"))


def digest(english: str) -> str:
    """By this a translation names the English page that it was made of."""
    return sha256(english.strip().encode()).hexdigest()[:8]


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
        return fill(_UNKNOWN, rule=shown, lister=lister)
    return fill(_ALMOST, rule=shown, near=or_text(near[:_NEAR]))
