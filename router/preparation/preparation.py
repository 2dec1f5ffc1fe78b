"""The stages of preparation, put together: from a request to the plan of its operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import OperationType

from router.errors import NotReadOnly, SubscriptionsNotEnabled
from router.operation import get_operation
from router.preparation.documents import Documents
from router.preparation.override_labels import OverrideLabels
from router.preparation.plans import Plans
from router.request.messages import GraphQLRequest
from router.request.record import RequestRecord

if TYPE_CHECKING:
    from router.operation import PreparedOperation
    from router.plan import QueryPlan
    from router.policies.limits import LimitWatch
    from router.preparation.documents import AllowList, Document
    from router.preparation.plans import PlanKey
    from router.settings.model import RouterSettings
    from router.storage.lru import Lru
    from router.supergraph import Supergraph


class Preparation:
    """Takes requests up to the point where their variables matter."""

    def __init__(
        self, graph: Supergraph, settings: RouterSettings, limits: LimitWatch, allow_list: AllowList | None = None
    ) -> None:
        self._graph = graph
        self._documents = Documents(graph, settings, limits, allow_list)
        self._plans = Plans(graph, settings)
        self.override_labels = OverrideLabels(graph, settings.override_labels)

    @property
    def documents(self) -> Lru[str, Document]:
        """The documents that are known, by their text."""
        return self._documents.cache

    @property
    def plans(self) -> Lru[PlanKey, QueryPlan]:
        """The plans that are known."""
        return self._plans.cache

    async def document(self, request: GraphQLRequest, record: RequestRecord) -> Document:
        """The request's document, parsed and valid.

        Raises:
            RequestError: it is not, or it asks for more than the limits allow, or may not be run.
        """
        return self._documents.document(request.query, record)

    def operation(self, document: Document, request: GraphQLRequest, record: RequestRecord) -> PreparedOperation:
        """The operation of the document that the request means.

        Raises:
            RequestError: there is none, or it is of a kind that this request or this router may not run.
        """
        chosen = document.operations.get(request.operation_name)
        if chosen is None:
            chosen = get_operation(self._graph.api_schema, document.ast, request.operation_name)
            document.operations[request.operation_name] = chosen
            document.override_labels[request.operation_name] = self.override_labels.met_by(chosen)
        definition = chosen.definition
        record.operation_hash = document.hash
        record.operation_kind = definition.operation.value
        record.operation_name = definition.name.value if definition.name is not None else None
        if request.read_only and definition.operation is not OperationType.QUERY:
            raise NotReadOnly("Only queries are run by GET.")
        if definition.operation is OperationType.SUBSCRIPTION:
            raise SubscriptionsNotEnabled("This router does not run subscriptions.")
        return chosen

    async def plan(
        self,
        document: Document,
        operation_name: str | None,
        record: RequestRecord,
        labels: frozenset[str] = frozenset(),
    ) -> QueryPlan:
        """The plan of one operation where, of the override labels that it can depend on, these hold.

        Raises:
            PlanningError: there is none.
        """
        return self._plans.plan(document, operation_name, record, labels)

    def prepare(self, query: str, operation_name: str | None = None) -> None:
        """Keep the document and the plans of an operation, so that no request waits for them.

        The document need not be on the allow-list. Call it where the gateway is used, or before it is: its caches are
        not for two threads.

        Raises:
            RequestError: it is not valid, has no such operation, or cannot be planned.
        """
        request, record = GraphQLRequest(query=query, operation_name=operation_name), RequestRecord()
        document = self._documents.document(query, record, trusted=True)
        self.operation(document, request, record)
        for labels in self.override_labels.likely(document.override_labels[operation_name]):
            self._plans.plan(document, operation_name, record, labels)
