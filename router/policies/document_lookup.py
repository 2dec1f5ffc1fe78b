"""How a request's document is found when the request does not carry it: the seam between a gateway and its policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from router.errors import PersistedQueryNotSupported

if TYPE_CHECKING:
    from router.request.messages import GraphQLRequest


class DocumentLookup(Protocol):
    """Turns requests that name a document into requests that carry it."""

    async def resolve(self, request: GraphQLRequest) -> GraphQLRequest:
        """The request with its document.

        Raises:
            RequestError: its document is not known, or may not be had this way.
        """
        ...

    async def accepted(self, request: GraphQLRequest) -> None:
        """A request, as the client sent it, has a valid document."""
        ...

    def inherit(self, previous: DocumentLookup) -> None:
        """Go on with what `previous` learnt, whose place this one takes (a reload), where both learn."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


class NoLookup:
    """Every request carries its document."""

    async def resolve(self, request: GraphQLRequest) -> GraphQLRequest:
        """See `DocumentLookup.resolve`."""
        if not request.query and request.document_id is not None:
            raise PersistedQueryNotSupported("PersistedQueryNotSupported")
        return request

    async def accepted(self, request: GraphQLRequest) -> None:
        """Nothing to learn."""

    def inherit(self, previous: DocumentLookup) -> None:
        """Nothing is learnt."""

    async def aclose(self) -> None:
        """Nothing to let go of."""
