"""English in what should be another language."""

from __future__ import annotations

import re

#: What is code wherever it stands: between signs, and options.
_CODE = re.compile(r"`[^`]*`|'[^']*'|--?[\w-]+")
#: Three words in a row, none of them all capitals as the names of arguments are.
_WORDS = re.compile(r"[A-Za-z']*[a-z] [A-Za-z']*[a-z] [A-Za-z']*[a-z]")


def english_in(text: str) -> list[str]:
    """English phrases of three words and more, outside of code."""
    return _WORDS.findall(_CODE.sub(" ` ", " ".join(text.split())))
