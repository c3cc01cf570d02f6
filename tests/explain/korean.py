"""What a run is told in Korean: the same records explained once more, without a kernel."""

from __future__ import annotations

import re

from tests.explain.conftest import explained
from tutor.facts import Explanation, Run
from tutor.language import use_language
from tutor.translation import particles

#: Code, what torch said, and names with dots in them, which stay as they are.
_QUOTED = re.compile(r"`[^`]*`|“[^”]*”|\"[^\"]*\"|\b\w+(?:\.\w+)+")
#: Three English words in a row, where nothing is quoted.
_ENGLISH = re.compile(r"[A-Za-z']+(?:[ ,:]+[A-Za-z']+){2}")
_UNDECIDED = re.compile(r"[가-힣]+\([가-힣]\)")


def in_korean(run: Run) -> tuple[Explanation, ...]:
    """All explanations of a run's steps in Korean."""
    use_language("ko")
    try:
        return explained(run)
    finally:
        use_language("en")


def assert_whole(one: Explanation) -> None:
    """No English is left between the code, and each particle has one form."""
    for words in (one.title, one.text):
        bare = _QUOTED.sub("`", words)
        assert _ENGLISH.search(bare) is None, words
        assert _UNDECIDED.search(bare) is None, words
        assert "가" <= max(words) <= "힣", words
    assert particles(one.text) == one.text
