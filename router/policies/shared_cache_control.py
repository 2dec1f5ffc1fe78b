"""Says which responses a shared cache, such as a CDN, may store: those to GET requests with a public operation.

A response may be stored if all of this holds:

    the request   is a GET with the id of a persisted document, and no header of it can contain a credential
    the response  has no errors and the status 200
    the schema    `@cacheControl` gives every field a time above 0, and makes none PRIVATE

`@cacheControl` means what it means in Apollo Server: the argument of a field comes before that of its type; a root
field and a field with an object have `default_max_age` without it; a leaf has the time of its parent. The shortest time
counts, whatever `@skip` and `@include` say. The directive reaches the supergraph by `@composeDirective`.

Every other response to a GET request with such an id is `private, no-store`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    get_named_type,
    is_composite_type,
    value_from_ast_untyped,
)

from router.pipeline.stage import Stage
from router.policies.persisted_documents import CLIENT_NAME
from router.preparation.read_and_cache_documents import bounded_nesting
from router.request.credential_headers import is_anonymous
from router.request.request_and_response import Outcome
from router.settings.sections.persisted_documents import PersistedMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLField, GraphQLNamedType, SelectionSetNode

    from router.get_operation import PreparedOperation
    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup
    from router.preparation.operation_seen_by_stages import Operation
    from router.request.request_and_response import GraphQLResponse
    from router.settings.sections.persisted_documents import SharedCache

PRIVATE: Final = "private, no-store"
_DIRECTIVE: Final = "cacheControl"
_OK: Final = 200
# A cache must not give a stored response to a client with a credential, to one that wants another format, or to one
# with another name: a manifest may list a document for one client only.
_VARY: Final = ("Accept", "Accept-Encoding", "Authorization", "Cookie", CLIENT_NAME)


class _Hint(msgspec.Struct, frozen=True):
    """`max_age` in seconds is None if nothing is said; `is_private` is None, too."""

    max_age: int | None = None
    is_private: bool | None = None
    inherits: bool = False


class SharedCacheControl(Stage):
    """Sets `Cache-Control` and `Vary` of responses to GET requests with a persisted document.

    Rules of the operator for the header `Cache-Control` of subgraphs (`headers`) come before it.
    """

    def __init__(self, settings: SharedCache) -> None:
        self._default = int(settings.default_max_age or 0)
        self._vary = ", ".join(dict.fromkeys((*_VARY, *settings.vary)))

    @classmethod
    def configured(cls, inputs: PolicySetup) -> SharedCacheControl | None:
        """Return the stage, or None if `persisted_documents.shared_cache` is off."""
        settings = inputs.settings.persisted_documents
        is_on = settings.shared_cache.enabled and settings.mode is not PersistedMode.DISABLED
        return cls(settings.shared_cache) if is_on else None

    async def on_operation(self, context: RequestContext, operation: Operation) -> None:
        """Find out for how long the data of the operation may be stored, once for each operation."""
        if _has_document_id(context):
            notes = operation.client.notes
            if self not in notes:
                with bounded_nesting():
                    notes[self] = _max_age(operation.client, self._default)
            context.state[self] = notes[self]

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """Add the headers to the response."""
        if not _has_document_id(context) or any(name.lower() == "cache-control" for name, _ in response.headers):
            return response
        seconds = context.state.get(self)
        if isinstance(seconds, int) and seconds > 0 and _is_public(context, response):
            return response.with_headers((("cache-control", f"public, max-age={seconds}"), ("vary", self._vary)))
        return response.with_headers((("cache-control", PRIVATE),))


def _has_document_id(context: RequestContext) -> bool:
    return context.received.read_only and context.received.document_id is not None


def _is_public(context: RequestContext, response: GraphQLResponse) -> bool:
    return (
        context.identity is None
        and context.identity_failure is None
        and is_anonymous((*context.received.headers, *context.request.headers))
        and response.outcome is Outcome.EXECUTED
        and response.status in {None, _OK}
        and "errors" not in response.body
    )


def _max_age(operation: PreparedOperation, default: int) -> int:
    """Return for how many seconds the data may be stored; 0 if it may not be stored."""
    schema = operation.api_schema
    hints = list(_Fields(operation, default).hints(operation.definition.selection_set, schema.query_type, is_root=True))
    if any(hint.is_private for hint in hints):
        return 0
    return min((hint.max_age for hint in hints if hint.max_age is not None), default=0)


class _Fields:
    """Finds the hints of all fields of an operation. A fragment is read once for each type around it."""

    def __init__(self, operation: PreparedOperation, default: int) -> None:
        self._operation = operation
        self._default = default
        self._seen: set[tuple[str, bool]] = set()

    def hints(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, *, is_root: bool) -> Iterator[_Hint]:
        types = self._operation.api_schema.type_map
        for selection in selections.selections:
            match selection:
                case FieldNode():
                    yield from self._field(selection, parent, is_root=is_root)
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    type_ = parent if condition is None else types.get(condition.name.value)
                    yield from self.hints(inner, type_, is_root=is_root)
                case FragmentSpreadNode(name=name):
                    if (name.value, is_root) not in self._seen:
                        self._seen.add((name.value, is_root))
                        fragment = self._operation.fragments[name.value]
                        type_ = types.get(fragment.type_condition.name.value)
                        yield from self.hints(fragment.selection_set, type_, is_root=is_root)

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, *, is_root: bool) -> Iterator[_Hint]:
        name = node.name.value
        if name == "__typename":
            return
        fields = parent.fields if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else {}
        definition = fields.get(name)
        if definition is None:
            yield _Hint(0)  # `__schema` and `__type`: who may see the schema is decided for each request
            return
        yield self._hint(definition, is_root=is_root)
        if node.selection_set is not None:
            yield from self.hints(node.selection_set, get_named_type(definition.type), is_root=False)

    def _hint(self, definition: GraphQLField, *, is_root: bool) -> _Hint:
        own, type_ = _declared(definition), get_named_type(definition.type)
        of_type = _declared(type_)
        is_private = own.is_private if own.is_private is not None else of_type.is_private
        if own.max_age is not None:
            return _Hint(own.max_age, is_private)
        if own.inherits:
            return _Hint(None, is_private)
        if of_type.max_age is not None:
            return _Hint(of_type.max_age, is_private)
        if is_root or (is_composite_type(type_) and not of_type.inherits):
            return _Hint(self._default, is_private)
        return _Hint(None, is_private)


def _declared(definition: GraphQLField | GraphQLNamedType) -> _Hint:
    """Return what `@cacheControl` says about a field or a type."""
    for directive in (definition.ast_node and definition.ast_node.directives) or ():
        if directive.name.value == _DIRECTIVE:
            given: Mapping[str, object] = {
                argument.name.value: value_from_ast_untyped(argument.value) for argument in directive.arguments or ()
            }
            max_age, scope = given.get("maxAge"), given.get("scope")
            return _Hint(
                max(max_age, 0) if isinstance(max_age, int) else None,
                None if scope is None else scope != "PUBLIC",
                given.get("inheritMaxAge") is True,
            )
    return _Hint()
