"""The chosen plan costs least among all plans with as few fetches, by the cost that `router plan --format cost` prints.

Covers `router/planner/choose/choose_options.py`, and with it `leaf_ties.py`, `key_ties.py`, `cheapest_choice.py` and
`choice.py` of that folder.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from router.planner import Bounds, PlanOptions, plan
from router.planner.choose.choice import Choice
from router.planner.choose.choose_options import choose
from router.planner.choose.fetch_costing import FetchCosting
from router.planner.fetch import drafting
from tests.router.planner.choose.tied_federations import TiedFederation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

    from router.planner.bounds import Effort
    from router.planner.choose.choice import Pricing
    from router.planner.choose.cost import PlanCost
    from router.planner.walk.nodes_and_options import Leaf, PathOption

FEDERATIONS = 30
# Combinations up to which all are tried here.
ENUMERATED = 400


def all_choices(leaves: Sequence[Leaf]) -> Iterator[Choice]:
    """Every combination of options; leaves with equal options have the same one."""
    sets: dict[tuple[PathOption, ...], int] = {}
    numbers = [sets.setdefault(leaf.options, len(sets)) for leaf in leaves]
    if prod(map(len, sets)) > ENUMERATED:
        return
    for chosen in product(*sets):
        options = tuple(chosen[number] for number in numbers)
        yield Choice(options, FetchCosting(options))


def test_no_other_choice_costs_less(monkeypatch: pytest.MonkeyPatch) -> None:
    ties = 0

    def checked(leaves: Sequence[Leaf], effort: Effort, pricing: Pricing) -> Choice:
        nonlocal ties
        chosen = choose(leaves, effort, pricing)
        cost = pricing(chosen)
        for other in all_choices(leaves):
            ties += other.costing.rank == chosen.costing.rank and other.options != chosen.options
            assert not pricing(other).improves_on(cost), federation.query
        return chosen

    monkeypatch.setattr(drafting, "choose", checked)
    for seed in range(FEDERATIONS):
        federation = TiedFederation.of(seed)
        plan(federation.supergraph, federation.query)
    assert ties > FEDERATIONS


def test_without_work_the_first_choice_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    priced = 0

    def counted(leaves: Sequence[Leaf], effort: Effort, pricing: Pricing) -> Choice:
        def price(choice: Choice) -> PlanCost:
            nonlocal priced
            priced += 1
            return pricing(choice)

        return choose(leaves, effort, price)

    monkeypatch.setattr(drafting, "choose", counted)
    federation = TiedFederation.of(1)
    plan(federation.supergraph, federation.query, options=PlanOptions(bounds=Bounds(work=0)))
    assert priced == 0
    plan(federation.supergraph, federation.query)
    assert priced > 0


def test_an_operation_with_many_ties_has_no_hint_of_them() -> None:
    federation = TiedFederation.of(1)
    assert plan(federation.supergraph, federation.query).hints == ()
