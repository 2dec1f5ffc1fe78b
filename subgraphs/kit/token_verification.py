"""Verifies access tokens with the public keys of the auth service and the list of revoked sessions (bank §2.8)."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from bank.api_keys import ApiKeys, RemoteExchange
from bank.identity import RemoteKeys, TokenVerifier
from bank.mutual_tls import client_tls
from subgraphs.kit.revocation_list import open_revocation_list

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.kit.settings import SubgraphSettings


@asynccontextmanager
async def token_verifier(settings: SubgraphSettings) -> AsyncIterator[TokenVerifier]:
    """Return a verifier of access tokens. It fetches the keys when it verifies the first token.

    Raises:
        ConfigurationError: the URL of the Redis has an unknown option, or an option with a wrong value; or mutual TLS
            is on, and AUTH_JWKS_URL is not https.
        StartupError: the revocation list cannot be opened.
    """
    async with AsyncExitStack() as stack:
        revocations = await stack.enter_async_context(open_revocation_list(settings))
        # The client ignores the proxy variables of the environment, because it only calls our own services.
        tls = client_tls(settings, "auth", settings.signing_keys_url, "AUTH_JWKS_URL")
        verify = tls if tls is not None else True
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, verify=verify))
        keys = RemoteKeys.at(settings.signing_keys_url, client)
        api_keys = ApiKeys(RemoteExchange(settings.auth_url, client))
        yield TokenVerifier(issuer=settings.issuer, keys=keys, revocations=revocations, api_keys=api_keys)
