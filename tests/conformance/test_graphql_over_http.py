"""GraphQL over HTTP, rule by rule, against a real server (https://graphql.github.io/graphql-over-http/draft/).

The identifiers in `AUDITS` are those of the audit suite in the `graphql-http` package, so that the results can be
compared; the rules that the suite lacks follow below it. SHOULD and MAY are tested like MUST. Each rule is tested with
the default configuration, and with every policy on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import httpx
import pytest

from router.gateway import Gateway
from router.settings import read
from tests.router.every_policy.configuration import CONFIGURATIONS, EVERY_POLICY
from tests.router.server.live import serving
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.router.every_policy.running_router import RouterWithEveryPolicy

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == EVERY_POLICY:
        running: RouterWithEveryPolicy = request.getfixturevalue("router_with_every_policy")
        yield running.url
        return
    gateway = Gateway.from_supergraph(SDL, read("introspection: true", {}), send=Shop())
    with serving(gateway.asgi) as url:
        yield f"{url}/graphql"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as shared:
        yield shared


class Audit(NamedTuple):
    """A request and its expected response. `data` is None when the response has no `data` entry."""

    id: str
    rule: str
    body: object = None
    query: Mapping[str, str] | None = None
    method: str = "POST"
    accept: str | None = GRAPHQL
    content_type: str | None = JSON
    status: int = 200
    response_type: str | None = None
    data: object = None
    has_data: bool = True


def post(id: str, rule: str, body: object, **rest: Any) -> Audit:  # noqa: A002  (the suite's word for it)
    return Audit(id, rule, body, **rest)


def refused(id: str, rule: str, body: object, status: int = 400, **rest: Any) -> Audit:  # noqa: A002  (as above)
    return Audit(id, rule, body, status=status, has_data=False, **rest)


def get(id: str, rule: str, query: Mapping[str, str], **rest: Any) -> Audit:  # noqa: A002  (as above)
    return Audit(id, rule, None, query, "GET", content_type=None, **rest)


Q = "{ __typename }"
NAMED = "query Query { __typename }"
TYPENAME = {"__typename": "Query"}
WITH_VARIABLE = "query Type($name: String!) { __type(name: $name) { name } }"
VARIABLES = {"name": "sometype"}
NOT_STRINGS: tuple[object, ...] = ({"obj": "ect"}, 0, False, ["array"])
NOT_MAPS: tuple[object, ...] = ("string", 0, False, ["array"])

AUDITS: tuple[Audit, ...] = (
    post("22EB", "SHOULD accept application/graphql-response+json and match the content-type", {"query": Q}),
    post("4655", "MUST accept application/json and match the content-type", {"query": Q}, accept=JSON),
    post("47DE", "SHOULD accept */* and use application/json", {"query": Q}, accept="*/*", response_type=JSON),
    post("80D8", "SHOULD assume application/json without accept", {"query": Q}, accept=None, response_type=JSON),
    post("82A3", "MUST use utf-8 encoding when responding", {"query": Q}),
    post("BF61", "MUST accept utf-8 encoded request", {"query": Q}, content_type=f"{JSON}; charset=utf-8"),
    post("78D5", "MUST assume utf-8 in request if encoding is unspecified", {"query": Q}),
    post("2C94", "MUST accept POST requests", {"query": Q}),
    get("5A70", "MAY accept application/x-www-form-urlencoded formatted GET requests", {"query": Q}),
    get(
        "9C48",
        "MAY NOT allow executing mutations on GET requests",
        {"query": "mutation { __typename }"},
        status=405,
        has_data=False,
    ),
    refused("9ABE", "MAY respond with 4xx if content-type is not supplied", {"query": Q}, 415, content_type=None),
    post("03D4", "MUST accept application/json POST requests", {"query": Q}),
    refused("A5BF", "MAY use 400 status code when request body is missing", b""),
    refused("423L", "MAY use 400 status code on missing {query} parameter", {"notquery": Q}),
    *(
        refused(f"LKJ{i}", "MAY use 400 on a {query} that is no string", {"query": v})
        for i, v in enumerate(NOT_STRINGS)
    ),
    post("34A2", "SHOULD allow string {query} when accepting application/graphql-response+json", {"query": Q}),
    post("13EE", "MUST allow string {query} when accepting application/json", {"query": Q}, accept=JSON),
    *(
        refused(f"6C0{i}", "MAY use 400 on an {operationName} that is no string", {"query": Q, "operationName": v})
        for i, v in enumerate(NOT_STRINGS)
    ),
    post("8161", "SHOULD allow string {operationName}", {"query": NAMED, "operationName": "Query"}),
    post("B8B3", "MUST allow string {operationName}", {"query": NAMED, "operationName": "Query"}, accept=JSON),
    *(
        post(f"94B{i}", f"SHOULD allow null {{{name}}}", {"query": Q, name: None})
        for i, name in enumerate(("variables", "operationName", "extensions"))
    ),
    *(
        post(f"022{i}", f"MUST allow null {{{name}}}", {"query": Q, name: None}, accept=JSON)
        for i, name in enumerate(("variables", "operationName", "extensions"))
    ),
    *(
        refused(f"476{i}", "MAY use 400 on {variables} that are no map", {"query": Q, "variables": v})
        for i, v in enumerate(NOT_MAPS)
    ),
    post(
        "2EA1", "SHOULD allow map {variables}", {"query": WITH_VARIABLE, "variables": VARIABLES}, data={"__type": None}
    ),
    post(
        "28B9",
        "MUST allow map {variables}",
        {"query": WITH_VARIABLE, "variables": VARIABLES},
        accept=JSON,
        data={"__type": None},
    ),
    get(
        "D6D5",
        "MAY allow URL-encoded JSON string {variables} in GETs",
        {"query": WITH_VARIABLE, "variables": json.dumps(VARIABLES)},
        data={"__type": None},
    ),
    get(
        "6A70",
        "MAY allow URL-encoded JSON string {variables} in GETs",
        {"query": WITH_VARIABLE, "variables": json.dumps(VARIABLES)},
        accept=JSON,
        data={"__type": None},
    ),
    *(
        refused(f"58B{i}", "MAY use 400 on {extensions} that are no map", {"query": Q, "extensions": v})
        for i, v in enumerate(NOT_MAPS)
    ),
    post("428F", "SHOULD allow map {extensions}", {"query": Q, "extensions": {"some": "value"}}),
    post("1B7A", "MUST allow map {extensions}", {"query": Q, "extensions": {"some": "value"}}, accept=JSON),
    refused("B6DC", "MAY use 4xx or 5xx on JSON parsing failure", b'{ "not a JSON', accept=JSON),
    refused("BCF8", "SHOULD use 400 on JSON parsing failure", b'{ "not a JSON', accept=JSON),
    refused("B7N8", "SHOULD use 400 on JSON parsing failure", b'{ "not a JSON'),
    refused("8764", "MAY use 4xx or 5xx if parameters are invalid", {"qeury": Q}),
    refused("3E3A", "MAY use 400 if parameters are invalid", {"qeury": Q}),
    refused("572B", "SHOULD use 200 on document parsing failure", {"query": "{"}, 200, accept=JSON),
    refused(
        "FDE2", "SHOULD use 200 on document validation failure", {"query": "{ 8f31403dfe404bccbb0e }"}, 200, accept=JSON
    ),
    refused(
        "7B9B",
        "SHOULD use 200 on variable coercion failure",
        {"query": WITH_VARIABLE, "variables": {}},
        200,
        accept=JSON,
    ),
    refused("865D", "SHOULD use 4xx or 5xx on document parsing failure", {"query": "{"}),
    refused("556A", "SHOULD use 400 on document parsing failure", {"query": "{"}),
    refused("D586", "SHOULD not contain the data entry on document parsing failure", {"query": "{"}),
    refused("51FE", "SHOULD use 4xx or 5xx on document validation failure", {"query": "{ nofield }"}),
    refused("74FF", "SHOULD use 400 on document validation failure", {"query": "{ nofield }"}),
    refused("5E5B", "SHOULD not contain the data entry on document validation failure", {"query": "{ nofield }"}),
    refused("86EE", "SHOULD use 400 on variable coercion failure", {"query": WITH_VARIABLE, "variables": {}}),
    # Rules that the suite lacks.
    refused("batch", "400 for a batch", [{"query": Q}]),
    refused(
        "operation",
        "400 when the operation cannot be determined",
        {"query": "query A { a: __typename } query B { b: __typename }"},
    ),
    refused("unknown", "400 when no operation has the name", {"query": NAMED, "operationName": "Other"}),
    refused(
        "subscription", "400 for a kind of operation that is not served", {"query": "subscription { bought { id } }"}
    ),
    refused(
        "accept", "406 when no acceptable type can be given", {"query": Q}, 406, accept="text/html", response_type=JSON
    ),
    refused("charset", "415 for another charset than utf-8", {"query": Q}, 415, content_type=f"{JSON}; charset=utf-16"),
    refused("form", "415 for a form", b"query=%7B__typename%7D", 415, content_type="application/x-www-form-urlencoded"),
    refused("put", "405 for another method", {"query": Q}, 405, method="PUT"),
    post("quality", "prefers by quality", {"query": Q}, accept=f"{GRAPHQL};q=0.1, {JSON};q=0.9", response_type=JSON),
    post(
        "both",
        "takes the first of two it likes equally",
        {"query": Q},
        accept=f"{GRAPHQL}, {JSON}",
        response_type=GRAPHQL,
    ),
    get("named", "GET with {operationName}", {"query": NAMED, "operationName": "Query"}),
    get("extensions", "GET with {extensions}", {"query": Q, "extensions": '{"a":1}'}),
    get("nulls", "GET with JSON null", {"query": Q, "variables": "null", "extensions": "null"}),
    get("no query", "GET without {query}", {"variables": "{}"}, status=400, has_data=False),
    get(
        "bad variables",
        "GET with {variables} that are no JSON",
        {"query": Q, "variables": "{"},
        status=400,
        has_data=False,
    ),
    get(
        "unnamed",
        "GET of a mutation among several operations",
        {"query": "query A { __typename } mutation B { __typename }", "operationName": "B"},
        status=405,
        has_data=False,
    ),
    get(
        "safe",
        "GET of a query among several operations",
        {"query": "query A { __typename } mutation B { __typename }", "operationName": "A"},
    ),
)


def test_each_audit_has_an_id_of_its_own() -> None:
    assert len({audit.id for audit in AUDITS}) == len(AUDITS)


@pytest.mark.parametrize("audit", AUDITS, ids=lambda audit: audit.id)
def test_audit(server: str, client: httpx.Client, audit: Audit) -> None:
    headers = {"accept": audit.accept, "content-type": audit.content_type}
    url = f"{server}?{urlencode(audit.query)}" if audit.query else server
    body = audit.body if isinstance(audit.body, bytes) else json.dumps(audit.body).encode()
    request = httpx.Request(
        audit.method,
        url,
        headers={name: value for name, value in headers.items() if value is not None},
        content=body if audit.method != "GET" else None,
    )
    response = client.send(request)
    assert response.status_code == audit.status, audit.rule
    assert response.headers["content-type"] == f"{audit.response_type or audit.accept}; charset=utf-8"
    document = response.json()
    assert ("data" in document) is audit.has_data
    assert ("errors" in document) is not audit.has_data
    if audit.has_data:
        assert document["data"] == (audit.data or TYPENAME)


def test_head_has_the_headers_of_get_and_no_body(server: str, client: httpx.Client) -> None:
    head, got = (client.request(method, server, params={"query": Q}) for method in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers["content-length"] == got.headers["content-length"]


def test_options_lists_the_allowed_methods(server: str, client: httpx.Client) -> None:
    response = client.options(server)
    assert response.status_code == 204
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_one_connection_carries_good_and_bad_requests(server: str, client: httpx.Client) -> None:
    statuses = [
        client.post(server, content=content, headers={"content-type": JSON}).status_code
        for content in (b'{"query":"{__typename}"}', b"{", b'{"query":"{__typename}"}')
    ]
    assert statuses == [200, 400, 200]


def test_a_well_formed_request_id_is_echoed_and_another_replaced(server: str, client: httpx.Client) -> None:
    kept = client.post(server, json={"query": Q}, headers={"x-request-id": "abc-1"})
    replaced = client.post(server, json={"query": Q}, headers={"x-request-id": "a b"})
    assert kept.headers["x-request-id"] == "abc-1"
    assert replaced.headers["x-request-id"] not in {"", "a b"}


def test_health_endpoints_are_served_beside_graphql(server: str, client: httpx.Client) -> None:
    base = server.removesuffix("/graphql")
    assert [client.get(f"{base}/health/{kind}").status_code for kind in ("live", "ready")] == [200, 200]


def test_a_body_that_is_too_large_is_refused_over_a_socket(server: str, client: httpx.Client) -> None:
    response = client.post(server, json={"query": Q, "pad": "x" * 2_100_000})
    assert response.status_code == 413
