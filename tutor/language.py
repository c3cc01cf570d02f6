"""The language that lessons and the app speak: asked for, else from the environment, else English."""

from __future__ import annotations

import os
from collections.abc import Mapping

#: The languages by their codes, as each calls itself.
LANGUAGES = {"en": "English", "ko": "한국어"}
VARIABLE = "TORCHTUTOR_LANG"
#: What POSIX reads for messages, the first that is set.
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


class _Spoken:
    code = ""


class UnknownLanguageError(ValueError):
    """A language that torchtutor does not speak; the message says which it does."""

    def __init__(self, place: str, wish: str) -> None:
        self.place, self.wish, self.known = place, wish, tuple(LANGUAGES)
        known = " or ".join(self.known)
        super().__init__(f"{place} is `{wish}`, which is no language here; use {known}.")


def choose_language(asked: str | None, environ: Mapping[str, str]) -> str:
    """The code of the language to speak; raises UnknownLanguageError for one that is not there."""
    for wish, place in ((asked, "--lang"), (environ.get(VARIABLE), VARIABLE)):
        if wish:
            code = _code(wish)
            if code not in LANGUAGES:
                raise UnknownLanguageError(place, wish)
            return code
    locale = next((environ[name] for name in _LOCALE if environ.get(name)), "")
    return _code(locale) if _code(locale) in LANGUAGES else "en"


def use_language(code: str) -> None:
    """Speak this language from now on, in the whole process."""
    _Spoken.code = code


def current_language() -> str:
    """The language that is spoken; a wrong name in the environment counts as none."""
    if not _Spoken.code:
        try:
            use_language(choose_language(None, os.environ))
        except UnknownLanguageError:
            use_language("en")
    return _Spoken.code


def _code(name: str) -> str:
    """`ko` of `ko_KR.UTF-8`."""
    return name.strip().replace("-", "_").partition(".")[0].partition("_")[0].lower()
