"""Persisted documents: the operator lists the documents that clients may run.

What happens to a request depends on `persisted_documents.mode` and on what the request has:

    mode         only a document               a listed id   another id                    id and document
    measure      run, and logged if not        run           PERSISTED_QUERY_NOT_IN_LIST   the document is run
                 listed
    allow_list   listed: run; not listed:      run           PERSISTED_QUERY_NOT_IN_LIST   CANNOT_SEND_PQ_ID_AND_BODY
                 QUERY_NOT_IN_SAFELIST
    require_id   PERSISTED_QUERY_ID_REQUIRED   run           PERSISTED_QUERY_NOT_IN_LIST   CANNOT_SEND_PQ_ID_AND_BODY

Layout and comments do not matter when a document is compared with the documents on the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLSyntaxError, parse, print_ast
from msgspec.structs import replace

from router.errors import DocumentIdAndBody, DocumentIdRequired, DocumentNotListed
from router.pipeline.stage import Stage
from router.policies.read_persisted_manifests import InvalidManifest, read_manifests
from router.settings.sections.persisted_documents import PersistedMode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup
    from router.policies.read_persisted_manifests import DocumentKey
    from router.preparation.read_and_cache_documents import Document, DocumentFindings, ParsedDocument
    from router.request.request_and_response import GraphQLRequest
    from router.settings.sections.persisted_documents import PersistedDocuments

CLIENT_NAME = "apollographql-client-name"
"""The header with the name of the client. A manifest can allow a document for one client only."""

# GraphQL over HTTP, "Persisted Documents": an id that is a hash begins with this prefix. Manifests omit the prefix.
_HASH_PREFIX = "sha256:"


class PersistedDocumentList(Stage):
    """Looks up a document by its id. If a request has no id, checks that its document is on the list.

    Raises:
        InvalidManifest: A manifest cannot be read.
    """

    def __init__(self, settings: PersistedDocuments) -> None:
        self._mode = settings.mode
        self._documents = read_manifests(settings.manifests)
        self._listed = frozenset() if self._mode is PersistedMode.REQUIRE_ID else _normal_forms(self._documents)

    @classmethod
    def configured(cls, inputs: PolicySetup) -> PersistedDocumentList | None:
        """Return the stage, or None if `persisted_documents.mode` is `disabled`."""
        settings = inputs.settings.persisted_documents
        return cls(settings) if settings.mode is not PersistedMode.DISABLED else None

    @property
    def documents(self) -> Collection[str]:
        """The documents of the list, which the router prepares before a client sends them."""
        return self._documents.values()

    async def on_request(self, context: RequestContext) -> GraphQLRequest | None:
        """If the request has only an id, return a request with the document that has this id.

        Raises:
            DocumentIdRequired: The mode is `require_id`, and the request has no id.
            DocumentIdAndBody: The request has an id and a document, and the mode is not `measure`.
            DocumentNotListed: No document on the list has this id.
        """
        request = context.request
        if request.document_id is None:
            if self._mode is PersistedMode.REQUIRE_ID:
                raise DocumentIdRequired("This server runs persisted documents only; send the id of one.")
            return None
        if request.query:
            if self._mode is not PersistedMode.MEASURE:
                raise DocumentIdAndBody("Send the id of a persisted document or a document, not both.")
            return None
        text = self._find(request.document_id, request.headers.get(CLIENT_NAME))
        if text is None:
            raise DocumentNotListed("No persisted document has this id.", code="PERSISTED_QUERY_NOT_IN_LIST")
        return replace(request, query=text)

    def check_parsed(self, document: ParsedDocument, findings: DocumentFindings) -> None:
        """Find out whether a document is on the list, and write the result to `findings`.

        Raises:
            DocumentNotListed: A client sent the document, it is not on the list, and the mode is `allow_list`.
        """
        findings.listed = self._mode is PersistedMode.REQUIRE_ID or document.text in self._listed
        if not document.trusted:
            self._admit(listed=findings.listed)

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """Refuse an unlisted document in the mode `allow_list`, even if a warm-up has cached the document."""
        del context
        self._admit(listed=document.listed)

    def _admit(self, *, listed: bool) -> None:
        if not listed and self._mode is PersistedMode.ALLOW_LIST:
            raise DocumentNotListed("Only operations known to this server are run.", code="QUERY_NOT_IN_SAFELIST")

    def _find(self, document_id: str, client: str | None) -> str | None:
        for name in (document_id, document_id.removeprefix(_HASH_PREFIX)):
            for owner in (client, None):
                text = self._documents.get((name, owner))
                if text is not None:
                    return text
        return None


def _normal_forms(documents: Mapping[DocumentKey, str]) -> frozenset[str]:
    return frozenset(_normal_form(*item) for item in documents.items())


def _normal_form(key: DocumentKey, text: str) -> str:
    try:
        return print_ast(parse(text, no_location=True))
    except GraphQLSyntaxError as error:
        raise InvalidManifest(f"the persisted document {key[0]!r} is not GraphQL: {error.message}") from error
