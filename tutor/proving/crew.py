"""Several kernels that prove one lesson after another, side by side."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator
from typing import Self

from tutor.course.device import proven_on
from tutor.course.prove import Problem, Proof
from tutor.course.requires import unmet
from tutor.proving.bench import Bench
from tutor.proving.files import Candidate
from tutor.proving.report import Outcome, Report
from tutor.session import Session
from tutor.translation import say

#: Kernels at most: each takes a core and some 300 MB.
MOST = 8


def cores() -> int:
    """How many kernels work side by side here."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return max(1, min(len(usable), MOST))


class Crew:
    """Kernels that are started when the first lesson comes, and stay for the next round."""

    def __init__(self, size: int, memory: str) -> None:
        self._size = size
        self._memory = memory
        self._benches: list[Bench] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for bench in self._benches:
            await bench.session.close()

    async def prove(self, candidates: Iterable[Candidate], report: Report) -> None:
        """Prove all that can be; SessionError where there can be no kernel."""
        waiting: list[tuple[int, Candidate]] = []
        for index, candidate in enumerate(candidates):
            if candidate.lesson is None:
                report.add(index, Outcome(candidate))
            else:
                waiting.append((index, candidate))
        hands = min(self._size, len(waiting))
        while len(self._benches) < hands:
            session = Session("cpu", spare=False, memory=self._memory)
            session.spawn()
            self._benches.append(Bench(session))
        queue = iter(waiting)
        tasks = [asyncio.ensure_future(_work(bench, queue, report)) for bench in self._benches[:hands]]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _work(bench: Bench, queue: Iterator[tuple[int, Candidate]], report: Report) -> None:
    if bench.session.info is None:
        await bench.session.start()
    for index, candidate in queue:
        began = time.monotonic()
        outcome = await _prove(bench, candidate, report)
        outcome.seconds = time.monotonic() - began
        report.add(index, outcome)


async def _prove(bench: Bench, candidate: Candidate, report: Report) -> Outcome:
    lesson, doc = candidate.lesson, candidate.doc
    assert lesson is not None
    assert doc is not None
    if sentence := await bench.go_to(proven_on(lesson)):
        return Outcome(
            candidate, [Problem(doc.values[("device",)], say("not proven: {sentence}", sentence=sentence))]
        )
    version = bench.session.info.torch if bench.session.info is not None else ""
    if sentence := unmet(lesson, version):
        place = doc.values[("requires", "torch")]
        return Outcome(candidate, [Problem(place, say("not proven: {sentence}", sentence=sentence))])
    proof = Proof(bench, lesson, doc, lambda *_: report.stepped(lesson.id))
    return Outcome(candidate, await proof.prove(), proof.answers)
