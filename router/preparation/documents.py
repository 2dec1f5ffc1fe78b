"""Documents: parsed, valid and within the limits. Kept by their text; a document that is refused is not kept."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from graphql import (
    GraphQLSyntaxError,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    parse,
    print_ast,
    specified_rules,
    validate,
)

from router.errors import DocumentNotListed, NestedTooDeeply, ParsingFailed, ValidationFailed
from router.storage.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode

    from router.operation import PreparedOperation
    from router.policies.limits import LimitWatch
    from router.request.record import RequestRecord
    from router.settings.model import RouterSettings
    from router.settings.sections.limits import LimitName
    from router.supergraph import Supergraph


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


class Documents:
    """The documents of one supergraph; `cache` has those that are known, by their text."""

    def __init__(
        self, graph: Supergraph, settings: RouterSettings, limits: LimitWatch, allow_list: AllowList | None
    ) -> None:
        self._graph = graph
        self._limits = limits
        self._allow_list = allow_list
        self._introspection = settings.introspection
        # How deep introspection may go is a limit of its own, which an operator can set.
        rules = (rule for rule in specified_rules if rule is not MaxIntrospectionDepthRule)
        self._rules = (*rules, *(() if settings.introspection else (NoSchemaIntrospectionCustomRule,)))
        cache = settings.cache
        self.cache: Lru[str, Document] = Lru(max_entries=cache.documents, max_weight=cache.text_bytes)

    def document(self, query: str, record: RequestRecord, *, trusted: bool = False) -> Document:
        """The document of a text, parsed and valid. One that is `trusted` need not be on the allow-list.

        Raises:
            RequestError: it is not, or it asks for more than the limits allow, or may not be run.
        """
        known = self.cache.get(query)
        record.document_cached = known is not None
        if known is not None:
            self._limits.recall(known.exceeds)
            self._admit(known.text, trusted=trusted)
            document = known
        else:
            with bounded_nesting():
                document = self._prepared(query, record, trusted=trusted)
            self.cache.put(query, document, len(query) + len(document.text))
        record.exceeds += document.exceeds
        record.listed = document.listed
        return document

    def _prepared(self, query: str, record: RequestRecord, *, trusted: bool) -> Document:
        exceeds = self._limits.check_text(query)
        ast = self._parsed(query, record)
        exceeds += self._limits.check_document(ast)
        text = print_ast(ast)
        record.operation_hash = digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        listed = self._admit(text, trusted=trusted)
        self._validate(ast, record)
        return Document(ast, text, digest, tuple(exceeds), listed)

    def _admit(self, text: str, *, trusted: bool) -> bool:
        """Whether a document is on the list; before it is validated, which would tell strangers about the schema."""
        listed = self._allow_list is None or self._allow_list.lists(text)
        if not (listed or trusted) and self._allow_list is not None and self._allow_list.enforced:
            raise DocumentNotListed("Only operations known to this server are run.", code="QUERY_NOT_IN_SAFELIST")
        return listed

    def _parsed(self, text: str, record: RequestRecord) -> DocumentNode:
        started = time.perf_counter()
        try:
            return parse(text, allow_empty_selection_sets=False)
        except GraphQLSyntaxError as error:
            raise ParsingFailed.of([error]) from error
        finally:
            record.parse = time.perf_counter() - started

    def _validate(self, ast: DocumentNode, record: RequestRecord) -> None:
        started = time.perf_counter()
        try:
            # Suggestions would tell the schema's names to those who may not ask for them.
            errors = validate(self._graph.api_schema, ast, self._rules, hide_suggestions=not self._introspection)
        finally:
            record.validate = time.perf_counter() - started
        if errors:
            raise ValidationFailed.of(errors)


@contextmanager
def bounded_nesting() -> Iterator[None]:
    """The parser bounds nesting; what later stages make of it (fragments within fragments) may still be too deep."""
    try:
        yield
    except RecursionError as error:
        raise NestedTooDeeply("The document is nested too deeply.") from error
