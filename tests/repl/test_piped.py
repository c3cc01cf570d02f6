"""Behind a pipe: statements in, text out, no terminal anywhere."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from repl_environment import COMMAND, environment

from tutor.language import use_language
from tutor.session.refusals import retold


def test_code_notes_output_results_and_tables_as_text(piped):
    done = piped(
        "import torch\n"
        "x = torch.arange(6.).reshape(2, 3)\n"
        "y = x.t()\n"
        "for i in range(2):\n"
        "    print('row', i)\n"
        "y[0, 0] = 9\n"
        "print('한국어', end='')\n"
        "x.sum()\n"
        "w = torch.ones(3, requires_grad=True); loss = (x @ w).sum()\n"
        ":table\n:storage\n:graph loss\n"
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert "y = x.t()                               A [3, 2] f32 view of x" in lines
    at = lines.index("for i in range(2):")
    assert lines[at : at + 4] == ["for i in range(2):", "    print('row', i)", "row 0", "row 1"]
    assert lines[lines.index("print('한국어', end='')") + 1] == "한국어"
    assert lines[lines.index("x.sum()") + 1] == "tensor(24.)"
    assert "    w = torch.ones(3, requires_grad=True)  B [3] f32 leaf" in lines
    assert "    loss = (x @ w).sum()                C [] f32 ← Sum" in lines
    assert "x and y share memory" in lines
    assert any(line.split()[:4] == ["A", "y", "[3,", "2]"] for line in lines)
    assert any(line.startswith("y       ━") for line in lines)
    assert any("AccumulateGrad  B w [3]" in line for line in lines)
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_errors_say_where_and_why_and_the_rest_goes_on(piped):
    done = piped(
        "import torch\n\nx = torch.ones(2, 3).t()\nx.view(6)\nx = = 1\nundefined\nprint('still here')\n"
    )
    assert "RuntimeError at line 4: view size is not compatible" in done.stdout
    assert "    Why: `x` cannot be viewed as [6]" in done.stdout
    assert "    Instead:\n        x.reshape(6)" in done.stdout
    assert "SyntaxError at line 5: invalid syntax\n    x = = 1\n" in done.stdout
    assert "NameError at line 6: name 'undefined' is not defined" in done.stdout
    assert "still here" in done.stdout
    assert done.returncode == 1


def test_input_takes_the_next_line(piped):
    secret = "import getpass; len(getpass.getpass('key: '))\ngeheim\n"
    done = piped(secret + "name = input('이름? ')\n철수\nprint('hello', name)\nlast = input()\n")
    assert "key: \n6\n" in done.stdout
    assert "geheim" not in done.stdout
    assert "이름? 철수\n" in done.stdout
    assert "hello 철수\n" in done.stdout
    assert "EOFError" in done.stdout


@pytest.mark.parametrize("changes", [{}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_hostile_output_does_nothing_to_a_terminal(piped, changes):
    done = piped(
        r"print('\x1b[2J\x1b[31mred\x1b[0m\x1b]0;title\x07', '\x9b31m', '\a\x00\u202e', 'end')" + "\n"
        r"class Evil:" + "\n"
        r"    __repr__ = lambda self: '\x1b[2Jrepr\x1b]52;c;aGk=\x07'" + "\n"
        "Evil()\n"
        r"raise ValueError('\x1b[2Jmessage')" + "\n"
        r"import warnings; warnings.warn('\x1b[2Jcareful')" + "\n"
        r"answer = input('\x1b[2Jasked ')" + "\n"
        "\x1b[2Janswer\n",
        **changes,
    )
    assert not set(done.stdout) & {"\x1b", "\x07", "\x00", "\x9b", "\u202e"}
    for word in ("red", "end", "repr", "message", "careful", "asked", "answer"):
        assert word in done.stdout


def test_a_file_runs_first_and_then_what_is_piped(piped, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("# what it does\nx = 20\n\ndef f():\n    return x\n\nfor i in range(2):\n    x += 1\n")
    done = piped("f() + 20\n", str(script))
    assert done.returncode == 0
    assert "# what it does\nx = 20\ndef f():\n    return x\nfor i in range(2):\n    x += 1\n" in done.stdout
    assert "f() + 20\n42\n" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.py", None, "No such file"),
        ("lesson.yaml", b"schema: 1", "lesson.yaml --plain` opens it"),
        ("latin.py", b"x = '\xe9'", "not Python source"),
    ],
)
def test_a_file_that_cannot_run_is_refused_in_one_sentence(piped, tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = piped("", str(tmp_path / name))
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_device_is_told_once(piped):
    done = piped("x = 1\ny = 2\n", "--device", "cuda:63")
    assert done.returncode == 2
    assert done.stderr.startswith("There is no device `cuda:63` here")
    use_language("ko")
    try:
        assert retold(done.stderr.strip()).startswith("여기에는 `cuda:63` 장치가 없습니다")
    finally:
        use_language("en")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_death_is_told_and_restart_brings_a_kernel_back(piped):
    done = piped("x = 1\nimport os; os._exit(3)\nx\n:restart\n'x' in dir()\n")
    assert "The kernel ended itself with exit status 3 at line 2" in done.stdout
    assert "There is no kernel to run this: :restart starts one." in done.stdout
    assert done.stdout.endswith("'x' in dir()\nFalse\n")
    assert done.returncode == 1


def test_output_comes_while_the_code_runs(tmp_path):
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=environment(tmp_path),
    ) as process:  # fmt: skip
        process.stdin.write("import time; print('first'); time.sleep(600)\n")
        process.stdin.flush()
        assert process.stdout.readline() == "import time; print('first'); time.sleep(600)\n"
        assert process.stdout.readline() == "first\n"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "Stopped.\n"
        assert process.wait(30) == 130
        assert time.monotonic() - began < 10


def test_an_interrupt_between_two_inputs_ends_it_with_a_sentence_and_without_a_kernel(tmp_path):
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        env=environment(tmp_path),
    ) as process:  # fmt: skip
        process.stdin.write("import os; print(os.getpid())\nfor i in range(3):\n")
        process.stdin.flush()
        process.stdout.readline()
        kernel = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stdout.read() == "Stopped.\n"
        assert process.stderr.read() == ""
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)


def test_code_that_cannot_be_stopped_is_ended(tmp_path):
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=environment(tmp_path),
    ) as process:  # fmt: skip
        process.stdin.write("import time; print('on', flush=True); sum(range(10**12))\n")
        process.stdin.flush()
        while process.stdout.readline() != "on\n":
            pass
        process.send_signal(signal.SIGINT)
        assert "SIGKILL" in process.stdout.read()
        assert process.wait(30) == 130


def test_a_reader_that_goes_away_ends_it(tmp_path):
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path),
    ) as process:  # fmt: skip
        process.stdin.write(b"for i in range(10**9): print(i)\n\n1\n")
        process.stdin.flush()
        os.read(process.stdout.fileno(), 100)
        process.stdout.close()
        assert process.wait(30) == 1
        assert b"Traceback" not in process.stderr.read()


def test_a_backward_pass_is_replayed_as_text_and_the_record_switched_off(piped):
    done = piped(
        "import torch\n"
        "w = torch.tensor([1., 2.], requires_grad=True)\n"
        ":replay\n"
        "(w * w).sum().backward()\n"
        ":replay\n"
        ":replay off\n"
        "(w * 5).sum().backward()\n"
        ":replay\n"
        ":replay perhaps\n"
    )
    assert "No backward pass was recorded yet." in done.stdout
    assert done.stdout.count("MulBackward0\n") == 2  # the last recorded one is shown again
    assert "w.grad was None, is [2. 4.]" in done.stdout
    assert "Backward passes are no longer recorded." in done.stdout
    assert "5. 5." not in done.stdout
    assert "Write it so: :replay, :replay on, or :replay off" in done.stdout


def test_the_idea_behind_what_was_explained(piped):
    code = "import torch\nx = torch.arange(6.).view(2, 3).t()\nx.view(6)\n"
    told = piped(code + ":why\n:explain second-backward\n").stdout
    assert "A view needs strides that describe its shape" in told
    assert told.index("RuntimeError") < told.index("A view needs strides")
    assert "Backward uses up the graph" in told


def test_why_with_nothing_explained_and_rules_that_are_none(piped):
    done = piped(":why\n:explain\n:explain view_sizes\n:explain nothing at all like it\n")
    assert "Nothing was explained yet." in done.stdout
    assert re.search(r"^second-backward +Backward uses up the graph$", done.stdout, re.MULTILINE)
    assert "There is no rule view_sizes: did you mean view-size" in done.stdout
    assert done.returncode == 1


def test_what_ran_is_written_to_a_file_once(piped, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    done = piped(
        f"a = 41 + 1\na.nothing\n:export {path}\n:export {path}\n:export {tmp_path}/mine.txt\n:progress\n"
    )
    text = path.read_text()
    assert "a = 41 + 1" in text
    assert "try:\n    a.nothing\n" in text
    said = " ".join(done.stdout.split())
    assert "is there already" in said
    assert "neither .py nor .ipynb" in said
    assert "No predictions yet." in done.stdout


def test_an_interrupt_that_the_code_does_not_mind_ends_it_with_the_sentence(tmp_path):
    code = (
        "import time\ntry:\n    print('on', flush=True); time.sleep(600)\n"
        "except KeyboardInterrupt: print('so?')\n\n2 + 2\n"
    )
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=environment(tmp_path),
    ) as process:  # fmt: skip
        process.stdin.write(code)
        process.stdin.flush()
        while process.stdout.readline() != "on\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stdout.read() == "so?\nStopped.\n"
