"""The auth service as an ASGI application."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from bank.identity import TokenVerifier
from bank.revocation import SqliteRevocationList
from servicekit import client_address
from servicekit.client_address import ClientAddressMiddleware
from servicekit.rate_limits import MemoryRateLimitStore
from subgraphs.auth.context import AuthContext
from subgraphs.auth.identity_service import GuardedPasswords, IdentityService
from subgraphs.auth.key_ring import KeyRing
from subgraphs.auth.loaders import create_user_loader
from subgraphs.auth.login_limits import LoginLimits, Origin
from subgraphs.auth.password_hashing import PasswordHasher
from subgraphs.auth.schema import build_schema
from subgraphs.auth.signing_keys import KEY_SET_AGE, KeyVault
from subgraphs.auth.store.factory import STORES
from subgraphs.auth.tokens import AccessTokens
from subgraphs.kit import app as kit
from subgraphs.kit.store_factory import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bank.identity import Caller
    from servicekit.asgi import ASGIApp
    from servicekit.errors import ServiceError
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore


@dataclass(frozen=True, slots=True)
class AuthRuntime:
    """The open resources of the service.

    Attributes:
        limits_loopback: whether limits for an address also apply to loopback, which in development everybody uses.
    """

    store: AuthStore
    keys: KeyRing
    verifier: TokenVerifier
    identity: IdentityService
    limits_loopback: bool

    def context(self, caller: Caller | ServiceError | None) -> AuthContext:
        origin = Origin.of(client_address.current().client, limits_loopback=self.limits_loopback)
        return AuthContext(caller, self.identity, create_user_loader(self.store), origin)

    async def ping(self) -> None:
        await self.store.ping()


@asynccontextmanager
async def open_runtime(settings: AuthSettings) -> AsyncIterator[AuthRuntime]:
    """Open the store, make sure that a key can sign, revoke the sessions that a crash left half ended.

    Raises:
        StartupError: a file cannot be opened, or `AUTH_JWT_SECRET` is not the secret that sealed the keys.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.store, STORES))
        revocations = SqliteRevocationList(settings.data_dir)
        stack.callback(revocations.close)
        hasher = stack.enter_context(PasswordHasher(queue=settings.hashing_queue))
        passwords = GuardedPasswords(hasher, LoginLimits.of(settings, MemoryRateLimitStore()))
        keys = KeyRing(store, KeyVault(settings.key_encryption_secret()))
        await keys.signer()
        access_tokens = AccessTokens(issuer=settings.issuer, keys=keys)
        identity = IdentityService(store, passwords=passwords, access_tokens=access_tokens, revocations=revocations)
        await identity.repair()
        verifier = TokenVerifier(issuer=settings.issuer, keys=keys, revocations=revocations)
        yield AuthRuntime(store, keys, verifier, identity, limits_loopback=settings.is_production)


def create_app(settings: AuthSettings) -> ASGIApp:
    app = kit.create_app(
        build_schema(),
        lambda: open_runtime(settings),
        settings,
        title="auth",
        routers=lambda runtime: (jwks_router(runtime),),
    )
    return ClientAddressMiddleware(app, settings.trusted_proxies)


def jwks_router(runtime: Callable[[], AuthRuntime]) -> APIRouter:
    """`/.well-known/jwks.json`: the public signing keys (RFC 7517 §5)."""
    router = APIRouter()

    async def jwks() -> JSONResponse:
        return JSONResponse(
            {"keys": await runtime().keys.public_keys()},
            media_type="application/jwk-set+json",
            headers={"cache-control": f"public, max-age={int(KEY_SET_AGE.total_seconds())}"},
        )

    router.add_api_route("/.well-known/jwks.json", jwks, methods=["GET", "HEAD"], include_in_schema=False)
    return router
