"""The router's answer is the one a monolith over the same data would give.

The normal run takes a fixed sample of seeds and a derandomised sample of hypothesis. For a long run set
`ORACLE_SEEDS=first:last`; a failing seed is shrunk and reported with everything needed to repeat it.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from router.plan import BatchFetch
from router.planner import plan
from tests.router.oracle.choices import Drawn, Replayed, Seeded, drawn_choices, shrink
from tests.router.oracle.comparison import Difference, Subject
from tests.router.oracle.federations import federation
from tests.router.oracle.operations import operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.plan import QueryPlan
    from tests.router.oracle.choices import Choices
    from tests.router.oracle.operations import Operation

# Several operations share the cost of composing one federation.
OPERATIONS = 4
# Seeds of the normal run, in blocks that run side by side.
SAMPLE, BLOCK = 100, 10


def _check(choices: Choices) -> None:
    """One federation and its operations; raises what the router raises, or `Difference`."""
    generated = federation(choices)
    subject = Subject.of(generated)
    for _ in range(OPERATIONS):
        drawn = operation(choices, subject.merged)
        if drawn is None:
            continue
        try:
            for planned in _plans(subject, drawn):
                asyncio.run(subject.check(drawn, planned))
        except Exception as error:
            subgraphs = "\n".join(f"# {name}\n{sdl}" for name, sdl in generated.subgraphs.items())
            error.add_note(f"{subgraphs}\n\n{drawn.query}\n{drawn.variables}\n{generated.data}")
            raise


def _plans(subject: Subject, drawn: Operation) -> Iterator[QueryPlan]:
    """The plan with fetches in batches, and where there are any the one without."""
    batched = plan(subject.supergraph, drawn.query)
    yield batched
    if any(isinstance(request, BatchFetch) for request in batched.requests()):
        yield plan(subject.supergraph, drawn.query, batch_entity_fetches=False)


def _failure(choices: Choices) -> Exception | None:
    try:
        _check(choices)
    except Exception as error:  # noqa: BLE001 - every failure of the router is a finding
        return error
    return None


def _shrunk(record: Sequence[int], kind: type[Exception]) -> Exception:
    smallest = shrink(record, lambda sequence: type(_failure(Replayed(sequence))) is kind)
    failure = _failure(Replayed(smallest))
    assert failure is not None
    return failure


def _seeds() -> range:
    first, _, last = os.environ.get("ORACLE_SEEDS", f"0:{SAMPLE}").partition(":")
    return range(int(first), int(last))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("first", _seeds()[::BLOCK])
def test_seeded_federations_answer_like_the_monolith(first: int) -> None:
    for seed in range(first, min(first + BLOCK, _seeds().stop)):
        choices = Seeded(seed)
        failure = _failure(choices)
        if failure is not None:
            raise Difference(f"seed {seed}") from _shrunk(choices.record, type(failure))


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


@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=[*HealthCheck], database=None)
@given(drawn_choices())
def test_drawn_federations_answer_like_the_monolith(choices: Drawn) -> None:
    _check(choices)
