"""The stages of preparation, put together: from a request to the plan of its operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from graphql import OperationType

from router.errors import NotReadOnly, PersistedQueryNotSupported, SubscriptionsNotEnabled
from router.get_operation import get_operation
from router.preparation.document_cache import DocumentChecks, Documents
from router.preparation.plan_cache import PlanKey, Plans
from router.preparation.request_operation import Operation
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.plan import QueryPlan
    from router.preparation.document_cache import Document
    from router.settings.model import RouterSettings
    from router.storage.lru import Lru
    from router.supergraph import Supergraph


class PreparationStages(DocumentChecks, Protocol):
    """What preparation needs of the pipeline's stages: checks of documents, and the plans of a warm-up."""

    def likely_plans(self, operation: Operation, key: PlanKey) -> Iterable[tuple[Operation, PlanKey]]:
        """The operations and keys of the plans that most requests for an operation need."""
        ...


class Preparation:
    """Takes requests up to the point where their variables matter."""

    def __init__(self, graph: Supergraph, settings: RouterSettings, stages: PreparationStages) -> None:
        self._graph = graph
        self._stages = stages
        self._documents = Documents(graph, settings, stages)
        self._plans = Plans(graph, settings)

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
            RequestError: It is not valid, or a check refuses it.
        """
        if not request.query and request.document_id is not None:
            raise PersistedQueryNotSupported("PersistedQueryNotSupported")  # the words that clients compare with
        return await self._documents.document(request.query, record)

    def operation(self, document: Document, request: GraphQLRequest, record: RequestRecord) -> Operation:
        """The operation of the document that the request means.

        Raises:
            RequestError: There is none, or its kind is not allowed for this request or this router.
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
        prepared = get_operation(self._graph.api_schema, document.ast, operation_name)
        definition = prepared.definition
        return Operation(
            name=definition.name.value if definition.name is not None else None,
            kind=definition.operation.value,
            hash=document.hash,
            document=document.text,
            override_labels=self._plans.planner.override_labels(prepared),
            client=prepared,
            planned=prepared,
        )

    async def plan(self, operation: Operation, key: PlanKey, record: RequestRecord) -> QueryPlan:
        """The plan of an operation; `key` says what it depends on.

        Raises:
            PlanningError: There is none.
        """
        return await self._plans.plan(operation, key, record)

    def prepare(self, query: str, operation_name: str | None = None) -> None:
        """Keep the document and the likely plans of an operation, so that no request waits for them.

        The document need not be on the allow-list. The calling thread waits. It must be the thread that uses the
        gateway, or call before any does: caches are not for two threads.

        Raises:
            RequestError: It is not valid, has no such operation, or cannot be planned.
        """
        request, record = GraphQLRequest(query=query, operation_name=operation_name), RequestRecord()
        document = self._documents.prepare(query, record)
        operation = self.operation(document, request, record)
        for planned, key in self._stages.likely_plans(operation, PlanKey(document.text, operation_name)):
            self._plans.prepare(planned, key, record)
