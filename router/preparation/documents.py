"""Documents: parsed, valid and within the limits. Kept by their text; a document that is refused is not kept."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
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
    from collections.abc import Hashable, Iterator

    from graphql import DocumentNode

    from router.preparation.operations import Operation
    from router.request.record import RequestRecord
    from router.settings.model import RouterSettings
    from router.settings.sections.limits import LimitName
    from router.supergraph import Supergraph


@dataclass(slots=True)
class DocumentFindings:
    """What checks find out about a document; it is kept with the document and reported for each request.

    `exceeds` are the measured limits that it exceeds, `listed` is whether it is on the list of persisted documents.
    """

    exceeds: list[LimitName] = field(default_factory=list)
    listed: bool = True


class ParsedDocument:
    """A document that is not validated yet. It is `trusted` if it comes from the operator: from a warm-up."""

    def __init__(self, ast: DocumentNode, *, trusted: bool) -> None:
        self.ast = ast
        self.trusted = trusted

    @cached_property
    def text(self) -> str:
        """Its normal form: comments and layout do not matter."""
        return print_ast(self.ast)

    @cached_property
    def hash(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of its normal form."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


class DocumentChecks(Protocol):
    """The checks of a document that is not known yet. They raise `RequestError` where they refuse it.

    They may be called from another thread than requests are.
    """

    def check_text(self, text: str, findings: DocumentFindings) -> None:
        """Check a document before it is parsed."""
        ...

    def check_parsed(self, document: ParsedDocument, findings: DocumentFindings) -> None:
        """Check a document before it is validated, which would reveal names of the schema."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document.

    Attributes:
        ast: The document.
        text: Its normal form.
        hash: The first 16 hexadecimal digits of the SHA-256 of `text`.
        exceeds: The measured limits that it exceeds.
        listed: Whether it is on the list of persisted documents, True without a list.
        operations: Its operations that were run, by the operation name of the request.
        notes: What stages keep with the document, each under a key of its own.
    """

    ast: DocumentNode
    text: str
    hash: str
    exceeds: tuple[LimitName, ...] = ()
    listed: bool = True
    operations: dict[str | None, Operation] = field(default_factory=dict)
    notes: dict[Hashable, object] = field(default_factory=dict)


class Documents:
    """The documents of one supergraph; `cache` has those that are known, by their text."""

    def __init__(self, graph: Supergraph, settings: RouterSettings, checks: DocumentChecks) -> None:
        self._graph = graph
        self._checks = checks
        self._introspection = settings.introspection
        # How deep introspection may go is a limit of its own, which an operator can set.
        rules = (rule for rule in specified_rules if rule is not MaxIntrospectionDepthRule)
        self._rules = (*rules, *(() if settings.introspection else (NoSchemaIntrospectionCustomRule,)))
        cache = settings.cache
        self.cache: Lru[str, Document] = Lru(max_entries=cache.documents, max_weight=cache.text_bytes)

    def document(self, query: str, record: RequestRecord, *, trusted: bool = False) -> Document:
        """The document of a text, parsed and valid. `trusted` is as in `ParsedDocument`.

        Raises:
            RequestError: The text is not a valid document, or a check refuses it.
        """
        document = self.cache.get(query)
        record.document_cached = document is not None
        if document is None:
            with bounded_nesting():
                document = self._prepared(query, record, trusted=trusted)
            self.cache.put(query, document, len(query) + len(document.text))
        record.exceeds += document.exceeds
        record.listed = document.listed
        return document

    def _prepared(self, query: str, record: RequestRecord, *, trusted: bool) -> Document:
        findings = DocumentFindings()
        self._checks.check_text(query, findings)
        ast = self._parsed(query, record)
        parsed = ParsedDocument(ast, trusted=trusted)
        try:
            self._checks.check_parsed(parsed, findings)
        except DocumentNotListed:
            record.operation_hash = parsed.hash  # the log shows which documents a list lacks
            raise
        record.operation_hash = parsed.hash
        self._validate(ast, record)
        return Document(ast, parsed.text, parsed.hash, tuple(findings.exceeds), findings.listed)

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
