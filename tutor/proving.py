"""`torchtutor check`: prove lessons in a kernel and tell every problem with its place."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tutor.course.errors import LessonError
from tutor.course.loader import bundled_lessons, read_lesson
from tutor.course.prove import Problem, Proof
from tutor.course.requires import unmet
from tutor.facts import Answer, ErrorFacts, Evaluated, Probe, Run
from tutor.session import InputAsked, Session, SessionError
from tutor.session.events import Event

STATUS_OK, STATUS_PROBLEMS, STATUS_WRONG_USE, STATUS_INTERRUPTED = 0, 1, 2, 130
#: Seconds that one piece of a lesson's code may take, and to stop once it is asked to.
PATIENCE, GRACE = 20.0, 1.0


class Bench:
    """A kernel for one case after another; a case that hangs is stopped, a kernel that dies is replaced."""

    def __init__(self, session: Session) -> None:
        self.session = session
        session.listener = self._hear

    def _hear(self, event: Event) -> None:
        if isinstance(event, InputAsked):
            self.session.reply(None)

    async def run(self, before: str, code: str) -> tuple[ErrorFacts | None, Run]:
        """Run `code` in an empty namespace after `before`, whose own error comes first."""
        if self.session.state != "idle":
            await self.session.restart()
        await self.session.reset()
        prepared = await self._execute(before)
        if prepared.error is not None:
            return prepared.error, prepared
        return None, await self._execute(code)

    async def _execute(self, code: str) -> Run:
        task = asyncio.ensure_future(self.session.execute(code, display="none"))
        if await self._ends(task):
            return await task
        run = await task
        message = f"it did not end within {PATIENCE:g} seconds"
        error = ErrorFacts("TimeoutError", message, run.error.line if run.error is not None else 0)
        return Run(run.source, run.filename, run.steps, error, run.elapsed, run.before)

    async def _ends(self, task: asyncio.Future[Run] | asyncio.Future[tuple[Answer, ...]]) -> bool:
        """Whether a task ends in time; else it is stopped, by force if need be."""
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        if done:
            return True
        self.session.interrupt()
        done, _ = await asyncio.wait([task], timeout=GRACE)
        if not done:
            self.session.kill()
            await asyncio.wait([task])
        return False

    async def evaluate(self, expression: str) -> Evaluated:
        """The value of an expression in the namespace as it is."""
        if self.session.state != "idle":
            gone = ErrorFacts("KernelDied", "the code ended its kernel", 0)
            return Evaluated(0, "", None, gone)
        return await self.session.evaluate(expression)

    async def check(self, run: Run, probes: Sequence[Probe], solution: str = "") -> tuple[Answer, ...]:
        """Answers to questions about what `run` left."""
        task = asyncio.ensure_future(self.session.check(run, probes, solution))
        late = not await self._ends(task)
        try:
            return await task
        except SessionError as error:
            said = f"the checks did not end within {PATIENCE:g} seconds" if late else str(error)
            raise TimeoutError(said) from None


def check(paths: Sequence[str], *, memory: str) -> int:
    """Prove the lessons at `paths`; the exit status."""
    broken = False
    files: list[Path] = []
    for text in paths:
        path = Path(text)
        if path.is_dir():
            found = sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".yml"))
            if not found:
                print(f"{text}:1:1: there is no .yaml file in this folder; give a lesson's path")
                broken = True
            files += found
        else:
            files.append(path)
    if not paths:
        files = bundled_lessons()
    return asyncio.run(_check(files, broken, memory)) if files else STATUS_WRONG_USE


async def _check(files: Sequence[Path], broken: bool, memory: str) -> int:
    bench: Bench | None = None
    main = asyncio.current_task()
    assert main is not None
    with contextlib.suppress(NotImplementedError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, main.cancel)
    tally = Tally()
    try:
        for path in files:
            try:
                lesson, doc = read_lesson(path)
            except LessonError as error:
                tally.line(str(error))
                broken = True
                continue
            if bench is None:
                tally.progress("starting torch")
                session = Session("cpu", spare=True, memory=memory)
                bench = Bench(session)
                await session.start()
            version = bench.session.info.torch if bench.session.info is not None else ""
            if sentence := unmet(lesson, version):
                place = doc.values[("requires", "torch")]
                tally.add(path, [Problem(place, f"not proven: {sentence}")], 0)
                continue
            proof = Proof(bench, lesson, doc, partial(tally.step, lesson.id))
            tally.add(path, await proof.prove(), proof.answers)
    except SessionError as error:
        tally.line(str(error))
        return STATUS_WRONG_USE
    except asyncio.CancelledError:
        tally.line("Stopped.")
        return STATUS_INTERRUPTED
    finally:
        if bench is not None:
            await bench.session.close()
    tally.summary()
    if broken:
        return STATUS_WRONG_USE
    return STATUS_PROBLEMS if tally.problems else STATUS_OK


class Tally:
    """What was found so far, and the progress line of a terminal."""

    def __init__(self) -> None:
        self.lessons = self.problems = self.untested = self.answers = 0
        self._live = sys.stderr is not None and sys.stderr.isatty()

    def progress(self, text: str) -> None:
        """Show what is going on, in the same place each time."""
        if self._live:
            print(f"\r\x1b[K{text} …", end="", file=sys.stderr, flush=True)

    def step(self, lesson: str, at: int, of: int) -> None:
        """Show how far a lesson's proof is."""
        self.progress(f"{lesson}: {at + 1} of {of}")

    def line(self, text: str) -> None:
        """A line that stays."""
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        print(text, flush=True)

    def add(self, path: Path, problems: Sequence[Problem], answers: int) -> None:
        """One lesson is through."""
        for problem in problems:
            place = problem.place
            self.line(f"{path}:{place.line + 1}:{place.column + 1}: {problem.sentence}")
        self.lessons += 1
        self.answers += answers
        self.untested += sum(problem.untested for problem in problems)
        self.problems += sum(not problem.untested for problem in problems)

    def summary(self) -> None:
        """The last line."""
        if not self.lessons:
            return
        lessons, problems = _count(self.lessons, "lesson"), _count(self.problems, "problem")
        untested = f", {_count(self.untested, 'fact')} untested" if self.untested else ""
        answers = _count(self.answers, "answer")
        self.line(f"{lessons} checked with two seeds and {answers}: {problems}{untested}.")


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
