"""Says whether an attempt to send a request failed because of the subgraph. Used by breaker, retries and balancing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.errors import SubgraphMalformedResponse
from router.transport.interface import IDEMPOTENCY_KEY

if TYPE_CHECKING:
    from router.errors import TransportError
    from router.transport.interface import SubgraphRequest, SubgraphResponse

_SERVER_ERROR = 500
_MAY_PASS = frozenset({502, 503, 504})


def is_fault(result: SubgraphResponse | TransportError) -> bool:
    """Return whether the subgraph failed: a status of 5xx, a timeout, or no connection.

    A request that was not sent, because too many requests wait, says nothing about the subgraph.
    """
    if isinstance(result, SubgraphMalformedResponse):
        return False
    if isinstance(result, Exception):
        return not is_local(result)
    return result.status >= _SERVER_ERROR


def is_local(failure: TransportError) -> bool:
    """Return whether the router itself decided not to send the request."""
    return failure.status is None and failure.retry_after is not None


def may_pass(result: SubgraphResponse | TransportError) -> bool:
    """Return whether a second attempt may succeed: after a status 502, 503 or 504, or without a connection."""
    if isinstance(result, Exception):
        return result.code == "SUBREQUEST_HTTP_ERROR" and (
            result.status in _MAY_PASS if result.status is not None else result.retry_after is None
        )
    return result.status in _MAY_PASS


def is_repeatable(request: SubgraphRequest, result: SubgraphResponse | TransportError) -> bool:
    """Return whether sending the request again has no second effect.

    That holds for a query, a mutation with an idempotency key, and a mutation that the subgraph has not received.
    """
    was_received = not isinstance(result, Exception) or result.was_sent
    return request.operation_kind == "query" or IDEMPOTENCY_KEY in request.headers or not was_received
