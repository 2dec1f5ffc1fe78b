"""Create the exceptions for failed fetches, with messages that clients may read.

A message says what happened, but does not name the subgraph. `TransportError.detail` gives the cause, for logs only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.errors import SubgraphMalformedResponse, SubgraphTimeout, SubgraphUnreachable
from router.transport.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.errors import TransportError

NOT_AVAILABLE = "A service needed to answer this request is not available."
"""If errors are masked, the client gets this message instead of `UNREACHABLE`, `REFUSED` and `FAILED`."""
UNREACHABLE = "A service needed to answer this request could not be reached."
REFUSED = "A service needed to answer this request refused it."
TIMED_OUT = "A service needed to answer this request did not answer in time."
MALFORMED = "A service needed to answer this request sent a malformed response."
FAILED = "A service needed to answer this request failed."

OVERLOAD_SECONDS = 1
"""The client should try again after this time if too many requests wait for the connections of a subgraph."""

_SUCCESS = range(200, 300)


def unreachable(subgraph: str, detail: str) -> SubgraphUnreachable:
    """Create the exception for a connection that cannot be opened or has broken."""
    return SubgraphUnreachable(subgraph, UNREACHABLE, detail=detail)


def not_sent(subgraph: str, detail: str) -> SubgraphUnreachable:
    """Create the exception for a request that the subgraph has certainly not received."""
    failure = unreachable(subgraph, detail)
    failure.was_sent = False
    return failure


def overloaded(subgraph: str, detail: str) -> SubgraphUnreachable:
    """Create the exception for a request that was not sent, because too many requests already wait for the subgraph."""
    failure = not_sent(subgraph, detail)
    failure.retry_after = OVERLOAD_SECONDS
    return failure


def timed_out(subgraph: str, detail: str) -> SubgraphTimeout:
    """Create the exception for a subgraph that sent no complete response in time."""
    return SubgraphTimeout(subgraph, TIMED_OUT, detail=detail)


def malformed(subgraph: str, detail: str) -> SubgraphMalformedResponse:
    """Create the exception for a response that is not HTTP or is too large."""
    return SubgraphMalformedResponse(subgraph, MALFORMED, detail=detail)


def without_graphql_response(subgraph: str, status: int, headers: Mapping[str, str], reason: str) -> TransportError:
    """Create the exception for an HTTP response whose body is not a GraphQL response; `reason` says why.

    For a status 2xx, the exception says that the response is malformed. For another status, it says that the subgraph
    refused the request.
    """
    failure: TransportError
    if status in _SUCCESS:
        detail = f"HTTP status {status}: {reason}"
        failure = SubgraphMalformedResponse(subgraph, MALFORMED, status=status, detail=detail)
    else:
        detail = f"HTTP status {status} without a GraphQL response"
        failure = SubgraphUnreachable(subgraph, REFUSED, status=status, detail=detail)
    failure.retry_after = retry_after(status, headers)
    return failure
