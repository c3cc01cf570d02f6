"""From a file to a Lesson, or to a LessonError that says where the mistake is."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path
from typing import Any, NoReturn

import msgspec

import tutor
from tutor.course import document
from tutor.course.document import Document, DocumentError, Place
from tutor.course.errors import LessonError
from tutor.course.schema import SCHEMA, Lesson, PredictStep, Version, same_answer
from tutor.course.wording import sentence_for

__all__ = ["LessonError", "bundled_lessons", "find_lesson", "load_lesson"]

MAX_BYTES = 256 * 1024

_COMPLAINT = re.compile(r"(?P<complaint>.*?)(?: - at `\$(?P<where>[^`]*)`)?\Z", re.DOTALL)
_PATH_PART = re.compile(r"\.(?P<key>\w+)|\[(?P<index>\d+)\]|(?P<some>\[\.\.\.\])")


def load_lesson(path: Path) -> Lesson:
    """The lesson in the file at `path`; raises LessonError for whatever is wrong with it."""
    text = _read_text(path)
    try:
        doc = document.read(text)
    except DocumentError as error:
        _fail(path, error.place, error.message)
    lesson = _convert(path, doc)
    _check_ids(path, doc, lesson)
    _check_choices(path, doc, lesson)
    _check_code(path, doc, lesson)
    return lesson


def bundled_lessons() -> list[Path]:
    """The lessons that came with torchtutor, by name: in the wheel, or in the checkout."""
    package = Path(tutor.__file__).parent
    installed = package / "_lessons"
    folder = installed if installed.is_dir() else package.parent / "lessons"
    return sorted(folder.glob("*.yaml"))


def is_bundled(path: Path) -> bool:
    """Whether the file at `path` is one of the lessons that came with torchtutor."""
    return path.resolve() in {each.resolve() for each in bundled_lessons()}


def find_lesson(name_or_path: str) -> Path:
    """The file of a lesson given by its id, or by a path; raises LessonError where there is neither."""
    bundled = {path.stem: path for path in bundled_lessons()}
    if name_or_path in bundled:
        return bundled[name_or_path]
    path = Path(name_or_path)
    try:
        found = path.exists()
    except (OSError, ValueError):
        found = False
    if found:
        return path
    known = ", ".join(bundled) or "none"
    raise LessonError(path, 0, 0, f"no lesson or file has this name; the lessons here are: {known}")


def _fail(path: Path, place: Place, message: str) -> NoReturn:
    raise LessonError(path, place.line + 1, place.column + 1, message) from None


def _read_text(path: Path) -> str:
    start = Place(0, 0)
    try:
        if path.exists() and not path.is_file():
            _fail(path, start, "this is not a file; give the path of a lesson's .yaml file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _fail(path, start, f"the file cannot be read ({reason}); check its path and permissions")
    if len(content) > MAX_BYTES:
        _fail(path, start, f"the file is larger than {MAX_BYTES // 1024} KiB; a lesson is much smaller")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        place = document.place_of(content[: error.start].decode(), error.start)
        _fail(path, place, f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8")


def _convert(path: Path, doc: Document) -> Lesson:
    if isinstance(doc.data, dict):
        # Before all else: another schema may mean that every other complaint is beside the point.
        schema = doc.data.get("schema", SCHEMA)
        if type(schema) is int and schema != SCHEMA:
            message = f"this version of torchtutor reads schema {SCHEMA}, not {schema}; use one that reads it"
            _fail(path, doc.values[("schema",)], message)
    try:
        return msgspec.convert(doc.data, Lesson, strict=True)
    except msgspec.ValidationError as error:
        found = _COMPLAINT.match(str(error))
        assert found is not None
        where = _path(found["where"] or "", doc)
        sentence, key = sentence_for(found["complaint"], where, doc.data)
        place = doc.values[where] if key is None else doc.keys[(*where, key)]
        _fail(path, place, sentence)


def _path(where: str, doc: Document) -> document.Where:
    """msgspec's `.steps[0].kind` as a path; it ends early where the document has no such value."""
    path: document.Where = ()
    for part in _PATH_PART.finditer(where):
        key = part["key"] or (_bad_version(doc, path) if part["some"] else int(part["index"]))
        further = (*path, key)
        if further not in doc.values:
            break
        path = further
    return path


def _bad_version(doc: Document, path: document.Where) -> str:
    """msgspec writes `[...]` for "some key" of a dict, and `requires` is the one dict of a lesson."""
    for key, version in doc.data[path[0]].items():
        try:
            msgspec.convert(version, Version)
        except msgspec.ValidationError:
            return str(key)
    return ""


def _check_ids(path: Path, doc: Document, lesson: Lesson) -> None:
    seen: dict[str, int] = {}
    for index, step in enumerate(lesson.steps):
        place = doc.values[("steps", index, "id")]
        if step.id in seen:
            message = f"the step id `{step.id}` is taken (line {seen[step.id]}); ids are unique in a lesson"
            _fail(path, place, message)
        seen[step.id] = place.line + 1


def _check_choices(path: Path, doc: Document, lesson: Lesson) -> None:
    for index, step in enumerate(lesson.steps):
        if not isinstance(step, PredictStep):
            continue
        for later, choice in enumerate(step.ask.choices):
            if any(same_answer(choice, earlier) for earlier in step.ask.choices[:later]):
                place = doc.values[("steps", index, "ask", "choices", later)]
                _fail(path, place, f"the choice {choice!r} is there already; every choice must differ")


def _check_code(path: Path, doc: Document, lesson: Lesson) -> None:
    _check_python(path, doc, ("setup",), lesson.setup)
    for index, step in enumerate(lesson.steps):
        _check_python(path, doc, ("steps", index, "code"), step.code)
        if isinstance(step, PredictStep):
            _check_python(path, doc, ("steps", index, "ask", "expr"), step.ask.expr, mode="eval")


def _check_python(path: Path, doc: Document, where: document.Where, source: str, mode: str = "exec") -> None:
    what = "a Python expression" if mode == "eval" else "Python"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<lesson>", mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        place = _place_in(doc, where, max(error.lineno or 1, 1), max(error.offset or 1, 1))
        _fail(path, place, f"this is not {what} ({error.msg}); correct the code")
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        reason = str(error) or type(error).__name__
        _fail(path, doc.values[where], f"Python cannot compile this code ({reason}); simplify it")


def _place_in(doc: Document, where: document.Where, line: int, column: int) -> Place:
    """The file's place of a 1-based line and column inside the text at `where`."""
    start = doc.values[where]
    text: Any = doc.data
    for part in where:
        text = text[part]
    rows = text.split("\n")
    if start.style == "|" and start.line + line < len(doc.lines) and line <= len(rows):
        written = doc.lines[start.line + line]
        if written.endswith(rows[line - 1]):
            return Place(start.line + line, len(written) - len(rows[line - 1]) + column - 1)
    if start.style not in {"|", ">"} and len(rows) == 1:
        return Place(start.line, start.column + bool(start.style) + column - 1)
    return start
