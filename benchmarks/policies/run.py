"""Measures how many microseconds of processor time each policy adds to a cached query.

    python -m benchmarks.policies.run                     every case
    python -m benchmarks.policies.run --only jwt          the cases whose name contains "jwt"

A gateway in this process answers one query whose document and plan are cached; its subgraph is a function that returns
constant bytes. Each round measures all gateways one after the other, in a random order, so that a busy machine disturbs
all alike. The time of a gateway is that of its fastest rounds, in which other processes disturb least. The table has
the differences to a gateway without policies, and the bound of a case that has one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

import click
import jwt
import structlog

from benchmarks.policies.signatures import signature_costs
from router import Gateway
from router.composition import Subgraph, compose
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.transport.interface import SubgraphResponse
from servicekit.client_address import LOOPBACK, client_path, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.transport.interface import SubgraphRequest

ROUNDS: Final = 200
REQUESTS: Final = 40

_SCHEMA: Final = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@cost", "@listSize"])
type Query { me: User }
type User @key(fields: "id") {
  id: ID!
  name: String
  accounts(first: Int): [Account!] @listSize(slicingArguments: ["first"], assumedSize: 20)
}
type Account { id: ID! balance: String }
"""
_QUERY: Final = "query Accounts($first: Int) { me { id name accounts(first: $first) { id balance } } }"
_ACCOUNT: Final = {"id": "1", "balance": "12.50"}
_DATA: Final = {"data": {"me": {"id": "1", "name": "Ada", "accounts": [_ACCOUNT] * 10}}}
_HEADERS: Final = {"x-request-id": "r", "apollographql-client-name": "web"}
_SECRET: Final = b"a shared secret of at least 32 bytes"


class Case(NamedTuple):
    """The settings of a gateway, and the most microseconds that they may add; None without a bound."""

    settings: str
    most: float | None = None


_NOTHING: Final = (
    "introspection: true\nerrors: {mask: false}\n"
    "limits: {depth: null, fields: null, introspection_depth: null, operation_name_length: null, list_items: null}\n"
)
_RATE: Final = "limit: 1000000000"
_ISSUER: Final = "{issuer: benchmark, audiences: [shop], algorithms: [HS256], keys: {file: FOLDER/keys.json}}"
_REVOCATION: Final = "{sqlite: FOLDER/revoked.sqlite, table: revoked, column: id, claim: sub}"
_JWT: Final = f"authentication: {{jwt: {{issuers: [{_ISSUER}]}}}}\n"
_JWT_WITH_REVOCATION: Final = f"authentication: {{jwt: {{issuers: [{_ISSUER}], revocation: {_REVOCATION}}}}}\n"
_DEMAND: Final = "demand_control: {mode: enforce, max_cost: 1000}\n"
_BY_ADDRESS: Final = f"rate_limits: {{rules: [{{name: a, {_RATE}}}]}}\n"

CASES: Final = {
    "no policy": Case(_NOTHING),
    "all defaults together": Case("", 5),
    "list items": Case(_NOTHING.replace("list_items: null", "list_items: 20000")),
    "demand control, estimate": Case(
        _NOTHING + "demand_control: {mode: enforce, max_cost: 1000, measure_responses: false}"
    ),
    "demand control, estimate and response": Case(_NOTHING + _DEMAND),
    "demand control of subgraphs": Case(
        _NOTHING + "demand_control: {mode: enforce, subgraph_max_cost: 1000, measure_responses: false}"
    ),
    "jwt, the token is cached": Case(_NOTHING + _JWT, 5),
    "jwt, the token is cached, with revocation": Case(_NOTHING + _JWT_WITH_REVOCATION, 20),
    "rate limit by address": Case(_NOTHING + _BY_ADDRESS),
    "rate limits, three rules": Case(
        f"{_NOTHING}rate_limits: {{rules: [{{name: a, {_RATE}}}, {{name: b, key: [client_name], {_RATE}}},"
        f" {{name: c, key: ['header:authorization'], {_RATE}}}]}}"
    ),
    "request headers": Case(_NOTHING + "headers: {all: {request: [{propagate: {named: authorization}}]}}"),
    "response headers": Case(_NOTHING + "headers: {all: {response: [{propagate: {named: cache-control}}]}}"),
    "all that the bank uses together": Case(
        _JWT + _DEMAND + _BY_ADDRESS + "headers: {all: {request: [{propagate: {named: authorization}}]}}"
    ),
}


def _write_credentials(folder: Path) -> str:
    """Write the files of the JWT cases, and return a token."""
    key = {"kty": "oct", "kid": "k", "k": base64.urlsafe_b64encode(_SECRET).decode().rstrip("=")}
    (folder / "keys.json").write_text(json.dumps({"keys": [key]}))
    with closing(sqlite3.connect(folder / "revoked.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE revoked (id TEXT)")
        connection.executemany("INSERT INTO revoked VALUES (?)", [(f"session {number}",) for number in range(1_000)])
    claims = {"iss": "benchmark", "aud": "shop", "sub": "ada", "scope": "read", "exp": int(time.time()) + 36_000}
    return jwt.encode(claims, _SECRET, "HS256", {"kid": "k", "typ": "at+jwt"})


async def _respond(_request: SubgraphRequest) -> SubgraphResponse:
    return SubgraphResponse.of(_DATA, headers={"cache-control": "max-age=5"})


def _supergraph() -> str:
    composition = compose([Subgraph("accounts", "http://127.0.0.1:1/", _SCHEMA)])
    if composition.supergraph_sdl is None:
        raise SystemExit(str(composition.errors))
    return composition.supergraph_sdl


def _request(token: str) -> GraphQLRequest:
    headers = {**_HEADERS, "authorization": f"Bearer {token}"}
    return GraphQLRequest(query=_QUERY, variables={"first": 10}, headers=headers)


async def _measure(gateway: Gateway, token: str) -> float:
    """Return the microseconds of processor time that one request takes."""
    requests = [_request(token) for _ in range(REQUESTS)]
    started = time.process_time()
    for request in requests:
        await gateway.execute(request)
    return (time.process_time() - started) / REQUESTS * 1e6


async def _measure_at_once(gateway: Gateway) -> float:
    """Return the microseconds of processor time of each of 50 equal requests at the same time."""
    request = GraphQLRequest(query=_QUERY, variables={"first": 10})
    started = time.process_time()
    for _ in range(20):
        await asyncio.gather(*(gateway.execute(request) for _ in range(50)))
    return (time.process_time() - started) / 1000 * 1e6


async def _slow(_request: SubgraphRequest) -> SubgraphResponse:
    await asyncio.sleep(0.005)
    return await _respond(_request)


async def _share(sdl: str) -> None:
    """Print what sharing saves."""
    gateways = [
        Gateway.from_supergraph(sdl, read(f"traffic: {{share_operations: {value}}}", {}), send=_slow)
        for value in ("false", "true")
    ]
    found: list[list[float]] = [[], []]
    for _ in range(6):
        for times, gateway in zip(found, gateways, strict=True):
            times.append(await _measure_at_once(gateway))
    executed, shared = (statistics.median(times[1:]) for times in found)
    click.echo(f"50 equal queries at once, each: {executed:.1f} µs executed, {shared:.1f} µs shared")


async def _differences(cases: Mapping[str, Case], folder: Path) -> tuple[float, dict[str, float]]:
    """Return the time of a request without policies, and what each case adds to it."""
    token, sdl, random = _write_credentials(folder), _supergraph(), Random(1)  # noqa: S311  (no secret)
    gateways = {
        name: Gateway.from_supergraph(sdl, read(case.settings.replace("FOLDER", str(folder)), {}), send=_respond)
        for name, case in cases.items()
    }
    found: dict[str, list[float]] = {name: [] for name in cases}
    with serving(client_path("192.0.2.1", (), LOOPBACK)):
        for gateway in gateways.values():
            response = await gateway.execute(_request(token))
            if "errors" in response.body:
                raise SystemExit(str(response.body))
            await _measure(gateway, token)
        order = list(gateways)
        for _ in range(ROUNDS):
            random.shuffle(order)
            for name in order:
                found[name].append(await _measure(gateways[name], token))
    for gateway in gateways.values():
        await gateway.aclose()
    fastest = {name: statistics.mean(sorted(times)[: ROUNDS // 10]) for name, times in found.items()}
    plain = fastest.pop("no policy")
    return plain, {name: each - plain for name, each in fastest.items()}


async def _run(only: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    cases = {name: case for name, case in CASES.items() if only in name or name == "no policy"}
    with TemporaryDirectory() as folder:
        plain, added = await _differences(cases, Path(folder))
    click.echo(f"{'a cached query without policies':45} {plain:7.1f} µs")
    for name, difference in added.items():
        most = cases[name].most
        bound = "" if most is None else f"   at most {most:g}" + ("" if difference <= most else ": exceeded")
        click.echo(f"{name:45} {difference:+7.1f} µs{bound}")
    for name, cost in await signature_costs():
        if only in name:
            click.echo(f"{name:45} {cost:+7.1f} µs")
    await _share(_supergraph())


@click.command()
@click.option("--only", default="", help="Measure only the cases whose name contains this text.")
def main(only: str) -> None:
    """Measure the cases and print a table."""
    asyncio.run(_run(only))


if __name__ == "__main__":
    main()
