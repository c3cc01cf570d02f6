"""The command: prove once, or with `watch` again whenever a file was saved."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

from tutor.proving.crew import Crew, cores
from tutor.proving.files import files_at, read
from tutor.proving.report import Report
from tutor.session import SessionError

STATUS_OK, STATUS_PROBLEMS, STATUS_WRONG_USE, STATUS_INTERRUPTED = 0, 1, 2, 130
#: Seconds between looks at the files.
PAUSE = 0.3

#: When a file was last written, and its size.
Stamp = tuple[int, int]


def check(paths: Sequence[str], *, memory: str, watch: bool = False) -> int:
    """Prove the lessons at `paths`; the exit status, that of the last round where files are watched."""
    return asyncio.run(_check(paths, memory, watch))


async def _check(paths: Sequence[str], memory: str, watch: bool) -> int:
    main = asyncio.current_task()
    assert main is not None
    with contextlib.suppress(NotImplementedError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, main.cancel)
    status: int | None = None
    try:
        async with Crew(cores(), memory) as crew:
            status = await _round(crew, files_at(paths))
            if watch:
                await _watch(crew, paths)
    except SessionError as error:
        print(error)
        return STATUS_WRONG_USE
    except asyncio.CancelledError:
        print("Stopped.", flush=True)
        return STATUS_INTERRUPTED
    return status


async def _round(crew: Crew, files: Sequence[Path]) -> int:
    candidates = [read(path) for path in files]
    with Report(candidates) as report:
        await crew.prove(candidates, report)
    report.summary()
    if any(candidate.trouble for candidate in candidates):
        return STATUS_WRONG_USE
    return STATUS_PROBLEMS if any(outcome.wrong for outcome in report.outcomes) else STATUS_OK


async def _watch(crew: Crew, paths: Sequence[str]) -> None:
    """Until it is stopped."""
    seen = _stamps(paths)
    print(f"Watching {len(seen)} file{'' if len(seen) == 1 else 's'}; Ctrl-C ends.", flush=True)
    while True:
        await asyncio.sleep(PAUSE)
        now = _stamps(paths)
        changed = [path for path, stamp in now.items() if seen.get(path) != stamp]
        seen = now
        if changed:
            print(f"\n{', '.join(path.name for path in changed)}", flush=True)
            await _round(crew, changed)


def _stamps(paths: Sequence[str]) -> dict[Path, Stamp]:
    """The files that are there now; one that is being replaced is not, for a moment."""
    stamps: dict[Path, Stamp] = {}
    for path in files_at(paths):
        with contextlib.suppress(OSError):
            found = path.stat()
            stamps[path] = found.st_mtime_ns, found.st_size
    return stamps
