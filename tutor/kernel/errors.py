"""Exceptions of the learner's code as facts: type, message, the learner's line, a trimmed traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from traceback import FrameSummary, TracebackException, walk_tb
from types import CodeType, TracebackType

from tutor.facts import ErrorFacts
from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.sites import STAND_IN

globals()["__builtins__"] = GENUINE

_MESSAGE_LIMIT = 20_000
_TRACEBACK_LIMIT = 60_000
_RECURSION_FRAMES = 40
_BASES = 12
# Frames that say nothing to a learner: nn.Module.__call__ on its way to forward.
_PLUMBING = {"_wrapped_call_impl", "_call_impl"}


def clean(text: str) -> str:
    """Text that any encoder takes: lone surrogates become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shorten(text: str, limit: int) -> str:
    """At most about `limit` characters: head and tail, with the number left out between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters not shown …\n{text[-half:]}"


#: What a code object is from: its lines, and whether it was entered before what runs; None of other code.
Entered = Callable[[CodeType], tuple[list[str], bool] | None]


def describe_error(error: BaseException, filename: str, entered: Entered = lambda code: None) -> ErrorFacts:
    """Facts of `error`; `line` is the deepest line inside `filename`, 0 when it never got there.

    What was entered before under the same name, as `entered` tells, is another file."""
    return ErrorFacts(
        type=clean(type.__dict__["__name__"].__get__(type(error))),
        message=shorten(clean(_message(error)), _MESSAGE_LIMIT),
        line=_line(error, filename, entered),
        traceback=shorten(clean(_traceback(error, filename, entered)), _TRACEBACK_LIMIT),
        bases=_bases(type(error)),
    )


def _bases(cls: type) -> tuple[str, ...]:
    above = type.__dict__["__mro__"].__get__(cls)[1:-1]
    return tuple(clean(type.__dict__["__name__"].__get__(each)) for each in above[:_BASES])


def _message(error: BaseException) -> str:
    try:
        if isinstance(error, SyntaxError) and error.msg:
            return str(error.msg)
        return str(error)
    except BaseException as broken:  # the learner's __str__
        return f"(its message cannot be shown: __str__ raised {type(broken).__name__})"


def _line(error: BaseException, filename: str, entered: Entered) -> int:
    line = 0
    for frame, number in walk_tb(error.__traceback__):
        code = frame.f_code
        if code.co_filename != filename or code.co_name == STAND_IN:
            continue
        known = entered(code)
        line = number if known is None or not known[1] else line
    if isinstance(error, SyntaxError) and error.filename == filename and error.lineno:
        return error.lineno
    return line


def _traceback(error: BaseException, filename: str, entered: Entered) -> str:
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename != filename:
        first = first.tb_next
    try:
        limit = -_RECURSION_FRAMES if isinstance(error, RecursionError) else None
        return "".join(_format(error, first, limit, entered))
    except BaseException as broken:  # hostile exceptions: a __cause__ that raises, a __str__ that exits
        return f"{type(error).__name__} (its traceback cannot be shown: {type(broken).__name__})"


def _format(
    error: BaseException, first: TracebackType | None, limit: int | None, entered: Entered
) -> Iterator[str]:
    report = TracebackException(type(error), error, first, limit=limit, compact=True)
    _quote(report, first, entered)
    todo: list[TracebackException | None] = [report]
    while todo:
        part = todo.pop()
        if part is None:
            continue
        frames = [frame for frame in part.stack if frame.name not in _PLUMBING]
        part.stack[:] = frames
        todo += [part.__cause__, part.__context__]
    return report.format()


def _quote(report: TracebackException, first: TracebackType | None, entered: Entered) -> None:
    """Lines of what was entered before as they were then: another text may have its name by now."""
    walked = {(f.f_code.co_filename, number, f.f_code.co_name): f.f_code for f, number in walk_tb(first)}
    for at, one in enumerate(report.stack):
        code = walked.get((one.filename, one.lineno or 0, one.name))
        lines, over = ([], False) if code is None else entered(code) or ([], False)
        line = lines[(one.lineno or 0) - 1] if over and 0 < (one.lineno or 0) <= len(lines) else one.line
        if line is not None and one.line != line.strip():
            report.stack[at] = FrameSummary(one.filename, one.lineno, one.name, line=line)
