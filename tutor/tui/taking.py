"""Writing a lesson, or what ran in this session, to a file that the learner names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from tutor.export import ExportError, write
from tutor.takeaway import lesson_file, session_file
from tutor.translation import say
from tutor.tui.exporting import FileScreen

if TYPE_CHECKING:
    from tutor.tui.workbench import Workbench


async def take_lesson(bench: Workbench) -> None:
    """The lesson with the learner's code in the steps that are done."""
    if bench.walk is not None:
        lesson = bench.walk.lesson
        await _take(bench, lesson.id, lambda name: lesson_file(lesson, bench.store, name, mine=True))


async def take_session(bench: Workbench) -> None:
    """Everything that ran since the app was opened."""
    lesson = bench.walk.lesson if bench.walk is not None else None
    await _take(bench, "session", lambda name: session_file(bench.store, name, more=lesson))


async def _take(bench: Workbench, stem: str, make: Callable[[str], bytes]) -> None:
    title = say("export {name} as .ipynb or .py", name=stem)
    target = await bench.app.push_screen_wait(FileScreen(title, f"{stem}.ipynb"))
    if target is None:
        return
    try:
        data = await asyncio.to_thread(make, target.path.name)
        write(target.path, data, overwrite=target.overwrite)
    except FileExistsError:
        there = say("{path} is there already: nothing was written.", path=target.path)
        bench.notify(there, severity="error", markup=False)
    except ExportError as error:
        bench.notify(str(error), severity="error", markup=False, timeout=8)
    else:
        written = say("Written to {path}.", path=target.path.absolute())
        bench.notify(written, markup=False, timeout=8)
