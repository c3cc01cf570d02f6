"""How Korean reads words of Latin letters, as far as the particle behind them asks: by their last sound."""

from __future__ import annotations

import re
from unicodedata import normalize

#: Sounds that a word ends in: none that is a consonant, ㄹ, another consonant.
VOWEL, RIEUL, CONSONANT = range(3)

_SIGNS = {**dict.fromkeys("+-*/%^&|~<>]", VOWEL), **dict.fromkeys("@:=", CONSONANT)}
#: Words that are read otherwise than their letters say.
_WORDS = {
    "at": CONSONANT, "bag": CONSONANT, "bit": VOWEL, "check": VOWEL, "dtype": CONSONANT, "epoch": CONSONANT,
    "type": CONSONANT,
}  # fmt: skip
#: Ends of words, each asked before those below it. A silent e leaves the sound before it.
_ENDS = tuple(
    (re.compile(f"(?:{end})$"), sound)
    for end, sound in (
        ("le|l", RIEUL),
        ("[nm]e|m|n|ng|ck|ook|ic", CONSONANT),
        ("oat|eat|ait|uit|ight|oop", VOWEL),
        ("[aeiouy][tp]", CONSONANT),
        ("", VOWEL),
    )
)


def last_sound(word: str) -> int | None:
    """The sound that a word, number or sign ends in; None where nobody can say."""
    word = normalize("NFKD", word).encode("ascii", "ignore").decode().rstrip("_")
    if not word:
        return None
    last, lower = word[-1], word.lower()
    if last in _SIGNS:
        return _SIGNS[last]
    if not last.isalnum():
        return None
    if lower in _WORDS:
        return _WORDS[lower]
    if last.isdigit() or len(word) < 3 or word.isupper() or not set(lower) & set("aeiouy"):
        # Its digits or letters are named one by one: `SGD`, `nn`.
        return RIEUL if last in "178lrLR" else CONSONANT if last in "036mnMN" else VOWEL
    return next(sound for end, sound in _ENDS if end.search(lower) is not None)
