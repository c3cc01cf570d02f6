"""`python -m tutor.assist.lookup`: documentation by static analysis, one question on standard input."""

from __future__ import annotations

import sys

import msgspec


class Question(msgspec.Struct, frozen=True):
    """What is named in `source` just before `column` (0-based) of `line` (1-based)?"""

    source: str
    line: int
    column: int


class Found(msgspec.Struct, frozen=True):
    """Empty where nothing is known."""

    signature: str = ""
    text: str = ""


def look_up(question: Question) -> Found:
    """Ask jedi, which reads the sources that an import would load."""
    import jedi
    from jedi.api.environment import InterpreterEnvironment

    script = jedi.Script(question.source, environment=InterpreterEnvironment())
    for name in script.help(question.line, max(0, question.column - 1)):
        signatures = [signature.to_string() for signature in name.get_signatures()]
        text = name.docstring(raw=True)
        if signatures or text:
            return Found(signatures[0] if signatures else f"{name.type} {name.full_name or name.name}", text)
    return Found()


def main() -> None:
    """Answer, with nothing where jedi fails: it may on code that is not finished."""
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    try:
        found = look_up(question)
    except Exception:
        found = Found()
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
