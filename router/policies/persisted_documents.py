"""Persisted documents: what clients may run is known before they ask.

    mode          a document          an id on the list   an id that is not             both
    measure       run, and logged     run                 PERSISTED_QUERY_NOT_IN_LIST   the document is run
                  if it is not listed
    allow_list    run if listed, else run                 PERSISTED_QUERY_NOT_IN_LIST   CANNOT_SEND_PQ_ID_AND_BODY
                  QUERY_NOT_IN_SAFELIST
    require_id    PERSISTED_QUERY_    run                 PERSISTED_QUERY_NOT_IN_LIST   CANNOT_SEND_PQ_ID_AND_BODY
                  ID_REQUIRED

A document is on the list if one there has the same normal form: layout and comments do not matter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graphql import GraphQLSyntaxError, parse, print_ast

from router.errors import DocumentIdAndBody, DocumentIdRequired, DocumentNotListed
from router.policies.persisted_manifest import InvalidManifest, read_manifests
from router.settings.sections.persisted_documents import PersistedMode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from router.policies.document_lookup import DocumentLookup
    from router.policies.persisted_manifest import Key
    from router.request.messages import GraphQLRequest
    from router.settings.sections.persisted_documents import PersistedDocuments as Settings

CLIENT_NAME = "apollographql-client-name"
"""The header by which a client says who it is; entries of a manifest may be for one client."""

# GraphQL over HTTP, "Persisted Documents": an id that is a hash says so; manifests hold the bare hash.
_HASH_PREFIX = "sha256:"


class PersistedDocuments:
    """A `DocumentLookup`, and the `AllowList` that goes with it.

    Raises `InvalidManifest` for a list that cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._mode = settings.mode
        self._documents = read_manifests(settings.manifests)
        self._listed = frozenset() if self._mode is PersistedMode.REQUIRE_ID else _normal_forms(self._documents)

    @property
    def texts(self) -> Collection[str]:
        """Every document of the list."""
        return self._documents.values()

    @property
    def enforced(self) -> bool:
        """Whether documents that are not listed are refused."""
        return self._mode is PersistedMode.ALLOW_LIST

    def lists(self, text: str) -> bool:
        """Whether a document, in its normal form, is on the list; what came by its id is."""
        return self._mode is PersistedMode.REQUIRE_ID or text in self._listed

    async def resolve(self, request: GraphQLRequest) -> GraphQLRequest:
        """See `DocumentLookup.resolve`."""
        if request.document_id is None:
            if self._mode is PersistedMode.REQUIRE_ID:
                raise DocumentIdRequired("This server runs persisted documents only; send the id of one.")
            return request
        if request.query:
            if self._mode is not PersistedMode.MEASURE:
                raise DocumentIdAndBody("Send the id of a persisted document or a document, not both.")
            return request
        text = self._find(request.document_id, request.headers.get(CLIENT_NAME))
        if text is None:
            raise DocumentNotListed("No persisted document has this id.", code="PERSISTED_QUERY_NOT_IN_LIST")
        return replace(request, query=text)

    async def accepted(self, request: GraphQLRequest) -> None:
        """Nothing to learn: the list is what it is."""

    def inherit(self, previous: DocumentLookup) -> None:
        """Nothing is learnt."""

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _find(self, document_id: str, client: str | None) -> str | None:
        for name in (document_id, document_id.removeprefix(_HASH_PREFIX)):
            for owner in (client, None):
                text = self._documents.get((name, owner))
                if text is not None:
                    return text
        return None


def _normal_forms(documents: Mapping[Key, str]) -> frozenset[str]:
    return frozenset(_normal_form(*item) for item in documents.items())


def _normal_form(key: Key, text: str) -> str:
    try:
        return print_ast(parse(text, no_location=True))
    except GraphQLSyntaxError as error:
        raise InvalidManifest(f"the persisted document {key[0]!r} is not GraphQL: {error.message}") from error
