"""`python -m benchmarks.simulated`: is the simulated device right? torch's own samples on it and on the CPU.

Each float32 sample of each of torch's operators runs on both, forward, and backward where the operator has
a gradient; results and gradients are compared to the last bit, with shapes, strides, dtypes and devices.
It takes about two minutes. `--write` writes the figures into docs/simulated.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.simulation.exceptions import CLOSE, EXCEPTIONS, excepted

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "simulated.md"
_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"
#: Seconds for all of it.
_PATIENCE = 900
WORDS = {
    "equal": "equal, bit for bit",
    "unwritten": "equal but for unwritten memory",
    "close": "close, as the CPU is to itself",
    "raises": "refused on both, in the same words",
    "refused": "refused as CUDA refuses",
    "absent": "refused: sparse",
    "differs": "failing",
}


@dataclass(frozen=True)
class Outcome:
    """One sample of an operator, `forward` or `gradient`."""

    operator: str
    way: str
    verdict: str
    told: str


def run(count: int = 0, part: str = "") -> Iterator[Outcome]:
    """What becomes of the first `count` samples, or of all, of operators with `part` in their names."""
    start = 0
    while True:  # a process that dies is followed by one for the operators after the one that killed it
        command = [sys.executable, "-m", "benchmarks.simulation.compare", str(count), str(start), part]
        begun, ended = None, ""
        try:
            done = subprocess.run(
                command, cwd=ROOT, text=True, capture_output=True, timeout=_PATIENCE, check=False
            )
            output = done.stdout
            if done.returncode:
                ended = f"the process ended with {done.returncode}: {done.stderr[-300:]}"
        except subprocess.TimeoutExpired as error:
            output, ended = (error.stdout or b"").decode(), f"no end after {_PATIENCE} seconds"
        for line in output.splitlines(keepends=True):
            if not line.endswith("\n"):
                continue
            number, name, answers = json.loads(line)
            begun = (number, name) if answers is None else None
            yield from (Outcome(name, *answer) for answer in answers or ())
        if not ended:
            return
        if begun is None:
            raise RuntimeError(ended)
        yield Outcome(begun[1], "forward", "differs", ended)
        start = begun[0] + 1


# ── what is printed ──────────────────────────────────────────────────────────


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The figures, as a table of Markdown."""
    counts = Counter((each.way, each.verdict) for each in outcomes)
    yield "| | forward | gradients |"
    yield "| --- | ---: | ---: |"
    ways = ("forward", "gradient")
    operators = [len({each.operator for each in outcomes if each.way == way}) for way in ways]
    yield f"| operators | {operators[0]:,} | {operators[1]:,} |"
    yield f"| samples | {' | '.join(f'{sum(each.way == way for each in outcomes):,}' for way in ways)} |"
    for verdict, words in WORDS.items():
        yield f"| {words} | {' | '.join(f'{counts[way, verdict]:,}' for way in ways)} |"


def exceptions(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Every operator with another verdict than `equal`, with its samples and the reason."""
    counts = Counter((each.operator, each.verdict) for each in outcomes)
    for verdict, words in WORDS.items():
        names = sorted(name for name, other in counts if other == verdict)
        if verdict == "equal" or not names:
            continue
        reason = CLOSE if verdict == "close" else EXCEPTIONS[verdict][0] if verdict in EXCEPTIONS else ""
        listed = ", ".join(f"`{name}` ({counts[name, verdict]})" for name in names)
        yield f"- {words[0].upper()}{words[1:]}: {listed}. {reason}".rstrip()


def unexpected(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What differs and is not among the named exceptions, one sample of each operator."""
    seen = set()
    for each in outcomes:
        if (
            each.verdict != "equal"
            and not excepted(each.operator, each.verdict)
            and each.operator not in seen
        ):
            seen.add(each.operator)
            yield f"{each.operator}, {each.way}, {each.verdict}: {each.told}"


def listing(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A line for each operator."""
    for name in dict.fromkeys(each.operator for each in outcomes):
        counts = Counter(f"{each.way} {each.verdict}" for each in outcomes if each.operator == name)
        yield f"{name:<60} " + ", ".join(f"{count} {what}" for what, count in counts.items())


def figures(outcomes: Sequence[Outcome]) -> str:
    """What the page says of a run."""
    lines = [f"torch {version('torch')}, float32:", "", *table(outcomes), "", "By name:", ""]
    return "\n".join([*lines, *exceptions(outcomes)])


def write(outcomes: Sequence[Outcome]) -> None:
    """Put the figures into the page."""
    head, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    tail = rest.partition(_END)[2]
    PAGE.write_text(f"{head}{_BEGIN}\n{figures(outcomes)}\n{_END}{tail}", "utf-8")


def main() -> None:
    """Print the figures; the exit status is 1 where something differs that is not a named exception."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulated",
        description="torch's own samples on the simulated device, against the CPU.",
    )
    parser.add_argument("--list", action="store_true", help="a line for each operator")
    parser.add_argument("--only", metavar="NAME", default="", help="only operators with NAME in their names")
    parser.add_argument("--samples", type=int, default=0, metavar="N", help="the first N of each; else all")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/simulated.md")
    options = parser.parse_args()
    if options.write and (options.only or options.samples):
        parser.error("--write writes the figures of all samples: leave --only and --samples out")
    outcomes = list(run(options.samples, options.only))
    for line in listing(outcomes) if options.list else ():
        print(line)
    print(figures(outcomes))
    wrong = list(unexpected(outcomes))
    print(
        "\n".join(["", "Not among the named exceptions:", *wrong] if wrong else ["", "No other differences."])
    )
    if options.write:
        write(outcomes)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
