"""The JSON Schema of lesson files: editors complete and underline by it; the loader knows more.

It is kept beside the lessons as `lesson.schema.json`, and the first line of each lesson names it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tutor.course.claims import DTYPES, FAILURES
from tutor.course.schema import Lesson

FILE = "lesson.schema.json"
#: What the YAML language server, and with it most editors, takes for the name of the schema.
FIRST_LINE = f"# yaml-language-server: $schema={FILE}"

#: What an editor says of a key, in whatever part of a lesson it stands.
_KEYS = {
    "id": "Permanent: progress is kept under it. Lower-case letters, digits and hyphens.",
    "kind": "read, run, predict, quiz, exercise, fix or parsons.",
    "title": "What the lesson is called in lists, in one line.",
    "track": "The heading under which the lesson is listed.",
    "requires": "Versions that the lesson is for, such as `torch: '>=2.4'`.",
    "seed": "Given to torch.manual_seed before each step; a proof also tries the next one.",
    "device": "What the lesson needs: any, sim (simulated accelerators) or cuda.",
    "setup": "Code that runs, unseen, in the empty namespace of every step: imports, data.",
    "prompt": "Markdown, shown above the code. Lines of at most 68 columns, headed by `# …`.",
    "after": "Markdown, shown once the step is done. Say only what the run has shown.",
    "code": "What stands in the editor. Lines of at most 45 columns, so that notes fit beside them.",
    "starter": "What the editor starts with; `____` marks what is to be filled in.",
    "ask": "What the learner predicts before running.",
    "labels": "What the learner reads for each choice, where its value says too little.",
    "form": "What the learner types instead of choosing: a shape, number, boolean or text, or `raises X`.",
    "distractors": "Lines that belong to no right answer, shuffled in among the solution's.",
    "expr": "Python, evaluated after the code: its value is the answer.",
    "choices": "What the learner chooses among; all of them must differ.",
    "answer": "The right choice, counted from 0.",
    "why": "Said when this is chosen.",
    "checks": "All of them must hold for the answer to be accepted.",
    "hints": "Shown one at a time, from a nudge to nearly the answer.",
    "solution": "One right answer; shown only when it is asked for.",
    "accepts": "Other right answers, at least two: they prove that the checks do not ask for too much.",
    "mistakes": "Wrong answers, at least two: they prove that the checks catch them.",
    "fails": "The fact that this mistake fails on.",
    "needs": "Earlier exercises whose solutions this step builds on.",
    "raises": "The code is meant to end with this exception.",
    "var": "The variable, or expression, that these facts are about.",
    "else": "Said instead of the general sentence when this item fails.",
    "any": "At least one of these items must hold.",
    "not": "This item must not hold.",
    "exists": "The variable is there.",
    "shape": "Sizes; a name stands for the same size wherever it is written.",
    "equals": "Equal in shape and values to this; text is a Python expression.",
    "close": "As `equals`, within tolerances.",
    "shares_memory": "Some element lies in memory that this one has too.",
    "same_storage": "Both have one storage.",
    "is_view_of": "A view of this, as autograd counts views.",
    "unchanged": "Still the setup's object, and nobody wrote to its memory.",
    "mutated_in_place": "Its memory was written, and the name still stands for it.",
    "depends_on": "The graph behind it leads to these.",
    "grad": "Its .grad is close to this.",
    "graph_freed": "Whether backward has freed the graph behind it.",
    "uses": "Names, attributes or syntax that the code has.",
    "avoids": "Names, attributes or syntax that the code has not.",
    "rerun": "Variables and other numbers for them: run again so, the code leaves what the solution does.",
    "cases": "A function of the learner's against a reference, on fresh inputs.",
    "py": "Python that raises AssertionError where the answer is wrong; for what no fact can say.",
}


def lesson_schema() -> dict[str, Any]:
    """The schema as plain data, in the draft that editors know best."""
    schema = msgspec.json.schema(Lesson)
    for name, part in schema["$defs"].items():
        part["title"] = name
        if "description" in part:
            part["description"] = re.sub(r"\s+", " ", part["description"])
        for key, value in part.get("properties", {}).items():
            part["properties"][key] = _described(key, value)
            if key == "fails":
                value["enum"] = sorted(FAILURES)
            elif key == "requires":
                part["properties"][key] = _described(key, _of_torch_alone(value))
            elif key == "dtype":
                value["enum"] = [prefix + dtype for prefix in ("", "torch.") for dtype in sorted(DTYPES)]
    found: dict[str, Any] = _portable(schema)
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "A lesson of torchtutor", **found}


def schema_text() -> str:
    """The content of `lesson.schema.json`."""
    return msgspec.json.format(msgspec.json.encode(lesson_schema()), indent=2).decode() + "\n"


def _of_torch_alone(value: dict[str, Any]) -> dict[str, Any]:
    """`requires` as the loader takes it: a dictionary that has one name only."""
    version = value.pop("additionalProperties")
    return {**value, "properties": {"torch": version}, "additionalProperties": False}


def _described(key: str, value: dict[str, Any]) -> dict[str, Any]:
    if key not in _KEYS:
        return value
    if "$ref" in value:  # beside a reference, draft 7 reads nothing
        return {"allOf": [value], "description": _KEYS[key]}
    value["description"] = _KEYS[key]
    return value


def _portable(value: Any) -> Any:
    """Regular expressions as JavaScript reads them too: it has no `\\Z`."""
    if isinstance(value, dict):
        return {
            key: each.replace(r"\Z", "$") if key == "pattern" and isinstance(each, str) else _portable(each)
            for key, each in value.items()
        }
    return [_portable(each) for each in value] if isinstance(value, list) else value
