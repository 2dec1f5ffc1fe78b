"""The chosen plan costs least among all plans with as few fetches, by the cost that `router plan --format cost` prints.

Covers `router/planner/choose/choose_options.py`, and with it `router/planner/choose/try_other_leaf_options.py`,
`router/planner/choose/try_other_hop_inputs.py`, `router/planner/choose/break_ties_by_plan_cost.py` and
`router/planner/choose/choice_of_options.py`.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

import pytest

from router.planner import Bounds, PlanOptions, plan
from router.planner.choose import combination_search
from router.planner.choose.choice_of_options import Choice
from router.planner.choose.choose_options import choose
from router.planner.choose.fetches_of_chosen_options import ChosenFetches
from router.planner.fetch import root_field_planning
from tests.peers.fuzz_plans import FederationSample
from tests.router.planner.choose.tied_federations import TiedFederation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.planner.choose.choice_of_options import Pricing
    from router.planner.choose.plan_cost import PlanCost
    from router.planner.search_bounds import Effort
    from router.planner.walk.nodes_and_options import Leaf, PathOption

FEDERATIONS = 30
# Combinations up to which all are tried here.
ENUMERATED = 400


def all_choices(leaves: Sequence[Leaf]) -> Iterator[Choice]:
    """Yield every combination of options; leaves with equal options have the same option."""
    sets: dict[tuple[PathOption, ...], int] = {}
    numbers = [sets.setdefault(leaf.options, len(sets)) for leaf in leaves]
    if prod(map(len, sets)) > ENUMERATED:
        return
    for chosen in product(*sets):
        options = tuple(chosen[number] for number in numbers)
        yield Choice(options, ChosenFetches(options))


@pytest.fixture
def ties(monkeypatch: pytest.MonkeyPatch) -> list[Choice]:
    """Checks every choice while operations are planned, and gathers the choices with equal fetches."""
    found: list[Choice] = []

    def checked(leaves: Sequence[Leaf], effort: Effort, pricing: Pricing) -> Choice:
        chosen = choose(leaves, effort, pricing)
        cost = pricing(chosen)
        for other in all_choices(leaves):
            if other.chosen_fetches.rank == chosen.chosen_fetches.rank and other.options != chosen.options:
                found.append(other)
            assert not pricing(other).improves_on(cost)
        return chosen

    monkeypatch.setattr(root_field_planning, "choose", checked)
    return found


@pytest.mark.parametrize("exhaustive", [combination_search.EXHAUSTIVE_COMBINATIONS, 1])
def test_no_other_choice_costs_less(exhaustive: int, ties: list[Choice], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combination_search, "EXHAUSTIVE_COMBINATIONS", exhaustive)
    for seed in range(FEDERATIONS):
        federation = TiedFederation.of(seed)
        plan(federation.supergraph, federation.query)
    assert len(ties) > FEDERATIONS


def test_no_other_choice_costs_less_in_federations_with_interface_objects(ties: list[Choice]) -> None:
    seeds = 0
    for seed in range(16):
        sample = FederationSample.of(seed)
        if any("@interfaceObject" in sdl for sdl in sample.subgraphs.values()):
            seeds += 1
            for operation in sample.operations:
                plan(sample.federation.supergraph, operation.query)
    assert seeds > 2
    assert ties


def test_without_work_the_first_choice_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    priced = 0

    def counted(leaves: Sequence[Leaf], effort: Effort, pricing: Pricing) -> Choice:
        def price(choice: Choice) -> PlanCost:
            nonlocal priced
            priced += 1
            return pricing(choice)

        return choose(leaves, effort, price)

    monkeypatch.setattr(root_field_planning, "choose", counted)
    federation = TiedFederation.of(1)
    plan(federation.supergraph, federation.query, options=PlanOptions(bounds=Bounds(work=0)))
    assert priced == 0
    plan(federation.supergraph, federation.query)
    assert priced > 0


def test_an_operation_with_many_ties_has_no_hint_of_them() -> None:
    federation = TiedFederation.of(1)
    assert plan(federation.supergraph, federation.query).hints == ()
