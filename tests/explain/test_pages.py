"""Each rule has a page, and the example on it runs and makes that rule speak, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.explain.korean import assert_whole, in_korean
from tutor.cli import main
from tutor.explain import book, rules
from tutor.explain.book import NoPageError, all_pages, digest, find_page, spoken
from tutor.explain.book import rules as rules_with_pages
from tutor.translation import _PARTICLES as PARTICLES

KOREAN = Path(book.__file__).parent / "pages" / "ko"
HANGUL = re.compile("[가-힣]")
PAGES = {page.rule: page for page in all_pages()}


def rules_in_the_code() -> set[str]:
    """The ids that are written in the rules' modules: the first argument of every Explanation."""
    found = set()
    for path in Path(rules.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Explanation":
                given = [word.value for word in node.keywords if word.arg == "rule"] or node.args[:1]
                found |= {each.value for each in given if isinstance(each, ast.Constant)}
    return found


def test_each_rule_has_a_page_and_each_page_a_rule() -> None:
    assert set(PAGES) == rules_in_the_code()


@pytest.mark.parametrize("rule", PAGES)
def test_the_example_makes_exactly_this_rule_speak_and_in_korean_too(learner, rule: str) -> None:
    told = learner.run(PAGES[rule].example)
    loud = {each.rule for each in told.explanations if each.kind != "note"}
    quiet = {each.rule for each in told.explanations}
    assert loud == {rule} or (not loud and rule in quiet), (told.run.error, told.explanations)
    if loud:
        assert told.explanations[-1].rule == rule, "the example ends where its rule speaks"
    korean = in_korean(told.run)
    assert [(one.rule, one.kind, one.fix) for one in korean] == [
        (one.rule, one.kind, one.fix) for one in told.explanations
    ]
    for one in korean:
        assert_whole(one)


@pytest.mark.parametrize("rule", PAGES)
def test_a_page_has_a_title_a_few_paragraphs_and_one_short_example(rule: str) -> None:
    page = PAGES[rule]
    assert page.text.startswith(f"# {page.title}\n\n")
    assert 0 < len(page.title) <= 90
    assert page.text.count("```") == 2, "one example"
    assert page.example.startswith("import torch\n")
    assert len(page.example.split("\n")) <= 16
    idea = page.text.partition("\n\n")[2].partition("```")[0].strip().split("\n\n")
    assert 1 <= len(idea) <= 6
    assert 30 <= sum(len(paragraph.split()) for paragraph in idea) <= 330


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("matmul_shape", "matmul-shapes"),
        ("View Size", "view-size"),
        ("second backwards", "second-backward"),
        ("leaf", "leaf-in-place"),
        ("broadcasting", "broadcast-shapes"),
    ],
)
def test_near_matches_are_named_where_there_is_no_such_rule(asked: str, named: str) -> None:
    with pytest.raises(NoPageError) as told:
        find_page(asked)
    assert named in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("asked", ["", "zzz", "../book", "%s", "\x1b[2J", "x" * 10_000])
def test_what_is_like_no_rule_is_one_short_harmless_sentence(asked: str) -> None:
    with pytest.raises(NoPageError) as told:
        find_page(asked)
    assert len(str(told.value)) < 200
    assert str(told.value).isprintable()


def test_the_list_has_every_rule_once() -> None:
    assert list(rules_with_pages()) == sorted(set(PAGES))


def test_the_command_prints_a_page_or_lists_them() -> None:
    page = CliRunner().invoke(main, ["explain", "view-size"])
    assert (page.exit_code, page.stdout) == (0, PAGES["view-size"].text)
    listed = CliRunner().invoke(main, ["explain"])
    assert listed.exit_code == 0
    assert [line.split(maxsplit=1) for line in listed.stdout.splitlines()] == [
        [rule, page.title] for rule, page in sorted(PAGES.items())
    ]


def test_the_command_refuses_what_is_no_rule() -> None:
    refused = CliRunner().invoke(main, ["explain", "view-sizes"])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert "view-size" in refused.stderr


def test_a_translation_has_the_example_of_its_english_until_that_changes() -> None:
    english = PAGES["view-size"].text
    korean = f"of: {digest(english)}\n# 제목\n\n설명입니다.\n\n{{example}}\n"
    assert spoken(english, korean) == f"# 제목\n\n설명입니다.\n\n{english[english.index('```') :]}"
    changed = english.replace("# ", "# Once more: ", 1)
    assert spoken(changed, korean) == changed
    assert spoken(english, "") == english


def faults(rule: str) -> Iterator[str]:
    """What the Korean page of a rule wants of; one that is stale or missing is not looked at further."""
    english, path = PAGES[rule].text, KOREAN / f"{rule}.md"
    head, _, page = path.read_text(encoding="utf-8").partition("\n") if path.is_file() else ("", "", "")
    if head != f"of: {digest(english)}":
        yield f"translate it as it is now, under the line `of: {digest(english)}`"
        return
    title, _, idea = page.partition("\n")
    if not (title.startswith("# ") and HANGUL.search(title) and HANGUL.search(idea)):
        yield "a title and an idea in Korean"
    if page.splitlines().count("{example}") != 1 or page.count("{example}") != 1 or "```" in page:
        yield "`{example}` once, on a line of its own, and no other code block"
    if strange := code_of(page) - code_of(english):
        yield f"code that is not in the English: {', '.join(sorted(strange))}"
    if any(particle in page for particle in PARTICLES):
        yield "a particle in both its forms"


def code_of(page: str) -> set[str]:
    """What stands between backticks in the sentences of a page."""
    sentences = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return {" ".join(code.split()) for code in re.findall(r"`([^`]+)`", sentences)}


def test_every_page_is_there_in_korean() -> None:
    wanted = [f"{rule}: {fault}" for rule in PAGES for fault in faults(rule)]
    assert not wanted, "\n".join(["pages/ko wants of", *wanted])
    assert {path.stem for path in KOREAN.iterdir()} == PAGES.keys()
