"""Texts of the app and of explanations in the language that is spoken; English stands in the source."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tutor.language import current_language
from tutor.readings import RIEUL, VOWEL, last_sound

_FOLDER = Path(__file__).parent / "translations"
_EXPLAINING = "explain."

#: Particles whose form depends on the sound before them, as a translation writes them: with a final
#: consonant, and without.
_PARTICLES = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "으로(로)": ("으로", "로"),
    "이라(라)": ("이라", "라"),
    "이어야(여야)": ("이어야", "여야"),
    "이에요(예요)": ("이에요", "예요"),
}
#: A word, a number or a sign, what closes it, and a particle in both of its forms.
_WORD = r"([A-Za-z0-9]+_*|\[\]|\*+(?=`)|[^\sA-Za-z0-9`'\"()\[\]{},.*…])([`'\"()\[\]{},.*…=]*)"
_OPEN = re.compile(_WORD + "(" + "|".join(map(re.escape, _PARTICLES)) + ")")
_LAST = re.compile(_WORD + "$")


def translated(template: str) -> str:
    """The template in the language that is spoken, fields and all; the English one where there is none."""
    language = current_language()
    if language == "en":
        return template
    wanted = joined(template)
    return _catalog(language).get(wanted) or _explanations(language).get(wanted, template)


def say(template: str, **fields: object) -> str:
    """A template in the language that is spoken, with its fields; English comes out as it is written."""
    words = translated(template).format(**fields)
    return words if current_language() == "en" else particles(words)


def parted(template: str, name: str, **fields: object) -> tuple[str, str]:
    """What `say` makes of a template, before and after its one field `name`, which is drawn by itself."""
    before, _, after = translated(template).partition("{name}")
    before, after = before.format(**fields), after.format(**fields)
    if current_language() == "en":
        return before, after
    before = particles(before)
    return before, particles(before + name + after)[len(before + name) :]


def read_all() -> None:
    """Read what is left of the texts, at a time when nobody waits for it."""
    if (language := current_language()) != "en":
        _explanations(language)


def later(template: str) -> str:
    """Marks a text that is translated where it is used, and not yet where it is written."""
    return template


def joined(template: str) -> str:
    """A template of any line breaks as one line: by this a catalog knows it."""
    return " ".join(template.split())


def particles(text: str) -> str:
    """`텐서은(는)` as `텐서는`; where nobody can say how the word before is read, both forms stay."""
    return _OPEN.sub(_decided, text)


def _decided(found: re.Match[str]) -> str:
    last, closing, particle = found.groups()
    ahead = _LAST.search(_before_brackets(found.string[: found.start(3)]))
    return last + closing + _form(ahead[1] if ahead is not None else last, particle)


def _before_brackets(text: str) -> str:
    """`text` without what stands in brackets at its end: a particle goes with the word before them."""
    depth = 0
    for at in range(len(text) - 1, -1, -1) if text.endswith(")") else ():
        depth += (text[at] == ")") - (text[at] == "(")
        if not depth:
            return text[:at].removesuffix(" ")
    return text


def _form(last: str, particle: str) -> str:
    """The form behind a word or sign."""
    with_final, without = _PARTICLES[particle]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        sound = VOWEL if not final else RIEUL if final == 8 else None
    elif (sound := last_sound(last)) is None:
        return particle
    return without if sound == VOWEL or (sound == RIEUL and particle == "으로(로)") else with_final


@cache
def _catalog(language: str) -> dict[str, str]:
    """The texts of all but explanations by their English."""
    return _texts(language, lambda path: not path.name.startswith(_EXPLAINING))


@cache
def _explanations(language: str) -> dict[str, str]:
    """The texts of explanations, which are most of all texts, and which the first screen does without."""
    return _texts(language, lambda path: path.name.startswith(_EXPLAINING))


def _texts(language: str, wanted: Callable[[Path], bool]) -> dict[str, str]:
    return {
        entry["en"]: entry[language]
        for path in sorted((_FOLDER / language).glob("*.yaml"))
        if wanted(path)
        for entry in entries(path)
    }


def entries(path: Path) -> list[dict[str, str]]:
    """The entries of one catalog, `en` and the translation."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[dict[str, str]] = yaml.load(path.read_text(encoding="utf-8"), loader) or []
    return found
