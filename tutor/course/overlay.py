"""A lesson in another language: an overlay with prose only, each text beside the digest of its English."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from tutor.course.claims import Item
from tutor.course.document import Document, Place, Where
from tutor.course.errors import LessonError
from tutor.course.schema import Graded, Lesson, PredictStep, QuizChoice, QuizStep, Step
from tutor.translation import say

#: Fields of one text; the others are lists of them.
LESSON_FIELDS = ("title", "track")
SINGLE = ("prompt", "after")
LISTS = ("choices", "whys", "else", "hints")
#: Where a text belongs: the step's id, empty for the lesson itself, and the field.
Key = tuple[str, str]
Rewrite = Callable[[Key, Where, str], str]


class Text(NamedTuple):
    """A text of a lesson that a learner reads, and where it stands in the lesson's file."""

    key: Key
    where: Where
    english: str


class Entry(NamedTuple):
    """A translation: the digest of its English, the text, and where it stands in the overlay."""

    of: str
    text: str
    place: Place


Entries = dict[Key, list[Entry]]


def digest(text: str) -> str:
    """What names an English text: it changes when the text does."""
    return hashlib.sha256(text.strip().encode()).hexdigest()[:8]


def overlay_path(lesson: Path, language: str) -> Path:
    """Where the overlay of a lesson's file is."""
    return lesson.parent / language / lesson.name


# ── the texts of a lesson ────────────────────────────────────────────────────


def rewrite(lesson: Lesson, each_as: Rewrite) -> Lesson:
    """The lesson with each text that a learner reads replaced by what `each_as` makes of it."""
    steps = tuple(_step(("steps", n), step, each_as) for n, step in enumerate(lesson.steps))
    title, track = (each_as(("", name), (name,), getattr(lesson, name)) for name in LESSON_FIELDS)
    return replace(lesson, title=title, track=track, steps=steps)


def _step(where: Where, step: Step, each_as: Rewrite) -> Step:
    def one(field: str, at: Where, text: str) -> str:
        return each_as((step.id, field), (*where, *at), text) if text.strip() else text

    changed: dict[str, Any] = {"prompt": one("prompt", ("prompt",), step.prompt)}
    if isinstance(step, PredictStep):
        labels = step.ask.shown
        at = "labels" if step.ask.labels else "choices"
        said = tuple(
            one("choices", ("ask", at, n), label) if isinstance(each, str) or step.ask.labels else label
            for n, (each, label) in enumerate(zip(step.ask.offered, labels, strict=True))
        )
        if said != labels:
            changed["ask"] = replace(step.ask, labels=said)
    elif isinstance(step, QuizStep):
        changed["choices"] = tuple(_choice(n, each, one) for n, each in enumerate(step.choices))
    elif isinstance(step, Graded):
        changed["checks"] = tuple(_item(("checks", n), each, one) for n, each in enumerate(step.checks))
        changed["hints"] = tuple(one("hints", ("hints", n), hint) for n, hint in enumerate(step.hints))
    changed["after"] = one("after", ("after",), step.after)
    return replace(step, **changed)


def _choice(number: int, choice: Any, one: Callable[[str, Where, str], str]) -> Any:
    at: Where = ("choices", number)
    if isinstance(choice, str):
        said = one("choices", at, choice)
        return choice if said == choice else QuizChoice(said, value=choice)
    if not isinstance(choice, QuizChoice):
        return choice
    text = one("choices", (*at, "text"), choice.text)
    why = one("whys", (*at, "why"), choice.why)
    # The English text is what a computed answer is compared with where no value is given.
    value = choice.text if choice.value is UNSET and text != choice.text else choice.value
    return replace(choice, text=text, why=why, value=value)


def _item(at: Where, item: Any, one: Callable[[str, Where, str], str]) -> Any:
    changed: dict[str, Any] = {}
    if item.otherwise is not UNSET:
        changed["otherwise"] = one("else", (*at, "else"), item.otherwise)
    either, negated = getattr(item, "either", UNSET), getattr(item, "negated", UNSET)
    if either is not UNSET:
        changed["either"] = tuple(_item((*at, "any", n), each, one) for n, each in enumerate(either))
    if isinstance(negated, Item):
        changed["negated"] = _item((*at, "not"), negated, one)
    return replace(item, **changed) if changed else item


def texts_of(lesson: Lesson) -> list[Text]:
    """All texts of a lesson that a learner reads, step by step, each field's together."""
    found: list[Text] = []

    def note(key: Key, where: Where, text: str) -> str:
        found.append(Text(key, where, text))
        return text

    rewrite(lesson, note)
    order = {name: place for place, name in enumerate(["", *(step.id for step in lesson.steps)])}
    fields = (*LESSON_FIELDS, SINGLE[0], *LISTS, SINGLE[1])
    return sorted(found, key=lambda text: (order[text.key[0]], fields.index(text.key[1])))


# ── the overlay ──────────────────────────────────────────────────────────────


def translate(lesson: Lesson, entries: Entries) -> Lesson:
    """The lesson with every text that has a translation of just this English; the rest stays English."""
    known = {(key, each.of): each.text for key, found in entries.items() for each in found if each.text}
    return rewrite(lesson, lambda key, _, text: known.get((key, digest(text)), text))


def read_entries(path: Path, doc: Document, language: str) -> tuple[Entries, list[LessonError]]:
    """What an overlay translates, and what is wrong with the way it is written."""
    reader = _Reader(path, doc, language)
    reader.read()
    return reader.entries, reader.errors


class _Reader:
    def __init__(self, path: Path, doc: Document, language: str) -> None:
        self.entries: Entries = {}
        self.errors: list[LessonError] = []
        self._path = path
        self._doc = doc
        self._language = language

    def read(self) -> None:
        data = self._doc.data
        if not isinstance(data, dict):
            self._say(
                (), say("an overlay is a mapping that begins with `lesson:`; see `torchtutor translate`")
            )
            return
        for name, value in data.items():
            if name in LESSON_FIELDS:
                self._entry(("", name), (name,), value)
            elif name == "steps" and isinstance(value, dict):
                for step, fields in value.items():
                    self._step(step, fields)
            elif name != "lesson":
                said = say(
                    "an overlay has no `{name}` here; it has lesson, title, track and steps", name=name
                )
                self._say((name,), said)

    def _step(self, step: str, fields: Any) -> None:
        if not isinstance(fields, dict):
            said = say("`{step}` must be a mapping of fields to translations", step=step)
            self._say(("steps", step), said)
            return
        for name, value in fields.items():
            where: Where = ("steps", step, name)
            if name in SINGLE:
                self._entry((step, name), where, value)
            elif name in LISTS and isinstance(value, list):
                for number, each in enumerate(value):
                    self._entry((step, name), (*where, number), each)
            else:
                said = say(
                    "a step of an overlay has no such `{name}`; it has {texts}, and lists called {lists}",
                    name=name,
                    texts=", ".join(SINGLE),
                    lists=", ".join(LISTS),
                )
                self._say(where, said)

    def _entry(self, key: Key, where: Where, value: Any) -> None:
        language = self._language
        if not isinstance(value, dict) or set(value) != {"of", language}:
            form = f"{{of: DIGEST, {language}: TEXT}}"
            self._say(where, say("a translation is written `{form}`", form=form))
        elif not isinstance(value["of"], str):
            self._say((*where, "of"), say("a digest is text; put it in quotes"))
        elif not isinstance(value[language], str | None):
            self._say((*where, language), say("a translation is text; put it in quotes"))
        else:
            entry = Entry(value["of"], value[language] or "", self._doc.values[where])
            self.entries.setdefault(key, []).append(entry)

    def _say(self, where: Where, sentence: str) -> None:
        place = self._doc.keys.get(where, self._doc.values[where])
        self.errors.append(LessonError(self._path, place.line + 1, place.column + 1, sentence))


def gaps(
    lesson: Lesson, doc: Document, source: Path, entries: Entries, path: Path, language: str
) -> Iterator[LessonError]:
    """Every text that has no translation of its present English, and every translation of no text."""
    by_key: dict[Key, list[Text]] = {}
    for text in texts_of(lesson):
        by_key.setdefault(text.key, []).append(text)
    for key, texts in by_key.items():
        wanted = {digest(text.english): text for text in texts}
        stale = [each for each in entries.get(key, []) if each.of not in wanted]
        for of, text in wanted.items():
            if any(each.of == of and each.text.strip() for each in entries.get(key, [])):
                continue
            line = doc.values[text.where].line + 1
            if not stale:
                said = say(
                    "no {language} translation of {text} (`of: {of}`); `torchtutor translate` makes a place "
                    "for it in {path}",
                    language=language,
                    text=_name(key),
                    of=of,
                    path=path,
                )
                yield LessonError(source, line, 1, said)
                continue
            old = stale.pop(0)
            said = say(
                "stale: the English of {text} changed ({place}); translate it (`of: {of}`)",
                text=_name(key),
                place=f"{source}:{line}",
                of=of,
            )
            yield LessonError(path, old.place.line + 1, old.place.column + 1, said)
        for old in stale:
            said = say("this translates no text of {text}; remove it", text=_name(key))
            yield LessonError(path, old.place.line + 1, old.place.column + 1, said)
    for key in entries.keys() - by_key.keys():
        place = entries[key][0].place
        said = say("the lesson has no {text}; remove this translation", text=_name(key))
        yield LessonError(path, place.line + 1, place.column + 1, said)


def _name(key: Key) -> str:
    return say("`{field}` of step `{step}`", field=key[1], step=key[0]) if key[0] else f"`{key[1]}`"


# ── writing ──────────────────────────────────────────────────────────────────


def skeleton(lesson: Lesson, entries: Entries, language: str, head: str = "") -> str:
    """The overlay of a lesson: what is translated already, and a place with its English for the rest."""
    lines = [*head.splitlines(), f"lesson: {lesson.id}"]
    written: set[tuple[Key, str]] = set()
    last: Key = ("", "")
    in_steps = False
    spare = {key: list(found) for key, found in entries.items()}
    for key, _, english in texts_of(lesson):
        step, field = key
        of = digest(english)
        if (key, of) in written:
            continue
        written.add((key, of))
        if step and not in_steps:
            lines.append("steps:")
            in_steps = True
        if step and step != last[0]:
            lines.append(f"  {step}:")
        pad = "    " if step else ""
        if key != last:
            lines.append(f"{pad}{field}:")
        last = key
        indent = pad + "  "
        first = f"{indent}- " if field in LISTS else indent
        inner = " " * len(first)
        found = _take(spare.get(key, []), of, {digest(t.english) for t in texts_of(lesson) if t.key == key})
        if found is None or found.of != of or not found.text.strip():
            said = [f"stale: the English is now {of}", ""] if found and found.of != of else []
            lines += [f"{indent}# {line}".rstrip() for line in (*said, *english.strip().splitlines())]
        lines.append(f'{first}of: "{found.of if found else of}"')
        lines += _written(language, found.text if found else "", english, inner)
    return "\n".join(lines) + "\n"


def _take(spare: list[Entry], of: str, current: set[str]) -> Entry | None:
    """The translation of the English `of`, else one whose English is no more."""
    for each in spare:
        if each.of == of:
            spare.remove(each)
            return each
    for each in spare:
        if each.of not in current and each.text.strip():
            spare.remove(each)
            return each
    return None


def _written(language: str, text: str, english: str, indent: str) -> list[str]:
    rows = text.strip().split("\n")
    if len(rows) == 1 and "\n" not in english.strip():
        return [f"{indent}{language}: {json.dumps(rows[0], ensure_ascii=False)}"]
    return [f"{indent}{language}: |-", *(f"{indent}  {row}".rstrip() for row in rows if text.strip())]
