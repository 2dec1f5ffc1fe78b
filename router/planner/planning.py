"""Plans and explanations for the operations of a document.

An operation whose `@defer` directives depend on variables is planned for every truth of them.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from graphql import FragmentDefinitionNode, OperationDefinitionNode, OperationType, parse

from router.errors import PlanningError, ResponseError, UnknownOperation
from router.plan import Condition, QueryPlan, iter_fetches
from router.planner.bounds import Bounds, Effort
from router.planner.choose.explanation import Explanation, explain_choice
from router.planner.graph.query_graph import QueryGraph
from router.planner.normalise.defer_directive import conditions
from router.planner.normalise.selections import TooComplexError
from router.planner.operation import Operation, OperationPlanning
from router.planner.plan_tree.batching import batched, one_by_one
from router.planner.walk.nodes import UnplannableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from graphql import DocumentNode

    from router.plan import PlanNode
    from router.supergraph.model import Supergraph

_TOO_COMPLEX: Final = "QUERY_PLAN_COMPLEXITY_EXCEEDED"
# Every variable doubles the number of plans in a plan; beyond so many fragments under further ones are not deferred.
_DEFER_CONDITIONS: Final = 3
_NOT_DEFERRED: Final = "The operation defers on more variables than are told apart: some fragments are not deferred."

# By the labels that hold, in the order of their last use: every label doubles the number of possible graphs.
_KEPT_GRAPHS: Final = 16
_GRAPHS: WeakKeyDictionary[Supergraph, dict[frozenset[str], QueryGraph]] = WeakKeyDictionary()
_UNBOUNDED_TIME: Final = Bounds()


def plan(  # noqa: PLR0913 - what may be different from one plan to the next, each by its name
    supergraph: Supergraph,
    document: DocumentNode | str,
    operation_name: str | None = None,
    *,
    override_labels: frozenset[str] = frozenset(),
    batch_entity_fetches: bool = True,
    defer: bool = True,
    bounds: Bounds = _UNBOUNDED_TIME,
) -> QueryPlan:
    """Plan one operation of a document that is valid on the API schema.

    `override_labels` are the labels of progressive overrides that hold for this request. `batch_entity_fetches` says
    whether entity fetches of one subgraph and one stage travel in one request, `defer` whether `@defer` counts. Where
    the `bounds` end the search for a better plan, the plan has a hint.

    Raises:
        UnknownOperation: the document has no such operation, or several and no name was given.
        PlanningError: no sequence of fetches answers a selection of the operation.
    """
    operation = _operation(document, operation_name)
    graph = _graph(supergraph, override_labels)
    arrange = batched if batch_entity_fetches else one_by_one
    effort = Effort(bounds)

    def node(deferring: frozenset[str] | None, start: int) -> PlanNode | None:
        variant = replace(operation, deferring=deferring)
        return OperationPlanning(supergraph, graph, variant, effort).node(arrange, start)

    with _refusing(), _collector_paused():
        variables = _deferring(operation) if defer else None
        if variables is None:
            return QueryPlan(node(None, 0), tuple(effort.hints))
        if len(variables) > _DEFER_CONDITIONS:
            effort.hints[_NOT_DEFERRED] = None
        return QueryPlan(_conditional(variables[:_DEFER_CONDITIONS], node), tuple(effort.hints))


def _deferring(operation: Operation) -> list[str] | None:
    """The variables that decide about deferring, None if nothing is deferred; an event is delivered as a whole."""
    if operation.definition.operation is OperationType.SUBSCRIPTION:
        return None
    return conditions(operation.definition, operation.fragments)


def _conditional(
    variables: Sequence[str],
    node: Callable[[frozenset[str], int], PlanNode | None],
    deferring: frozenset[str] = frozenset(),
    start: int = 0,
) -> PlanNode | None:
    """The nodes for each truth of the variables, under conditions."""
    if not variables:
        return node(deferring, start)
    variable, *others = variables
    true = _conditional(others, node, deferring | {variable}, start)
    false = _conditional(others, node, deferring, start + sum(1 for _ in iter_fetches(true)))
    return None if true is None and false is None else Condition(variable, true, false)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without looking for garbage while nearly all that is made is kept: that takes a quarter of the time.

    How much can be made is bounded (`MAX_SELECTIONS`), and it is looked at once afterwards.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _refusing() -> Iterator[None]:
    """Tells why there is no plan in the router's terms."""
    try:
        yield
    except UnplannableError as error:
        raise PlanningError(str(error)) from None
    except (TooComplexError, RecursionError):
        refusal = ResponseError(message="The operation is too complex to be planned.", code=_TOO_COMPLEX)
        raise PlanningError(refusal.message, errors=[refusal]) from None


def _graph(supergraph: Supergraph, labels: frozenset[str]) -> QueryGraph:
    graphs = _GRAPHS.setdefault(supergraph, {})
    graph = graphs.pop(labels, None) or QueryGraph(supergraph, labels)
    graphs[labels] = graph
    if len(graphs) > _KEPT_GRAPHS:
        del graphs[next(iter(graphs))]
    return graph


def _operation(document: DocumentNode | str, name: str | None) -> Operation:
    parsed = parse(document, no_location=True) if isinstance(document, str) else document
    fragments = {item.name.value: item for item in parsed.definitions if isinstance(item, FragmentDefinitionNode)}
    operations = [item for item in parsed.definitions if isinstance(item, OperationDefinitionNode)]
    if name is not None:
        operations = [item for item in operations if item.name is not None and item.name.value == name]
        if not operations:
            raise UnknownOperation(f'Unknown operation named "{name}".')
    if len(operations) != 1:
        raise UnknownOperation("Must provide operation name if query contains multiple operations.")
    return Operation(operations[0], fragments)


def explain(
    supergraph: Supergraph,
    document: DocumentNode | str,
    operation_name: str | None = None,
    *,
    override_labels: frozenset[str] = frozenset(),
    bounds: Bounds = _UNBOUNDED_TIME,
) -> Explanation:
    """Why `plan` fetches each field where it does; what is deferred as if it were not.

    Raises:
        UnknownOperation, PlanningError: as `plan` does.
    """
    operation = _operation(document, operation_name)
    graph = _graph(supergraph, override_labels)
    effort = Effort(bounds)
    with _refusing():
        planning = OperationPlanning(supergraph, graph, operation, effort)
        fields = [
            field
            for draft in planning.drafts()
            for field in explain_choice(graph, planning.hops, draft.leaves, draft.choice.options)
        ]
    return Explanation(tuple(fields), tuple(effort.hints))
