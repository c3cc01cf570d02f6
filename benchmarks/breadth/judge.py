"""Whether an explanation says what this call was given and what it requires, or only that it failed.

The judge knows the program, not the rules: it looks for the learner's own words and for what their values are
in the sentences. What merely repeats torch's message counts for nothing, and neither does quoting the call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.breadth.inputs import Case
from benchmarks.breadth.source import Argument
from tutor.facts import ErrorFacts, Explanation

#: Rules that are asked last, of every call that no other rule knows.
GENERAL_RULES = frozenset({"failed-call", "plain-error"})
#: Words of a sentence that says what is allowed.
_REQUIRES = re.compile(
    r"\b(?:must|needs?|require[sd]?|expect(?:s|ed)|takes?|only|ha(?:s|ve) to|at (?:least|most)|allow(?:s|ed)"
    r"|accepts?|works (?:on|with|for|only)|do(?:es)? not (?:work|take|accept)|can(?:not)? (?:be|hold|have)"
    r"|valid|cannot be|between|from .{1,30} to|as many|one of"
    r"|the same .{1,40} as|greater|less|smaller|larger|equal|not more|no more|positive|never)\b"
)


class Verdict(StrEnum):
    """From best to worst."""

    SPECIFIC = "specific"
    #: A rule of its own that leaves something out.
    VAGUE = "vague"
    #: The general explanation.
    GENERAL = "general"
    #: It speaks of other arguments than torch's message does: the cause is invented, or half of it.
    ASTRAY = "astray"
    #: Nothing, or an explanation that does not speak of the call.
    NONE = "none"


@dataclass(frozen=True)
class Judgement:
    """A verdict, and what was missing for a better one."""

    verdict: Verdict
    missing: str = ""


def judge(case: Case, error: ErrorFacts, explanation: Explanation | None) -> Judgement:
    """What an explanation of the case's error is worth."""
    if explanation is None:
        return Judgement(Verdict.NONE, "no explanation")
    said = f"{explanation.title}. {explanation.text}"
    own = _without_echo(said, error.message, case.call)
    if explanation.rule in GENERAL_RULES:
        quoted = _squeezed(case.call)[:40] in _squeezed(said) or case.function.rpartition(".")[2] in said
        return Judgement(Verdict.GENERAL) if quoted else Judgement(Verdict.NONE, "does not name the call")
    verdict, missing = _measured(case, error, own)
    return Judgement(verdict, missing)


def _measured(case: Case, error: ErrorFacts, own: str) -> tuple[Verdict, str]:
    """The first of the three things that the text owes and does not have."""
    suspects, pointed = _suspects(case, error.message)
    named = [each for each in suspects if _names(each, own)]
    if not named:
        others = [each for each in case.arguments if each.named and each not in suspects]
        astray = pointed and any(_names(each, own) for each in others)
        names = ", ".join(_label(each) for each in suspects[:4]) or case.call
        return (Verdict.ASTRAY if astray else Verdict.VAGUE), f"names none of {names}"
    if not any(_tells(each, own) for each in named):
        return Verdict.VAGUE, f"does not say what {_label(named[0])} is"
    if not _REQUIRES.search(_without_signatures(own)):
        return Verdict.VAGUE, "does not say what is required"
    return Verdict.SPECIFIC, ""


def _suspects(case: Case, message: str) -> tuple[list[Argument], bool]:
    """The arguments whose parameters torch's message names, and True; else all, and False."""
    first = message.partition("\n")[0].partition(" - got")[0]  # behind that come all signatures
    flat = [part for each in case.arguments for part in (each, *each.parts)]
    pointed = [each for each in flat if len(each.parameter) > 1 and _word(each.parameter, first)]
    return pointed or flat, bool(pointed)


def _label(argument: Argument) -> str:
    return (
        argument.text if argument.named or not argument.parameter else f"{argument.parameter}={argument.text}"
    )


def _names(argument: Argument, own: str) -> bool:
    """Whether the text speaks of the argument as it is written: its name, or its value and what it is for."""
    if argument.parts and any(_names(part, own) for part in argument.parts):
        return True
    if argument.named:
        return any(_word(argument.text, code) for code in re.findall(r"`([^`]*)`", own))
    written = (argument.text, argument.text.strip("\"'"), argument.text.strip("()[],"))
    if argument.text in ("[]", "()", "{}"):
        written = (argument.text, "empty", "no tensors", "no parameters")
    tells_itself = argument.text.startswith(('"', "torch."))  # and a number is one of many
    spoken_of = tells_itself or not argument.parameter or _word(argument.parameter, own)
    return spoken_of and any(form and _word(form, own) for form in written)


def _tells(argument: Argument, own: str) -> bool:
    """Whether the text says what the argument is. A literal that is named is told with its name."""
    if argument.parts and any(_tells(part, own) for part in argument.parts):
        return True
    if not argument.named and not argument.parts:
        return True
    return any(_word(fact, own) for fact in argument.facts)


def _word(word: str, text: str) -> bool:
    """Whether a word or code stands in a text by itself, and not as a part of another."""
    before = r"(?<![\w.])" if re.match(r"[\w.]", word) else ""
    after = r"(?![\w])(?!\.\d)" if re.search(r"\w$", word) else ""
    if re.fullmatch(r"[\d,]+ \w+", word):  # `3 dimension`, of which there may be many
        after = ""
    return re.search(before + re.escape(word) + after, text) is not None


def _without_echo(said: str, message: str, call: str) -> str:
    """The text without torch's own message and without the call as a whole."""
    text = _squeezed(said)
    for line in [_squeezed(line) for line in message.split("\n")]:
        if len(line) > 15:
            text = text.replace(line, " ").replace(line.rstrip("."), " ")
    return text.replace(f"`{_squeezed(call)}`", " ")


def _without_signatures(own: str) -> str:
    """The text without what is only quoted of torch: its signatures, and its words."""
    return re.sub(r"It takes `[^`]*`[^.]*\.?|torch says: “[^”]*”", " ", own)


def _squeezed(text: str) -> str:
    return " ".join(text.split())
