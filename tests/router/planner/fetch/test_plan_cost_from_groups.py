"""The planner chooses between plans by the cost that `router plan --format cost` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.cli.mermaid_and_cost_table import placed_fetches
from router.planner import plan
from router.planner.choose.choose_options import choose
from router.planner.fetch import root_field_planning
from router.planner.fetch.plan_cost_from_groups import number_of_fields
from router.planner.fetch.selection_trees import Tree, TreeField
from router.planner.normalise.skip_and_include_guards import ALWAYS
from tests.router.planner.test_cases import CASES, supergraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Never

    from router.planner.choose.choice_of_options import Choice, Pricing
    from router.planner.choose.plan_cost import PlanCost
    from router.planner.search_bounds import Effort
    from router.planner.walk.nodes_and_options import Leaf


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_cost_is_the_printed_one(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[PlanCost] = []

    def priced(leaves: Sequence[Leaf], effort: Effort, pricing: Pricing) -> Choice:
        choice = choose(leaves, effort, pricing)
        costs.append(pricing(choice))
        return choice

    def reusing(*_: object) -> Iterator[Never]:
        """The choice stays the one that was priced."""
        return iter(())

    monkeypatch.setattr(root_field_planning, "choose", priced)
    monkeypatch.setattr(root_field_planning, "reusing", reusing)
    planned = plan(supergraph(case.parent), (case / "query.graphql").read_text())
    placed = placed_fetches(planned)
    if len(costs) == 1:
        assert costs[0].cost == sum(one.cost for one in placed)
        assert costs[0].fetches == len(placed)
        assert costs[0].depth == 1 + max(one.stage for one in placed)


def test_typename_counts_where_it_is_written() -> None:
    typename = TreeField("__typename", "__typename", "__typename", (), ALWAYS)
    name = TreeField("name", "name", "name", (), ALWAYS)
    assert number_of_fields(Tree((name,))) == 1
    assert number_of_fields(Tree((name,), is_abstract=True)) == 2
    assert number_of_fields(Tree((typename, name), is_abstract=True)) == 2
    assert number_of_fields(Tree()) == 1


def test_typename_under_a_condition_is_written_twice_unless_all_is_under_it() -> None:
    when = frozenset({("x", True)})
    typename = TreeField("__typename", "__typename", "__typename", (), when)
    assert number_of_fields(Tree((typename,), is_abstract=True)) == 2
    assert number_of_fields(Tree((typename,), is_abstract=True), when) == 1


def test_fragments_count_what_they_hold() -> None:
    name = TreeField("name", "name", "name", (), ALWAYS)
    below = TreeField("item", "item", "item", (), ALWAYS, Tree((name,)))
    assert number_of_fields(Tree((below,), (("Box", Tree((name, below))),))) == 5
