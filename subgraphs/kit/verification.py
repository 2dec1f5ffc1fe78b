"""How a subgraph comes to trust a token: the auth service's public keys, and the list of sessions that ended."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from bank.identity import RemoteKeys, TokenVerifier
from bank.revocation import SqliteRevocationList

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.kit.settings import SubgraphSettings


@asynccontextmanager
async def token_verifier(settings: SubgraphSettings) -> AsyncIterator[TokenVerifier]:
    """A verifier of access tokens; the keys are fetched when the first token comes.

    Raises:
        StartupError: the revocation list cannot be opened.
    """
    async with AsyncExitStack() as stack:
        revocations = SqliteRevocationList(settings.data_dir)
        stack.callback(revocations.close)
        # Our own services only: a proxy of the environment has no business between them.
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        keys = RemoteKeys.at(settings.signing_keys_url, client)
        yield TokenVerifier(issuer=settings.issuer, keys=keys, revocations=revocations)
