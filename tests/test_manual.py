"""Help and complaints of the command line: all of it Korean where that is asked for, else as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from tests.english import english_in
from tutor.cli import main
from tutor.language import use_language
from tutor.session.death import describe_death
from tutor.session.refusals import retold

COMMANDS = ["", *main.commands]


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    use_language("en")


def told(*args: str, **environment: str) -> str:
    return CliRunner(env=environment).invoke(main, args, prog_name="torchtutor").output


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_is_korean(command: str) -> None:
    use_language("en")
    args = [command] if command else []
    english = told(*args, "--help", TORCHTUTOR_LANG="en")
    korean = told(*args, "--help", TORCHTUTOR_LANG="ko")
    assert english_in(english)
    assert english_in(korean) == []
    assert "사용법: torchtutor" in korean
    assert told("--lang", "ko", *args, "--help") == korean
    assert told(*args, "--help", TORCHTUTOR_LANG="en") == english


def test_a_line_of_help_takes_at_most_80_columns() -> None:
    from rich.cells import cell_len

    for command in COMMANDS:
        text = told(*([command] if command else []), "--help", TORCHTUTOR_LANG="ko", COLUMNS="80")
        assert max(map(cell_len, text.split("\n"))) <= 80


COMPLAINTS = [
    "--nosuch --lang ko",
    "nosuch --lang ko",
    "repl --nosuch --lang ko",
    "--device x --lang ko",
    "--memory --lang=ko",
    "inspect --nosuch --lang ko",
    "--nosuch --lang ko lessons",
]


def test_a_language_that_is_asked_for_behind_help_is_heard() -> None:
    assert "사용법:" in told("lessons", "--help", "--lang", "ko")
    assert "사용법:" in told("--device", "cpu", "--help", "--lang=ko")
    for complained in COMPLAINTS:
        assert "오류:" in told(*complained.split(), TORCHTUTOR_LANG="en"), complained
    assert "오류:" not in told("inspect", "nosuch.py", "--", "--lang", "ko", TORCHTUTOR_LANG="en")
    assert "Error:" in told("--nosuch", "check", "--lang", "ko", TORCHTUTOR_LANG="en")
    # There it says which translation is checked.
    assert "Usage:" in told("check", "--help", "--lang", "ko", TORCHTUTOR_LANG="en")


@pytest.mark.parametrize(
    "wrong",
    [
        "nosuch",
        "inspecd a.py",
        "lesson",
        "lessons more",
        "lessons more x",
        "inspect a.py --jsn",
        "graph a.py --format png",
        "graph a.py --name",
        "translate",
        "translate --lang fr",
        "lessons --lang fr",
        "check --watch=3",
        "lesson x --device gpu",
        "lesson x --memory much",
        "repl a.py",
        "lesson x",
        "inspect nosuch.py",
        "new Wrong!",
        "explain nosuch",
        "export nosuch",
        "progress --json --export x",
    ],
)
def test_a_complaint_is_korean(wrong: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCHTUTOR_HOME", str(tmp_path))
    said = told(*wrong.split(), TORCHTUTOR_LANG="ko")
    assert re.search("[가-힣]", said)
    # What the system says of a file is its own.
    assert english_in(said.replace("No such file or directory", "")) == []


def test_how_a_kernel_died_or_would_not_start_is_korean() -> None:
    use_language("ko")
    for status in (3, -6, -9, -11, -62):
        for line in (None, 2):
            assert english_in(describe_death(status, line)) == []
    sentence = (
        "There is no device `cuda:9` here; this torch (2.13) sees cpu: choose one of these with --device, "
    )
    assert english_in(retold(sentence + "or the simulated one, `sim`.")) == []
    assert retold("Another sentence of a kernel.") == "Another sentence of a kernel."


def test_english_help_reads_no_catalog() -> None:
    code = (
        "import sys; from tutor.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print({'yaml', 'rich', 'textual', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")
