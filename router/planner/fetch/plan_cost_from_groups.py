"""Computes the cost of a plan from its fetch groups, as `router plan --format cost` prints it (planning §6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.federation.find_type_name_in_reference import TYPENAME
from router.planner.choose.plan_cost import PlanCost, fetch_cost
from router.planner.fetch.fetch_groups import stages
from router.planner.fetch.selection_trees import common_guards
from router.planner.normalise.skip_and_include_guards import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.planner.fetch.fetch_groups import FetchGroup
    from router.planner.fetch.selection_trees import Tree
    from router.planner.normalise.skip_and_include_guards import Guards


def plan_cost(groups: tuple[FetchGroup, ...], written: Callable[[FetchGroup], Tree], first_stage: int = 0) -> PlanCost:
    """Return the cost of the fetches for these groups.

    Args:
        groups: the groups, each after the groups that it waits for.
        written: returns the selections of the fetch for a group, with internal aliases.
        first_stage: how many fetches run, one after the other, before the first group starts.
    """
    stage = stages(groups)
    cost = 0
    for group in groups:
        tree = written(group)
        cost += fetch_cost(first_stage + stage[group.number], number_of_fields(tree, common_guards(tree)))
    return PlanCost(cost, len(groups), 1 + max(stage.values(), default=-1))


def number_of_fields(tree: Tree, outer: Guards = ALWAYS) -> int:
    """Return the number of fields in the text of the fetch for the tree.

    Each object of an abstract type needs an unconditional `__typename`: the text gets one if the tree does not select
    it unconditionally. The guards (`@skip` and `@include` conditions) in `outer` do not count as a condition here,
    because they are written around the whole tree.
    """
    count = 0
    for entry in tree.fields:
        count += 1 if entry.tree is None else 1 + number_of_fields(entry.tree, outer | entry.guards)
    for _, below in tree.fragments:
        count += number_of_fields(below, outer | common_guards(below))
    if tree.is_abstract and not any(entry.key == TYPENAME and entry.guards <= outer for entry in tree.fields):
        count += 1
    # An empty selection set is written as `{__typename}`.
    return count or 1
