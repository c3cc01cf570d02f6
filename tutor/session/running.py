"""A request under way: its records, joined with the output that belongs to each."""

from __future__ import annotations

import asyncio
import codecs
import time
from collections import deque
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from tutor.facts import (
    Done,
    ErrorFacts,
    Progress,
    Ready,
    Reply,
    Run,
    ScalarFacts,
    Snapshot,
    Started,
    Step,
    StepDone,
    apply,
)
from tutor.session.events import Output, Paused, Progressed, StepFinished, StepStarted
from tutor.session.histories import Histories
from tutor.session.output import Capture, Mark, MarkScanner

#: Bytes of output that a step keeps, head and tail.
STEP_OUTPUT = 1 << 20
#: Bytes of output that one Output event carries, head and tail.
EVENT_OUTPUT = 1 << 16
#: Seconds between Output events while output is pouring.
EVENT_INTERVAL = 1 / 30


class OutputFeed:
    """Cuts the kernel's output into steps, and passes it on as events at a bounded rate."""

    def __init__(
        self,
        nonce: str,
        emit: Callable[[Output], None],
        advance: Callable[[], None],
        record: Callable[[bytes], None],
    ) -> None:
        self._scanner = MarkScanner(nonce)
        self._emit = emit
        self._advance = advance
        self._record = record
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._segment = Capture(STEP_OUTPUT)
        #: What no event has told yet of the statement that is running.
        self._pending = Capture(EVENT_OUTPUT)
        #: The same of statements that ended, whose records have not come.
        self._ended: deque[tuple[Mark, Capture, Capture]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._last_event = 0.0

    def feed(self, data: bytes) -> None:
        """Bytes from the pipe."""
        marked = False
        for piece in self._scanner.feed(data):
            if isinstance(piece, Mark):
                self._ended.append((piece, self._segment, self._pending))
                self._segment, self._pending = Capture(STEP_OUTPUT), Capture(EVENT_OUTPUT)
                marked = True
                self._advance()
            else:
                self._keep_bytes(piece)
        self._plan()
        if marked:
            self._advance()

    def _keep_bytes(self, piece: bytes) -> None:
        self._record(piece)
        self._segment.add(piece)
        self._pending.add(piece)

    def take(self, mark: Mark) -> Capture | None:
        """The output up to `mark`, which is passed on first, or None when the mark has not arrived."""
        if not any(seen == mark for seen, _, _ in self._ended):
            return None
        seen, capture, pending = self._ended.popleft()
        self._tell(pending)
        while seen != mark:
            seen, following, pending = self._ended.popleft()
            self._tell(pending)
            capture.extend(following)
        self._plan()
        return capture

    def take_rest(self) -> Capture:
        """All output that no step has taken, which is passed on first."""
        self.emit_all()
        capture = Capture(STEP_OUTPUT)
        for _, part, _ in self._ended:
            capture.extend(part)
        capture.extend(self._segment)
        self._ended.clear()
        self._segment = Capture(STEP_OUTPUT)
        return capture

    def emit_all(self) -> None:
        """Pass on everything that has come."""
        for at, (mark, capture, pending) in enumerate(self._ended):
            self._ended[at] = (mark, capture, Capture(EVENT_OUTPUT))
            self._tell(pending)
        pending, self._pending = self._pending, Capture(EVENT_OUTPUT)
        self._tell(pending)

    def _plan(self) -> None:
        """Pass on soon what has come; output behind a mark waits until its statement is told to begin."""
        if self._pending and self._timer is None and not self._ended:
            wait = self._last_event + EVENT_INTERVAL - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._emit_first)

    def _emit_first(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._ended:
            pending, self._pending = self._pending, Capture(EVENT_OUTPUT)
            self._tell(pending)

    def _tell(self, pending: Capture) -> None:
        if not pending:
            return
        self._last_event = time.monotonic()
        head, tail = pending.parts()
        if pending.elided:
            self._emit(Output(self._decoder.decode(head)))
            self._decoder.reset()
            self._emit(Output(self._decoder.decode(tail), pending.elided))
        else:
            self._emit(Output(self._decoder.decode(head + tail)))

    def close(self) -> None:
        """The pipe has ended."""
        held = self._scanner.flush()
        if held:
            self._keep_bytes(held)
        self.emit_all()


class RunningRequest:
    """Collects the records of one Execute into a Run."""

    def __init__(
        self,
        number: int,
        source: str,
        filename: str,
        before: Snapshot,
        keep: bool,
        stepwise: bool = False,
    ) -> None:
        self.number = number
        #: The kernel has said that it runs this; what interrupts it sooner, the kernel would forget.
        self.begun = False
        #: To be interrupted as soon as it has begun.
        self.unwanted = False
        #: The kernel waits after each statement until it may go on.
        self.stepwise = stepwise
        #: How many pauses may be passed over.
        self._allowed = 0
        self._paused_at: float | None = None
        self._paused_for = 0.0
        #: Of statements whose records have not come, by index.
        self._histories: dict[int, Histories] = {}
        self.future: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        self._source = source
        self._filename = filename
        self._before = self._snapshot = before
        self._keep = keep
        self._ended = 0
        self._spans: tuple[tuple[int, int], ...] = ()
        self._sources: tuple[str, ...] = ()
        self._announced = -1
        self._records: deque[StepDone | Done] = deque()
        self._steps: list[Step] = []
        self._began = time.perf_counter()

    def receive(self, message: Reply) -> None:
        if isinstance(message, Started):
            self.begun = True
            self._spans, self._sources = message.spans, message.sources
        elif isinstance(message, StepDone | Done):
            self._records.append(message)

    def progress(self, message: Progress) -> Progressed | None:
        """How the running statement goes; None where that is over."""
        if message.index < self._ended:
            return None
        histories = self._histories.setdefault(message.index, Histories())
        histories.add(message.scalars)
        return Progressed(message.line, message.function, message.loops, histories.facts())

    def allow(self, to_end: bool) -> None:
        """The next pause, or all pauses, are over as soon as they begin."""
        self._allowed += 1
        if to_end:
            self.stepwise = False
        if self._paused_at is not None:
            self._allowed -= 1
            self.resume()

    def resume(self) -> None:
        """The pause is over."""
        if self._paused_at is not None:
            self._paused_for += time.perf_counter() - self._paused_at
            self._paused_at = None

    def interrupt_is_due(self) -> bool:
        """Whether an interrupt came before the code had begun, which it has now; true once."""
        due, self.unwanted = self.begun and self.unwanted, self.unwanted and not self.begun
        return due

    def wants_drain(self) -> bool:
        """Whether the next record came without a mark, so that the pipe's content decides."""
        return bool(self._records) and not self._records[0].mark

    def advance(self, feed: OutputFeed) -> Iterator[StepStarted | Paused | StepFinished | Done]:
        """What can be told now: records wait until their output has arrived."""
        if self._paused_at is None:
            yield from self._announce()
        while self._records:
            record = self._records[0]
            index = record.index if isinstance(record, StepDone) else -1
            output = feed.take(Mark((self.number, index))) if record.mark else feed.take_rest()
            if output is None:
                return
            self._records.popleft()
            if isinstance(record, Done):
                yield record
                return
            self.resume()  # also where an interrupt ended the pause
            yield from self._announce()
            self._snapshot = apply(self._snapshot, record.delta)
            yield StepFinished(self._step(record.index, output, record.error, record))
            if record.error is not None:
                continue
            if self._pauses():
                yield Paused(*self._spans[self._ended], self._ended, len(self._spans))
            else:
                yield from self._announce()

    def _pauses(self) -> bool:
        """Whether the kernel waits now for leave to go on."""
        if not self.stepwise or self._ended >= len(self._spans):
            return False
        if self._allowed > 0:
            self._allowed -= 1
            return False
        self._paused_at = time.perf_counter()
        return True

    def _announce(self) -> Iterator[StepStarted]:
        index = self._ended
        if self._announced < index < len(self._spans):
            self._announced = index
            yield StepStarted(*self._spans[index])

    def _step(
        self, index: int, output: Capture, error: ErrorFacts | None, record: StepDone | None = None
    ) -> Step:
        text, elided = output.text()
        line, end_line = self._spans[index]
        step = Step(
            index=index,
            line=line,
            end_line=end_line,
            source=self._sources[index],
            stdout=text,
            stdout_elided=elided,
            result=record.result if record else None,
            warnings=record.warnings if record else (),
            snapshot=self._snapshot,
            changes=record.delta.changes if record else (),
            error=error,
            elapsed=record.elapsed if record else 0.0,
            operations=record.operations if record else (),
            counts=record.counts if record else (),
            unwatched=record.unwatched if record else False,
            backwards=record.backwards if record else (),
            updates=record.updates if record else (),
            optimizers=record.optimizers if record else (),
            scalars=self._scalars(index),
            graphs=record.graphs if record else None,
            transfers=record.transfers if record else (),
            device=record.device if record else None,
            crowded=any(one <= end_line and line <= last for one, last in self._beside(index)),
            last=index == len(self._spans) - 1,
        )
        self._ended = index + 1
        if self._keep:
            # Nodes of graphs are told once, with the event: a run that is kept must not hold them all.
            self._steps.append(step if step.graphs is None else replace(step, graphs=step.graphs.when))
        return step

    def _scalars(self, index: int) -> tuple[ScalarFacts, ...]:
        histories = self._histories.pop(index, None)
        return histories.facts() if histories is not None else ()

    def _beside(self, index: int) -> Iterator[tuple[int, int]]:
        """Lines of the statements before and after one."""
        return (self._spans[at] for at in (index - 1, index + 1) if 0 <= at < len(self._spans))

    def current_line(self) -> int | None:
        """First line of the statement that is running, or None."""
        if self._paused_at is not None:
            return None
        return self._spans[self._ended][0] if self._ended < len(self._spans) else None

    def fatal(self, error: ErrorFacts, feed: OutputFeed) -> Step | None:
        """The statement that was running when the kernel died, with the namespace last known."""
        if self._ended >= len(self._spans) or self._paused_at is not None:
            return None
        return self._step(self._ended, feed.take_rest(), error)

    def finish(self, error: ErrorFacts | None) -> None:
        """Resolve the run."""
        if not self.future.done():
            self.resume()
            elapsed = time.perf_counter() - self._began - self._paused_for
            steps = tuple(self._steps)
            self.future.set_result(Run(self._source, self._filename, steps, error, elapsed, self._before))


def copy_outcome(source: asyncio.Future[Ready], target: asyncio.Future[Ready]) -> None:
    """Who waited for a kernel that was restarted meanwhile gets the new one's outcome."""
    if target.done() or source.cancelled():
        return
    error = source.exception()
    if error is not None:
        target.set_exception(error)
    else:
        target.set_result(source.result())
