"""Every text that people read is there in Korean, with the same fields, and nothing is left over."""

from __future__ import annotations

import ast
import importlib
import re
import string
from collections.abc import Iterator
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tutor
from tutor.cli import main
from tutor.course.schema import STEP_KINDS
from tutor.explain.wording import fill
from tutor.language import use_language
from tutor.manual import Command, Group, Option
from tutor.repl.commands import COMMANDS as LINE_COMMANDS
from tutor.repl.lesson import COMMANDS as LESSON_COMMANDS
from tutor.translation import entries, joined, particles
from tutor.tui.commands import COMMANDS
from tutor.tui.help import _PANES

ROOT = Path(tutor.__file__).parent
CATALOGS = sorted((ROOT / "translations" / "ko").glob("*.yaml"))
MODULES = [path for path in CATALOGS if path.stem.startswith("explain.")]


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from texts_in(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in dataclass_fields(value):
            yield from texts_in(getattr(value, field.name))


def templates_of(module: ModuleType, *, words: bool = False) -> Iterator[str]:
    """Texts of the module's constants that read as sentences or parts of them; single `words` too."""
    for name, value in vars(module).items():
        if name.strip("_").isupper():
            for text in texts_in(value):
                if (words or " " in text.strip()) and any(c.isalpha() for c in text):
                    yield joined(text)


#: The catalogs of the app's own texts, which stand in calls: by the part of the app that says them.
ROOMS = [path for path in CATALOGS if not path.stem.startswith("explain.")]
_CALLS = {"say", "translated", "later", "parted"}


def spoken() -> Iterator[str]:
    """Literals that get said, also by the name of a constant; the tables, and the derivative rules."""
    for path in ROOT.rglob("*.py"):
        if path.parent.name == "rules" or "tutor.translation" not in (source := path.read_text("utf-8")):
            continue
        tree = ast.parse(source)
        calls = {
            name.asname or name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "tutor.translation"
            for name in node.names
            if name.name in _CALLS
        }
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in calls:
                yield from literals(node.args[0], constants)
    for command in COMMANDS:
        yield from (command.english_label, command.english_help)
    for each in (*LINE_COMMANDS, *LESSON_COMMANDS):
        yield each.english_help
    for pane, keys in _PANES.items():
        yield from (pane, *(what for _, what in keys))
    yield from STEP_KINDS
    for command in (main, *main.commands.values()):
        assert isinstance(command, Command | Group)
        yield from map(joined, (command.english_help or "").split("\n\n"))
        yield from (each.english_help or "" for each in command.params if isinstance(each, Option))
    for path in (ROOT / "view" / "derivatives").glob("*.py"):
        yield from sentences(ast.parse(path.read_text("utf-8")))


def sentences(tree: ast.Module) -> Iterator[str]:
    """Whole sentences among the constants of a module, its docstrings left out."""
    docs = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if " " in text and text.endswith(".") and node not in docs:
                yield joined(text)


def literals(node: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
    """The texts of an expression: its own, or those of the constants of its module that it names."""
    match node:
        case ast.Constant(value=str(text)):
            yield joined(text)
        case ast.Name(id=name) if name in constants:
            for each in ast.walk(constants[name]):
                if isinstance(each, ast.Dict):
                    for value in each.values:
                        yield from literals(value, {})
            yield from literals(constants[name], {})
        case ast.IfExp(body=body, orelse=orelse):
            yield from literals(body, constants)
            yield from literals(orelse, constants)
        case ast.Subscript(value=value):
            yield from literals(value, constants)


def fields(template: str) -> set[str]:
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_a_translation_has_the_fields_of_its_english(path: Path) -> None:
    for entry in entries(path):
        assert joined(entry["en"]) == entry["en"]
        assert fields(entry["ko"]) <= fields(entry["en"]), entry
        words = "".join(literal for literal, *_ in string.Formatter().parse(entry["ko"]))
        assert any("가" <= c <= "힣" for c in words) or not any(c.isalpha() for c in words), entry


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_all_texts_of_a_module_are_translated_and_no_others(path: Path) -> None:
    """A catalog is named after the module whose constants it translates."""
    module = importlib.import_module(f"tutor.{path.stem}")
    known = {entry["en"] for entry in entries(path)}
    assert set(templates_of(module)) <= known <= set(templates_of(module, words=True))


def test_one_text_has_one_translation_in_all_catalogs() -> None:
    """Catalogs are read as one: a text in two of them would be told as the last of them has it."""
    told: dict[str, str] = {}
    for path in CATALOGS:
        for entry in entries(path):
            assert told.setdefault(entry["en"], entry["ko"]) == entry["ko"], (path.stem, entry["en"])


#: Words that Korean texts once had beside the one that is settled, which stands behind each.
_UNSETTLED = {
    r"\}행": "번째 줄",
    "스크래치": "연습장",
    "표본": "샘플",
    "이력": "기록",
    "그래디언트": "변화도",
    "디바이스": "장치",
    "레이어": "계층",
    "파라미터": "매개변수",
    "리프 ": "잎",
    "에러": "오류",
    "넘파이": "NumPy",
    "파이토치": "PyTorch",
    "참·거짓": "참/거짓",
}


def test_one_thing_has_one_word_in_korean() -> None:
    pages = (ROOT / "explain" / "pages" / "ko").glob("*.md")
    lessons = (ROOT.parent / "lessons" / "ko").glob("*.yaml")
    for path in (*CATALOGS, *pages, *lessons, ROOT.parent / "README.ko.md"):
        text = path.read_text("utf-8")
        for word, settled in _UNSETTLED.items():
            assert not re.search(word, text), (path.name, word, settled)


def test_all_that_the_app_says_is_translated_once_and_nothing_else() -> None:
    known = [entry["en"] for path in ROOMS for entry in entries(path)]
    assert len(known) == len(set(known))
    assert set(known) == set(spoken())


def test_korean_is_spoken_where_it_is_chosen(monkeypatch: Any) -> None:
    use_language("ko")
    try:
        monkeypatch.setattr("tutor.translation._catalog", lambda code: {"{a} is here": "{a}은(는) 있습니다"})
        assert fill("{a}\nis here", a="텐서") == "텐서는 있습니다"
        assert fill("{a}\nis there", a="텐서") == "텐서 is there"
    finally:
        use_language("en")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("값은(는)", "값은"),
        ("`x`은(는)", "`x`는"),
        ("`m`이(가)", "`m`이"),
        ("[2, 3]을(를)", "[2, 3]을"),
        ("`weight`을(를)", "`weight`를"),
        ("`x.grad`이(가)", "`x.grad`가"),
        ("`view`은(는)", "`view`는"),
        ("`conv.in_channels`과(와)", "`conv.in_channels`와"),
        ("`dataset`을(를)", "`dataset`을"),
        ("`nn.Dropout`이(가)", "`nn.Dropout`이"),
        ("`zero_()`을(를)", "`zero_()`를"),
        ("`ModuleList(...)`으로(로)", "`ModuleList(...)`로"),
        ("`model.eval()`으로(로)", "`model.eval()`로"),
        ("`optimizer.step()`이(가)", "`optimizer.step()`이"),
        ("SGD은(는)", "SGD는"),
        ("RNN이(가)", "RNN이"),
        ("float32으로(로)", "float32로"),
        ("`x +`은(는)", "`x +`는"),
        ("`&`을(를)", "`&`를"),
        ("`**`이(가)", "`**`가"),
        ("[]은(는)", "[]는"),
        ("`é`과(와)", "`é`와"),
        ("계층(bias=False)을(를)", "계층(bias=False)을"),
        ("`f(x)` (2번째 줄)이(가)", "`f(x)` (2번째 줄)가"),
        ("`f(3)`은(는)", "`f(3)`은"),
        ("(3)은(는)", "(3)은"),
        ("3이어야(여야)", "3이어야"),
        ("[2]이어야(여야)", "[2]여야"),
        ("……은(는)", "……은(는)"),
        ("자료형으로(로)", "자료형으로"),
        ("모델으로(로)", "모델로"),
        ("8으로(로)", "8로"),
    ],
)
def test_particles_follow_the_sound_before_them(text: str, read: str) -> None:
    assert particles(text) == read
