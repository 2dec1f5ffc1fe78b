"""Everything about an operation that does not depend on its variables: done once, kept, bounded.

    text ─ parse, limits, validate ─> document ─ choose ─> operation ─ plan ─> plan

Documents are kept by their text, plans by the normal form of it and the operation's name: two clients that lay out the
same operation differently share a plan. Neither key has a variable's value in it. What is refused is not kept.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql import (
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationType,
    parse,
    print_ast,
    specified_rules,
    validate,
)

from router import planner
from router.errors import ParsingFailed, RequestError, ValidationFailed
from router.executor.context import prepare
from router.lru import Lru
from router.policies import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode

    from router.exchange import GraphQLRequest, Report
    from router.executor.context import PreparedOperation
    from router.plan import QueryPlan
    from router.settings.model import RouterSettings
    from router.supergraph import Supergraph


class NestedTooDeeply(RequestError):
    """A stage would need more of the interpreter's stack than there is."""

    code = "MAX_DEPTH_LIMIT"


class NotReadOnly(RequestError):
    """A mutation came by a method that HTTP calls safe (GraphQL over HTTP, "GET")."""

    code = "METHOD_NOT_ALLOWED"


class SubscriptionsNotEnabled(RequestError):
    """The operation is a subscription, and this router answers once."""

    code = "SUBSCRIPTIONS_NOT_ENABLED"


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document; `text` is its normal form, `hash` tells documents apart without telling their literals."""

    ast: DocumentNode
    text: str
    hash: str
    operations: dict[str | None, PreparedOperation] = field(default_factory=dict)


class Preparation:
    """Takes requests up to the point where their variables matter."""

    def __init__(self, graph: Supergraph, settings: RouterSettings) -> None:
        self._graph = graph
        self._limits = settings.limits
        self._introspection = settings.introspection
        self._rules = (*specified_rules, *(() if settings.introspection else (NoSchemaIntrospectionCustomRule,)))
        cache = settings.cache
        self.documents: Lru[str, Document] = Lru(max_entries=cache.documents, max_weight=cache.text_bytes)
        self.plans: Lru[tuple[str, str | None], QueryPlan] = Lru(max_entries=cache.plans, max_weight=cache.text_bytes)

    def document(self, request: GraphQLRequest, report: Report) -> Document:
        """The request's document, parsed and valid.

        Raises:
            RequestError: it is not, or it asks for more than the limits allow.
        """
        known = self.documents.get(request.query)
        report.document_cached = known is not None
        if known is not None:
            return known
        with _bounded_nesting():
            ast = self._parsed(request.query, report)
            self._check(ast, report)
            text = print_ast(ast)
        document = Document(ast, text, hashlib.sha256(text.encode()).hexdigest()[:16])
        self.documents.put(request.query, document, len(request.query) + len(text))
        return document

    def operation(self, document: Document, request: GraphQLRequest, report: Report) -> PreparedOperation:
        """The operation of the document that the request means.

        Raises:
            RequestError: there is none, or it is of a kind that this request or this router may not run.
        """
        chosen = document.operations.get(request.operation_name)
        if chosen is None:
            chosen = prepare(self._graph.api_schema, document.ast, request.operation_name)
            document.operations[request.operation_name] = chosen
        definition = chosen.definition
        report.operation_hash = document.hash
        report.operation_kind = definition.operation.value
        report.operation_name = definition.name.value if definition.name is not None else None
        if request.read_only and definition.operation is not OperationType.QUERY:
            raise NotReadOnly("Only queries are run by GET.")
        if definition.operation is OperationType.SUBSCRIPTION:
            raise SubscriptionsNotEnabled("This router does not run subscriptions.")
        return chosen

    def plan(self, document: Document, operation_name: str | None, report: Report) -> QueryPlan:
        """The plan of one operation.

        Raises:
            PlanningError: there is none.
        """
        key = (document.text, operation_name)
        known = self.plans.get(key)
        report.plan_cached = known is not None
        if known is not None:
            return known
        started = time.perf_counter()
        try:
            with _bounded_nesting():
                plan = planner.plan(self._graph, document.ast, operation_name)
        finally:
            report.plan = time.perf_counter() - started
        self.plans.put(key, plan, len(document.text))
        return plan

    def _parsed(self, text: str, report: Report) -> DocumentNode:
        started = time.perf_counter()
        try:
            return parse(text, max_tokens=self._limits.tokens, allow_empty_selection_sets=False)
        except GraphQLSyntaxError as error:
            raise ParsingFailed.of([error]) from error
        finally:
            report.parse = time.perf_counter() - started

    def _check(self, ast: DocumentNode, report: Report) -> None:
        started = time.perf_counter()
        try:
            limits.check(ast, self._limits)
            # Suggestions would tell the schema's names to those who may not ask for them.
            errors = validate(self._graph.api_schema, ast, self._rules, hide_suggestions=not self._introspection)
        finally:
            report.validate = time.perf_counter() - started
        if errors:
            raise ValidationFailed.of(errors)


@contextmanager
def _bounded_nesting() -> Iterator[None]:
    """The parser bounds nesting; what later stages make of it (fragments within fragments) may still be too deep."""
    try:
        yield
    except RecursionError as error:
        raise NestedTooDeeply("The document is nested too deeply.") from error
