"""When this process is ready: the router responds, and each service behind it has responded once.

At the start of the platform, the router listens before its services do. A load balancer that trusted the router alone
would send the first clients into a 503. Later, a service that fails does not take the readiness away: only the routes
that need it are 503, and other instances of this process would have the same routes and the same failures.
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

# Less than a health check may take, so that the log has the reason.
PROBE_SECONDS: Final = 2.0
# The error of a service that works, to a query without a token.
_ANSWER: Final = "UNAUTHENTICATED"

_NOTHING: Final = "0" * 24
# Name in the response of `/health/ready` -> a query that one service responds to.
PROBES: Final[Mapping[str, Operation]] = {
    "sessions": Operation("readiness", "Sessions", "query Sessions { result: me { id } }"),
    "accounts": Operation("readiness", "Accounts", f'query Accounts {{ result: account(id: "{_NOTHING}") {{ id }} }}'),
    "transactions": Operation(
        "readiness", "Transactions", f'query Transactions {{ result: transaction(id: "{_NOTHING}") {{ id }} }}'
    ),
}


def checks(client: GraphQLClient) -> Mapping[str, Callable[[], Awaitable[object]]]:
    """The health checks of this process, by name."""
    return {"router": client.ping, **{name: _FirstAnswer(client, probe) for name, probe in PROBES.items()}}


class _FirstAnswer:
    """Passes as soon as a service has responded, and from then on."""

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
