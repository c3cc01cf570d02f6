"""A lesson, or what was run in a session, as cells of prose and code that need nothing but torch."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from textwrap import dedent, indent
from typing import Literal

from msgspec import Struct

from tutor.course.predictions import read_raised
from tutor.course.ran import Ran
from tutor.course.schema import (
    FixStep,
    Graded,
    Lesson,
    ParsonsStep,
    PredictStep,
    QuizStep,
    ReadStep,
    RunStep,
    Step,
)
from tutor.course.store.records import TranscriptEntry
from tutor.course.walk import needed_steps
from tutor.translation import later, say, translated

#: The accelerator where there is one: torchtutor gives learners this name.
_DEVICE = 'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")'

_FUTURE = re.compile(r"\s*from __future__ import [\w, ]+(#.*)?\s*\Z")

_DEVICES = {"sim": later("accelerators, which torchtutor simulates"), "cuda": later("a CUDA device")}


class Cell(Struct, frozen=True):
    """Markdown, or Python."""

    kind: Literal["text", "code"]
    text: str


# ── lessons ──────────────────────────────────────────────────────────────────


def lesson_cells(lesson: Lesson, own: Mapping[str, str] | None = None) -> list[Cell]:
    """A lesson's prose and code; `own` has the learner's code by the ids of steps, where it is to stand
    instead of the lesson's."""
    answers = own or {}
    sources = [lesson.setup, *(answers.get(step.id, _code_of(step)) for step in lesson.steps)]
    opening = ["import torch", *([_DEVICE] if _uses(sources, "device") else []), lesson.setup.strip()]
    cells = [Cell("text", _heading(lesson)), Cell("code", _joined(opening))]
    for step in lesson.steps:
        cells += _step_cells(lesson, step, answers.get(step.id))
    return _in_time([cell for cell in cells if cell.text.strip()])


def _heading(lesson: Lesson) -> str:
    wanted = lesson.requires.get("torch", "")
    needs = [f"torch {wanted}"] if wanted else []
    if lesson.device in _DEVICES:
        needs.append(translated(_DEVICES[lesson.device]))
    text = f"# {lesson.title}\n\n{say('A lesson of torchtutor, to be run from the top to the end.')}"
    if not needs:
        return text
    both = say("{some} and {other}", some=needs[0], other=needs[1]) if len(needs) == 2 else needs[0]
    return f"{text} {say('It needs {what}.', what=both)}"


def _step_cells(lesson: Lesson, step: Step, own: str | None) -> list[Cell]:
    cells = [Cell("text", _prompt(step))]
    code = own if own is not None else _code_of(step)
    if own is not None and _tree(own) is None:
        return [*cells, _no_python(own.strip("\n"))]
    if isinstance(step, Graded):
        cells.append(Cell("text", f"*{say('Your answer:') if own is not None else say('One answer:')}*"))
    lines = []
    if code.strip() or _question(step):
        lines = [f"torch.manual_seed({lesson.seed})"]
        if not _only_imports(lesson.setup):
            lines.append(lesson.setup.strip())
        lines += [needed.solution.strip() for needed in needed_steps(lesson, step)]
    asked = f"print({_question(step)})" if _question(step) else ""
    if _expects_error(step):
        lines.append(guarded(_joined([code.strip("\n"), asked])))
    else:
        lines += [code.strip("\n"), asked]
    cells.append(Cell("code", _joined(lines)))
    if not isinstance(step, ReadStep):
        cells.append(Cell("text", _lower(step.after)))
    return cells


def _code_of(step: Step) -> str:
    return step.solution if isinstance(step, Graded) else step.code


def _expects_error(step: Step) -> bool:
    """Whether the code may end with an error that is the point, and does not catch it itself."""
    if isinstance(step, PredictStep) and step.raises is None:
        speaks = step.ask.form is not None or any(map(read_raised, step.ask.offered))
        tree = _tree(step.code)
        return speaks and tree is not None and not any(isinstance(node, ast.Try) for node in ast.walk(tree))
    return isinstance(step, RunStep | PredictStep) and step.raises is not None


def _question(step: Step) -> str:
    """The expression whose value is the answer."""
    if isinstance(step, PredictStep):
        return step.ask.expr
    return step.expr or "" if isinstance(step, QuizStep) else ""


def _prompt(step: Step) -> str:
    text = _lower(step.prompt).rstrip()
    if isinstance(step, FixStep | ParsonsStep):
        text += f"\n\n```python\n{step.code.strip()}\n```"
    if isinstance(step, PredictStep):
        text += "\n\n" + "\n".join(map(_choice, step.ask.offered, step.ask.shown))
    if isinstance(step, QuizStep):
        text += "\n\n" + "\n".join(f"- {option.text}" for option in step.options)
        if step.answer is not None:
            right = step.options[step.answer]
            text += f"\n\n*{say('Answer:')}* {right.text}. {right.why}".rstrip()
    return text


def _lower(text: str) -> str:
    """Headings one step down: the lesson's own stands above them."""
    return re.sub(r"^(?=#{1,5} )", "#", text, flags=re.MULTILINE)


def _choice(value: object, label: str) -> str:
    """What the run prints for a choice, and what the learner reads for it where that is more."""
    printed = str(value)
    return f"- `{printed}`" if label in (printed, repr(value)) else f"- `{printed}`: {label}"


# ── sessions ─────────────────────────────────────────────────────────────────


def ran(entry: TranscriptEntry) -> Ran:
    """What a transcript says of one run."""
    error = next((text for kind, text in entry.remarks if kind == "error"), "")
    return Ran(entry.source, error, entry.place, afresh=entry.mark == "▸" and "/" in entry.place)


def session_cells(runs: Sequence[Ran], lessons: Mapping[str, Lesson]) -> list[Cell]:
    """What was run, in its order. `lessons` are those that it ran in, by id: their setups come along."""
    pieces = (
        say("1 piece of code, in the order in which they ran.")
        if len(runs) == 1
        else say("{count} pieces of code, in the order in which they ran.", count=len(runs))
    )
    text = f"# {say('A session of torchtutor')}\n\n{pieces}"
    sources = [each.source for each in runs]
    opening = ["import torch", *([_DEVICE] if _uses(sources, "device") else [])]
    cells = [Cell("text", text), Cell("code", _joined(opening))]
    place = ""
    for each in runs:
        before = _before(each.place, lessons)
        if each.place != place and len({one.place for one in runs}) > 1:
            cells.append(Cell("text", f"## {each.place}"))
        if before and (each.place != place or each.afresh):
            cells.append(Cell("code", before))
        place = each.place
        cells.append(_ran_cell(each))
    return _in_time(cells)


def _before(place: str, lessons: Mapping[str, Lesson]) -> str:
    """What had run in the namespace before the learner's code."""
    name, _, step_id = place.partition("/")
    lesson = lessons.get(name)
    if lesson is None:
        return ""
    step = next((each for each in lesson.steps if each.id == step_id), None)
    needed = [each.solution.strip() for each in needed_steps(lesson, step)]
    return _joined([f"torch.manual_seed({lesson.seed})", lesson.setup.strip(), *needed])


def _ran_cell(each: Ran) -> Cell:
    source = each.source.strip("\n")
    if _tree(source) is None:
        return _no_python(source)
    return Cell("code", guarded(source) if each.error else source)


def _no_python(source: str) -> Cell:
    return Cell("text", f"{say('This was no Python:')}\n\n```python\n{source}\n```")


def _in_time(cells: Sequence[Cell]) -> list[Cell]:
    """Imports from `__future__` where Python takes them: before all other code of a file, and of a cell."""
    found: dict[str, None] = {}
    rest = []
    for cell in cells:
        text = cell.text
        if cell.kind == "code" and "__future__" in text:
            lines = text.split("\n")
            for line in filter(_FUTURE.match, lines):
                found[line.strip()] = None
            text = "\n".join(line for line in lines if not _FUTURE.match(line))
        if text.strip():
            rest.append(Cell(cell.kind, text))
    opening = next((n for n, cell in enumerate(rest) if cell.kind == "code"), 0)
    return [*rest[:opening], *([Cell("code", "\n".join(found))] if found else []), *rest[opening:]]


# ── code ─────────────────────────────────────────────────────────────────────


def guarded(source: str) -> str:
    """Code that goes on where `source` raises, and prints what was raised."""
    name = "error" if not re.search(r"\berror\b", source) else "caught"
    caught = f'except (Exception, SystemExit) as {name}:\n    print(f"{{type({name}).__name__}}: {{{name}}}")'
    tree = _tree(source)
    if tree is not None and not _has_long_strings(tree):
        return f"try:\n{indent(dedent(source).strip(chr(10)), '    ')}\n{caught}"
    # Indenting would change the text inside of strings of several lines.
    return f"try:\n    exec({source!r})\n{caught}"


def compiles(source: str) -> bool:
    """Whether this is a plain script; code of notebooks may also await at its top level."""
    return _compiles(source, 0)


def _compiles(source: str, flags: int) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are the learner's, who has seen them
            compile(source, "<cell>", "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _tree(source: str) -> ast.Module | None:
    """The code of a cell; None for what no cell may have, such as `return` outside of a function."""
    if not _compiles(source, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
        return None
    tree = compile(
        source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
    )
    assert isinstance(tree, ast.Module)
    return tree


def _has_long_strings(tree: ast.Module) -> bool:
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Constant)]
    return any(node.end_lineno != node.lineno for node in texts)


def _only_imports(source: str) -> bool:
    tree = _tree(source)
    return tree is not None and all(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body)


def _uses(sources: Iterable[str], name: str) -> bool:
    """Whether some source reads `name`, and none gives it a value."""
    nodes = [node for source in sources for node in ast.walk(_tree(source) or ast.Module([], []))]
    names = [node for node in nodes if isinstance(node, ast.Name) and node.id == name]
    return bool(names) and not isinstance(names[0].ctx, ast.Store)


def _joined(parts: Iterable[str]) -> str:
    """The parts below each other; torch is imported once, at the top."""
    lines = [part for part in parts if part.strip()]
    if lines and lines[0] == "import torch":
        rest = [re.sub(r"^import torch$\n?", "", part, flags=re.MULTILINE) for part in lines[1:]]
        lines = [lines[0], *(part.strip("\n") for part in rest if part.strip())]
    return "\n".join(lines)
