"""Reads documents, and caches valid documents by text. To *read* a document is to check, parse and validate it.

A document that is not valid, or that a check refuses, is not cached. A document is read in the preparing thread, only
once for all requests that wait for the document. A small document is read on the event loop at once.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from graphql import (
    GraphQLSyntaxError,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ValuesOfCorrectTypeRule,
    print_ast,
    specified_rules,
    validate,
)

from router.errors import DocumentNotListed, NestedTooDeeply, ParsingFailed, RequestError, ValidationFailed
from router.get_operation import get_operation
from router.preparation.argument_value_rule import ArgumentValueRule
from router.preparation.collect_garbage_after_large_documents import GarbageAfterLargeDocuments
from router.preparation.lift_literals import MAX_TEXT, LiftedText, fields_with_required_arguments, lift
from router.preparation.overlapping_fields_rule import BoundedOverlappingFieldsRule
from router.preparation.parse_without_token_links import parse_document
from router.preparation.preparing_thread import PREPARING_THREAD
from router.preparation.single_flight import SingleFlight
from router.storage.lru import Lru
from router.storage.memory_size import memory_size

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from graphql import ASTValidationRule, DocumentNode

    from router.preparation.operation_seen_by_stages import Operation
    from router.request.log_fields import RequestRecord
    from router.settings.model import RouterSettings
    from router.settings.sections.limits import LimitName
    from router.supergraph import Supergraph

_REPLACED_RULES: Final[dict[type[ASTValidationRule], type[ASTValidationRule]]] = {
    ValuesOfCorrectTypeRule: ArgumentValueRule,
    OverlappingFieldsCanBeMergedRule: BoundedOverlappingFieldsRule,
}

SMALL_DOCUMENT: Final = 128
"""A document with at most this many characters is read on the event loop.

Measured: the slowest documents of 128 characters take 6 ms to parse and validate, and the slowest documents of 512
characters take 58 ms, because validation compares every pair of fields with the same name. Reading a document in the
preparing thread takes 0.1 ms more."""


class DocumentFindings(msgspec.Struct):
    """What checks find out about a document. The findings are cached with the document, and logged for each request.

    `exceeds` has the limits in measure mode that the document exceeds: such limits do not refuse documents. `listed` is
    False if the document is not on the list of persisted documents.
    """

    exceeds: list[LimitName] = msgspec.field(default_factory=list)
    listed: bool = True


class ParsedDocument:
    """A document that is parsed but not validated.

    `trusted` is True if the document comes from a warm-up of the cache, not from a client.
    """

    def __init__(self, ast: DocumentNode, *, trusted: bool) -> None:
        self.ast = ast
        self.trusted = trusted

    @cached_property
    def text(self) -> str:
        """The normalised text: without comments, in standard layout."""
        return print_ast(self.ast)

    @cached_property
    def hash(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of `text`."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


class DocumentChecks(Protocol):
    """Checks each document that is not cached yet. A check raises `RequestError` to refuse the document.

    The checks are called on the event loop or in the preparing thread.
    """

    def check_text(self, text: str, findings: DocumentFindings) -> None:
        """Check the text of a document before it is parsed."""
        ...

    def check_parsed(self, document: ParsedDocument, findings: DocumentFindings) -> None:
        """Check a document before it is validated.

        The check comes first because validation errors can reveal names of the schema. The client of a refused document
        must not see these errors.
        """
        ...


class Document(msgspec.Struct, frozen=True):
    """A valid document.

    Attributes:
        ast: The document.
        text: The normalised text.
        hash: The first 16 hexadecimal digits of the SHA-256 of `text`.
        exceeds: The limits in measure mode that the document exceeds. Such limits do not refuse documents.
        listed: False if the router has a list of persisted documents and the document is not on this list.
        operations: The operations that requests have chosen, by the operation name of the request.
        notes: Values that stages of the pipeline cache with the document, each stage under its own key.
        lifted: The only operation of the document with variables in place of literals, or None.
    """

    ast: DocumentNode
    text: str
    hash: str
    exceeds: tuple[LimitName, ...] = ()
    listed: bool = True
    operations: dict[str | None, Operation] = msgspec.field(default_factory=dict)
    notes: dict[Hashable, object] = msgspec.field(default_factory=dict)
    lifted: LiftedText | None = None


class _Reading(msgspec.Struct):
    """The result of reading a document: the document or an error, the times in seconds, and the document's memory.

    All requests that wait for the document use this result.
    """

    parse: float = 0.0
    validate: float = 0.0
    hash: str | None = None
    document: Document | None = None
    refusal: RequestError | None = None
    memory_bytes: int = 0

    def result(self, record: RequestRecord) -> Document:
        """Return the document, and write the times and the hash to `record` for the log.

        Raises:
            RequestError: The document is refused.
        """
        record.parse, record.validate = self.parse, self.validate
        record.operation_hash = self.hash or record.operation_hash
        if self.document is None:
            assert self.refusal is not None  # noqa: S101 - without a document there is a refusal
            # All waiting requests raise this one exception object. Without the reset, its traceback would grow.
            raise self.refusal.with_traceback(None)
        return self.document


class Documents:
    """Reads and caches the documents for one supergraph. `cache` has the cached documents, by text."""

    def __init__(self, graph: Supergraph, settings: RouterSettings, checks: DocumentChecks) -> None:
        self._graph = graph
        self._checks = checks
        self._introspection = settings.introspection
        # The rule of graphql-core for the depth of introspection is left out, because `limits.introspection_depth`
        # replaces it.
        kept = (rule for rule in specified_rules if rule is not MaxIntrospectionDepthRule)
        rules = (_REPLACED_RULES.get(rule, rule) for rule in kept)
        self._rules = (*rules, *(() if settings.introspection else (NoSchemaIntrospectionCustomRule,)))
        self._lifts_literals = settings.planner.lift_literals
        self._kept: frozenset[str] | None = None  # found when the first document is read
        cache = settings.cache
        self.cache: Lru[str, Document] = Lru(max_entries=cache.documents, max_weight=cache.memory_bytes)
        self._garbage = GarbageAfterLargeDocuments()
        self._flights: SingleFlight[str, _Reading] = SingleFlight(PREPARING_THREAD, self._keep)

    async def document(self, query: str, record: RequestRecord) -> Document:
        """Return the document of a text: the cached document, or a newly read document.

        Raises:
            RequestError: The text is not a valid document, or a check refuses the document.
        """
        document = self.cache.get(query)
        record.document_cached = document is not None or query in self._flights
        if document is None:
            read = partial(self._read, query, trusted=False)
            if len(query) <= SMALL_DOCUMENT:
                reading = read()
                self._keep(query, reading)
            else:
                reading = await self._flights.result(query, read)
            document = reading.result(record)
        return _reported(document, record)

    def prepare(self, query: str, record: RequestRecord) -> Document:
        """Return the document of a text from a warm-up of the cache. Block until the document is read.

        The checks see the document as `trusted` (see `ParsedDocument`).

        Raises:
            RequestError: The text is not a valid document, or a check refuses the document.
        """
        document = self.cache.get(query)
        if document is None:
            reading = PREPARING_THREAD.submit(partial(self._read, query, trusted=True)).result()
            self._keep(query, reading)
            document = reading.result(record)
        return _reported(document, record)

    def _keep(self, query: str, reading: _Reading) -> None:
        document = reading.document
        if document is not None:
            self.cache.put(query, document, reading.memory_bytes)

    def _read(self, query: str, *, trusted: bool) -> _Reading:
        reading = _Reading()
        try:
            with bounded_nesting():
                reading.document = self._document(query, reading, trusted=trusted)
            reading.memory_bytes = memory_size(query, reading.document)
        except RequestError as refusal:
            _drop_frames(refusal)
            reading.refusal = refusal
        self._garbage.count(len(query))
        return reading

    def _document(self, query: str, reading: _Reading, *, trusted: bool) -> Document:
        findings = DocumentFindings()
        self._checks.check_text(query, findings)
        ast = _parsed(query, reading)
        parsed = ParsedDocument(ast, trusted=trusted)
        try:
            self._checks.check_parsed(parsed, findings)
        except DocumentNotListed:
            reading.hash = parsed.hash  # so the log line has the hash of the refused document
            raise
        reading.hash = parsed.hash
        self._validate(ast, reading)
        lifted = self._lifted(ast) if self._lifts_literals and len(parsed.text) <= MAX_TEXT else None
        return Document(ast, parsed.text, parsed.hash, tuple(findings.exceeds), findings.listed, lifted=lifted)

    def _lifted(self, ast: DocumentNode) -> LiftedText | None:
        """Return the only operation of a document with variables in place of literals; None with several operations."""
        if sum(isinstance(node, OperationDefinitionNode) for node in ast.definitions) != 1:
            return None
        if self._kept is None:
            self._kept = fields_with_required_arguments(self._graph.sdl)
        return lift(get_operation(self._graph.api_schema, ast), self._kept)

    def _validate(self, ast: DocumentNode, reading: _Reading) -> None:
        started = time.perf_counter()
        try:
            # If introspection is disabled, error messages must not suggest names of the schema ("Did you mean …?").
            errors = validate(self._graph.api_schema, ast, self._rules, hide_suggestions=not self._introspection)
        finally:
            reading.validate = time.perf_counter() - started
        if errors:
            raise ValidationFailed.of(errors)


def _drop_frames(refusal: RequestError) -> None:
    """Remove the tracebacks of an error and of its causes.

    The frames of a traceback refer to the document. A reference cycle of frames would keep the document in memory.
    """
    error: BaseException | None = refusal
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _parsed(text: str, reading: _Reading) -> DocumentNode:
    started = time.perf_counter()
    try:
        return parse_document(text)
    except GraphQLSyntaxError as error:
        raise ParsingFailed.of([error]) from error
    finally:
        reading.parse = time.perf_counter() - started


def _reported(document: Document, record: RequestRecord) -> Document:
    record.exceeds += document.exceeds
    record.listed = document.listed
    return document


@contextmanager
def bounded_nesting() -> Iterator[None]:
    """Turn a `RecursionError` into `NestedTooDeeply`.

    The parser limits the nesting of selections, but fragments that spread other fragments can be nested more deeply.
    """
    try:
        yield
    except RecursionError as error:
        raise NestedTooDeeply("The document is nested too deeply.") from error
