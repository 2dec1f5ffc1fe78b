"""Plans the operations of one supergraph in stages, and explains the plans.

    operation
      normalise             -> selected fields (items)
      walk                  -> leaf fields, each with its options: the ways to fetch the leaf
      choose                -> one option for each leaf
      fetch/group_builder   -> fetch groups: each becomes one fetch of the plan
      fetch/passes          -> fewer fetch groups
      plan_tree             -> the tree of plan nodes

`fetch/root_field_planning` runs the stages from `walk` to `fetch/passes`: once for a query, and several times for a
mutation, whose root fields run one after the other.

If the `if` argument of a `@defer` is a variable, the operation is planned for both values of the variable. With several
such variables, it is planned for each combination of their values.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec
from graphql import OperationType, parse

from router.errors import PlanningError, ResponseError
from router.get_operation import get_operation
from router.plan import Condition, QueryPlan, Subscription, iter_fetches
from router.planner.choose.explain_choice import Explanation, explain_choice
from router.planner.fetch.operation_writer import OperationWriter
from router.planner.fetch.root_field_planning import RootFieldPlanner
from router.planner.graph.override_labels_of_operation import OverrideLabelIndex
from router.planner.graph.query_graph import QueryGraph
from router.planner.normalise.deferred_blocks import DeferredBlocks
from router.planner.normalise.merge_selections import NestedSelections, Normaliser, TooComplexError
from router.planner.normalise.read_defer_directive import conditions
from router.planner.normalise.skip_and_include_guards import ALWAYS
from router.planner.plan_tree.batch_entity_fetches import batched, one_by_one
from router.planner.plan_tree.initial_and_deferred_parts import in_turn, response_node, response_of
from router.planner.plan_tree.sequence_and_parallel import plan_node, split_first
from router.planner.search_bounds import Bounds, Effort
from router.planner.walk.internal_aliases import InternalAliases
from router.planner.walk.nodes_and_options import UnplannableError
from router.planner.walk.walk_selections import Explorer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from graphql import DocumentNode

    from router.get_operation import PreparedOperation
    from router.plan import OperationKind, PlanNode
    from router.planner.fetch.fetch_groups import FetchGroup
    from router.planner.fetch.operation_writer import WrittenFetch
    from router.planner.fetch.root_field_planning import Draft
    from router.planner.plan_tree.initial_and_deferred_parts import Arrange, ResponsePart
    from router.planner.walk.key_hops import KeyHops
    from router.supergraph.model import Supergraph

_TOO_COMPLEX: Final = "QUERY_PLAN_COMPLEXITY_EXCEEDED"
# The maximum number of variables in `@defer(if:)` conditions that the plan considers. Each variable doubles the number
# of nodes of the plan. If an operation has more of these variables, fragments with the remaining variables are not
# deferred.
_DEFER_CONDITIONS: Final = 3
_NOT_DEFERRED: Final = "Too many variables are conditions of `@defer`: some fragments are not deferred."
# The maximum number of query graphs that a planner caches. The least recently used graph is
# dropped first. Each override label can be active or not, so each label doubles the number of possible graphs.
KEPT_GRAPHS: Final = 16


_DEFAULT_BOUNDS: Final = Bounds()


class PlanOptions(msgspec.Struct, frozen=True):
    """Options for planning an operation.

    Attributes:
        override_labels: the active labels of progressive overrides.
        batch_entity_fetches: whether several entity fetches can share a request (see `plan_tree/batch_entity_fetches`).
        defer: whether the plan supports `@defer`. If False, the initial response has the deferred fragments too.
        bounds: the bounds of the search for a better plan. If a bound ends the search, the plan has a hint that says
            so.
    """

    override_labels: frozenset[str] = frozenset()
    batch_entity_fetches: bool = True
    defer: bool = True
    bounds: Bounds = _DEFAULT_BOUNDS


DEFAULT_OPTIONS: Final = PlanOptions()


class Planner:
    """Plans the operations of one supergraph, and caches the query graphs that operations share (planning §6.6).

    Only one thread at a time may call `plan` or `explain`.
    """

    def __init__(self, supergraph: Supergraph) -> None:
        self.supergraph = supergraph
        # Each query graph, by its active override labels. The graph that was used last is at the end.
        self._graphs: dict[frozenset[str], QueryGraph] = {}
        self._labels = OverrideLabelIndex(supergraph)

    def override_labels(self, operation: PreparedOperation) -> frozenset[str]:
        """Return the override labels on which the plan of an operation can depend (planning §3.21).

        Any thread may call this method.
        """
        return self._labels.labels_for(operation)

    def plan(self, operation: PreparedOperation, options: PlanOptions = DEFAULT_OPTIONS) -> QueryPlan:
        """Return the plan of `operation`, which must be valid on the API schema (planning §6.2).

        Raises:
            PlanningError: no sequence of fetches resolves a selection, or the operation is too complex.
        """
        graph = self._graph(options.override_labels)
        arrange = batched if options.batch_entity_fetches else one_by_one
        effort = Effort(options.bounds)

        def node(deferring: frozenset[str] | None, start: int) -> PlanNode | None:
            return OperationPlanning(graph, operation, effort, deferring).node(arrange, start)

        with _reported_as_planning_errors():
            variables = _deferring(operation) if options.defer else None
            if variables is None:
                return QueryPlan(node(None, 0), tuple(effort.hints))
            if len(variables) > _DEFER_CONDITIONS:
                effort.hints[_NOT_DEFERRED] = None
            return QueryPlan(_conditional(variables[:_DEFER_CONDITIONS], node), tuple(effort.hints))

    def explain(self, operation: PreparedOperation, options: PlanOptions = DEFAULT_OPTIONS) -> Explanation:
        """Explain, for each field, why `plan` fetches the field from the chosen subgraph. `@defer` is ignored.

        Raises:
            PlanningError: as `plan` does.
        """
        graph = self._graph(options.override_labels)
        effort = Effort(options.bounds)
        with _reported_as_planning_errors():
            planning = OperationPlanning(graph, operation, effort)
            fields = [
                field
                for draft in planning.drafts()
                for field in explain_choice(graph, planning.hops, draft.leaves, draft.choice)
            ]
        return Explanation(tuple(fields), tuple(effort.hints))

    def _graph(self, labels: frozenset[str]) -> QueryGraph:
        graph = self._graphs.pop(labels, None) or QueryGraph(self.supergraph, labels)
        self._graphs[labels] = graph
        if len(self._graphs) > KEPT_GRAPHS:
            del self._graphs[next(iter(self._graphs))]
        return graph


def plan(
    supergraph: Supergraph,
    document: DocumentNode | str,
    operation_name: str | None = None,
    options: PlanOptions = DEFAULT_OPTIONS,
) -> QueryPlan:
    """Return the plan of one operation. The document must be valid on the API schema.

    Raises:
        UnknownOperation: no operation of the document has the name `operation_name`, or `operation_name` is None and
            the document has several operations.
        PlanningError: as `Planner.plan` does.
    """
    return Planner(supergraph).plan(_operation(supergraph, document, operation_name), options)


def explain(
    supergraph: Supergraph,
    document: DocumentNode | str,
    operation_name: str | None = None,
    options: PlanOptions = DEFAULT_OPTIONS,
) -> Explanation:
    """Explain, for each field, why `plan` fetches the field from the chosen subgraph.

    Raises:
        UnknownOperation, PlanningError: as `plan` does.
    """
    return Planner(supergraph).explain(_operation(supergraph, document, operation_name), options)


def _operation(supergraph: Supergraph, document: DocumentNode | str, name: str | None) -> PreparedOperation:
    parsed = parse(document, no_location=True) if isinstance(document, str) else document
    return get_operation(supergraph.api_schema, parsed, name)


def _deferring(operation: PreparedOperation) -> list[str] | None:
    """Return the variables in `@defer` conditions. Return None if no fragment can be deferred, as in a subscription."""
    if operation.definition.operation is OperationType.SUBSCRIPTION:
        return None
    return conditions(operation.definition, operation.fragments)


def _conditional(
    variables: Sequence[str],
    node: Callable[[frozenset[str], int], PlanNode | None],
    deferring: frozenset[str] = frozenset(),
    start: int = 0,
) -> PlanNode | None:
    """Return `Condition` nodes with a plan for each combination of the variables' values.

    Return None if no combination needs a fetch.
    """
    if not variables:
        return node(deferring, start)
    variable, *others = variables
    true = _conditional(others, node, deferring | {variable}, start)
    false = _conditional(others, node, deferring, start + sum(1 for _ in iter_fetches(true)))
    return None if true is None and false is None else Condition(variable, true, false)


@contextmanager
def _reported_as_planning_errors() -> Iterator[None]:
    """Replace exceptions of the planning stages by a `PlanningError`, which the client gets as an error."""
    try:
        yield
    except UnplannableError as error:
        raise PlanningError(str(error)) from None
    except (TooComplexError, RecursionError):
        refusal = ResponseError(message="The operation is too complex to be planned.", code=_TOO_COMPLEX)
        raise PlanningError(refusal.message, errors=[refusal]) from None


class OperationPlanning:
    """Plans one operation for one combination of the values of variables in `@defer` conditions.

    `deferring` has the variables that are true. If `deferring` is None, no fragment is deferred.
    """

    def __init__(
        self, graph: QueryGraph, operation: PreparedOperation, effort: Effort, deferring: frozenset[str] | None = None
    ) -> None:
        self._graph = graph
        definition = operation.definition
        schema = graph.supergraph.schema
        self._kind: OperationKind = definition.operation.value
        root, query = schema.get_root_type(definition.operation), schema.query_type
        if root is None or query is None:
            raise PlanningError(f"The supergraph has no {self._kind} type.")
        self._root_type = root.name
        self._query_type = query.name
        normaliser = Normaliser(schema, operation.fragments, graph.possible, deferring, graph.directives)
        below = NestedSelections(definition.selection_set, ALWAYS, root.name)
        aliases = InternalAliases()
        aliases.reserve(normaliser, (below,), root.name)
        self._blocks: DeferredBlocks | None = None
        if deferring is not None:
            self._blocks = DeferredBlocks(normaliser, operation.fragments, deferring)
            self._blocks.find(definition.selection_set, root.name)
        self._explorer = Explorer(graph, normaliser, aliases, self._blocks)
        self._items = [
            item
            for item in normaliser.selected_fields([below], root.name)
            # `__schema`, `__type` and `__typename` are not planned, because the router resolves these fields itself.
            if not item.node.name.value.startswith("__")
        ]
        self._root_fields = RootFieldPlanner(self._explorer, root.name, query.name, effort)
        self._writer = OperationWriter(definition, graph.directives)

    @property
    def hops(self) -> KeyHops:
        """The object that finds key hops: options that fetch an entity from another subgraph by a key."""
        return self._explorer.hops

    def node(self, arrange: Arrange, start: int) -> PlanNode | None:
        """Return the root node of the plan, None if there is nothing to fetch. Fetches are numbered from `start`."""
        turns = in_turn([draft.groups for draft in self.drafts()])
        if not turns:
            return None
        response = response_of(turns, arrange, self._blocks, start)
        if self._kind == "subscription":
            return self._subscription(response)
        selections = None if self._blocks is None else self._blocks.selections
        return response_node(response, self._fetch, self._writer.batch, selections)

    def drafts(self) -> list[Draft]:
        """Return the drafts of the plan. A mutation can have several drafts, which run one after the other."""
        if not self._items:
            return []
        match self._kind:
            case "query":
                return [self._root_fields.draft(self._items, self._graph.subgraph_names)]
            case "mutation":
                return self._root_fields.one_by_one(self._items)
            case "subscription":
                return [self._root_fields.in_one_subgraph(self._items)]

    def _subscription(self, response: ResponsePart) -> Subscription:
        """Return the plan node of a subscription. `response` has the fetches of the subscription (planning §3.20)."""
        assert response.first is not None  # noqa: S101 - a subscription has a field, and it is not deferred
        primary, rest = split_first(response.first)
        each = None if rest is None else plan_node(rest, self._fetch, self._writer.batch)
        return Subscription(self._fetch(primary).fetch, each)

    def _fetch(self, group: FetchGroup) -> WrittenFetch:
        subgraph = self._graph.supergraph.subgraphs[group.subgraph]
        is_root = not group.path
        root_type = self._root_type if is_root else self._query_type
        return self._writer.fetch(group, subgraph, (root_type, self._kind if is_root else "query"))
