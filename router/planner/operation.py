"""From an operation to the node of its plan: every stage on one screen.

definition -> items -> leaves with options -> one option each -> fetch groups -> fewer groups -> answer -> node
            normalise       walk            choose            fetch/build      fetch/passes  answers, linearise
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.errors import PlanningError
from router.plan import Subscription
from router.planner.choose.choose import choose
from router.planner.fetch.build import GroupBuilder
from router.planner.fetch.operations import OperationWriter
from router.planner.fetch.passes import optimised
from router.planner.normalise.deferred_blocks import DeferredBlocks
from router.planner.normalise.guards import ALWAYS
from router.planner.normalise.selections import Below, Normaliser, grouped
from router.planner.plan_tree.deferral import answer_node, answer_of, in_turn
from router.planner.plan_tree.linearise import plan_node, split_first
from router.planner.walk.explorer import Explorer
from router.planner.walk.nodes import LeafSearch, UnplannableError
from router.planner.walk.response_keys import ResponseKeys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import FragmentDefinitionNode, OperationDefinitionNode

    from router.plan import OperationKind, PlanNode
    from router.planner.bounds import Effort
    from router.planner.choose.choose import Choice
    from router.planner.fetch.groups import FetchGroup
    from router.planner.fetch.operations import Written
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.selections import Item
    from router.planner.plan_tree.deferral import Answer, Arrange
    from router.planner.walk.hops import Hops
    from router.planner.walk.nodes import Leaf
    from router.supergraph.model import Supergraph


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with the fragments of its document.

    Fragments are deferred while the variables in `deferring` are true, none of them where that is None.
    """

    definition: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    deferring: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Leaves, the places chosen for them, and the groups that come of it."""

    leaves: tuple[Leaf, ...]
    choice: Choice
    groups: tuple[FetchGroup, ...]

    @property
    def cost(self) -> int:
        return self.choice.costing.cost


@dataclass(frozen=True, slots=True)
class _Batch:
    """Mutation fields that run in one subgraph, one after the other; `draft` is theirs if it is known."""

    subgraph: str
    items: list[Item]
    draft: Draft | None = None


class OperationPlanning:
    """Plans one operation."""

    def __init__(self, supergraph: Supergraph, graph: QueryGraph, operation: Operation, effort: Effort) -> None:
        self._supergraph = supergraph
        self._graph = graph
        self._effort = effort
        definition = operation.definition
        self._kind: OperationKind = definition.operation.value
        root = supergraph.schema.get_root_type(definition.operation)
        query = supergraph.schema.query_type
        if root is None or query is None:
            raise PlanningError(f"The supergraph has no {self._kind} type.")
        self._root_type = root.name
        self._query_type = query.name
        normaliser = Normaliser(supergraph.schema, operation.fragments, graph.possible, operation.deferring)
        below = Below(definition.selection_set, ALWAYS, root.name)
        keys = ResponseKeys()
        keys.reserve(normaliser, (below,), root.name)
        self._blocks: DeferredBlocks | None = None
        if operation.deferring is not None:
            self._blocks = DeferredBlocks(normaliser, operation.fragments, operation.deferring)
            self._blocks.find(definition.selection_set, root.name)
        self._explorer = Explorer(graph, normaliser, (keys, self._blocks), query.name)
        self._items = [
            item
            for item in normaliser.items([below], root.name)
            # Answered by the router itself.
            if not item.node.name.value.startswith("__")
        ]
        self._writer = OperationWriter(definition)

    @property
    def hops(self) -> Hops:
        """The places behind keys."""
        return self._explorer.hops

    def node(self, arrange: Arrange, start: int) -> PlanNode | None:
        """The plan, with fetches numbered from `start`; None when nothing has to be fetched."""
        turns = in_turn([draft.groups for draft in self.drafts()])
        if not turns:
            return None
        answer = answer_of(turns, arrange, self._blocks, start)
        if self._kind == "subscription":
            return self._subscription(answer)
        selections = None if self._blocks is None else self._blocks.selections
        return answer_node(answer, self._fetch, self._writer.batch, selections)

    def drafts(self) -> list[Draft]:
        """The parts of the plan, one to be run after the other."""
        if not self._items:
            return []
        match self._kind:
            case "query":
                return [self._draft(self._items, self._graph.subgraph_names)]
            case "mutation":
                return [self._drafted(batch) for batch in self._batches()]
            case "subscription":
                return [self._cheapest(self._items, None)[1]]

    def _draft(self, items: Sequence[Item], subgraphs: Sequence[str]) -> Draft:
        root = self._explorer.root(self._root_type, subgraphs)
        search = LeafSearch()
        self._explorer.explore(root, items, search)
        choice = choose(search.leaves, self._effort)
        builder = GroupBuilder(self._graph, choice.costing, self._explorer.presence)
        groups = builder.build(list(zip(search.leaves, choice.options, strict=True)))
        return Draft(tuple(search.leaves), choice, optimised(groups))

    def _cheapest(self, items: Sequence[Item], preferred: str | None) -> tuple[str, Draft]:
        """The one subgraph to run root fields in that must run exactly once."""
        drafts: dict[str, Draft] = {}
        failure: UnplannableError | None = None
        for subgraph in self._graph.subgraph_names:
            if self._graph.type_in(subgraph, self._root_type) is None:
                continue
            try:
                drafts[subgraph] = self._draft(items, [subgraph])
            except UnplannableError as error:
                failure = failure or error
        if not drafts:
            raise failure or PlanningError("The supergraph has no subgraphs.")
        best = min(drafts, key=lambda subgraph: (drafts[subgraph].cost, subgraph != preferred))
        return best, drafts[best]

    def _batches(self) -> list[_Batch]:
        """Mutation fields in document order, with the subgraph they run in.

        Neighbours in one subgraph share a fetch, unless something is fetched for the earlier one: the later mutation
        would be done before that is read.
        """
        batches: list[_Batch] = []
        is_open = False
        for items in grouped(self._items):
            subgraph, draft = self._cheapest(items, batches[-1].subgraph if batches else None)
            if is_open and batches[-1].subgraph == subgraph:
                batches[-1] = _Batch(subgraph, [*batches[-1].items, *items])
            else:
                batches.append(_Batch(subgraph, items, draft))
            is_open = len(draft.groups) == 1
        return batches

    def _drafted(self, batch: _Batch) -> Draft:
        return batch.draft or self._draft(batch.items, [batch.subgraph])

    def _subscription(self, answer: Answer) -> Subscription:
        """One fetch opens the stream; what it does not bring is fetched for every event."""
        assert answer.first is not None  # noqa: S101 - a subscription has a field, and it is not deferred
        primary, rest = split_first(answer.first)
        each = None if rest is None else plan_node(rest, self._fetch, self._writer.batch)
        return Subscription(self._fetch(primary).fetch, each)

    def _fetch(self, group: FetchGroup) -> Written:
        subgraph = self._supergraph.subgraphs[group.subgraph]
        is_root = not group.path
        root_type = self._root_type if is_root else self._query_type
        return self._writer.fetch(group, subgraph, (root_type, self._kind if is_root else "query"))
