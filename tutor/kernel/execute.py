"""Executing a piece of code statement by statement, with a record of each."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection
from os import getpid
from pathlib import Path
from threading import get_ident
from time import perf_counter
from types import CodeType
from typing import Any

import torch
from msgspec import structs

from tutor.facts import (
    Check,
    Checked,
    Done,
    ErrorFacts,
    Evaluate,
    Evaluated,
    Execute,
    FailedCall,
    GraphStep,
    Missing,
    Reply,
    SnapshotDelta,
    Started,
    StepDone,
    WarningFacts,
)
from tutor.kernel import raw
from tutor.kernel.bound import Bound
from tutor.kernel.check import answer_probes
from tutor.kernel.device import held
from tutor.kernel.display import display, plain
from tutor.kernel.errors import clean, describe_error
from tutor.kernel.failed.calls import Reading, describe_call
from tutor.kernel.failed.missing import describe_missing
from tutor.kernel.frames import Statement, describe_frames
from tutor.kernel.guard import GENUINE, Interpreter
from tutor.kernel.history import GraphSteps
from tutor.kernel.labels import Labels
from tutor.kernel.learner import Inputs, Interrupts, Loop, MainModule, Warnings
from tutor.kernel.live.sampler import Sampler
from tutor.kernel.namespace import Snapshots
from tutor.kernel.registered import forget_registered
from tutor.kernel.replay import Replay
from tutor.kernel.source import TOP_LEVEL_AWAIT, Definitions, Source, docstring_of, names_in
from tutor.kernel.stdio import Stdio
from tutor.kernel.stepping import Updates
from tutor.kernel.trace.callers import hide_from_tracebacks
from tutor.kernel.trace.recorder import Recorder
from tutor.kernel.trace.sites import Sites
from tutor.kernel.trace.special import (
    keep_out_of_compiled_code,
    watch_from_numpy,
    watch_inside_of_backward,
)
from tutor.kernel.transfers import Transfers

globals()["__builtins__"] = GENUINE

_OURS = frozenset({"__builtins__"})


class Executor:
    """Owns the learner's namespace and runs requests in it, in the main thread of the kernel."""

    def __init__(self, send: Callable[[Reply], None], stdio: Stdio, inputs: Inputs, folder: Path) -> None:
        self._send = send
        self._stdio = stdio
        self._inputs = inputs
        self._pid = getpid()
        self._cells = 0
        self._future_flags = 0
        self._definitions = Definitions()
        self._definitions_file = folder / "cells.py"
        self._interpreter = Interpreter()
        self._main = MainModule()
        self._thread = get_ident()
        self.interrupts = Interrupts()
        #: Waits until a stepwise request may go on; whether to its end.
        self.pause: Callable[[int], bool] = lambda number: True
        self._loop = Loop()
        self.namespace = self._main.namespace
        self.sites = Sites(self.namespace)
        self._warnings = Warnings(self.namespace, self._over)
        self._snapshots = Snapshots(self.namespace, _OURS)
        self._replay = Replay(self.namespace, self.sites, self._snapshots)
        self._updates = Updates(self.namespace, self.sites, self._snapshots, self._replay)
        self._sampler = Sampler(send, self.namespace)
        self._graphs = GraphSteps(self.namespace, self._snapshots)
        self._transfers = Transfers(self._snapshots)
        #: Where the kernel computes, if it is no CPU.
        self.accelerator: torch.device | None = None
        self.recorder = Recorder(self.namespace, self.sites, self._snapshots)
        self._snapshots.origin_of = self.recorder.origin_of
        self._replay.origin_of_node = self.recorder.origin_of_node
        self._reading = Reading(self.namespace, self.sites, self._snapshots, self.recorder.so_far)
        hide_from_tracebacks()
        keep_out_of_compiled_code(self.recorder)
        watch_from_numpy(self.recorder)
        watch_inside_of_backward(self.recorder)
        self._bindings: dict[str, Any] = {}
        #: Everything that ran since the namespace was empty: what checks take for "before" is run again.
        self._history: list[str] = []
        self._preamble: str | None = None
        torch.set_warn_always(True)
        self._warnings.install()

    # ── the namespace ────────────────────────────────────────────────────────

    def bind(self, preamble: str | None, **bindings: Any) -> None:
        """Names that every fresh namespace has, and the statement that every fresh namespace ran."""
        self._bindings, self._preamble = bindings, preamble
        self._fresh()

    def labels(self) -> Labels:
        """The learner's names at nodes of graphs, as of the last statement."""
        return self._snapshots.labels()

    def reset(self) -> None:
        """An empty namespace, with torch and Python as they were at the start."""
        self._interpreter.restore()
        self._inputs.install()
        self._stdio.install()
        self._loop.close()
        self._main.clear()
        self._definitions.clear()
        self._history.clear()
        self._future_flags = 0
        self.interrupts.reset()
        self._warnings.reset()
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.set_printoptions(profile="default")
        forget_registered()
        self._snapshots.reset()
        self.sites.clear()
        self._replay.reset()
        self._sampler.forget()
        self.recorder.reset()
        self._fresh()

    def _fresh(self) -> None:
        self.namespace.update(self._bindings)
        if self._preamble is not None:
            exec(self._preamble, {"torch": torch})

    # ── requests ─────────────────────────────────────────────────────────────

    def execute(self, request: Execute) -> None:
        """Run all statements, sending a record of each as it ends, then Done."""
        self.interrupts.pending = False
        filename = request.filename or self._cell_name()
        try:
            flags = 0 if request.script else TOP_LEVEL_AWAIT | self._future_flags
            source = Source(request.source, filename, flags)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as problem:
            self._done(request.id, describe_error(problem, filename))
            return
        if request.script:
            self._prepare_script(source)
        else:
            self._history.append(request.source)
        sources = tuple(source.segment(node) for node in source.statements)
        self._send(Started(request.id, source.spans(), sources))
        compile_warnings = list(self._warnings.take())
        error = None
        last = len(source.statements) - 1
        stepwise = request.stepwise
        self._sampler.watch(request.live)
        for index, node in enumerate(source.statements):
            shown = request.display == "all" or (request.display == "last" and index == last)
            early = [w for w in compile_warnings if node.lineno <= w.line <= (node.end_lineno or node.lineno)]
            error = self._statement(request, index, source, node, shown, early)
            if error is not None:
                break
            if stepwise and index < last and getpid() == self._pid:
                stepwise = self._wait(request)
        self._sampler.watch(False)
        if not request.script:
            self._future_flags = source.flags & ~TOP_LEVEL_AWAIT
        if getpid() != self._pid:  # a child that the learner forked and that came back here
            self._stdio.flush()
            os._exit(0 if error is None else 1)
        self._done(request.id, error)

    def _wait(self, request: Execute) -> bool:
        """Wait for the next step; whether there is a wait after that too."""
        self._sampler.watch(False)
        to_end = self.pause(request.id)
        self._sampler.watch(request.live)
        return not to_end

    def evaluate(self, request: Evaluate) -> None:
        """Evaluate one expression in the namespace and send its value."""
        filename, text, value, error = "<question>", "", None, None
        result: object = None
        try:
            code = compile(request.expression, filename, "eval", self._future_flags, dont_inherit=True)
            self._interpreter.leave()
            try:
                with self.interrupts:
                    result = eval(code, self.namespace)
                    text = display(result) or "None"
            finally:
                self._interpreter.enter()
            value = plain(result)
        except BaseException as problem:
            error = describe_error(problem, filename)
        self._stdio.flush()
        self._warnings.take()
        self._send(Evaluated(request.id, text, value, error))

    def check(self, request: Check) -> None:
        """Answer questions about the namespace, which stays as it is."""
        last = len(self._history) - 1
        at = next((i for i in range(last, -1, -1) if self._history[i] == request.source), last + 1)
        self._interpreter.leave()
        try:
            answers = answer_probes(
                self.namespace, request, self._history[:at], self._bindings, self.interrupts
            )
        finally:
            self.interrupts.leave()
            self._interpreter.enter()
            forget_registered(keep=self.namespace)
        self._stdio.flush()
        self._warnings.take()
        self._send(Checked(request.id, answers))

    # ── one statement ────────────────────────────────────────────────────────

    def _statement(
        self, request: Execute, index: int, source: Source, node: Any, shown: bool, early: list[Any]
    ) -> ErrorFacts | None:
        error, result, mentioned = None, None, set[str]()
        started = ended = perf_counter()
        try:
            code = source.code(node)
            self.sites.enter(source, node, code)
            mentioned = names_in(code)
            self._snapshots.prepare(mentioned)
            self._sampler.begin(request.id, index, node, code)
            self._watch(request)
            self._interpreter.leave()
            try:
                with self.interrupts:
                    value = self._loop.run(code, self.namespace)
                    ended = perf_counter()
                    self._unwatch()
                    if shown:
                        result = display(value)
                    del value
            finally:
                self._interpreter.enter()
        except BaseException as problem:
            self.interrupts.leave()
            self._interpreter.enter()
            ended = perf_counter()
            self._unwatch()
            error = self._described(problem, source, node)
        backwards = self._replay.stop()
        updates, optimizers = self._updates.stop()
        if getpid() != self._pid:
            return error
        self._sampler.end()
        operations = self.recorder.seen()
        if error is None and not request.script and self._definitions.add(node, source.segment(node)):
            self._write_definitions()
        delta, trouble = self._snapshot(mentioned, node.lineno)
        bound = Bound(source.filename, node.lineno, source.segment(node), backwards)
        bound.complete(delta, self.recorder.remember)
        if operations.trouble:
            reason = f"Not all operations of this statement could be recorded: {operations.trouble}"
            trouble = (*trouble, WarningFacts("KernelWarning", clean(reason), node.lineno))
        transfers = self._transfers.seen()
        graphs = self._graph_step() if request.graphs else None
        self._stdio.flush()
        seen = (*early, *self._warnings.take(), *trouble)
        mark = self._stdio.mark(request.id, index)
        self._send(
            StepDone(
                *(request.id, index, mark, delta, result, seen, error, ended - started),
                operations=operations.operations,
                counts=operations.counts,
                unwatched=operations.unwatched,
                backwards=backwards,
                updates=updates,
                optimizers=optimizers,
                graphs=graphs,
                transfers=transfers,
                device=held(self.accelerator),
            )
        )
        return error

    def _watch(self, request: Execute) -> None:
        """The statement is about to run: everything that is told of it is looked at from now on."""
        self._replay.start(request.replay)
        self._transfers.start()
        if request.trace:
            self._updates.start()
            self.recorder.begin()

    def _unwatch(self) -> None:
        """It ended: what comes now is not its own."""
        self._transfers.stop()
        self.recorder.stop()

    def _described(self, problem: BaseException, source: Source, node: Any) -> ErrorFacts:
        """The error with the frames that it passed through, as far as those can be read."""
        error = describe_error(problem, source.filename, self._entered)
        if error.line == 0:
            error = structs.replace(error, line=node.lineno)
        if not isinstance(problem, Exception) or isinstance(problem, SyntaxError):
            return error
        place = source.first_line(node), node.col_offset
        statement = Statement(source.segment(node), *place, self.sites.source)
        try:
            describe = self._snapshots.describe
            frames, call = describe_frames(problem.__traceback__, self.namespace, statement, describe)
        except Exception:  # the error itself is told all the same
            return error
        failed, missing = self._failed(problem, error.message)
        return structs.replace(error, frames=frames, call=call, failed=failed, missing=missing)

    def _over(self, code: CodeType) -> bool:
        source = self.sites.source(code) if get_ident() == self._thread else None
        return source is not None and source.over

    def _entered(self, code: CodeType) -> tuple[list[str], bool] | None:
        source = self.sites.source(code)
        return None if source is None else (source.lines, source.over)

    def _failed(self, problem: Exception, message: str) -> tuple[FailedCall | None, Missing | None]:
        """The call that raised, and what is missing; None where that cannot be told."""
        trace, failed, missing = problem.__traceback__, None, None
        with raw.Reading(), contextlib.suppress(Exception):  # the error itself is told all the same
            failed = describe_call(trace, self._reading, message)
        with raw.Reading(), contextlib.suppress(Exception):
            missing = describe_missing(problem, trace, failed, self._reading)
        return failed, missing

    def _snapshot(
        self, mentioned: Collection[str], line: int
    ) -> tuple[SnapshotDelta, tuple[WarningFacts, ...]]:
        """What changed; where even that fails, nothing, with a warning that says so."""
        try:
            return self._snapshots.take(mentioned), ()
        except Exception as error:
            reason = f"The facts after this statement could not be read: {type(error).__name__}: {error}"
            return SnapshotDelta(), (WarningFacts("KernelWarning", clean(reason), line),)

    def _graph_step(self) -> GraphStep | None:
        """What happened to graphs; None where even that fails."""
        try:
            return self._graphs.take(self.recorder.origin_of_node)
        except Exception:  # past graphs are a convenience: the statement's own facts are told all the same
            return None

    def _done(self, request: int, error: ErrorFacts | None) -> None:
        self._stdio.flush()
        self._send(Done(request, self._stdio.mark(request, -1), error))

    # ── details ──────────────────────────────────────────────────────────────

    def _cell_name(self) -> str:
        self._cells += 1
        return f"<cell {self._cells}>"

    def _prepare_script(self, source: Source) -> None:
        if source.filename != "<stdin>":
            self.namespace["__file__"] = source.filename
            self.namespace["__cached__"] = None
        self.namespace["__doc__"] = docstring_of(source.tree)
        self.namespace["__annotations__"] = {}

    def _write_definitions(self) -> None:
        """For spawned workers and `inspect.getsource`: the cells' definitions as a file of `__main__`."""
        try:
            self._definitions_file.write_text(clean(self._definitions.text()), encoding="utf-8")
        except OSError:
            return  # a full disk costs the learner getsource and spawn, not the run
        self.namespace["__file__"] = str(self._definitions_file)


def prepare_path(script: str | None, arguments: list[str]) -> None:
    """sys.argv and sys.path[0] as `python SCRIPT ARGUMENTS` would have them."""
    sys.argv = [script if script is not None else "", *arguments]
    if script is None or script == "-":
        sys.path.insert(0, "")
    else:
        sys.path.insert(0, str(Path(script).resolve().parent))
