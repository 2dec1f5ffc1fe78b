"""Runs the stages of preparation: finds the document of a request, then the operation, then the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from graphql import OperationType, parse

from router.errors import NotReadOnly, PersistedQueryNotSupported, SubscriptionsNotEnabled
from router.get_operation import get_operation
from router.preparation.make_and_cache_plans import PlanKey, Plans
from router.preparation.operation_seen_by_stages import LiftedLiterals, Operation
from router.preparation.read_and_cache_documents import DocumentChecks, Documents
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest
from router.storage.lru import Lru
from router.storage.memory_size import memory_size

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from router.get_operation import PreparedOperation
    from router.plan import QueryPlan
    from router.preparation.read_and_cache_documents import Document
    from router.settings.model import RouterSettings
    from router.supergraph import Supergraph


class PreparationStages(DocumentChecks, Protocol):
    """The methods that preparation calls on stages of the pipeline: checks of documents, and `likely_plans`."""

    def likely_plans(self, operation: Operation, key: PlanKey) -> Iterable[tuple[Operation, PlanKey]]:
        """Return the plans that most requests for `operation` need.

        Each plan is described by a pair: the operation to plan, and the plan key.
        """
        ...


class Preparation:
    """Prepares requests: finds the document, the operation and the plan, without the values of variables."""

    def __init__(self, graph: Supergraph, settings: RouterSettings, stages: PreparationStages) -> None:
        self._graph = graph
        self._stages = stages
        self._documents = Documents(graph, settings, stages)
        self._plans = Plans(graph, settings)
        cache = settings.cache
        self._operations: Lru[str, PreparedOperation] = Lru(max_entries=cache.plans, max_weight=cache.memory_bytes)

    @property
    def documents(self) -> Lru[str, Document]:
        """Return the cached documents, by text."""
        return self._documents.cache

    @property
    def plans(self) -> Lru[PlanKey, QueryPlan]:
        """Return the cached plans, by plan key."""
        return self._plans.cache

    def document(self, request: GraphQLRequest, record: RequestRecord) -> Coroutine[Any, Any, Document]:
        """Return the coroutine that returns the document of the request, parsed and validated.

        Raises:
            RequestError: The document is not valid, or a check refuses the document.
        """
        if not request.query and request.document_id is not None:
            raise PersistedQueryNotSupported("PersistedQueryNotSupported")  # clients look for this message
        return self._documents.document(request.query, record)

    def operation(self, document: Document, request: GraphQLRequest, record: RequestRecord) -> Operation:
        """Return the operation of the document that the request runs.

        Raises:
            RequestError: The document has no such operation, or the request may not run an operation of this kind.
        """
        chosen = document.operations.get(request.operation_name)
        if chosen is None:
            chosen = self._chosen(document, request.operation_name)
            document.operations[request.operation_name] = chosen
        record.operation_hash = document.hash
        record.operation_kind = chosen.kind
        record.operation_name = chosen.name
        kind = chosen.client.definition.operation
        if request.read_only and kind is not OperationType.QUERY:
            raise NotReadOnly("Only queries are run by GET.")
        if kind is OperationType.SUBSCRIPTION:
            raise SubscriptionsNotEnabled("This router does not run subscriptions.")
        return chosen

    def _chosen(self, document: Document, operation_name: str | None) -> Operation:
        sent = get_operation(self._graph.api_schema, document.ast, operation_name)
        definition, lifted, prepared = sent.definition, None, sent
        if document.lifted is not None:
            text, values = document.lifted
            lifted, prepared = LiftedLiterals(sent, text, values), self._with_variables(text)
        return Operation(
            name=definition.name.value if definition.name is not None else None,
            kind=definition.operation.value,
            hash=document.hash,
            document=document.text,
            override_labels=self._plans.planner.override_labels(prepared),
            client=prepared,
            planned=prepared,
            lifted=lifted,
        )

    def _with_variables(self, text: str) -> PreparedOperation:
        """Return the operation of a text with variables in place of literals. All documents with this text share it.

        So they share what is cached for the operation, such as its compiled plans.
        """
        known = self._operations.get(text)
        if known is None:
            known = get_operation(self._graph.api_schema, parse(text, no_location=True))
            self._operations.put(text, known, memory_size(text, known))
        return known

    def plan(self, operation: Operation, key: PlanKey, record: RequestRecord) -> Coroutine[Any, Any, QueryPlan]:
        """Return the coroutine that returns the plan of the operation. The plan is cached under `key`.

        Raises:
            PlanningError: The operation cannot be planned.
        """
        return self._plans.plan(operation, key, record)

    def prepare(self, query: str, operation_name: str | None = None) -> None:
        """Cache the document and the likely plans of an operation, so that no request waits for the planner.

        The document need not be on the list of persisted documents. This method blocks until the plans are made. The
        caches are not thread-safe: call this method from the thread that uses the gateway, or before any thread uses
        the gateway.

        Raises:
            RequestError: The document is not valid, has no such operation, or the operation cannot be planned.
        """
        request, record = GraphQLRequest(query=query, operation_name=operation_name), RequestRecord()
        document = self._documents.prepare(query, record)
        operation = self.operation(document, request, record)
        for planned, key in self._stages.likely_plans(operation, PlanKey(operation.planned_document, operation_name)):
            self._plans.prepare(planned, key, record)
