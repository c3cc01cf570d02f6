"""Cells run statement by statement, as a person at a Python prompt would expect."""

from __future__ import annotations

import sys

import pytest

from tutor.session import InputAsked, StepFinished, StepStarted


def test_each_statement_is_a_step_with_its_own_output_and_lines(driver):
    run = driver.run("""\
        print("one")
        for i in range(2):
            print(i)
        x = 3; y = 4
        """)
    assert [(s.line, s.end_line, s.stdout) for s in run.steps] == [
        (1, 1, "one\n"), (2, 3, "0\n1\n"), (4, 4, ""), (4, 4, ""),
    ]  # fmt: skip
    assert [s.source for s in run.steps[2:]] == ["x = 3", "y = 4"]
    assert run.ok


def test_a_step_is_announced_before_it_runs_and_told_after_its_output(driver):
    driver.run("a = 1\nb = 2")
    kinds = [type(event) for event in driver.events if isinstance(event, StepStarted | StepFinished)]
    assert kinds == [StepStarted, StepFinished] * 2


def test_only_the_trailing_expression_is_displayed_in_a_cell(driver):
    run = driver.run("1 + 1\n2 + 2\n'x' * 3")
    assert [s.result for s in run.steps] == [None, None, "'xxx'"]


def test_none_is_not_displayed(driver):
    assert driver.run("None").steps[0].result is None


def test_a_failing_repr_is_a_sentence_and_not_an_error(driver):
    run = driver.run("""\
        class Odd:
            def __repr__(self): raise ValueError("no")
        Odd()
        """)
    assert run.ok
    assert "Odd" in run.steps[-1].result
    assert "ValueError" in run.steps[-1].result


def test_a_huge_display_is_bounded_and_says_what_is_missing(driver):
    result = driver.run("'a' * 10_000_000").steps[0].result
    assert len(result) < 30_000
    assert "characters not shown" in result


def test_top_level_await_and_async_for(driver):
    run = driver.run("""\
        import asyncio
        async def numbers():
            for i in range(3):
                await asyncio.sleep(0)
                yield i
        got = []
        async for n in numbers():
            got.append(n)
        await asyncio.sleep(0.01, "slept")
        """)
    assert run.ok
    assert run.steps[-1].result == "'slept'"
    assert driver.value("got") == [0, 1, 2]


def test_tasks_live_from_cell_to_cell(driver):
    driver.run("""\
        import asyncio
        async def begin():
            return asyncio.create_task(asyncio.sleep(0.01, "done"))
        task = await begin()
        """)
    assert driver.run("await task").steps[0].result == "'done'"


def test_a_future_import_stays_on_for_later_cells(driver):
    driver.run("from __future__ import annotations")
    run = driver.run("def f(x: no_such_name): return 1\nf.__annotations__")
    assert run.ok
    assert run.steps[-1].result == "{'x': 'no_such_name'}"


def test_source_of_functions_and_classes_is_there(driver):
    driver.run("""\
        import inspect
        def double(x):
            return 2 * x  # twice
        class Model:
            size = 3
        """)
    driver.run("""\
        class Model:
            size = 4  # the newer one
        """)
    assert "# twice" in str(driver.value("inspect.getsource(double)"))
    assert "# the newer one" in str(driver.value("inspect.getsource(Model)"))
    assert "size = 3" not in str(driver.value("inspect.getsource(Model)"))


def test_an_error_names_the_line_and_the_steps_before_it_stand(driver):
    run = driver.run("""\
        def f(n):
            return 1 / n

        a = 1
        f(0)
        b = 2
        """)
    assert run.error.type == "ZeroDivisionError"
    assert run.error.line == 2
    assert [s.error is None for s in run.steps] == [True, True, False]
    assert driver.value("a") == 1
    assert "tutor" not in run.error.traceback


def test_a_syntax_error_runs_nothing(driver):
    run = driver.run("x = 1\nx = = 2")
    assert run.steps == ()
    assert (run.error.type, run.error.line) == ("SyntaxError", 2)
    assert driver.value("'x' in globals()") is False


@pytest.mark.parametrize("code", ["return 1", "def f():\n    break", "a\x00b", "(" * 500 + ")" * 500])
def test_whatever_cannot_compile_is_an_error_of_the_run(driver, code):
    run = driver.run(code)
    assert not run.ok
    assert run.steps == ()


def test_a_recursion_error_has_a_short_traceback(driver):
    run = driver.run("def f(): return f()\nf()")
    assert run.error.type == "RecursionError"
    assert len(run.error.traceback.splitlines()) < 120


def test_an_exception_whose_str_raises_is_told_all_the_same(driver):
    run = driver.run("""\
        class Mean(Exception):
            def __str__(self): raise SystemExit
        raise Mean
        """)
    assert run.error.type == "Mean"
    assert driver.run("1").ok


def test_system_exit_ends_the_run_and_not_the_kernel(driver):
    run = driver.run("import sys\nsys.exit(3)\nx = 1")
    assert run.error.type == "SystemExit"
    assert driver.run("1 + 1").ok


def test_input_asks_the_session_and_gets_the_answer(driver):
    asked = lambda event: isinstance(event, InputAsked)  # noqa: E731
    run = driver.run_and("name = input('who? ')", lambda s: s.reply("김"), asked)
    assert run.ok
    assert driver.value("name") == "김"
    assert driver.of(InputAsked)[0].prompt == "who? "


def test_getpass_asks_the_session_for_an_answer_that_is_not_shown(driver):
    asked = lambda event: isinstance(event, InputAsked)  # noqa: E731
    code = "from getpass import getpass\nkey = getpass()\nprint(len(key))"
    run = driver.run_and(code, lambda s: s.reply("비밀"), asked)
    assert (driver.value("key"), run.steps[-1].stdout) == ("비밀", "2\n")
    assert driver.of(InputAsked)[-1] == InputAsked("Password: ", hidden=True)
    run = driver.run_and("getpass('key: ')", lambda s: s.reply(None), asked)
    assert run.error.type == "EOFError"


def test_end_of_file_at_input_is_an_eof_error(driver):
    run = driver.run_and("input()", lambda s: s.reply(None), lambda e: isinstance(e, InputAsked))
    assert run.error.type == "EOFError"


def test_warnings_are_facts_with_the_learners_line_every_time(driver):
    code = """\
        import torch
        x = torch.ones(2, requires_grad=True)
        y = x * 2
        y.grad
        """
    first, second = driver.run(code), driver.run(code)
    for run in (first, second):
        (warning,) = run.steps[-1].warnings
        assert (warning.category, warning.line) == ("UserWarning", 4)
        assert "not a leaf" in warning.message


def test_a_learner_can_still_record_warnings(driver):
    driver.run("""\
        import warnings
        with warnings.catch_warnings(record=True) as seen:
            warnings.warn("hello")
        """)
    assert driver.value("str(seen[0].message)") == "hello"


def test_a_flood_of_warnings_is_bounded(driver):
    run = driver.run("import warnings\nfor i in range(5000): warnings.warn(str(i))")
    assert len(run.steps[1].warnings) <= 101
    assert "more warnings" in run.steps[1].warnings[-1].message


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_data_loader_workers_over_a_dataset_of_the_cell(driver, method):
    run = driver.run(f"""\
        import torch
        from torch.utils.data import DataLoader, Dataset
        SCALE = 10
        class Squares(Dataset):
            def __len__(self): return 6
            def __getitem__(self, i): return torch.tensor(float(SCALE * i * i))
        loader = DataLoader(Squares(), batch_size=2, num_workers=2, multiprocessing_context="{method}")
        got = [batch.tolist() for batch in loader]
        """)
    assert run.ok, run.error
    assert driver.value("got") == [[0.0, 10.0], [40.0, 90.0], [160.0, 250.0]]


def test_a_child_that_the_learner_forks_never_speaks_for_the_kernel(driver):
    run = driver.run("""\
        import os
        pid = os.fork()
        if pid == 0:
            print("child")
        else:
            os.waitpid(pid, 0)
        """)
    assert len(run.steps) == 3
    assert run.ok
    assert "child" in "".join(s.stdout for s in run.steps)
    assert driver.run("1").ok


def test_the_name_device_is_bound_and_survives_a_reset(driver):
    assert driver.value("str(device)") == driver.session.info.device


def test_reset_forgets_names_modes_and_defaults(driver):
    driver.run("""\
        import torch, builtins
        x = torch.ones(3)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        builtins.len = None
        """)
    driver.runner.run(driver.session.reset())
    assert driver.session.snapshot.tensors == {}
    run = driver.run("import torch\nt = torch.ones(2, requires_grad=True) * len('ab')\nx")
    assert run.error.type == "NameError"
    facts = run.steps[1].snapshot.tensors["t"]
    assert (facts.dtype, facts.requires_grad) == ("float32", True)


def test_the_learner_sees_the_main_module(driver):
    driver.run("import __main__, sys\nz = 5\nsame = __main__.z")
    assert driver.value("same") == 5
    assert driver.value("__name__") == "__main__"


def test_a_cell_of_many_statements_keeps_its_order(driver):
    run = driver.run("\n".join(f"print({i})" for i in range(300)))
    assert [s.stdout for s in run.steps] == [f"{i}\n" for i in range(300)]


def test_python_version_of_the_kernel_is_ours(driver):
    driver.run("import sys")
    assert driver.value("sys.version_info[:2]") == list(sys.version_info[:2])
