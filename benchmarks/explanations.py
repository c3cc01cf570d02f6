"""`python -m benchmarks.explanations`: how many of torch's own error inputs are explained, and how well.

Each error input of torch's operators, modules and optimizers becomes a learner's small program, which runs
in a real kernel. A specific explanation names the faulty argument as it is written, says what it is, and
what the operation requires; the general one speaks of the call truthfully where no rule knows it."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.breadth.families import OUTSIDE, family, template
from benchmarks.breadth.inputs import PRELUDE, Case, Unwritten, all_cases
from benchmarks.breadth.judge import Judgement, Verdict, judge
from tutor.explain import Past
from tutor.explain.engine import explain_error
from tutor.facts import ErrorFacts, Explanation
from tutor.session import Session

#: Shares that the project wants: specific in the families, and at least general of all.
SPECIFIC_TARGET, GENERAL_TARGET = 0.90, 1.00
_PATIENCE = 30


@dataclass(frozen=True)
class Outcome:
    """A case, how it failed, and what was said."""

    case: Case
    error: ErrorFacts
    explanation: Explanation | None
    judgement: Judgement
    family: str
    template: str


async def run(cases: Iterable[Case]) -> list[Outcome | Case]:
    """Each case in one kernel, reset between; the case itself where its last line did not raise."""
    session = Session("cpu", spare=False)
    session.spawn()
    try:
        await asyncio.wait_for(session.start(), 120)
        return [await _run_one(session, case) for case in cases]
    finally:
        await session.close()


async def _run_one(session: Session, case: Case) -> Outcome | Case:
    await session.reset()
    await session.execute(PRELUDE)
    done = await asyncio.wait_for(session.execute(case.program), _PATIENCE)
    if done.error is None or len(done.steps) != len(case.lines):
        return case
    past, before = Past(), done.before
    for step in done.steps[:-1]:
        past.add(step)
        before = step.snapshot
    step = done.steps[-1]
    assert step.error is not None
    explanation = explain_error(step, before, past)
    raised = f"{step.error.type}: {step.error.message}"
    judgement = judge(case, step.error, explanation)
    return Outcome(case, step.error, explanation, judgement, family(case, raised), template(case, raised))


# ── what is printed ──────────────────────────────────────────────────────────


def summary(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The two figures, and a table of the families."""
    inside = [each for each in outcomes if each.family not in OUTSIDE]
    specific = sum(each.judgement.verdict is Verdict.SPECIFIC for each in inside)
    told = sum(each.judgement.verdict not in (Verdict.NONE, Verdict.ASTRAY) for each in outcomes)
    yield _share("specific, in the families", specific, len(inside), SPECIFIC_TARGET)
    yield _share("at least general, of all", told, len(outcomes), GENERAL_TARGET)
    yield ""
    yield f"{'family':<12}" + "".join(f"{name:>10}" for name in ("inputs", *Verdict))
    counts = Counter((each.family, each.judgement.verdict) for each in outcomes)
    sizes = Counter(each.family for each in outcomes)
    for name, size in sizes.most_common():
        yield f"{name:<12}{size:>10}" + "".join(f"{counts[name, verdict]:>10}" for verdict in Verdict)


def _share(what: str, count: int, total: int, target: float) -> str:
    share = count / total if total else 1.0
    mark = "✓" if share >= target else "✗"
    return f"{what:<28}{share:>7.1%}  {count:,} of {total:,}  (target {target:.0%}) {mark}"


def listing(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """The templates that have no specific explanation, those that strike most first, one example of each."""
    groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for each in outcomes:
        if each.judgement.verdict is not Verdict.SPECIFIC:
            groups[each.family, each.template].append(each)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0] in OUTSIDE, _wrong(item[1]), item[0]))
    for (name, words), each in ordered:
        verdicts = Counter(one.judgement.verdict for one in each)
        told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
        functions = list(dict.fromkeys(one.case.function for one in each))
        more = f" and {len(functions) - 6} more" if len(functions) > 6 else ""
        yield f"\n{len(each):>4}  {name}  {words}"
        yield f"      {told}; {', '.join(functions[:6])}{more}"
        order = list(Verdict)
        yield from _example(max(each, key=lambda one: order.index(one.judgement.verdict)))


def _wrong(group: list[Outcome]) -> tuple[int, int]:
    """What leads astray comes first, then what strikes most."""
    astray = sum(each.judgement.verdict in (Verdict.ASTRAY, Verdict.NONE) for each in group)
    return -astray, -len(group)


def _example(outcome: Outcome) -> Iterator[str]:
    yield from (f"      | {line}" for line in outcome.case.lines)
    yield f"      → {outcome.error.type}: {outcome.error.message.split(chr(10))[0][:150]}"
    if outcome.explanation is not None:
        missing = f" ({outcome.judgement.missing})" if outcome.judgement.missing else ""
        yield f"      {outcome.explanation.rule}{missing}: {outcome.explanation.title}"


def texts(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Every program with all that was said about it, to be read by a person."""
    for each in outcomes:
        yield f"\n── {each.case.origin} · {each.family} · {each.judgement.verdict} {each.judgement.missing}"
        yield from _example(each)
        if each.explanation is not None:
            yield f"      {each.explanation.text}"
            if each.explanation.fix is not None:
                yield f"      fix: {each.explanation.fix}"


def main() -> None:
    """Print the figures; the exit status says nothing about them."""
    options = _options()
    found = list(all_cases(methods=options.methods))
    if options.only:
        found = [each for each in found if options.only.lower() in each.origin.lower()]
    cases = [each for each in found if isinstance(each, Case)]
    unwritten = [each for each in found if isinstance(each, Unwritten)]
    ran = asyncio.run(run(cases))
    outcomes = [each for each in ran if isinstance(each, Outcome)]
    quiet = [each for each in ran if isinstance(each, Case)]
    if options.family:
        outcomes = [each for each in outcomes if each.family == options.family]
    for line in report(outcomes, quiet, unwritten, options):
        print(line)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.explanations",
        description="How many of torch's own error inputs are explained, and how well.",
    )
    parser.add_argument("--list", action="store_true", help="the templates that are left, one example each")
    parser.add_argument("--texts", action="store_true", help="every program, and what is said about it")
    parser.add_argument("--family", metavar="F", help="only this family: shapes, dims, types, …")
    parser.add_argument("--only", metavar="NAME", help="only what is called something with NAME in it")
    parser.add_argument("--methods", action="store_true", help="call operators as methods of a tensor")
    return parser.parse_args()


def report(
    outcomes: list[Outcome], quiet: list[Case], unwritten: list[Unwritten], options: argparse.Namespace
) -> Iterator[str]:
    """Everything that is printed."""
    if options.texts:
        yield from texts(outcomes)
        yield ""
    if options.list:
        yield from listing(outcomes)
        yield ""
    templates = len({each.template for each in outcomes})
    yield f"{len(outcomes):,} error inputs, of {templates:,} message templates"
    yield from summary(outcomes)
    yield ""
    if quiet:
        yield f"Not counted: {len(quiet)} that do not fail so ({_names(each.origin for each in quiet)})"
    if unwritten:
        why = _names(f"{each.origin}: {each.why}" for each in unwritten)
        yield f"Not counted: {len(unwritten)} that have no source ({why})"


def _names(names: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(names))


if __name__ == "__main__":
    main()
