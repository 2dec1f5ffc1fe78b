from __future__ import annotations

from decimal import Decimal

import pytest

from router.errors import SubgraphMalformedResponse, SubgraphUnreachable
from router.executor.graphql_over_http import EncodingLayer, decode_response, encode_body
from router.transport.in_process import InProcessTransport
from router.transport.interface import SubgraphRequest, SubgraphResponse

QUERY = SubgraphRequest(subgraph="a", operation="{ x }")


def test_the_body_is_the_operation_with_its_variables() -> None:
    request = SubgraphRequest(
        subgraph="a",
        operation="query Q($v: X) { x(v: $v) }",
        operation_name="Q",
        variables={"v": {"big": 2**70, "exact": Decimal("0.10")}},
    )
    assert encode_body(request) == (
        b'{"query":"query Q($v: X) { x(v: $v) }","operationName":"Q",'
        b'"variables":{"v":{"big":1180591620717411303424,"exact":0.10}}}'
    )


def test_empty_members_are_left_out() -> None:
    assert encode_body(QUERY) == b'{"query":"{ x }"}'


@pytest.mark.parametrize(("body", "sent"), [(None, b'{"query":"{ x }"}'), (b"ready", b"ready")])
async def test_a_request_is_encoded_unless_it_has_a_body(body: bytes | None, sent: bytes) -> None:
    seen: list[bytes | None] = []

    async def subgraph(request: SubgraphRequest, /) -> SubgraphResponse:
        seen.append(request.body)
        return SubgraphResponse.of({})

    await EncodingLayer(InProcessTransport(subgraph)).send(SubgraphRequest(subgraph="a", operation="{ x }", body=body))
    assert seen == [sent]


def test_a_response_keeps_its_numbers_exactly() -> None:
    response = SubgraphResponse(status=200, body=b'{"data":{"n":0.1000000000000000055,"i":1180591620717411303424}}')
    assert decode_response("a", response) == {"data": {"n": Decimal("0.1000000000000000055"), "i": 2**70}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b'{"data":', id="half a JSON"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b"{}", id="neither data nor errors"),
        pytest.param(b'{"errors":"no"}', id="errors that are not a list"),
        pytest.param(b'{"data":{"n":1e9999999999999999999999}}', id="a number out of any range"),
        pytest.param(b"[" * 100_000, id="nesting without end"),
        pytest.param(b'{"data":"\xff"}', id="not UTF-8"),
    ],
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, SubgraphMalformedResponse),
        (204, SubgraphMalformedResponse),
        (302, SubgraphUnreachable),
        (401, SubgraphUnreachable),
        (500, SubgraphUnreachable),
    ],
)
def test_a_body_that_is_not_a_graphql_response_is_a_failure(
    body: bytes, status: int, kind: type[SubgraphMalformedResponse | SubgraphUnreachable]
) -> None:
    with pytest.raises(kind) as raised:
        decode_response("a", SubgraphResponse(status=status, body=body))
    assert raised.value.status == status


def test_a_failure_says_how_long_the_subgraph_asked_to_wait() -> None:
    with pytest.raises(SubgraphUnreachable) as raised:
        decode_response("a", SubgraphResponse(status=503, body=b"busy", headers={"retry-after": "3"}))
    assert raised.value.retry_after == 3


def test_a_graphql_response_counts_whatever_its_status() -> None:
    response = SubgraphResponse.of({"errors": [{"message": "no"}]}, status=400)
    assert decode_response("a", response) == {"errors": [{"message": "no"}]}
