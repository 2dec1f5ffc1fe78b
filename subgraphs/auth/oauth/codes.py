"""Authorization codes: what a code stands for, and whether it may be exchanged now (RFC 6749 §4.1.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from subgraphs.auth.oauth import pkce
from subgraphs.auth.oauth.errors import INVALID_GRANT, OAuthError
from subgraphs.auth.oauth.store import Ticket

if TYPE_CHECKING:
    from subgraphs.auth.oauth.clients import Client

CODE: Final = "code"
# The client exchanges the code at once, by a request of its server or page.
CODE_LIFETIME: Final = timedelta(seconds=60)
# A used code is kept for this time, so that its second use ends the grant.
KEPT_AFTER_USE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for.

    Attributes:
        browser_session_id: the session of the browser in which the user gave the consent.
        expires_at: until when the code can be exchanged.
        used_for: the session of the grant for which the code was exchanged; None if it was not yet.
    """

    client_id: str
    user_id: str
    redirect_uri: str
    scopes: frozenset[str]
    challenge: str
    browser_session_id: str
    expires_at: datetime
    nonce: str | None = None
    dpop_jkt: str | None = None
    used_for: str | None = None


_DOCUMENTS: Final = TypeAdapter(Code)


def ticket_of(code: Code, digest: bytes) -> Ticket:
    """Return the stored form of a new code."""
    return Ticket(CODE, digest, _DOCUMENTS.dump_json(code).decode(), code.expires_at + KEPT_AFTER_USE)


def code_of(ticket: Ticket) -> Code:
    return _DOCUMENTS.validate_json(ticket.document)


def use(ticket: Ticket, session_id: str) -> Ticket:
    """Mark a code as exchanged for the grant of `session_id`.

    Raises:
        AlreadyUsed: it was exchanged before.
    """
    code = code_of(ticket)
    if code.used_for is not None:
        raise AlreadyUsed(code.used_for)
    return replace(ticket, document=_DOCUMENTS.dump_json(replace(code, used_for=session_id)).decode())


class AlreadyUsed(Exception):
    """The code was exchanged before; one of the two clients that sent it may be a thief.

    Attributes:
        session_id: the session of the grant.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__("the code was exchanged before")
        self.session_id = session_id


@dataclass(frozen=True, slots=True)
class CodeExchange:
    """What a client sends with a code.

    Attributes:
        redirect_uri: may be missing, because PKCE binds the code to the client's request (OAuth 2.1). If it is there,
            it must be the one of the authorization request.
        jkt: the thumbprint of the key of the client's DPoP proof; None without a proof.
    """

    redirect_uri: str | None
    verifier: str | None
    jkt: str | None = None


def check(code: Code, client: Client, form: CodeExchange, now: datetime) -> None:
    """Check that `client` may exchange the code.

    Raises:
        OAuthError: `invalid_grant`: it may not; all reasons look the same.
        AlreadyUsed: the code was exchanged before.
    """
    is_clients = code.client_id == client.id and form.redirect_uri in {None, code.redirect_uri}
    is_bound = code.dpop_jkt in {None, form.jkt}
    if not is_clients or not is_bound or form.verifier is None or not pkce.matches(form.verifier, code.challenge):
        raise invalid_code()
    if code.used_for is not None:
        raise AlreadyUsed(code.used_for)
    if now >= code.expires_at:
        raise invalid_code()


def invalid_code() -> OAuthError:
    return OAuthError(
        INVALID_GRANT, "the code is unknown, used, expired, or of another client, redirect URI or code_verifier"
    )
