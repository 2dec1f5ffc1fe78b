"""Begins, renews and ends grants. A grant is a session of the user, so the rules of sessions apply to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bank.scopes import OFFLINE_ACCESS
from subgraphs.auth import refresh_tokens, tokens
from subgraphs.auth.domain import ACCESS_LIFETIME, RefreshToken, Session, Verdict
from subgraphs.auth.oauth import codes
from subgraphs.auth.oauth.codes import CODE, AlreadyUsed
from subgraphs.auth.oauth.errors import INVALID_GRANT, OAuthError
from subgraphs.auth.oauth.scope_rules import granted
from subgraphs.auth.oauth.store import Grant, digest, family_digest
from subgraphs.auth.sessions.devices import Device
from subgraphs.auth.sessions.session_list import Arrival

if TYPE_CHECKING:
    from collections.abc import Collection

    from subgraphs.auth.authentication import Authentication
    from subgraphs.auth.domain import SessionRules, User
    from subgraphs.auth.oauth.clients import Client
    from subgraphs.auth.sessions.session_service import Clocks, SessionService
    from subgraphs.auth.store.protocol import AuthStore

_ANONYMOUS = "Application"
# In minutes.
_UNITS = ((24 * 60, "day"), (60, "hour"), (1, "minute"))

_log = structlog.stdlib.get_logger("oauth")


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant with its session, its user, and the refresh token that the client gets now (None without one)."""

    grant: Grant
    session: Session
    user: User
    refresh_token: str | None


class Grants:
    """The use cases of grants."""

    def __init__(self, store: AuthStore, sessions: SessionService, clocks: Clocks, next_key: bytes) -> None:
        """`next_key` is the key from which the next refresh tokens are derived."""
        self._store = store
        self._sessions = sessions
        self._clocks = clocks
        self._next_key = next_key

    async def begin(self, grant: Grant, authentication: Authentication) -> LiveGrant:
        """Begin the session of a grant, and store the grant.

        Without the scope `offline_access`, there is no refresh token, and the session ends with the access token.

        Args:
            grant: the new grant. Its session does not exist yet.
            authentication: how and when the user has logged in to give this consent.

        Raises:
            OAuthError: `invalid_grant`: the user was disabled, or the client was removed.
        """
        now = self._clocks.now()
        rules = self._sessions.rules
        session = Session.begin(grant.session_id, grant.user_id, now, authentication, rules)
        is_offline = OFFLINE_ACCESS in grant.scopes
        if not is_offline:
            session = replace(session, expires_at=now + ACCESS_LIFETIME)
        refresh_token = refresh_tokens.new_refresh_token()
        session = replace(session, family=family_digest(refresh_token))
        token = RefreshToken.issue(digest(refresh_token), session, now, rules)
        expired_before = min(now, self._clocks.for_deletion())
        client = await self._store.oauth.client(grant.client_id)
        # The list of the user's sessions shows the name of the application in the place of a device.
        arrival = Arrival(Device(_ANONYMOUS if client is None else client.name))
        if not await self._store.begin_session(session, token, expired_before, arrival):
            raise OAuthError(INVALID_GRANT, "the user may not log in any more")
        if not await self._store.oauth.add_grant(grant):
            await self.end(grant.session_id)
            raise OAuthError(INVALID_GRANT, "the client was removed")
        found = await self._store.users([grant.user_id])
        return LiveGrant(grant, session, found[grant.user_id], refresh_token if is_offline else None)

    async def exchange_code(self, secret: str, client: Client, form: codes.CodeExchange) -> LiveGrant:
        """Exchange a code for a new grant.

        Raises:
            OAuthError: `invalid_grant`: the code is not valid. If it was used before, its grant has ended.
        """
        key = digest(secret)
        ticket = await self._store.oauth.ticket(CODE, key)
        if ticket is None:
            raise codes.invalid_code()
        code = codes.code_of(ticket)
        try:
            codes.check(code, client, form, self._clocks.now())
            browser = await self._store.session(code.browser_session_id)
            if browser is None or not browser[0].is_live(self._clocks.now()):
                raise OAuthError(INVALID_GRANT, "the user has logged out")
            grant = Grant(
                tokens.new_identifier(),
                client.id,
                code.user_id,
                code.scopes,
                self._clocks.now(),
                nonce=code.nonce,
                dpop_jkt=form.jkt if client.is_public else None,
                browser_session_id=code.browser_session_id,
            )
            # The session begins before the code is used. So whoever uses the code a second time always finds it.
            begun = await self.begin(grant, browser[0].authentication)
            await self._use(key, grant.session_id)
        except AlreadyUsed as used:
            _log.warning("authorization code used twice, grant ends", session_id=used.session_id)
            await self.end(used.session_id)
            raise codes.invalid_code() from None
        return begun

    async def _use(self, key: bytes, session_id: str) -> None:
        """Mark a code as used. If another request has used it meanwhile, end the session that just began."""
        try:
            found = await self._store.oauth.change_ticket(CODE, key, lambda ticket: codes.use(ticket, session_id))
        except AlreadyUsed:
            await self.end(session_id)
            raise
        if found is None:
            await self.end(session_id)
            raise codes.invalid_code()

    async def refresh(self, refresh_token: str, client: Client, jkt: str | None, scope: str | None) -> LiveGrant:
        """Exchange a refresh token for the next one. A token that is used twice ends its session.

        As for the bank's own sessions, there is a grace: a client that lost the response gets the same next token.

        Raises:
            OAuthError: `invalid_grant`: the token is not valid for this client. `invalid_scope`: `scope`, which the
                client wants for the next access token, is more than the grant has. The refresh token stays valid.
        """
        family = family_digest(refresh_token)
        session_id = await self._store.oauth.session_of_refresh_token(digest(refresh_token), family)
        grant = None if session_id is None else await self._store.oauth.grant(session_id)
        if grant is None or grant.client_id != client.id or grant.dpop_jkt not in {None, jkt}:
            raise invalid_refresh_token()
        granted(scope, grant.scopes)
        following = refresh_tokens.next_refresh_token(refresh_token, self._next_key)
        exchange = await self._store.exchange(
            digest(refresh_token), digest(following), self._clocks.now(), self._sessions.rules
        )
        if exchange is None:
            await self._sessions.end_family(family)
            raise invalid_refresh_token()
        if exchange.verdict is Verdict.REUSED:
            _log.warning("refresh token used twice, grant ends", session_id=grant.session_id)
            await self.end(grant.session_id)
        if exchange.verdict not in {Verdict.ROTATE, Verdict.REPEATED}:
            raise invalid_refresh_token()
        return LiveGrant(grant, exchange.session, exchange.user, following)

    async def end(self, session_id: str) -> None:
        """End the session of a grant or browser. All its tokens are invalid from now on."""
        await self._sessions.end(session_id)


def invalid_refresh_token() -> OAuthError:
    return OAuthError(INVALID_GRANT, "the refresh token is unknown, used, expired, or of another client or key")


def lifetime_text(scopes: Collection[str], rules: SessionRules) -> str:
    """Return the sentence of the consent page that says when a grant of these scopes ends."""
    if OFFLINE_ACCESS not in scopes:
        return f"The access ends after {_amount(ACCESS_LIFETIME)}."
    return f"The access ends after {_amount(rules.lifetime)}, or if it is not used for {_amount(rules.idle)}."


def _amount(time: timedelta) -> str:
    """Return a duration in its largest unit that needs no fraction, such as `30 days`; minutes are rounded up."""
    minutes = math.ceil(time / timedelta(minutes=1))
    size, unit = next((size, unit) for size, unit in _UNITS if minutes % size == 0)
    count = minutes // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
