"""What `torchtutor inspect` and line mode are given to run: a script, or the steps of a lesson."""

from __future__ import annotations

import io
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

from tutor.course.claims import Raises
from tutor.facts import ErrorFacts
from tutor.session import KernelOptions
from tutor.translation import say


class WrongUse(Exception):
    """The command cannot begin; the text is one sentence for people."""


@dataclass(frozen=True)
class Part:
    """A piece of code that starts from an empty namespace: a script, or one step of a lesson."""

    source: str
    filename: str | None = None
    script: bool = False
    #: Id of the lesson's step, None for a script.
    label: str | None = None
    #: Code to run first, unseen.
    setup: str = ""
    #: The exception that the code is there to show.
    raises: Raises | None = None


@dataclass(frozen=True)
class Job:
    """What to run and how."""

    parts: tuple[Part, ...]
    options: KernelOptions
    #: A failure before anything could run: source that cannot be decoded.
    error: ErrorFacts | None = None


def read_job(path: str, arguments: tuple[str, ...], device: str | None, memory: str) -> Job:
    """The job for a script, a lesson file or `-`. WrongUse when it cannot be read."""
    for text in (path, *arguments):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise WrongUse(say("{name}: this is not valid UTF-8: rename it.", name=ascii(text))) from None
    if path.endswith((".yaml", ".yml")):
        return _lesson_job(path, device, memory)
    options = KernelOptions(
        device=device or "auto",
        memory=memory,
        script=path,
        arguments=arguments,
        ask=sys.stdin is not None and sys.stdin.isatty() and path != "-",
        bind_device=device is not None,
    )
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise WrongUse(
            say(
                "{path}: {reason}: give a Python script, a lesson or `-`.",
                path=path,
                reason=error.strerror or error,
            )
        ) from None
    # As plain Python: `__file__` and tracebacks hold the full path, sys.argv[0] what was written.
    name = "<stdin>" if path == "-" else str(Path(path).absolute())
    try:
        source = decode_source(data)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return Job((), options, ErrorFacts("SyntaxError", str(error), 1))
    return Job((Part(source, name, script=True),), options)


def read_source(path: str) -> str:
    """The text of a script. WrongUse when it is a lesson, cannot be read, or is not text."""
    if path.endswith((".yaml", ".yml")):
        raise WrongUse(
            say(
                "{path}: this is a lesson, and FILE a Python script: "
                "`torchtutor lesson {path} --plain` opens it.",
                path=path,
            )
        )
    try:
        return decode_source(Path(path).read_bytes())
    except OSError as error:
        reason = error.strerror or error
        raise WrongUse(say("{path}: {reason}: give a Python script.", path=path, reason=reason)) from None
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise WrongUse(
            say("{path}: this is not Python source ({error}): give a Python script.", path=path, error=error)
        ) from None


def decode_source(data: bytes) -> str:
    """Source text as Python reads it: by its coding cookie or BOM, with `\\n` line ends."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return io.TextIOWrapper(io.BytesIO(data), encoding, newline=None).read()


def _lesson_job(path: str, device: str | None, memory: str) -> Job:
    from tutor.course.device import device_for
    from tutor.course.loader import LessonError, load_lesson
    from tutor.course.walk import prologue, step_code

    try:
        lesson = load_lesson(Path(path))
    except LessonError as error:
        raise WrongUse(str(error)) from None
    parts = tuple(
        Part(
            code,
            f"<{lesson.id}/{step.id}>",
            label=step.id,
            setup=prologue(lesson, step),
            raises=getattr(step, "raises", None),
        )
        for step in lesson.steps
        if (code := step_code(step))
    )
    return Job(parts, KernelOptions(device=device_for(lesson, device or "auto"), memory=memory))
