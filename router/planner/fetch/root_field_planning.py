"""Plans root fields: root fields -> leaf fields with options -> one option for each leaf -> fetch groups.

The result is a *draft*. A query has one draft for all root fields. The root fields of a mutation run in document order,
each in exactly one subgraph. Consecutive root fields that run in the same subgraph can share a draft (planning §3.13).
The root field of a subscription also runs in exactly one subgraph.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec

from router.errors import PlanningError
from router.planner.choose.choose_options import WORK_PER_LEAF, choose
from router.planner.choose.reuse_values_of_all_types import reusing
from router.planner.fetch.conflicting_field_aliases import without_conflicts
from router.planner.fetch.fetch_groups import stages
from router.planner.fetch.group_builder import GroupBuilder
from router.planner.fetch.passes import optimised
from router.planner.fetch.plan_cost_from_groups import plan_cost
from router.planner.normalise.merge_selections import grouped
from router.planner.walk.nodes_and_options import LeafSearch, UnplannableError, fetch_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from router.planner.choose.choice_of_options import Choice
    from router.planner.choose.plan_cost import PlanCost
    from router.planner.fetch.fetch_groups import FetchGroup
    from router.planner.fetch.selection_trees import Tree
    from router.planner.normalise.merge_selections import SelectedField
    from router.planner.search_bounds import Effort
    from router.planner.walk.nodes_and_options import ExpandableField, Leaf, PathOption
    from router.planner.walk.walk_selections import Explorer

# The units of work that planning again (walk and choose) takes from the work budget, for each leaf of the plan.
_WORK_PER_WALKED_LEAF: Final = 20


class Draft(msgspec.Struct, frozen=True):
    """A planned set of root fields: their leaf fields, the option chosen for each leaf, and the fetch groups."""

    leaves: tuple[Leaf, ...]
    choice: Choice
    groups: tuple[FetchGroup, ...]

    @property
    def fetch_cost(self) -> int:
        """The cost of the fetches before the optimisation passes. Selected fields are not counted."""
        return self.choice.chosen_fetches.cost

    @property
    def depth(self) -> int:
        """The number of fetches in the longest chain. Fetches for deferred fragments are not counted."""
        stage = stages(self.groups)
        return 1 + max((stage[group.number] for group in self.groups if group.block is None), default=-1)


class MutationRun(msgspec.Struct, frozen=True):
    """Consecutive root fields of a mutation that share a fetch.

    Attributes:
        subgraph: the subgraph that runs the root fields.
        items: the root fields.
        first_stage: how many fetches run, one after the other, before the shared fetch.
        draft: the draft for `items`, None if the draft is not made yet.
    """

    subgraph: str
    items: list[SelectedField]
    first_stage: int
    draft: Draft | None = None


class RootFieldPlanner:
    """Plans the root fields of one operation."""

    def __init__(self, explorer: Explorer, root_type: str, query_type: str, effort: Effort) -> None:
        self._explorer = explorer
        self._graph = explorer.graph
        self._root_type = root_type
        self._query_type = query_type
        self._effort = effort

    def draft(self, items: Sequence[SelectedField], subgraphs: Sequence[str], first_stage: int = 0) -> Draft:
        """Return the draft for root fields. Each root field is fetched from one or more of `subgraphs`.

        `first_stage` is the number of fetches that run, one after the other, before this draft.

        Raises:
            UnplannableError: no sequence of fetches resolves one of the selections.
        """
        search = self._searched(items, subgraphs)
        draft = self._chosen(search.leaves, first_stage)
        expandable = [*search.expandable, *_alone_in_a_fetch(search.expandable_if_alone, draft)]
        if not expandable:
            return draft
        cost = self._plan_cost(draft.groups, first_stage)
        for field in expandable:
            if not self._effort.affords_tie(_WORK_PER_WALKED_LEAF * len(draft.leaves)):
                break
            expanded = self._searched(items, subgraphs, search.expand | {field})
            candidate = self._chosen(expanded.leaves, first_stage)
            candidate_cost = self._plan_cost(candidate.groups, first_stage)
            if candidate_cost.cost < cost.cost:
                draft, cost, search = candidate, candidate_cost, expanded
        return draft

    def _searched(
        self, items: Sequence[SelectedField], subgraphs: Sequence[str], expand: frozenset[ExpandableField] = frozenset()
    ) -> LeafSearch:
        search = LeafSearch(expand=expand)
        self._explorer.explore(self._explorer.root(self._root_type, subgraphs), items, search)
        return search

    def _chosen(self, found: Sequence[Leaf], first_stage: int) -> Draft:
        """Return the draft with the cheapest options for these leaves."""
        leaves = tuple(found)
        built: dict[Choice, tuple[FetchGroup, ...]] = {}

        def price(choice: Choice) -> PlanCost:
            built[choice] = self._groups(leaves, choice)
            return self._plan_cost(built[choice], first_stage)

        choice = choose(leaves, self._effort, price)
        return self._with_reuse(Draft(leaves, choice, built.get(choice) or self._groups(leaves, choice)), first_stage)

    def _with_reuse(self, draft: Draft, first_stage: int) -> Draft:
        """Return the draft without fetches for objects of one type that repeat a fetch for all types."""
        cost: PlanCost | None = None
        typename_leaf = self._explorer.typename_leaf
        is_improved = True
        while is_improved:
            is_improved = False
            for leaves, choice in reusing(self._graph, typename_leaf, draft.leaves, draft.choice):
                if not self._effort.affords_tie(WORK_PER_LEAF * len(leaves)):
                    return draft
                cost = cost or self._plan_cost(draft.groups, first_stage)
                candidate = Draft(leaves, choice, self._groups(leaves, choice))
                candidate_cost = self._plan_cost(candidate.groups, first_stage)
                if candidate_cost.improves_on(cost):
                    draft, cost, is_improved = candidate, candidate_cost, True
                    break
        return draft

    def in_one_subgraph(self, items: Sequence[SelectedField]) -> Draft:
        """Return the cheapest draft for root fields that all run in the same subgraph.

        Raises:
            UnplannableError: no subgraph has all these root fields, or a selection cannot be fetched.
        """
        return self._cheapest(items, None, 0)[1]

    def one_by_one(self, items: Sequence[SelectedField]) -> list[Draft]:
        """Return the drafts for the root fields of a mutation, in document order.

        Raises:
            UnplannableError: a root field is in no subgraph, or a selection cannot be fetched.
        """
        return [
            run.draft or self.draft(run.items, [run.subgraph], run.first_stage) for run in self._mutation_runs(items)
        ]

    def _mutation_runs(self, fields: Sequence[SelectedField]) -> list[MutationRun]:
        """Return the root fields of a mutation in document order, grouped by fetch.

        Consecutive root fields of one subgraph share a fetch. However, if a field needs further fetches, the next field
        gets its own fetch. Otherwise the further fetches could read data that the next field has already changed.
        """
        runs: list[MutationRun] = []
        is_open = False
        first_stage = 0
        for items in grouped(fields):
            subgraph, draft = self._cheapest(items, runs[-1].subgraph if runs else None, first_stage)
            if is_open and runs[-1].subgraph == subgraph:
                runs[-1] = MutationRun(subgraph, [*runs[-1].items, *items], runs[-1].first_stage)
            else:
                runs.append(MutationRun(subgraph, items, first_stage, draft))
            is_open = len(draft.groups) == 1
            first_stage = runs[-1].first_stage + draft.depth
        return runs

    def _cheapest(self, items: Sequence[SelectedField], preferred: str | None, first_stage: int) -> tuple[str, Draft]:
        """Return the subgraph that resolves the root fields with the cheapest fetches, and its draft.

        Subgraphs are compared by the cost of the fetches without their fields. If several subgraphs are equally cheap,
        and one of them is `preferred`, return `preferred`. Otherwise, the cost of the plan with its fields decides.
        """
        drafts = self._by_subgraph(items, first_stage)
        ranks = {subgraph: (draft.fetch_cost, subgraph != preferred) for subgraph, draft in drafts.items()}
        best = min(ranks, key=ranks.__getitem__)
        tied = [subgraph for subgraph in drafts if ranks[subgraph] == ranks[best]]
        if len(tied) > 1:
            costs = {subgraph: self._plan_cost(drafts[subgraph].groups, first_stage) for subgraph in tied}
            for subgraph in tied:
                if costs[subgraph].improves_on(costs[best]):
                    best = subgraph
        return best, drafts[best]

    def _by_subgraph(self, items: Sequence[SelectedField], first_stage: int) -> Mapping[str, Draft]:
        drafts: dict[str, Draft] = {}
        failure: UnplannableError | None = None
        for subgraph in self._graph.subgraph_names:
            if self._graph.type_in(subgraph, self._root_type) is None:
                continue
            try:
                drafts[subgraph] = self.draft(items, [subgraph], first_stage)
            except UnplannableError as error:
                failure = failure or error
        if not drafts:
            raise failure or PlanningError("The supergraph has no subgraphs.")
        return drafts

    def _groups(self, leaves: Sequence[Leaf], choice: Choice) -> tuple[FetchGroup, ...]:
        builder = GroupBuilder(self._graph, choice.chosen_fetches, self._explorer.typename_leaf)
        return optimised(builder.build(list(zip(leaves, choice.options, strict=True))))

    def _plan_cost(self, groups: tuple[FetchGroup, ...], first_stage: int) -> PlanCost:
        return plan_cost(groups, self._written_tree, first_stage)

    def _written_tree(self, group: FetchGroup) -> Tree:
        subgraph = self._graph.supergraph.subgraphs[group.subgraph]
        return without_conflicts(subgraph, self._query_type if group.path else self._root_type, group.tree)[0]


def _alone_in_a_fetch(fields: Mapping[ExpandableField, Sequence[Leaf]], draft: Draft) -> Iterator[ExpandableField]:
    """Yield each field that is the only reason for one of the chosen fetches.

    Other chosen fetches can return everything else that this fetch returns. `fields` maps each field to its leaves.
    """
    if not fields:
        return
    chosen = draft.choice.chosen_fetches
    returned: dict[PathOption, list[Leaf]] = {}
    for leaf, option in (*zip(draft.leaves, draft.choice.options, strict=True), *chain(*chosen.inputs.values())):
        returned.setdefault(fetch_start(option), []).append(leaf)
    needs: list[set[Leaf]] = []
    for fetch in chosen.fetches.values():
        others = chosen.fetched.difference(start.fetch_id for start in fetch.starts)
        leaves = chain(*(returned.get(start, ()) for start in fetch.starts))
        needs.append({leaf for leaf in leaves if all(fetch_start(one).fetch_id not in others for one in leaf.options)})
    for field, of_field in fields.items():
        if any(needing and needing.issubset(of_field) for needing in needs):
            yield field
