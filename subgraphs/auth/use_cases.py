"""Makes the use cases of the auth service from its open parts. Nothing here has I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.auth.action_limits import ActionLimits
from subgraphs.auth.administration.administration import Administration
from subgraphs.auth.api_keys.api_key_service import ApiKeyService
from subgraphs.auth.context import AuthServices
from subgraphs.auth.identity_service import GuardedPasswords, IdentityService, LoginSteps
from subgraphs.auth.login_limits import LoginLimits
from subgraphs.auth.recovery.service import RecoveryParts, RecoveryService
from subgraphs.auth.sealing import derive_key
from subgraphs.auth.second_factor.use_cases import SecondFactors
from subgraphs.auth.sessions.session_directory import CURSOR_KEY_PURPOSE, CURSOR_WIDTH, SessionDirectory
from subgraphs.auth.sessions.session_service import REFRESH_KEY_PURPOSE, SessionService, SessionTokens
from subgraphs.auth.tokens import AccessTokens
from subgraphs.kit.connections import CursorCodec

if TYPE_CHECKING:
    from subgraphs.auth.open_parts import ServiceParts


def services_of(parts: ServiceParts) -> AuthServices:
    """Return the use cases. Raises ConfigurationError if the public URL and the origins of passkeys do not fit."""
    settings, store, clocks, audit = parts.settings, parts.store, parts.clocks, parts.audit
    revocations, mails = parts.revocations, parts.mails
    login_limits = LoginLimits(parts.counts, settings.limits)
    limits = ActionLimits(parts.counts, settings.limits)
    passwords = GuardedPasswords(parts.hasher, login_limits)
    second_factors = SecondFactors.of(settings, store, login_limits, mails, clocks)
    issued = _session_tokens(parts)
    sessions = SessionService(store, session_tokens=issued, revocations=revocations, mails=mails, clocks=clocks)
    max_age = settings.step_up_max_age
    return AuthServices(
        identity=IdentityService(
            store, steps=LoginSteps(passwords, second_factors.login), sessions=sessions, clock=clocks.now
        ),
        sessions=sessions,
        directory=SessionDirectory(store.session_list, sessions, _session_cursors(parts), clocks.now, max_age),
        second_factors=second_factors,
        recovery=RecoveryService(RecoveryParts(store, passwords, limits, mails, revocations, clocks.now, max_age)),
        limits=limits,
        audit=audit,
        administration=Administration(store, revocations, audit, clocks.now),
        api_keys=ApiKeyService(store, access_tokens=issued.access, revocations=revocations, audit=audit, clocks=clocks),
    )


def _session_tokens(parts: ServiceParts) -> SessionTokens:
    settings = parts.settings
    access_tokens = AccessTokens(
        issuer=settings.issuer,
        keys=parts.keys,
        clock=parts.clocks.now,
        requirement=settings.second_factor_requirement,
    )
    key = derive_key(settings.key_encryption_secret(), REFRESH_KEY_PURPOSE)
    return SessionTokens(access_tokens, settings.session_rules, key)


def _session_cursors(parts: ServiceParts) -> CursorCodec:
    key = derive_key(parts.settings.key_encryption_secret(), CURSOR_KEY_PURPOSE)
    return CursorCodec(key, width=CURSOR_WIDTH)
