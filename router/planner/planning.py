"""From operation to plan: every stage of planning on one screen.

document -> items -> leaves with options -> one option each -> fetch groups -> fewer groups -> schedule -> plan
normalise        walk             choose            fetch/build       fetch/passes     batches, linearise
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse

from router.errors import PlanningError, ResponseError, UnknownOperation
from router.plan import QueryPlan, Subscription
from router.planner.batches import batched, one_by_one
from router.planner.explanation import explain_choice
from router.planner.fetch.build import GroupBuilder
from router.planner.fetch.operations import OperationWriter
from router.planner.fetch.passes import optimised
from router.planner.graph.query_graph import QueryGraph
from router.planner.linearise import numbered, plan_node, schedule, serial, split_first
from router.planner.normalise.guards import ALWAYS
from router.planner.normalise.selections import Below, Normaliser, TooComplexError, grouped
from router.planner.walk.choose import choose
from router.planner.walk.explorer import Explorer
from router.planner.walk.positions import Search, UnplannableError
from router.planner.walk.response_keys import ResponseKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import DocumentNode

    from router.plan import OperationKind, PlanNode
    from router.planner.batches import Request
    from router.planner.explanation import FieldExplanation
    from router.planner.fetch.groups import FetchGroup
    from router.planner.fetch.operations import Written
    from router.planner.linearise import Schedule
    from router.planner.normalise.selections import Item
    from router.planner.walk.choose import Choice
    from router.planner.walk.positions import Leaf
    from router.supergraph.model import Supergraph

T = TypeVar("T")

_TOO_COMPLEX = "QUERY_PLAN_COMPLEXITY_EXCEEDED"
_OUT_OF_WORK = "The operation has many equivalent plans: this is the best of those tried, not of all."

# By the labels that hold, in the order of their last use: every label doubles the number of possible graphs.
_KEPT_GRAPHS = 16
_GRAPHS: WeakKeyDictionary[Supergraph, dict[frozenset[str], QueryGraph]] = WeakKeyDictionary()


def plan(
    supergraph: Supergraph,
    document: DocumentNode | str,
    operation_name: str | None = None,
    *,
    override_labels: frozenset[str] = frozenset(),
    batch_entity_fetches: bool = True,
) -> QueryPlan:
    """Plan one operation of a document that is valid on the API schema.

    `override_labels` are the labels of progressive overrides that hold for this request. `batch_entity_fetches` says
    whether entity fetches of one subgraph and one stage travel in one request.

    Raises:
        UnknownOperation: the document has no such operation, or several and no name was given.
        PlanningError: no sequence of fetches answers a selection of the operation.
    """
    graph = _graph(supergraph, override_labels)
    arrange = batched if batch_entity_fetches else one_by_one
    return _planned(supergraph, document, operation_name, graph, lambda planning: planning.run(arrange))


def _planned(
    supergraph: Supergraph,
    document: DocumentNode | str,
    operation_name: str | None,
    graph: QueryGraph,
    wanted: Callable[[_Planning], T],
) -> T:
    """What is `wanted` of the planning of an operation."""
    parsed = parse(document, no_location=True) if isinstance(document, str) else document
    operation = _operation(parsed, operation_name)
    try:
        return wanted(_Planning(supergraph, graph, parsed, operation))
    except UnplannableError as error:
        raise PlanningError(str(error)) from None
    except TooComplexError:
        refusal = ResponseError(message="The operation is too complex to be planned.", code=_TOO_COMPLEX)
        raise PlanningError(refusal.message, errors=[refusal]) from None


def _graph(supergraph: Supergraph, labels: frozenset[str]) -> QueryGraph:
    graphs = _GRAPHS.setdefault(supergraph, {})
    graph = graphs.pop(labels, None) or QueryGraph(supergraph, labels)
    graphs[labels] = graph
    if len(graphs) > _KEPT_GRAPHS:
        del graphs[next(iter(graphs))]
    return graph


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [item for item in document.definitions if isinstance(item, OperationDefinitionNode)]
    if name is not None:
        operations = [item for item in operations if item.name is not None and item.name.value == name]
        if not operations:
            raise UnknownOperation(f'Unknown operation named "{name}".')
    if len(operations) != 1:
        raise UnknownOperation("Must provide operation name if query contains multiple operations.")
    return operations[0]


def explain(
    supergraph: Supergraph,
    document: DocumentNode | str,
    operation_name: str | None = None,
    *,
    override_labels: frozenset[str] = frozenset(),
) -> list[FieldExplanation]:
    """Why `plan` fetches each field where it does, in the order of planning.

    Raises:
        UnknownOperation, PlanningError: as `plan` does.
    """
    graph = _graph(supergraph, override_labels)
    drafts = _planned(supergraph, document, operation_name, graph, _Planning.drafts)
    return [field for draft in drafts for field in explain_choice(graph, draft.leaves, draft.choice.places)]


@dataclass(frozen=True, slots=True)
class _Draft:
    """Leaves, the places chosen for them, and the groups that come of it."""

    leaves: tuple[Leaf, ...]
    choice: Choice
    groups: tuple[FetchGroup, ...]

    @property
    def cost(self) -> int:
        return self.choice.activation.cost


class _Planning:
    """Plans one operation."""

    def __init__(
        self,
        supergraph: Supergraph,
        graph: QueryGraph,
        document: DocumentNode,
        operation: OperationDefinitionNode,
    ) -> None:
        self._supergraph = supergraph
        self._graph = graph
        self._kind: OperationKind = operation.operation.value
        fragments = {item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)}
        self._normaliser = Normaliser(supergraph.schema, fragments, graph.possible)
        root = supergraph.schema.get_root_type(operation.operation)
        query = supergraph.schema.query_type
        if root is None or query is None:
            raise PlanningError(f"The supergraph has no {self._kind} type.")
        self._root_type = root.name
        self._query_type = query.name
        below = Below(operation.selection_set, ALWAYS, root.name)
        keys = ResponseKeys()
        keys.reserve(self._normaliser, (below,), root.name)
        self._explorer = Explorer(graph, self._normaliser, keys, query.name)
        self._items = [
            item
            for item in self._normaliser.items([below], root.name)
            # Answered by the router itself.
            if not item.node.name.value.startswith("__")
        ]
        self._writer = OperationWriter(operation)
        self._hints: dict[str, None] = {}

    def run(self, arrange: Callable[[tuple[FetchGroup, ...]], tuple[Request, ...]]) -> QueryPlan:
        drafts = self.drafts()
        planned = serial(part for draft in drafts if (part := schedule(arrange(draft.groups))) is not None)
        if planned is None:
            return QueryPlan(None)
        return QueryPlan(self._node(numbered(planned)), tuple(self._hints))

    def drafts(self) -> list[_Draft]:
        """The parts of the plan, one to be run after the other."""
        if not self._items:
            return []
        match self._kind:
            case "query":
                return [self._draft(self._items, self._graph.subgraph_names)]
            case "mutation":
                return [self._draft(items, [subgraph]) for subgraph, items in self._batches()]
            case "subscription":
                return [self._cheapest(self._items, None)[1]]

    def _draft(self, items: Sequence[Item], subgraphs: Sequence[str]) -> _Draft:
        root = self._explorer.root(self._root_type, subgraphs)
        search = Search()
        self._explorer.explore(root, items, search)
        choice = choose(search.leaves)
        builder = GroupBuilder(self._graph, choice.activation, self._explorer.presence)
        groups = builder.build(list(zip(search.leaves, choice.places, strict=True)))
        if not choice.is_best_known:
            self._hints[_OUT_OF_WORK] = None
        return _Draft(tuple(search.leaves), choice, optimised(groups))

    def _cheapest(self, items: Sequence[Item], preferred: str | None) -> tuple[str, _Draft]:
        """The one subgraph to run root fields in that must run exactly once."""
        drafts: dict[str, _Draft] = {}
        failure: UnplannableError | None = None
        for subgraph in self._graph.subgraph_names:
            try:
                drafts[subgraph] = self._draft(items, [subgraph])
            except UnplannableError as error:
                failure = failure or error
        if not drafts:
            raise failure or PlanningError("The supergraph has no subgraphs.")
        best = min(drafts, key=lambda subgraph: (drafts[subgraph].cost, subgraph != preferred))
        return best, drafts[best]

    def _batches(self) -> list[tuple[str, list[Item]]]:
        """Mutation fields in document order, with the subgraph they run in.

        Neighbours in one subgraph share a fetch, unless something is fetched for the earlier one: the later mutation
        would be done before that is read.
        """
        batches: list[tuple[str, list[Item]]] = []
        is_open = False
        for items in grouped(self._items):
            subgraph, draft = self._cheapest(items, batches[-1][0] if batches else None)
            if is_open and batches[-1][0] == subgraph:
                batches[-1][1].extend(items)
            else:
                batches.append((subgraph, list(items)))
            is_open = len(draft.groups) == 1
        return batches

    def _node(self, planned: Schedule) -> PlanNode:
        if self._kind != "subscription":
            return plan_node(planned, self._fetch, self._writer.batch)
        # One fetch opens the stream; what it does not bring is fetched for every event.
        primary, rest = split_first(planned)
        each = None if rest is None else plan_node(rest, self._fetch, self._writer.batch)
        return Subscription(self._fetch(primary).fetch, each)

    def _fetch(self, group: FetchGroup) -> Written:
        subgraph = self._supergraph.subgraphs[group.subgraph]
        is_root = not group.path
        root_type = self._root_type if is_root else self._query_type
        return self._writer.fetch(group, subgraph, (root_type, self._kind if is_root else "query"))
