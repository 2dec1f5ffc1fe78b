from __future__ import annotations

import pytest

from router.errors import SubgraphMalformedResponse, SubgraphUnreachable, TransportError
from router.transport import fetch_failures


@pytest.mark.parametrize(
    ("status", "kind", "detail"),
    [
        (200, SubgraphMalformedResponse, "HTTP status 200: not JSON"),
        (302, SubgraphUnreachable, "HTTP status 302 without a GraphQL response"),
        (503, SubgraphUnreachable, "HTTP status 503 without a GraphQL response"),
    ],
)
def test_a_response_without_graphql_is_malformed_or_a_refusal(
    status: int, kind: type[TransportError], detail: str
) -> None:
    failure = fetch_failures.without_graphql_response("a", status, {"retry-after": "3"}, "not JSON")
    assert (type(failure), failure.subgraph, failure.status, failure.detail) == (kind, "a", status, detail)
    assert failure.retry_after == (3 if status == 503 else None)


@pytest.mark.parametrize(
    "failure",
    [
        fetch_failures.unreachable("stock", "host-17"),
        fetch_failures.timed_out("stock", "host-17"),
        fetch_failures.malformed("stock", "host-17"),
        fetch_failures.without_graphql_response("stock", 500, {}, "host-17"),
    ],
)
def test_messages_name_neither_the_subgraph_nor_the_cause(failure: TransportError) -> None:
    assert "stock" not in failure.message
    assert "host-17" not in failure.message
