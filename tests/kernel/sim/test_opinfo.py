"""torch's own samples of every operator come out on the device as on the CPU, but for named exceptions."""

from __future__ import annotations

import pytest

from benchmarks.simulated import PAGE, run, unexpected
from benchmarks.simulation.exceptions import EXCEPTIONS

#: The first samples of each operator; `python -m benchmarks.simulated` runs all.
SAMPLES = 2


@pytest.fixture(scope="module")
def outcomes():
    return list(run(SAMPLES))


@pytest.mark.slow
def test_results_and_gradients_are_the_cpus_to_the_last_bit(outcomes):
    assert list(unexpected(outcomes)) == []
    equal = [each for each in outcomes if each.verdict == "equal"]
    assert len({each.operator for each in equal if each.way == "forward"}) > 500
    assert len({each.operator for each in equal if each.way == "gradient"}) > 400


@pytest.mark.slow
def test_every_named_exception_is_one_and_is_in_the_page(outcomes):
    page = PAGE.read_text("utf-8")
    for verdict, (reason, names) in EXCEPTIONS.items():
        there = {each.operator for each in outcomes}
        assert {each.operator for each in outcomes if each.verdict == verdict} == names & there
        assert reason in page
        assert [name for name in names if f"`{name}`" not in page] == []
