"""What checks came to, in words."""

from __future__ import annotations

from collections.abc import Sequence

from tutor.facts import CheckResult
from tutor.translation import say


def first_failure(results: Sequence[CheckResult]) -> CheckResult | None:
    """What the learner is told first; None where all hold."""
    return next((result for result in results if not result.ok), None)


def was_stopped(results: Sequence[CheckResult]) -> bool:
    """The code raised before anything was checked; what it raised is told with the run."""
    return len(results) == 1 and results[0].kind == "raises" and results[0].item < 0


def verdict_line(results: Sequence[CheckResult]) -> str:
    """How many facts hold: `2 of 3 checks hold.`"""
    right, total = sum(result.ok for result in results), len(results)
    if right == total:
        return say("The check holds.") if total == 1 else say("All {total} checks hold.", total=total)
    if total == 1:
        return say("The check does not hold.")
    return say("{right} of {total} checks hold.", right=right, total=total)
