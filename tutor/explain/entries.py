"""What was entered at once, and how a place in it is named in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from tutor.explain.wording import phrase

_LONGEST = 60
#: The name of code that a lesson runs before the learner's own.
SETUP = "the setup"
#: The name of what was run before from the same file.
AGAIN = "an earlier run of {name}"
_LINE = "line {number}"
_LINE_OF = "{line} of {name}"
_CODE_OF = "{name}'s `{code}`"
_EARLIER = "the earlier input `{code}`"
_EARLIER_PART = "an earlier input's `{code}`"
_WITH_CODE = "{at}, `{code}`,"
_AN_INPUT = "an earlier input"


@dataclass(frozen=True)
class Entry:
    """Code that was entered at once: under a file's name, or without one at a prompt."""

    name: str = ""
    #: Lines before its first, where it is a part of something that is read piece by piece.
    offset: int = 0
    #: Whether lines of it can be looked up by their number once it is over.
    numbered: bool = False


@dataclass(frozen=True)
class At:
    """A place in the learner's code. `{at}` in a sentence gives "line 3", or for code that was entered
    earlier the words that name it; `{at:^}` the same at the beginning of a sentence."""

    line: int
    entry: Entry
    #: Whether something else was entered since.
    over: bool
    #: The line's text.
    quote: str = ""
    #: Whether that is all of its statement.
    whole: bool = True

    def __str__(self) -> str:
        entry, number = self.entry, phrase(_LINE, number=self.line + self.entry.offset)
        if not self.over:
            return number
        if entry.numbered:
            return phrase(_LINE_OF, line=number, name=spoken_name(entry.name))
        if not self.quote:  # of code that was entered before it, such as a class
            return spoken_name(entry.name) or phrase(_AN_INPUT)
        if entry.name:
            return phrase(_CODE_OF, name=spoken_name(entry.name), code=self.quote)
        return phrase(_EARLIER if self.whole else _EARLIER_PART, code=self.quote)

    def __format__(self, spec: str) -> str:
        text = str(self)
        return text[:1].upper() + text[1:] if spec == "^" else text

    def with_code(self, code: str) -> str:
        """The place and the code there, to begin a clause with."""
        return (
            str(self)
            if self.over and not self.entry.numbered and self.quote
            else phrase(_WITH_CODE, at=str(self), code=code)
        )

    def beside(self, code: str) -> At | str:
        """The place, for a sentence that quotes `code` right before it."""
        if self.over and not self.entry.numbered and code == self.quote:
            return spoken_name(self.entry.name) or phrase(_AN_INPUT)
        return self


def spoken_name(name: str) -> str:
    """The name of what was entered; one that is no file's in the language that is spoken."""
    again = name.removeprefix(AGAIN.format(name=""))
    return phrase(AGAIN, name=again) if again != name else phrase(name) if name == SETUP else name


def quoted(source: str, line: int) -> str:
    """A line of code, in short."""
    lines = source.split("\n")
    text = " ".join(lines[line - 1].split()) if 0 < line <= len(lines) else ""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
