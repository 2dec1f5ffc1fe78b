"""The auth service as an ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bank import values
from bank.api_keys import ApiKeys
from bank.gateway_errors import GatewayErrors
from bank.identity import TokenVerifier
from bank.service_credential import ServiceCredential
from servicekit import client_address
from servicekit.client_address import ClientAddressMiddleware
from servicekit.user_agent import UserAgentMiddleware
from subgraphs.auth.account.routes import account_routes
from subgraphs.auth.api_keys.token_route import api_key_token_route
from subgraphs.auth.attempts import Origin
from subgraphs.auth.audit_log.operations_of_services import audit_routes
from subgraphs.auth.context import AuthContext
from subgraphs.auth.loaders import create_loaders
from subgraphs.auth.mail.opening import delivering
from subgraphs.auth.oauth.opening import OAuthParts, open_oauth
from subgraphs.auth.oauth.routes import oauth_routes
from subgraphs.auth.open_parts import open_parts
from subgraphs.auth.pages.account_pages import mail_link_routes
from subgraphs.auth.recovery.preparations import LinkPreparations
from subgraphs.auth.schema import build_schema
from subgraphs.auth.use_cases import services_of
from subgraphs.auth.well_known import jwks_route
from subgraphs.kit import app as kit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bank.identity import Caller
    from bank.revocation import RevocationList
    from servicekit.asgi import ASGIApp
    from servicekit.errors import ServiceError
    from subgraphs.auth.action_limits import ActionLimits
    from subgraphs.auth.api_keys.api_key_service import ApiKeyService
    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.auth.context import AuthServices
    from subgraphs.auth.key_ring import KeyRing
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.auth.open_parts import ServiceParts
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore
    from subgraphs.kit.store_factory import Clock


@dataclass(frozen=True, slots=True)
class AuthRuntime:
    """The running service."""

    parts: ServiceParts
    services: AuthServices
    verifier: TokenVerifier
    oauth: OAuthServer
    credential: ServiceCredential

    @property
    def audit(self) -> AuditLog:
        return self.services.audit

    @property
    def store(self) -> AuthStore:
        return self.parts.store

    @property
    def keys(self) -> KeyRing:
        return self.parts.keys

    @property
    def revocations(self) -> RevocationList:
        return self.parts.revocations

    @property
    def limits_loopback(self) -> bool:
        """Whether rate limits for an address also apply to the loopback address.

        This is False in development, where all clients have the loopback address.
        """
        return self.parts.settings.is_production

    def context(self, caller: Caller | ServiceError | None) -> AuthContext:
        origin = Origin.of(client_address.current().client, limits_loopback=self.limits_loopback)
        return AuthContext(caller, self.services, create_loaders(self.store), origin)

    @property
    def api_keys(self) -> tuple[ApiKeyService, ActionLimits, bool]:
        """What the route that exchanges API keys needs."""
        return self.services.api_keys, self.services.limits, self.limits_loopback

    async def ping(self) -> None:
        await self.store.ping()

    def details(self) -> Mapping[str, object]:
        counts = self.parts.counts.details()
        return {"rateLimits": counts} if counts else {}


@asynccontextmanager
async def open_runtime(settings: AuthSettings, clock: Clock = values.now) -> AsyncIterator[AuthRuntime]:
    """Open the service, and deliver its mails while the block runs.

    Raises:
        StoreMismatch: the store does not belong to the installation (bank §4.8).
        StartupError: as `open_parts`.
        ConfigurationError: as `services_of`.
    """
    async with open_parts(settings, clock) as parts:
        services = services_of(parts)
        verifier = TokenVerifier(
            issuer=settings.issuer,
            keys=parts.keys,
            revocations=parts.revocations,
            api_keys=ApiKeys(services.api_keys),
        )
        oauth = open_oauth(settings, OAuthParts(parts.store, services, parts.keys, verifier, parts.clocks))
        preparations = LinkPreparations(parts.store, parts.clocks.now).by_kind()
        async with delivering(settings, parts.mails, preparations):
            yield AuthRuntime(parts, services, verifier, oauth, ServiceCredential.load(settings))


def create_app(settings: AuthSettings, clock: Clock = values.now) -> ASGIApp:
    app = kit.create_app(
        build_schema(),
        lambda: open_runtime(settings, clock),
        settings,
        title="auth",
        routes=lambda runtime: (
            jwks_route(lambda: runtime().keys),
            api_key_token_route(lambda: runtime().api_keys),
            *audit_routes(runtime, clock),
            *oauth_routes(lambda: runtime().oauth),
            *mail_link_routes(lambda: runtime().context(None), settings.links_url),
            *account_routes(lambda: runtime().oauth),
        ),
    )
    return GatewayErrors(ClientAddressMiddleware(UserAgentMiddleware(app), settings.trusted_proxies))
