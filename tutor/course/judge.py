"""From checks, records and answers to results with a sentence each."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from tutor.course.answers import in_words
from tutor.course.checks import OF_RUN, OF_TENSOR, OF_VARIABLE, Bindings, Verdict
from tutor.course.claims import Item
from tutor.course.effects import Deed, Effect
from tutor.course.evidence import Evidence
from tutor.course.live_checks import LIVE, error_text
from tutor.course.negated import claim
from tutor.course.probes import Asked, Path, names_of
from tutor.facts import Answer, CheckResult, TensorFacts
from tutor.language import current_language
from tutor.translation import later, particles, say, translated

#: Why the solution itself could not be run on a check's other numbers.
_NOT_TRIED = {
    "Unbound": later("cannot be tried on other numbers: the solution has no variable `{why}`"),
    "Untried": later("cannot be tried on other numbers: the solution does not run with them ({why})"),
}
#: The inspector's column that shows a fact.
COLUMNS = {
    "shape": "shape",
    "ndim": "shape",
    "dtype": "dtype",
    "device": "device",
    **dict.fromkeys(("stride", "contiguous", "storage_offset"), "stride"),
    **dict.fromkeys(("requires_grad", "is_leaf", "grad_fn", "grad", "grad_is_none"), "grad"),
    **dict.fromkeys(("depends_on", "graph_freed"), "grad"),
    **dict.fromkeys(("shares_memory", "same_storage", "is_view_of"), "storage"),
    **dict.fromkeys(("unchanged", "mutated_in_place"), "storage"),
}
#: What is said of the learner's line, by what it did.
_DEEDS: dict[Deed, str] = {
    "made": later("Line {line} is `{source}`."),
    "likely": later("Line {line} is `{source}`."),
    "rebound": later("Line {line} gave `{name}` another value: `{source}`."),
    "written": later("Line {line} wrote to `{name}`: `{source}`."),
    "altered": later("Line {line} changed `{name}`: `{source}`."),
    "deleted": later("Line {line} deleted `{name}`: `{source}`."),
}
#: Facts that hold or do not: what is expected of them is said with a verb.
_SO = frozenset({"contiguous", "requires_grad", "is_leaf"})
_RELATIONS = frozenset({"shares_memory", "same_storage", "is_view_of"})


#: What a starter has where the learner's code is to stand.
GAP = "____"


def only_results(evidence: Evidence, items: Sequence[Item]) -> list[CheckResult] | None:
    """What is all there is to say of code that is empty, or that stopped where no error is asked for."""
    error = evidence.run.error
    if error is None and not evidence.tree.body:
        return [CheckResult(False, "exists", sentence=say("There is no code here yet."))]
    if line := _gap_in(evidence.tree):
        return [CheckResult(False, "exists", sentence=_gap_text(line))]
    if error is None or any(_speaks_of_errors(item) for item in items):
        return None
    message = error.message.strip().split("\n", 1)[0].rstrip()
    said = f"{error.type}: {message}" if message else error.type
    sentence = say("Your code stopped with {error}", error=said)
    if error.line:
        sentence = say("Line {line} stopped with {error}", line=error.line, error=said)
    sentence += "" if sentence.endswith((".", "!", "?")) else "."
    return [CheckResult(False, "raises", "", say("no error"), error.type, sentence, error.line or None)]


def gap_left(source: str) -> str:
    """The sentence about the first gap that is left in the code; empty where there is none, or no Python."""
    try:
        line = _gap_in(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return _gap_text(line) if line else ""


def _gap_in(tree: ast.AST) -> int:
    lines = (node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == GAP)
    return min(lines, default=0)


def _gap_text(line: int) -> str:
    return say("There is a gap left in line {line}: write your code for `{gap}`.", line=line, gap=GAP)


def _speaks_of_errors(item: Item) -> bool:
    if item.var is UNSET and (item.raises not in (UNSET, False) or item.no_error is False):
        return True
    return any(map(_speaks_of_errors, item.parts()))


class Judge:
    """Decides the items of one step in their order: names in shapes keep their sizes from item to item."""

    def __init__(self, evidence: Evidence, answers: Mapping[Asked, Answer]) -> None:
        self._evidence = evidence
        self._answers = answers
        self._bindings: Bindings = {}

    def item(self, item: Item, path: Path) -> list[CheckResult]:
        """One result for each fact; one only where the variable is not there or is no tensor."""
        results = list(self._facts(item, path))
        if item.otherwise is not UNSET:
            results = [self._in_the_lessons_words(each, item.otherwise) for each in results]
        return [replace(each, item=path[0]) for each in results]

    def _in_the_lessons_words(self, result: CheckResult, words: str) -> CheckResult:
        """What the lesson says where its fact fails; that a variable is missing is said as it is."""
        if result.ok or result.kind in ("exists", "type"):
            return result
        told = self._told(result.line, self._effect(result.kind, result.name))
        return replace(result, sentence=f"{words.rstrip()}{told}")

    def _effect(self, fact: str, expression: str) -> Effect | None:
        return self._evidence.effect_on(expression, fact) if expression else None

    def _cause(self, fact: str, about: str, other: Any) -> Effect | None:
        """The line to tell: of two variables that are not related as they should be, the later one's."""
        found = self._effect(fact, about)
        related = isinstance(other, str | tuple) and (fact in _RELATIONS or fact == "depends_on")
        for name in names_of(other) if related else ():
            theirs = self._effect("" if fact == "depends_on" else fact, name)
            if theirs is None or theirs.deed != "rebound" or name in self._evidence.before.tensors:
                continue
            if found is None or theirs.line > found.line:
                found = theirs
        return found

    def _told(self, line: int | None, effect: Effect | None = None) -> str:
        """What the learner's line did; of another line than that of the effect, what it is."""
        source = self._evidence.source_of(line)
        if not source:
            return ""
        if effect is None or effect.line != line:
            return " " + say(_DEEDS["likely"], line=line, source=source)
        return " " + say(_DEEDS[effect.deed], line=line, name=effect.name, source=source)

    def _facts(self, item: Item, path: Path) -> Iterator[CheckResult]:
        name = "" if item.var is UNSET else item.var
        looked = self._answers.get((path, "look"))
        missing = looked is not None and looked.ok is not True
        if missing and item.exists is not False:
            yield self._missing(name, looked)
            return
        for fact, wanted in item.facts():
            if fact == "exists":
                verdict = Verdict(
                    missing is not wanted,
                    say("a variable") if wanted else say("no variable"),
                    clause=say("exists"),
                )
                yield self._result(fact, name, verdict)
            elif missing:
                return
            elif fact == "any":
                yield self._any(item, path)
            elif fact == "not":
                yield self._not(item, path)
            else:
                yield self._result(fact, name, self._verdict(fact, name, wanted, path), wanted)

    def _verdict(self, fact: str, name: str, wanted: Any, path: Path) -> Verdict:
        if fact in OF_TENSOR:
            facts = self._tensor(name, path)
            if facts is None:
                looked = self._answers.get((path, "look"))
                got = in_words(looked.got) if looked is not None else say("no tensor")
                return Verdict(False, say("a tensor"), got, translated("is {got}, not a tensor"), kind="type")
            return OF_TENSOR[fact](facts, wanted, self._bindings)
        if fact in OF_VARIABLE:
            return OF_VARIABLE[fact](self._evidence, name, wanted)
        if fact in OF_RUN and not (fact == "raises" and name):
            return OF_RUN[fact](self._evidence, name, wanted)
        return self._live(fact, name, wanted, path)

    def _tensor(self, name: str, path: Path) -> TensorFacts | None:
        looked = self._answers.get((path, "look"))
        return self._evidence.facts(name) or (looked.facts if looked is not None else None)

    def _live(self, fact: str, name: str, wanted: Any, path: Path) -> Verdict:
        if fact == "depends_on":
            for number, source in enumerate(names_of(wanted)):
                answer = self._answers[path, fact if number == 0 else f"{fact} {number}"]
                verdict = _decide(fact, name, source, answer)
                if not verdict.ok:
                    return verdict
            return Verdict(True)
        answer = self._answers[path, fact]
        of_setup = fact in _RELATIONS and wanted in self._evidence.before.tensors
        again = of_setup and len(self._evidence.originals.of(wanted)) > 1
        if of_setup and (self._evidence.was_rebound(wanted) or (again and not answer.ok)):
            answer = self._relation_to_the_first(name, wanted, answer)
        return _decide(fact, name, wanted, answer)

    def _relation_to_the_first(self, name: str, other: str, answer: Answer) -> Answer:
        """Memory is compared with what `other` was before the learner gave the name to something else."""
        now, found = self._evidence.facts(name), [first for first, _ in self._evidence.originals.of(other)]
        if now is None or not found or any(now.object == first.object for first in found):
            return answer
        same = now.block is not None and any(now.block == first.block for first in found)
        return Answer(ok=same, got=say("`{other}` is not what it was at first", other=other))

    def _shapes_in(self, expression: str) -> str:
        """What the variables of an expression are that cannot be worked out."""
        names = (each.id for each in ast.walk(ast.parse(expression)) if isinstance(each, ast.Name))
        known = {name: self._evidence.facts(name) for name in names}
        shapes = {name: facts.shape for name, facts in known.items() if facts is not None}
        return "".join(
            say(". `{name}` has shape {shape}", name=name, shape=str(tuple(shape)))
            for name, shape in shapes.items()
            if shape is not None
        )

    def _missing(self, name: str, looked: Answer | None) -> CheckResult:
        if looked is not None and looked.error is not None:
            sentence = say(
                "`{name}` cannot be read: {type}: {message}",
                name=name,
                type=looked.error.type,
                message=looked.error.message,
            )
            sentence += self._shapes_in(name)
            line = self._evidence.line_of(name)
            return CheckResult(False, "exists", name, "", looked.error.type, sentence, line)
        wanted = (looked.got if looked is not None else "") or name
        sentence = say(
            "There is no `{wanted}` after your code ran; give the result that name.", wanted=wanted
        )
        effect = self._evidence.effects.last(wanted, "exists")
        if effect is None or effect.deed != "deleted":  # it never was: the code ends without it
            effect = None
        line = effect.line if effect is not None else self._evidence.effects.end
        sentence += self._told(line, effect)
        return CheckResult(False, "exists", name, say("a variable"), say("nothing"), sentence, line)

    def _result(self, fact: str, name: str, verdict: Verdict, wanted: Any = None) -> CheckResult:
        kind = verdict.kind or fact
        if verdict.ok:
            return CheckResult(True, kind if fact == kind else fact, name, verdict.expected, verdict.got)
        about = name or (wanted if fact == "py" else "")
        effect = self._cause(verdict.about or kind, about, wanted) if verdict.line is None else None
        line = verdict.line or (effect.line if effect is not None else None)
        template = verdict.clause or translated("is {got}")
        clause = template.replace("{got}", verdict.got)
        sentence = say("`{name}` {clause}", name=name, clause=clause) if name else clause
        said = verdict.says_all or (fact != "cases" and verdict.expected in template)
        if verdict.expected and not said:
            if kind in _SO:
                sentence = say("{told}; expected that it {wanted}", told=sentence, wanted=verdict.expected)
            else:
                sentence = say("{told}; expected {wanted}", told=sentence, wanted=verdict.expected)
        sentence = _finished(sentence)
        if fact not in ("raises", "cases"):
            sentence += self._told(line, effect)
        return CheckResult(
            False, kind, name, verdict.expected, verdict.got, sentence, line, COLUMNS.get(kind, "")
        )

    # ── combinations ─────────────────────────────────────────────────────────

    def _any(self, item: Item, path: Path) -> CheckResult:
        failures = []
        either = item.parts()[:-1] if any(fact == "not" for fact, _ in item.facts()) else item.parts()
        for index, part in enumerate(either):
            results = self.item(part, (*path, index))
            failed = next((each for each in results if not each.ok), None)
            if failed is None:
                return CheckResult(True, "any")
            failures.append(failed)
        first = failures[0]
        sentence = say("Either would do, but neither holds: {first}", first=first.sentence)
        for each in failures[1:]:
            sentence = say("{told} Nor: {other}", told=sentence, other=each.sentence)
        expected = f" {say('or')} ".join(each.expected for each in failures if each.expected)
        return replace(first, kind="any", expected=expected, sentence=sentence)

    def _not(self, item: Item, path: Path) -> CheckResult:
        *either, part = item.parts()
        results = self.item(part, (*path, len(either)))
        gone = next((each for each in results if each.kind == "exists" and not each.ok), None)
        if gone is not None and part.exists is UNSET:
            return gone
        if any(not each.ok for each in results):
            return CheckResult(True, "not")
        name = "" if part.var is UNSET else part.var
        fact, wanted = part.facts()[0]
        effect = self._effect(fact, name)
        line = effect.line if effect is not None else None
        claimed = claim(fact, wanted)
        sentence = say("Your code {claim}, and must not.", claim=claimed)
        if name:
            sentence = say("`{name}` {claim}, and must not.", name=name, claim=claimed)
        sentence += self._told(line, effect)
        return CheckResult(
            False,
            fact,
            name,
            say("not: {claim}", claim=claimed),
            claimed,
            sentence,
            line,
            COLUMNS.get(fact, ""),
        )


def _finished(sentence: str) -> str:
    """The clause, or all of the sentence, as what begins and ends like one."""
    sentence = sentence[:1].upper() + sentence[1:]
    if current_language() != "en":
        sentence = particles(sentence)
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _decide(fact: str, name: str, wanted: Any, answer: Answer) -> Verdict:
    if answer.ok is None:
        if answer.error is not None and answer.error.type == "KeyboardInterrupt":
            return Verdict(False, clause=say("was not checked to the end: it was stopped"))
        if answer.error is not None and answer.error.type in _NOT_TRIED:
            # Of the solution: where the learner's code cannot be tried so, nothing is held against it.
            clause = say(_NOT_TRIED[answer.error.type], why=answer.error.message)
            return Verdict(False, clause=clause)
        if answer.error is not None:
            got = error_text(answer.error)
            return Verdict(False, "", got, translated("cannot be checked: {got}"), answer.error.line or None)
        clause = say("cannot be compared: there is no `{other}`", other=answer.got)
        return Verdict(False, "", answer.got, clause, kind="exists")
    return LIVE[fact](name, wanted, answer)
