"""`python -m benchmarks`: measure and print; the exit status says nothing about speed."""

from __future__ import annotations

import argparse
import os
import platform
import traceback
from importlib import import_module
from importlib.metadata import version

from benchmarks.measure import BenchmarkError, header, line

#: In this order: starting up is measured before this process itself imports torch.
NAMES = ("launch", "keys", "flood", "cells", "stops", "snapshots", "trace", "graphs", "replay")


def main() -> None:
    """Print a row for each figure as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Print the benchmarks' ratios.")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer repeats, smaller amounts: a rough idea")
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, torch {version('torch')}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}; medians, interleaved with what they are compared with\n"
    )
    print(header())
    for name in NAMES:
        if not options.only or name in options.only:
            measure(name, quick=options.quick)


def measure(name: str, *, quick: bool) -> None:
    """Print the rows of one benchmark, or the sentence that says why there are none."""
    try:
        for row in import_module(f"benchmarks.{name}").rows(quick):
            print(line(row), flush=True)
    except BenchmarkError as error:
        print(f"{name}: {error} ✗", flush=True)
    except Exception as error:
        traceback.print_exc()
        print(f"{name}: not measured, because of {type(error).__name__}: {error} ✗", flush=True)


if __name__ == "__main__":
    main()
