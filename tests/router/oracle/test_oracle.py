"""The router's answer is the one a monolith over the same data would give.

The normal run takes a fixed sample of seeds and a derandomised sample of hypothesis; `make fuzz-oracle` is the long
run. A failing seed is shrunk and reported with everything needed to repeat it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from tests.router.oracle.choices import Seeded, drawn_choices
from tests.router.oracle.comparison import Subject
from tests.router.oracle.federations import federation
from tests.router.oracle.operations import operation
from tests.router.oracle.trial import failure_of_seed, run_trial

if TYPE_CHECKING:
    from tests.router.oracle.choices import Drawn

# Seeds of the normal run, in blocks that run side by side.
SAMPLE, BLOCK = 60, 10


@pytest.mark.timeout(0)
@pytest.mark.parametrize("first", range(0, SAMPLE, BLOCK))
def test_seeded_federations_answer_like_the_monolith(first: int) -> None:
    for seed in range(first, first + BLOCK):
        failure = failure_of_seed(seed)
        assert failure is None, f"seed {seed}: {failure}"


@pytest.mark.parametrize("seed", range(24))
def test_a_subgraph_out_of_reach_costs_its_own_values_and_each_has_an_error(seed: int) -> None:
    choices = Seeded(seed)
    generated = federation(choices)
    subject = Subject.of(generated)
    drawn = operation(choices, subject.merged)
    # A mutation that fails changes what the next one sees; only queries have one right answer.
    if drawn is not None and drawn.query.startswith("query"):
        for subgraph in generated.subgraphs:
            asyncio.run(subject.check_without(drawn, subgraph))


@settings(max_examples=20, derandomize=True, deadline=None, suppress_health_check=[*HealthCheck], database=None)
@given(drawn_choices())
def test_drawn_federations_answer_like_the_monolith(choices: Drawn) -> None:
    run_trial(choices)
