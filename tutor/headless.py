"""`torchtutor inspect`: run a script or a lesson in a kernel and print its records."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.contract import Contract
from tutor.course.checks import fits_error
from tutor.explain import Entry, Past, after_setup, explain_step, verdicts
from tutor.facts import (
    ErrorFacts,
    Explanation,
    GraphFacts,
    Ready,
    Run,
    Snapshot,
    Step,
    is_simulated,
    outline_of,
)
from tutor.jobs import Job, Part, WrongUse, read_job
from tutor.language import use_language
from tutor.session import InputAsked, Session, SessionError, StateChanged, StepFinished
from tutor.session.events import Event
from tutor.translation import later, say, translated

if TYPE_CHECKING:
    from rich.text import Text

STATUS_OK, STATUS_RAISED, STATUS_WRONG_USE, STATUS_INTERRUPTED = 0, 1, 2, 130
#: Nodes of one graph that are described; beyond this it says how many there are.
GRAPH_LIMIT = 50_000
#: Seconds that the graphs may take after a Ctrl-C.
GRAPH_PATIENCE = 1.0
#: Columns of the report for people, however wide the terminal.
WIDEST_REPORT = 120

_THERE = later("{path} is there already: choose another file, or --force to write over it.")


class Walk:
    """Runs a job and hands each step to `contract` or to a list of runs."""

    def __init__(self, job: Job, contract: Contract | None, *, graph_of: str | None = None) -> None:
        self._job = job
        #: The tensor whose graph is wanted, "" for the newest that has one; None for no graph in particular.
        self._graph_of = graph_of
        self._contract = contract
        self._before = Snapshot()
        self._hidden = False
        self._interrupted = False
        self._main: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._session = Session(spare=False, options=job.options)
        self.ready: Ready | None = None
        self.runs: list[tuple[Part, Run, Snapshot, Past]] = []
        self.graphs: dict[str, GraphFacts] = {}
        self.error: ErrorFacts | None = job.error

    async def run(self) -> None:
        """Run everything. WrongUse when the kernel refuses to start (no such device, no torch)."""
        session = self._session
        session.listener = self._listen
        loop = asyncio.get_running_loop()
        main = self._main = asyncio.current_task()
        assert main is not None
        starting = True

        def on_interrupt() -> None:
            self._interrupted = True
            if starting:
                main.cancel()
            session.interrupt()

        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(signal.SIGINT, on_interrupt)
        session.spawn()
        try:
            try:
                self.ready = await session.start()
            except SessionError as error:
                raise WrongUse(str(error)) from None
            except asyncio.CancelledError:
                self.error = ErrorFacts("KeyboardInterrupt", say("stopped before torch was ready"), 0)
                return
            starting = False
            for part in self._job.parts:
                await self._run_part(part)
                if self.error is not None:
                    break
            await self._collect_graphs()
        except asyncio.CancelledError:
            if self._failure is None:
                raise
            raise self._failure from None
        finally:
            await session.close()

    async def _run_part(self, part: Part) -> None:
        session, past = self._session, Past()
        if part.label is not None:
            await session.reset()
            self._hidden = True
            run = await session.execute(part.setup, display="none")
            self._hidden = False
            if run.error is not None:
                self.error = run.error
                return
            past = after_setup(run.steps).begin(Entry())
        self._before = before = session.snapshot
        if self._contract is not None:
            self._contract.begin(part.label, past)
        keep = self._contract is None
        run = await session.execute(
            part.source, filename=part.filename, script=part.script, display="all", keep=keep
        )
        if self._interrupted and run.error is not None and run.error.type == "KernelDied":
            message = say("the code could not be stopped and was ended")
            error = ErrorFacts("KeyboardInterrupt", message, run.error.line)
            run = Run(run.source, run.filename, run.steps, error, run.elapsed)
        expected = part.raises is not None and fits_error(run.error, part.raises)
        self.error = None if expected else run.error
        self.runs.append((part, run, before, past))

    async def _collect_graphs(self) -> None:
        if (self._contract is None and self._graph_of is None) or self._session.state != "idle":
            return
        names = None
        if self._graph_of is not None:
            names = [self._graph_of or newest_made(self._session.snapshot)]
        patience = GRAPH_PATIENCE if self._interrupted else None
        with contextlib.suppress(SessionError, TimeoutError):
            self.graphs = await asyncio.wait_for(self._session.graphs(names, limit=GRAPH_LIMIT), patience)

    @property
    def snapshot(self) -> Snapshot:
        """The namespace as it was left."""
        return self._session.snapshot

    def _listen(self, event: Event) -> None:
        try:
            self._hear(event)
        except Exception as error:  # the loop would only log it, and the run would never end
            self._failure = self._failure or error
            if self._main is not None:
                self._main.cancel()

    def _hear(self, event: Event) -> None:
        if isinstance(event, StepFinished) and not self._hidden:
            self._take(event.step)
        elif isinstance(event, InputAsked):
            self._session.reply(_read_line(event.prompt, hidden=event.hidden))
        elif isinstance(event, StateChanged) and event.state == "stuck":
            self._session.kill()

    def _take(self, step: Step) -> None:
        if self._contract is not None:
            self._contract.add(step, self._before)
        self._before = step.snapshot


def newest_made(snapshot: Snapshot) -> str:
    """The newest variable that has a grad_fn; empty where there is none."""
    made = [name for name, facts in snapshot.tensors.items() if facts.grad_fn]
    return next((name for name in reversed(made) if name.isidentifier()), made[-1] if made else "")


def _read_line(prompt: str, *, hidden: bool) -> str | None:
    if hidden and sys.stdin.isatty():
        with contextlib.suppress(EOFError):
            return getpass(prompt)
        return None
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    return line.removesuffix("\n") if line else None


def inspect(path: str, arguments: tuple[str, ...], *, as_json: bool, device: str | None, memory: str) -> int:
    """Run and print; the exit status. One JSON object on stdout, or the same for people."""
    try:
        job = read_job(path, arguments, device, memory)
        if as_json:
            use_language("en")  # what programs read is the same everywhere
        with Contract() as contract:
            walk = Walk(job, contract if as_json else None)
            asyncio.run(walk.run())
            if as_json:
                contract.write(sys.stdout.buffer, walk.ready, job.options.device, walk.error, walk.graphs)
            else:
                _report(walk)
    except WrongUse as error:
        print(error, file=sys.stderr)
        return STATUS_WRONG_USE
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away: nothing is left to say, not even at exit
        return STATUS_RAISED
    if walk.error is None:
        return STATUS_OK
    return STATUS_INTERRUPTED if walk.error.type == "KeyboardInterrupt" else STATUS_RAISED


@dataclass(frozen=True)
class Picture:
    """Which graph is wanted, as what, and where; empty for the newest, and for standard output."""

    name: str = ""
    kind: str = "text"
    out: str = ""
    force: bool = False


def graph(path: str, arguments: tuple[str, ...], picture: Picture, *, memory: str) -> int:
    """Run, and write the graph behind a tensor to a file or standard output; the exit status."""
    from tutor.export import ExportError, write, written_as

    out, force = picture.out, picture.force
    try:
        if out and not force and Path(out).exists():
            raise WrongUse(say(_THERE, path=out))
        walk = Walk(read_job(path, arguments, None, memory), None, graph_of=picture.name)
        asyncio.run(walk.run())
        _tell_output(walk)
        found, title = _graph_found(walk, picture.name)
        details = {node.number: node for node in found.nodes if node.number is not None}
        data = written_as(picture.kind, outline_of(found), details, walk.snapshot, title)
        if out:
            write(Path(out), data, overwrite=force)
            written = say(
                "{title}: {count:,} nodes written to {path}.", title=title, count=len(found.nodes), path=out
            )
            print(written, file=sys.stderr)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
    except FileExistsError:
        print(say(_THERE, path=out), file=sys.stderr)
        return STATUS_WRONG_USE
    except (WrongUse, ExportError) as error:
        print(error, file=sys.stderr)
        return STATUS_WRONG_USE
    except BrokenPipeError:
        sys.stderr.close()
        return STATUS_RAISED
    return STATUS_OK if walk.error is None else STATUS_RAISED


def _tell_output(walk: Walk) -> None:
    """What the code printed, and how it failed, beside the graph: on standard error."""
    for _, run, _, _ in walk.runs:
        for step in run.steps:
            sys.stderr.write(step.stdout)
    if walk.error is not None:
        error = walk.error
        where = error.type
        if error.line:
            where = say("{type} in line {line}", type=error.type, line=error.line)
        print(f"{where}: {error.message}", file=sys.stderr)


def _graph_found(walk: Walk, name: str) -> tuple[GraphFacts, str]:
    """The graph that was asked for, and its title. WrongUse where there is none."""
    for found_name, found in walk.graphs.items():
        return found, say("backward from {name}", name=found_name)
    made = [each for each, facts in walk.snapshot.tensors.items() if facts.grad_fn]
    if name and name in walk.snapshot.tensors:
        raise WrongUse(say("{name} has no grad_fn, so there is no graph behind it.", name=name))
    if name and made:
        raise WrongUse(
            say(
                "There is no tensor {name} at the end of the code; there are graphs of {names}.",
                name=name,
                names=", ".join(made[:8]),
            )
        )
    if name:
        raise WrongUse(say("There is no tensor {name} at the end of the code.", name=name))
    raise WrongUse(say("At the end of the code no tensor has a grad_fn, so there is no graph."))


def _report(walk: Walk) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for text in _reports(walk, min(console.width, WIDEST_REPORT)):
        console.print(text)
    sys.stdout.flush()


def _reports(walk: Walk, width: int) -> Iterator[Text]:
    from rich.text import Text

    from tutor.view.palette import INK
    from tutor.view.report import run_report
    from tutor.view.words import SIMULATED_MEANS, device_named

    ready = walk.ready
    if ready is not None and ready.preamble:
        yield Text(f"# {ready.preamble}")
    if ready is not None and is_simulated(ready.device):
        yield Text(f"# {device_named(ready.device)}: {translated(SIMULATED_MEANS)}")
    for part, run, before, past in walk.runs:
        if part.label is not None:
            yield Text(f"\n{part.label}", "bold")
        yield run_report(run, INK, width, explanations=_explanations(run, before, past), say=verdicts.say)
    if walk.error is not None and not any(run.error for _, run, _, _ in walk.runs):
        yield Text(f"{walk.error.type}: {walk.error.message}")


def _explanations(run: Run, before: Snapshot, past: Past) -> dict[int, tuple[Explanation, ...]]:
    found = {}
    for step in run.steps:
        found[step.index] = explain_step(step, before, past)
        before = step.snapshot
        past.add(step)
    return found
