"""Everything about an operation that does not depend on its variables: done once, kept, bounded.

    text ─ limits, parse, validate ─> document ─ choose ─> operation ─ plan ─> plan

Documents are kept by their text, plans by the normal form of it, the operation's name and the override labels that
hold: two clients that lay out the same operation differently share a plan. Neither key has a variable's value in it.
What is refused is not kept.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog
from graphql import (
    GraphQLSyntaxError,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    OperationType,
    parse,
    print_ast,
    specified_rules,
    validate,
)

from router import planner
from router.errors import ParsingFailed, RequestError, ValidationFailed
from router.operation import prepare
from router.planner import Bounds
from router.preparation.override_labels import OverrideLabels
from router.storage.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode

    from router.operation import PreparedOperation
    from router.plan import QueryPlan
    from router.policies.limits import LimitWatch
    from router.request.messages import GraphQLRequest
    from router.request.record import RequestRecord
    from router.settings.model import RouterSettings
    from router.settings.sections.limits import LimitName
    from router.supergraph import Supergraph


_log = structlog.stdlib.get_logger("planner")


class NestedTooDeeply(RequestError):
    """A stage would need more of the interpreter's stack than there is."""

    code = "MAX_DEPTH_LIMIT"


class NotReadOnly(RequestError):
    """A mutation came by a method that HTTP calls safe (GraphQL over HTTP, "GET")."""

    code = "METHOD_NOT_ALLOWED"


class NotOnTheList(RequestError):
    """The document is none of those that may be run."""

    code = "QUERY_NOT_IN_SAFELIST"


class SubscriptionsNotEnabled(RequestError):
    """The operation is a subscription, and this router answers once."""

    code = "SUBSCRIPTIONS_NOT_ENABLED"


class PlanKey(NamedTuple):
    """What a plan depends on, besides the supergraph and the settings."""

    text: str
    operation_name: str | None
    override_labels: frozenset[str]


class AllowList(Protocol):
    """Which documents clients may run."""

    @property
    def enforced(self) -> bool:
        """Whether others are refused."""
        ...

    def lists(self, text: str) -> bool:
        """Whether a document, in its normal form, is on the list."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document; `text` is its normal form, `hash` tells documents apart without telling their literals.

    `exceeds` are the limits that only measure, `listed` is whether it may run: what each request for it is told again.
    `override_labels` are those that the plans of its `operations` can depend on.
    """

    ast: DocumentNode
    text: str
    hash: str
    exceeds: tuple[LimitName, ...] = ()
    listed: bool = True
    operations: dict[str | None, PreparedOperation] = field(default_factory=dict)
    override_labels: dict[str | None, frozenset[str]] = field(default_factory=dict)


class Preparation:
    """Takes requests up to the point where their variables matter."""

    def __init__(
        self, graph: Supergraph, settings: RouterSettings, limits: LimitWatch, allow_list: AllowList | None = None
    ) -> None:
        self._graph = graph
        self._limits = limits
        self._allow_list = allow_list
        self._introspection = settings.introspection
        self._batch_entity_fetches = settings.planner.batch_entity_fetches
        self._bounds = Bounds(settings.planner.work, settings.planner.deadline)
        # How deep introspection may go is a limit of its own, which an operator can set.
        rules = (rule for rule in specified_rules if rule is not MaxIntrospectionDepthRule)
        self._rules = (*rules, *(() if settings.introspection else (NoSchemaIntrospectionCustomRule,)))
        cache = settings.cache
        self.documents: Lru[str, Document] = Lru(max_entries=cache.documents, max_weight=cache.text_bytes)
        self.plans: Lru[PlanKey, QueryPlan] = Lru(max_entries=cache.plans, max_weight=cache.text_bytes)
        self.override_labels = OverrideLabels(graph, settings.override_labels)

    def document(self, request: GraphQLRequest, report: RequestRecord, *, trusted: bool = False) -> Document:
        """The request's document, parsed and valid. One that is `trusted` need not be on the allow-list.

        Raises:
            RequestError: it is not, or it asks for more than the limits allow, or may not be run.
        """
        known = self.documents.get(request.query)
        report.document_cached = known is not None
        if known is not None:
            self._limits.recall(known.exceeds)
            self._admit(known.text, trusted=trusted)
            document = known
        else:
            with _bounded_nesting():
                document = self._prepared(request.query, report, trusted=trusted)
            self.documents.put(request.query, document, len(request.query) + len(document.text))
        report.exceeds += document.exceeds
        report.listed = document.listed
        return document

    def _prepared(self, query: str, report: RequestRecord, *, trusted: bool) -> Document:
        exceeds = self._limits.check_text(query)
        ast = self._parsed(query, report)
        exceeds += self._limits.check_document(ast)
        text = print_ast(ast)
        report.operation_hash = digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        listed = self._admit(text, trusted=trusted)
        self._validate(ast, report)
        return Document(ast, text, digest, tuple(exceeds), listed)

    def operation(self, document: Document, request: GraphQLRequest, report: RequestRecord) -> PreparedOperation:
        """The operation of the document that the request means.

        Raises:
            RequestError: there is none, or it is of a kind that this request or this router may not run.
        """
        chosen = document.operations.get(request.operation_name)
        if chosen is None:
            chosen = prepare(self._graph.api_schema, document.ast, request.operation_name)
            document.operations[request.operation_name] = chosen
            document.override_labels[request.operation_name] = self.override_labels.met_by(chosen)
        definition = chosen.definition
        report.operation_hash = document.hash
        report.operation_kind = definition.operation.value
        report.operation_name = definition.name.value if definition.name is not None else None
        if request.read_only and definition.operation is not OperationType.QUERY:
            raise NotReadOnly("Only queries are run by GET.")
        if definition.operation is OperationType.SUBSCRIPTION:
            raise SubscriptionsNotEnabled("This router does not run subscriptions.")
        return chosen

    def plan(
        self,
        document: Document,
        operation_name: str | None,
        report: RequestRecord,
        labels: frozenset[str] = frozenset(),
    ) -> QueryPlan:
        """The plan of one operation where of the override labels that it can meet, these hold.

        Raises:
            PlanningError: there is none.
        """
        key = PlanKey(document.text, operation_name, labels)
        known = self.plans.get(key)
        report.plan_cached = known is not None
        report.override_labels = tuple(sorted(labels))
        if known is not None:
            return known
        started = time.perf_counter()
        try:
            with _bounded_nesting():
                plan = planner.plan(
                    self._graph,
                    document.ast,
                    operation_name,
                    override_labels=labels,
                    batch_entity_fetches=self._batch_entity_fetches,
                    # Responses are sent as a whole, and deferring takes more fetches.
                    defer=False,
                    bounds=self._bounds,
                )
        finally:
            report.plan = time.perf_counter() - started
        for hint in plan.hints:
            # Once for a plan, not for each request: it is kept.
            _log.warning("a plan with a hint", operation=report.operation_name, document=document.hash, hint=hint)
        self.plans.put(key, plan, len(document.text))
        return plan

    def _admit(self, text: str, *, trusted: bool) -> bool:
        """Whether a document is on the list; before it is validated, which would tell strangers about the schema."""
        listed = self._allow_list is None or self._allow_list.lists(text)
        if not (listed or trusted) and self._allow_list is not None and self._allow_list.enforced:
            raise NotOnTheList("Only operations known to this server are run.")
        return listed

    def _parsed(self, text: str, report: RequestRecord) -> DocumentNode:
        started = time.perf_counter()
        try:
            return parse(text, allow_empty_selection_sets=False)
        except GraphQLSyntaxError as error:
            raise ParsingFailed.of([error]) from error
        finally:
            report.parse = time.perf_counter() - started

    def _validate(self, ast: DocumentNode, report: RequestRecord) -> None:
        started = time.perf_counter()
        try:
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
