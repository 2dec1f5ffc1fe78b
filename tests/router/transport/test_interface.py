from __future__ import annotations

from decimal import Decimal

import pytest

from router.transport.interface import SubgraphRequest, SubgraphResponse


def test_a_response_can_be_made_of_a_json_object() -> None:
    assert SubgraphResponse.of({"data": {"n": Decimal("0.10")}}) == SubgraphResponse(
        status=200, body=b'{"data":{"n":0.10}}', headers={}
    )


def test_it_can_have_a_status_and_headers() -> None:
    response = SubgraphResponse.of({}, status=503, headers={"retry-after": "3"})
    assert (response.status, response.headers["retry-after"]) == (503, "3")


def test_something_that_is_not_json_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        SubgraphResponse.of({"data": object()})


def test_a_request_without_a_body_is_not_encoded() -> None:
    assert SubgraphRequest(subgraph="a", operation="{ x }", body=b"{}").encoded_body() == b"{}"
    with pytest.raises(ValueError, match="encoded"):
        SubgraphRequest(subgraph="a", operation="{ x }").encoded_body()
