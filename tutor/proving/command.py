"""The command: prove once, or with `watch` again whenever a file was saved."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

from tutor.course.overlay import overlay_path
from tutor.proving.crew import Crew, cores
from tutor.proving.files import files_at, read, told_apart
from tutor.proving.report import Report
from tutor.session import SessionError
from tutor.translation import say

STATUS_OK, STATUS_PROBLEMS, STATUS_WRONG_USE, STATUS_INTERRUPTED = 0, 1, 2, 130
#: Seconds between looks at the files.
PAUSE = 0.3

#: When a file was last written, and its size.
Stamp = tuple[int, int]


def check(paths: Sequence[str], *, memory: str, watch: bool = False, language: str | None = None) -> int:
    """Prove the lessons at `paths`, and that they are translated into `language`.

    The exit status is that of the last round where files are watched."""
    return asyncio.run(_check(paths, memory, watch, language))


async def _check(paths: Sequence[str], memory: str, watch: bool, language: str | None) -> int:
    main = asyncio.current_task()
    assert main is not None
    with contextlib.suppress(NotImplementedError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, main.cancel)
    status: int | None = None
    try:
        async with Crew(cores(), memory) as crew:
            status = await _round(crew, files_at(paths), language)
            if watch:
                await _watch(crew, paths, language)
    except SessionError as error:
        print(error)
        return STATUS_WRONG_USE
    except asyncio.CancelledError:
        print(say("Stopped."), flush=True)
        return STATUS_INTERRUPTED
    return status


async def _round(crew: Crew, files: Sequence[Path], language: str | None) -> int:
    candidates = told_apart([read(path, language) for path in files])
    with Report(candidates) as report:
        await crew.prove(candidates, report)
    report.summary()
    if any(candidate.trouble for candidate in candidates):
        return STATUS_WRONG_USE
    return STATUS_PROBLEMS if any(outcome.wrong for outcome in report.outcomes) else STATUS_OK


async def _watch(crew: Crew, paths: Sequence[str], language: str | None) -> None:
    """Until it is stopped."""
    seen = _stamps(paths, language)
    one = say("Watching 1 file; Ctrl-C ends.")
    print(one if len(seen) == 1 else say("Watching {count} files; Ctrl-C ends.", count=len(seen)), flush=True)
    while True:
        await asyncio.sleep(PAUSE)
        now = _stamps(paths, language)
        changed = [path for path, stamp in now.items() if seen.get(path) != stamp]
        seen = now
        if changed:
            print(f"\n{', '.join(path.name for path in changed)}", flush=True)
            await _round(crew, changed, language)


def _stamps(paths: Sequence[str], language: str | None) -> dict[Path, tuple[Stamp, ...]]:
    """The files that are there now; one that is being replaced is not, for a moment."""
    stamps: dict[Path, tuple[Stamp, ...]] = {}
    for path in files_at(paths):
        for part in (path, *([overlay_path(path, language)] if language is not None else ())):
            with contextlib.suppress(OSError):
                found = part.stat()
                stamps[path] = (*stamps.get(path, ()), (found.st_mtime_ns, found.st_size))
    return stamps
