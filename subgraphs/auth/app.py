"""The auth service as an ASGI application."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bank import values
from bank.api_keys import ApiKeys
from bank.identity import TokenVerifier
from servicekit import client_address
from servicekit.client_address import ClientAddressMiddleware
from servicekit.errors import StartupError, Unavailable
from servicekit.user_agent import UserAgentMiddleware
from subgraphs.auth.action_limits import ActionLimits
from subgraphs.auth.administration.administration import Administration
from subgraphs.auth.api_keys.api_key_service import ApiKeyService
from subgraphs.auth.api_keys.token_route import api_key_token_route
from subgraphs.auth.attempts import Origin
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.context import AuthContext, AuthServices
from subgraphs.auth.identity_service import GuardedPasswords, IdentityService, LoginSteps
from subgraphs.auth.key_ring import KeyRing
from subgraphs.auth.loaders import create_user_loader
from subgraphs.auth.login_limits import LoginLimits
from subgraphs.auth.mail.opening import delivering, open_queue
from subgraphs.auth.oauth.opening import OAuthParts, open_oauth
from subgraphs.auth.oauth.routes import oauth_routes
from subgraphs.auth.open_limit_store import open_limit_store
from subgraphs.auth.open_revocations import open_revocations
from subgraphs.auth.pages.account_pages import account_routes
from subgraphs.auth.password_hashing import PasswordHasher
from subgraphs.auth.recovery.preparations import LinkPreparations
from subgraphs.auth.recovery.service import RecoveryParts, RecoveryService
from subgraphs.auth.schema import build_schema
from subgraphs.auth.sealing import derive_key
from subgraphs.auth.second_factor.use_cases import SecondFactors
from subgraphs.auth.sessions.session_directory import CURSOR_KEY_PURPOSE, CURSOR_WIDTH, SessionDirectory
from subgraphs.auth.sessions.session_service import REFRESH_KEY_PURPOSE, Clocks, SessionService, SessionTokens
from subgraphs.auth.signing_keys import KeyVault
from subgraphs.auth.store.factory import STORES
from subgraphs.auth.tokens import AccessTokens
from subgraphs.auth.well_known import jwks_route
from subgraphs.kit import app as kit
from subgraphs.kit.connections import CursorCodec
from subgraphs.kit.store_identity import open_joined

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from bank.identity import Caller
    from bank.revocation import RevocationList
    from servicekit.asgi import ASGIApp
    from servicekit.errors import ServiceError
    from servicekit.rate_limits import RateLimitStore
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore
    from subgraphs.kit.store_factory import Clock

# If the clock shows an earlier time than this, the clock is wrong, and the service does not start. For example, the
# clock of a machine without a clock battery starts in 1970.
_EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuthRuntime:
    """The open resources of the service.

    Attributes:
        counts: the counts of the rate limits.
        limits_loopback: whether rate limits for an address also apply to the loopback address. This is False in
            development, where all clients have the loopback address.
    """

    store: AuthStore
    keys: KeyRing
    verifier: TokenVerifier
    services: AuthServices
    revocations: RevocationList
    counts: RateLimitStore
    limits_loopback: bool
    oauth: OAuthServer

    def context(self, caller: Caller | ServiceError | None) -> AuthContext:
        origin = Origin.of(client_address.current().client, limits_loopback=self.limits_loopback)
        return AuthContext(caller, self.services, create_user_loader(self.store), origin)

    @property
    def api_keys(self) -> tuple[ApiKeyService, ActionLimits, bool]:
        """What the route that exchanges API keys needs."""
        return self.services.api_keys, self.services.limits, self.limits_loopback

    async def ping(self) -> None:
        await self.store.ping()

    def details(self) -> Mapping[str, object]:
        counts = self.counts.details()
        return {"rateLimits": counts} if counts else {}


@asynccontextmanager
async def open_runtime(settings: AuthSettings, clock: Clock = values.now) -> AsyncIterator[AuthRuntime]:
    """Open the store, and create a signing key if there is none. Revoke ended sessions that a crash left unrevoked.

    Raises:
        StoreMismatch: the store does not belong to the installation (bank §4.8).
        StartupError: the clock is wrong, a file cannot be opened or is locked, or `AUTH_JWT_SECRET` is not the secret
            that sealed the keys.
    """
    clocks = _clocks(clock)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_joined(settings.place, STORES))
        hasher = stack.enter_context(PasswordHasher(queue=settings.hashing_queue))
        counts = await stack.enter_async_context(open_limit_store(settings))
        login_limits = LoginLimits(counts, settings.limits)
        second_factors = SecondFactors.of(settings, store, login_limits, clocks)
        steps = LoginSteps(GuardedPasswords(hasher, login_limits), second_factors.login)
        keys = KeyRing(store, _vault(settings), clock=clocks.for_deletion)
        mails = open_queue(settings, store.mails, clocks.now)
        issued = _session_tokens(settings, keys, clocks.now)
        with _database_responds():
            audit = await open_audit_log(settings, store, clocks.now)
            await keys.signer()
            revocations = await stack.enter_async_context(open_revocations(settings, store, clocks))
        sessions = SessionService(store, session_tokens=issued, revocations=revocations, mails=mails, clocks=clocks)
        identity = IdentityService(store, steps=steps, sessions=sessions, clock=clocks.now)
        directory = SessionDirectory(store.session_list, sessions, _session_cursors(settings), clocks.now)
        api_keys = ApiKeyService(
            store, access_tokens=issued.access, revocations=revocations, audit=audit, clocks=clocks
        )
        verifier = TokenVerifier(issuer=settings.issuer, keys=keys, revocations=revocations, api_keys=ApiKeys(api_keys))
        limits = ActionLimits(counts, settings.limits)
        recovery = RecoveryService(RecoveryParts(store, steps.passwords, limits, mails, revocations, clocks.now))
        await stack.enter_async_context(delivering(settings, mails, LinkPreparations(store, clocks.now).by_kind()))
        administration = Administration(store, revocations, audit, clocks.now)
        services = AuthServices(
            identity, sessions, directory, second_factors, recovery, limits, audit, administration, api_keys
        )
        oauth = open_oauth(settings, OAuthParts(store, services, keys, verifier, clocks))
        yield AuthRuntime(store, keys, verifier, services, revocations, counts, settings.is_production, oauth)


@contextmanager
def _database_responds() -> Iterator[None]:
    """Raise StartupError if the database does not respond."""
    try:
        yield
    except Unavailable as error:
        raise StartupError(f"the database of the auth service does not respond: {error.__cause__}") from error


def _vault(settings: AuthSettings) -> KeyVault:
    return KeyVault(settings.key_encryption_secret(), settings.signing_algorithm)


def _session_tokens(settings: AuthSettings, keys: KeyRing, clock: Clock) -> SessionTokens:
    access_tokens = AccessTokens(issuer=settings.issuer, keys=keys, clock=clock)
    key = derive_key(settings.key_encryption_secret(), REFRESH_KEY_PURPOSE)
    return SessionTokens(access_tokens, settings.session_rules, key)


def _session_cursors(settings: AuthSettings) -> CursorCodec:
    return CursorCodec(derive_key(settings.key_encryption_secret(), CURSOR_KEY_PURPOSE), width=CURSOR_WIDTH)


def _clocks(wall: Clock) -> Clocks:
    """Return the clocks of the service. Raises StartupError if the clock of the machine is wrong."""
    now = wall()
    if now < _EARLIEST:
        raise StartupError(
            f"the clock of this machine says {values.format_timestamp(now)}; set it, since tokens are valid by time"
        )
    return Clocks.of(wall)


def create_app(settings: AuthSettings, clock: Clock = values.now) -> ASGIApp:
    app = kit.create_app(
        build_schema(),
        lambda: open_runtime(settings, clock),
        settings,
        title="auth",
        routes=lambda runtime: (
            jwks_route(lambda: runtime().keys),
            api_key_token_route(lambda: runtime().api_keys),
            *oauth_routes(lambda: runtime().oauth),
            *account_routes(lambda: runtime().context(None), settings.links_url),
        ),
    )
    return ClientAddressMiddleware(UserAgentMiddleware(app), settings.trusted_proxies)
