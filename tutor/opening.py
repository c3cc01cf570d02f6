"""Opening the app and line mode. The kernel is started first: torch is imported while all else loads."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import click

from tutor.translation import say

if TYPE_CHECKING:
    from pathlib import Path

    from tutor.course.schema import Lesson
    from tutor.course.store import Store

#: Seconds that the first screen waits for what was kept on disk.
STORE_PATIENCE = 1.0


def open_app(name: str | None, *, scratch: bool, device: str, memory: str, spare: bool) -> int:
    """The app at a lesson, or at the scratch page; its exit status."""
    if not _has_terminal():
        return 2
    gc.disable()  # nearly all that is made before the first paint stays; the app enables it again
    from tutor.session import Session

    session = Session(device, spare=spare, memory=memory)
    session.spawn()  # torch is imported while the app and the lesson load

    from tutor.course.device import device_for
    from tutor.course.loader import LessonError
    from tutor.course.store import Store

    store = Store.open(patience=0)  # read while the app is imported
    from tutor.tui.app import run_app

    try:
        path, lesson = (None, None) if scratch else _lesson_to_open(store, name)
    except LessonError as error:
        session.abandon()
        store.close()
        click.echo(str(error), err=True)
        return 2
    if lesson is not None and (wanted := device_for(lesson, device)) != device:
        session.abandon()
        session = Session(wanted, spare=spare, memory=memory)
        session.chosen = device
        session.spawn()
    greet = name is None and not scratch and not store.setting("welcomed", False)
    status = run_app(session, store, lesson, path=path, greet=greet)
    if not store.close():
        click.echo(store.trouble or say("Not everything could be kept on disk in time."), err=True)
    return status


def _has_terminal() -> bool:
    """Whether the app has where to draw; says so where it has not."""
    # The app draws on standard error.
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if all(stream.isatty() for stream in streams) and os.environ.get("TERM") != "dumb":
        return True
    sentence = say(
        "torchtutor needs a terminal for its app; without one, use `torchtutor inspect FILE` "
        "to see what each line of a script or a lesson does, or line mode: `torchtutor repl --plain`, "
        "`torchtutor lesson NAME --plain`."
    )
    click.echo(sentence, err=True)
    return False


def open_preview(file: str, step: str, *, device: str, memory: str, spare: bool) -> int:
    """The app at a lesson that is being written; its exit status."""
    if not _has_terminal():
        return 2
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from tutor.course.loader import LessonError, load_lesson
    from tutor.course.store import Store
    from tutor.language import current_language
    from tutor.session import Session

    path = Path(file)
    try:
        lesson = load_lesson(path, current_language())
    except LessonError as error:
        click.echo(str(error), err=True)
        return 2
    ids = [each.id for each in lesson.steps]
    if step and step not in ids:
        missing = say(
            "{path}: there is no step `{step}`; the steps are {steps}.",
            path=path,
            step=step,
            steps=", ".join(ids),
        )
        click.echo(missing, err=True)
        return 2
    session = Session(device, spare=spare, memory=memory)
    session.spawn()  # torch is imported while the app is
    from tutor.tui.previewing import run_preview

    with TemporaryDirectory() as folder, Store.open(Path(folder) / "tutor.db") as store:
        store.set_setting(f"step/{lesson.id}", step or ids[0])
        return run_preview(session, store, lesson, path)


def _lesson_to_open(store: Store, name: str | None) -> tuple[Path, Lesson]:
    """The lesson that was named, else the one that the learner was at last, else the first."""
    from tutor.course.loader import LessonError, bundled_lessons, find_lesson, load_lesson
    from tutor.language import current_language

    language = current_language()
    store.wait(STORE_PATIENCE)
    if name is None and (last := store.setting("lesson", "")):
        try:
            path = find_lesson(last)
            return path, load_lesson(path, language)
        except LessonError:  # it came from elsewhere, or is no more
            pass
    path = find_lesson(name) if name is not None else bundled_lessons()[0]
    return path, load_lesson(path, language)


def open_lines(file: str | None, *, device: str, memory: str, spare: bool) -> int:
    """Line mode's scratch page, after the script `file`; its exit status."""
    from tutor.session import Session

    session = Session(device, spare=spare and sys.stdin.isatty(), memory=memory)
    session.spawn()  # torch is imported while the file is read

    from tutor.jobs import WrongUse, read_source
    from tutor.repl.app import run_plain

    try:
        source = read_source(file) if file is not None else None
    except WrongUse as error:
        session.abandon()
        click.echo(str(error), err=True)
        return 2
    return run_plain(session, source)


def open_lesson_lines(name: str, *, device: str, memory: str, spare: bool) -> int:
    """A lesson in line mode; its exit status."""
    from tutor.course.device import device_for
    from tutor.course.loader import LessonError
    from tutor.course.store import Store
    from tutor.session import Session

    store = Store.open(patience=0)
    try:
        path, lesson = _lesson_to_open(store, name)
    except LessonError as error:
        store.close()
        click.echo(str(error), err=True)
        return 2
    session = Session(device_for(lesson, device), spare=spare and sys.stdin.isatty(), memory=memory)
    session.chosen = device
    session.spawn()  # torch is imported while line mode is

    from tutor.repl.app import run_plain
    from tutor.repl.study import Study

    status = run_plain(session, None, Study(lesson, store, path))
    if not store.close():
        click.echo(store.trouble or say("Not everything could be kept on disk in time."), err=True)
    return status
