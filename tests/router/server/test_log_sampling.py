"""Which requests have a log line. Covers `router/server/log_sampling.py`."""

from __future__ import annotations

import json
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.request.request_and_response import Outcome
from router.server.graphql_http_app import GraphQLApp
from router.server.log_sampling import LogSampling
from router.settings import read
from router.transport.interface import SubgraphResponse
from tests.router.server.asgi_client import AsgiClient
from tests.router.shop import SDL

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.transport.interface import SubgraphRequest
    from tests.router.server.recorder import Recorder

NEVER = 1_000_000_000
"""With this number, a usual request has no line, as far as chance decides."""


def sampling(settings: str, chances: list[float] | None = None) -> LogSampling:
    chance = cycle(chances or [0.999])
    return LogSampling(read(f"logging: {{requests: {settings}}}", {}).logging.requests, lambda: next(chance))


def client(recorder: Recorder, chosen: LogSampling, settings: str = "") -> AsgiClient:
    return AsgiClient(GraphQLApp(recorder, read(settings, {}), sampling=chosen))


async def lines_of(send: Callable[[], Any], times: int = 1) -> list[dict[str, Any]]:
    with capture_logs() as lines:
        for _ in range(times):
            await send()
    return [dict(line) for line in lines if line["event"] == "request"]


async def test_one_in_so_many_usual_requests_has_a_line(recorder: Recorder) -> None:
    chosen = sampling("{one_in: 4}", [0.0, 0.25, 0.5, 0.249])
    lines = await lines_of(lambda: client(recorder, chosen).post({"query": "{ f }"}), 8)
    assert [line["sampled_one_in"] for line in lines] == [4] * 4
    assert chosen.skipped == 4


async def test_slow_requests_always_have_a_line(recorder: Recorder) -> None:
    chosen = sampling(f"{{one_in: {NEVER}, slow: 1us}}".replace("1us", "0.000001"))
    (line,) = await lines_of(lambda: client(recorder, chosen).post({"query": "{ f }"}))
    assert "sampled_one_in" not in line
    fast = sampling(f"{{one_in: {NEVER}, slow: 60m}}")
    assert await lines_of(lambda: client(recorder, fast).post({"query": "{ f }"})) == []
    assert (chosen.skipped, fast.skipped) == (0, 1)


async def test_refused_requests_always_have_a_line(recorder: Recorder) -> None:
    chosen = sampling(f"{{one_in: {NEVER}}}")
    (line,) = await lines_of(lambda: client(recorder, chosen).get("query=%7Bf%7D&variables=no"))
    assert (line["code"], "sampled_one_in" in line) == ("BAD_REQUEST", False)


@pytest.mark.parametrize("fields", [{"errors": 1}, {"exceeds": ("depth",)}, {"listed": False}])
async def test_requests_with_errors_or_beyond_limits_always_have_a_line(
    recorder: Recorder, fields: dict[str, object]
) -> None:
    for name, value in fields.items():
        setattr(recorder.record, name, value)
    (line,) = await lines_of(lambda: client(recorder, sampling(f"{{one_in: {NEVER}}}")).post({"query": "{ f }"}))
    assert "sampled_one_in" not in line


async def test_a_response_with_an_error_status_always_has_a_line(recorder: Recorder) -> None:
    recorder.outcome = Outcome.TIMED_OUT
    (line,) = await lines_of(lambda: client(recorder, sampling(f"{{one_in: {NEVER}}}")).post({"query": "{ f }"}))
    assert (line["status"], "sampled_one_in" in line) == (504, False)


async def respond(_request: SubgraphRequest) -> SubgraphResponse:
    return SubgraphResponse.of({"data": {"me": {"name": "Ada"}}})


async def test_a_gateway_samples_as_its_settings_say_and_counts_over_reloads() -> None:
    settings = read(f"logging: {{requests: {{one_in: {NEVER}}}}}", {})
    gateway = Gateway.from_supergraph(SDL, settings, send=respond)
    asgi = AsgiClient(gateway.asgi)
    assert await lines_of(lambda: asgi.post({"query": "{ me { name } }"}), 3) == []
    assert gateway.overload.log_sampling.skipped == 3
    following = Gateway.from_supergraph(SDL, settings, send=respond)
    following.inherit(gateway)
    assert following.overload.log_sampling.skipped == 3


async def test_by_default_every_request_has_a_line() -> None:
    asgi = AsgiClient(Gateway.from_supergraph(SDL, send=respond).asgi)
    lines = await lines_of(lambda: asgi.post({"query": "{ me { name } }"}), 3)
    assert [json.dumps("sampled_one_in" in line) for line in lines] == ["false"] * 3
