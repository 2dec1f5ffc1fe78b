"""Rate limits in a whole gateway: who is limited by which rule, what clients get, what happens without Redis.

Covers `router/policies/rate_limits/client_keys.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.pipeline import RequestContext, Stage
from router.policies.load_operator_functions import PolicySetupError
from router.policies.rate_limits.rate_limit_stage import AddressRateLimits
from router.request.identity import Identity
from router.request.request_and_response import GraphQLRequest, GraphQLResponse
from router.settings import InvalidSettings, read
from servicekit.client_address import LOOPBACK, client_path, serving
from tests.router.shop import SDL, Shop

QUERY = "query Names { me { name } }"


class Known(Stage):
    """Sets the identity that the headers name."""

    async def on_request(self, context: RequestContext) -> None:
        """Believe the headers."""
        headers = context.request.headers
        if "user" in headers:
            context.identity = Identity({"sub": headers["user"]})
        if "key" in headers:
            context.identity = Identity({"sub": headers["key"]}, method="api_key")


def gateway(rules: str, more: str = "") -> Gateway:
    text = f"rate_limits: {{rules: [{rules}]{more}}}"
    return Gateway.from_supergraph(SDL, read(text, {}), send=Shop(), stages=[Known()])


async def run(router: Gateway, address: str = "192.0.2.1", **headers: str) -> GraphQLResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with serving(client_path(address, (), LOOPBACK)):
        return await router.execute(GraphQLRequest(query=QUERY, operation_name="Names", headers=named))


def is_limited(response: GraphQLResponse) -> bool:
    return response.status == 429


async def test_a_client_beyond_a_limit_gets_429_and_is_told_when_to_come_back() -> None:
    router = gateway("{name: clients, limit: 2, period: 60s}")
    allowed = await run(router)
    assert allowed.headers == (("ratelimit-policy", '"clients";q=2;w=60'), ("ratelimit", '"clients";r=1;t=30'))
    await run(router)
    with capture_logs() as lines:
        refused = await run(router)
    errors: Any = refused.body["errors"]
    assert errors[0]["extensions"] == {"code": "RATE_LIMITED", "retryAfter": 30, "policy": '"clients";q=2;w=60'}
    assert (refused.status, dict(refused.headers)["retry-after"]) == (429, "30")
    assert dict(refused.headers)["ratelimit"] == '"clients";r=0;t=60'
    assert [(line["event"], line["rules"]) for line in lines] == [("rate limited", ["clients"])]
    assert router.stages.status() == {"rate_limits": {"clients": 1}}


@pytest.mark.parametrize(
    ("key", "first", "second"),
    [
        ("address", {}, {"address": "192.0.2.2"}),
        ("address", {"address": "2001:db8::1"}, {"address": "2001:db8:0:1::1"}),
        ("'header:X-Tenant'", {"x_tenant": "a"}, {"x_tenant": "b"}),
        ("'claim:sub'", {"user": "a"}, {"user": "b"}),
        ("api_key", {"key": "a"}, {"key": "b"}),
        ("client_name", {"apollographql_client_name": "web"}, {"apollographql_client_name": "app"}),
        ("address, 'claim:sub'", {"user": "a"}, {"user": "a", "address": "192.0.2.2"}),
        ("'header:a', 'header:b'", {"a": "xy", "b": "z"}, {"a": "x", "b": "yz"}),
    ],
)
async def test_each_client_has_its_own_count(key: str, first: dict[str, str], second: dict[str, str]) -> None:
    router = gateway(f"{{name: r, key: [{key}], limit: 1, period: 60s}}")
    assert not is_limited(await run(router, **first))
    assert is_limited(await run(router, **first))
    assert not is_limited(await run(router, **second))


async def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    router = gateway("{name: r, limit: 1, period: 60s}")
    assert not is_limited(await run(router, "2001:db8::1"))
    assert is_limited(await run(router, "2001:db8::2"))


async def test_operations_are_limited_by_name() -> None:
    router = gateway("{name: r, key: [operation], limit: 1, period: 60s}")
    assert not is_limited(await run(router))
    assert is_limited(await run(router, "192.0.2.2"))
    other = await router.execute(GraphQLRequest(query=QUERY.replace("Names", "Other"), operation_name="Other"))
    assert not is_limited(other)


@pytest.mark.parametrize("key", ["'header:x-tenant'", "'claim:sub'", "api_key", "client_name"])
async def test_a_rule_applies_only_if_the_request_has_all_parts(key: str) -> None:
    router = gateway(f"{{name: r, key: [{key}], limit: 1, period: 60s}}")
    responses = [await run(router) for _ in range(3)]
    assert not any(map(is_limited, responses))
    assert responses[0].headers == ()


async def test_a_token_is_no_api_key() -> None:
    router = gateway("{name: r, key: [api_key], limit: 1, period: 60s}")
    assert not any([is_limited(await run(router, user="a")) for _ in range(3)])


async def test_several_rules_hold_together() -> None:
    router = gateway(
        "{name: small, limit: 2, period: 60s}, {name: large, limit: 9, period: 60s},"
        "{name: users, key: ['claim:sub'], limit: 1, period: 60s}"
    )
    first = dict((await run(router, user="a")).headers)
    assert first["ratelimit"] == '"small";r=1;t=30, "large";r=8;t=7, "users";r=0;t=60'
    assert [is_limited(await run(router, user=name)) for name in "abc"] == [True, True, True]


async def test_a_burst_may_be_larger_than_the_limit() -> None:
    router = gateway("{name: r, limit: 1, period: 60s, burst: 3}")
    assert [is_limited(await run(router)) for _ in range(4)] == [False, False, False, True]


async def test_costs_are_limited() -> None:
    text = "demand_control: {mode: measure}\nrate_limits: {rules: [{name: r, limit: 3, period: 60s, counts: cost}]}"
    router = Gateway.from_supergraph(SDL, read(text, {}), send=Shop())
    request = GraphQLRequest(query="{ a: me { name } b: me { name } }")
    assert dict((await router.execute(request)).headers)["ratelimit"] == '"r";r=1;t=40'
    assert is_limited(await router.execute(request))
    assert not is_limited(await router.execute(GraphQLRequest(query="{ __typename }")))


def test_costs_need_demand_control() -> None:
    with pytest.raises(PolicySetupError, match="demand_control"):
        gateway("{name: r, limit: 3, counts: cost}")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("{name: r, limit: 1}, {name: r, limit: 2}", "the same name"),
        ("{name: r, limit: 1, key: [cookie]}", "a part is"),
        ("{name: r, limit: 1, key: ['header:']}", "a part is"),
        ("{name: r, limit: 1, key: []}", "length 1 or more"),
        ("{name: 'a b', limit: 1}", "text that matches"),
    ],
)
def test_rules_that_cannot_work_are_refused_at_the_start(rules: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        gateway(rules)


def test_a_redis_has_a_redis_url() -> None:
    with pytest.raises(InvalidSettings, match="redis://"):
        gateway("{name: r, limit: 1}", ", redis: {url: 'http://127.0.0.1'}")


async def test_the_number_of_remembered_clients_is_bounded() -> None:
    router = gateway("{name: r, limit: 1, period: 60s}", ", clients: 10")
    for number in range(100):
        await run(router, f"192.0.2.{number}")
    stage = router.stages.find(AddressRateLimits)
    assert stage is not None
    assert len(stage.local) <= 10


async def test_routers_count_together_in_redis(redis_url: str) -> None:
    more = f", redis: {{url: '{redis_url}', timeout: 2s, prefix: 'x:'}}"
    routers = [gateway("{name: r, limit: 3, period: 60s}", more) for _ in range(2)]
    assert [is_limited(await run(routers[n % 2])) for n in range(5)] == [False, False, False, True, True]
    for router in routers:
        await router.aclose()


@pytest.mark.parametrize(
    ("unavailable", "statuses"),
    [("local", [None, 429, 429]), ("open", [None, None, None]), ("closed", [503, 503, 503])],
)
async def test_without_redis_the_settings_decide(unavailable: str, statuses: list[int | None]) -> None:
    more = f", redis: {{url: 'redis://127.0.0.1:1', unavailable: {unavailable}}}"
    router = gateway("{name: r, limit: 1, period: 60s}", more)
    with capture_logs() as lines:
        responses = [await run(router) for _ in range(3)]
    assert [response.status for response in responses] == statuses
    events = [line for line in lines if line["event"] == "rate limits unavailable"]
    assert [(line["instead"], line["reason"]) for line in events] == [(unavailable, "ConnectionError")]
    status: Any = router.stages.status()["rate_limits"]
    assert status["without_redis"] == 3
    if unavailable == "closed":
        errors: Any = responses[0].body["errors"]
        assert errors[0]["extensions"] == {"code": "RATE_LIMITS_UNAVAILABLE", "retryAfter": 1}
    await router.aclose()


async def test_a_reload_frees_nobody() -> None:
    old, new = (gateway("{name: r, limit: 1, period: 60s}") for _ in range(2))
    await run(old)
    new.inherit(old)
    assert is_limited(await run(new))


async def test_neither_headers_nor_claims_are_stored() -> None:
    router = gateway("{name: r, key: ['header:authorization'], limit: 1, period: 60s}")
    await run(router, authorization="Bearer secret")
    stage = router.stages.find(AddressRateLimits)
    assert stage is not None
    assert "secret" not in repr(stage.local.__dict__)
