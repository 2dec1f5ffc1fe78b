"""The checks of whether this process is ready: the router responds, and each service has responded once.

At the start of the platform, the router listens before the services do. If readiness depended on the router alone, a
load balancer would send requests too early, and the first clients would get 503. If a service fails later, this process
stays ready: only the routes that need the service respond with 503, and another instance could not do better.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from rest_compat.graphql_client import CallContext
from rest_compat.operations import Operation
from servicekit.health import NotReady

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rest_compat.graphql_client import GraphQLClient

# How long the check of a service may take. This time is shorter than the general limit for health checks. So a slow
# service fails with the reason of its own check, and this reason is logged.
PROBE_SECONDS: Final = 2.0
# A working service responds with this error to a query without a token.
_ANSWER: Final = "UNAUTHENTICATED"

_NOTHING: Final = "0" * 24
# Maps the name of a check in the response of `/health/ready` to a query. The router needs only one service to answer
# it.
PROBES: Final[Mapping[str, Operation]] = {
    "sessions": Operation("readiness", "Sessions", "query Sessions { result: me { id } }"),
    "accounts": Operation("readiness", "Accounts", f'query Accounts {{ result: account(id: "{_NOTHING}") {{ id }} }}'),
    "transactions": Operation(
        "readiness", "Transactions", f'query Transactions {{ result: transaction(id: "{_NOTHING}") {{ id }} }}'
    ),
}


def checks(client: GraphQLClient) -> Mapping[str, Callable[[], Awaitable[object]]]:
    """Return a mapping of this process's health checks: name → check."""
    return {"router": client.ping, **{name: _FirstAnswer(client, probe) for name, probe in PROBES.items()}}


class _FirstAnswer:
    """A check that fails until a service has responded once. After that, it always passes."""

    def __init__(self, client: GraphQLClient, probe: Operation) -> None:
        self._client = client
        self._probe = probe
        self._answered = False

    async def __call__(self) -> None:
        if self._answered:
            return
        context = CallContext(None, asyncio.get_running_loop().time() + PROBE_SECONDS)
        result = await self._client.execute(self._probe, {}, context)
        codes = {error.code for error in result.errors} - {_ANSWER}
        if codes:
            raise NotReady(", ".join(sorted(codes)))
        self._answered = True
