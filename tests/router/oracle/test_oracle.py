"""The router's response is that of a monolith with the same data, for generated federations and operations.

These tests use a fixed sample of seeds and a derandomised sample of Hypothesis; `make fuzz-oracle` runs many more. A
failing seed is shrunk and reported with everything that is needed to repeat it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from tests.router.oracle.choices import SeededChoices, hypothesis_choices
from tests.router.oracle.comparison import ComposedFederation
from tests.router.oracle.federation_generator import generate_federation
from tests.router.oracle.operation_generator import generate_operation
from tests.router.oracle.trial import failure_of_seed, run_trial

if TYPE_CHECKING:
    from tests.router.oracle.choices import HypothesisChoices

# The number of seeds, and how many of them one test runs; tests run in parallel.
SAMPLE, BLOCK = 60, 10


@pytest.mark.timeout(0)
@pytest.mark.parametrize("first", range(0, SAMPLE, BLOCK))
def test_responses_are_those_of_the_monolith_for_seeds(first: int) -> None:
    for seed in range(first, first + BLOCK):
        failure = failure_of_seed(seed)
        assert failure is None, f"seed {seed}: {failure}"


@pytest.mark.timeout(0)
def test_a_deferred_object_is_not_taken_for_the_object_around_it() -> None:
    """In this federation, an interface object is fetched in a deferred fragment and again for one type inside it."""
    failure = failure_of_seed(701_050_016)
    assert failure is None, failure


@pytest.mark.parametrize("seed", range(24))
def test_an_unreachable_subgraph_makes_nulls_that_have_errors(seed: int) -> None:
    choices = SeededChoices(seed)
    generated = generate_federation(choices)
    federation = ComposedFederation.of(generated)
    operation = generate_operation(choices, federation.merged)
    # Only queries: a failed mutation changes the data for the next one, so that the expected response is not defined.
    if operation is not None and operation.query.startswith("query"):
        for subgraph in generated.subgraphs:
            asyncio.run(federation.check_unreachable(operation, subgraph))


@settings(max_examples=20, derandomize=True, deadline=None, suppress_health_check=[*HealthCheck], database=None)
@given(hypothesis_choices())
def test_responses_are_those_of_the_monolith_for_hypothesis(choices: HypothesisChoices) -> None:
    run_trial(choices)
