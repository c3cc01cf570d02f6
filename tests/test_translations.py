"""Every text that people read is there in Korean, with the same fields, and nothing is left over."""

from __future__ import annotations

import importlib
import string
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tutor
from tutor.explain.wording import fill
from tutor.language import use_language
from tutor.translation import entries, joined, particles

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


def templates_of(module: ModuleType) -> Iterator[str]:
    """Texts of the module's constants that read as sentences or parts of them."""
    for name, value in vars(module).items():
        if name.strip("_").isupper():
            for text in texts_in(value):
                if " " in text.strip() and any(c.isalpha() for c in text):
                    yield joined(text)


def fields(template: str) -> set[str]:
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_a_translation_has_the_fields_of_its_english(path: Path) -> None:
    for entry in entries(path):
        assert joined(entry["en"]) == entry["en"]
        assert fields(entry["ko"]) <= fields(entry["en"]), entry
        assert any("가" <= c <= "힣" for c in entry["ko"]) or not any(c.isalpha() for c in entry["ko"]), entry


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_all_texts_of_a_module_are_translated_and_no_others(path: Path) -> None:
    """A catalog is named after the module whose constants it translates."""
    wanted = set(templates_of(importlib.import_module(f"tutor.{path.stem}")))
    assert {entry["en"] for entry in entries(path)} == wanted


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
        ("`weight`을(를)", "`weight`을(를)"),
        ("자료형으로(로)", "자료형으로"),
        ("모델으로(로)", "모델로"),
        ("8으로(로)", "8로"),
    ],
)
def test_particles_follow_the_sound_before_them(text: str, read: str) -> None:
    assert particles(text) == read
