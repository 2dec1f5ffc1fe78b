"""The part of the auth store that the authorization server needs: clients, tickets and grants.

A *ticket* is something that lives for a short time and is found by a secret: an authorization code, a pushed request, a
device code, the login of a browser. Only digests of the secrets are stored. What a ticket says is a JSON document that
the store does not read.

A *grant* is what a user lets a client do. It belongs to a session of the user, so it ends with this session.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - pydantic reads annotations at run time
from typing import TYPE_CHECKING, Final, Protocol

from pydantic import TypeAdapter

from subgraphs.auth import refresh_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.oauth.clients import Client


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket.

    Attributes:
        kind: what the ticket is. A ticket is found only with its kind.
        digest: the digest of its secret.
        alias: the digest of a second secret by which it is found, such as the user code of a device; None without one.
    """

    kind: str
    digest: bytes
    document: str
    expires_at: datetime
    alias: bytes | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user lets a client do.

    Attributes:
        session_id: the session to which the grant belongs; the claim `sid` of its tokens.
        nonce: of the authorization request, for ID tokens.
        dpop_jkt: the thumbprint of the key to which refresh tokens of a public client are bound (RFC 9449 §5).
        browser_session_id: the session of the browser in which the user gave the consent; None for a device.
    """

    session_id: str
    client_id: str
    user_id: str
    scopes: frozenset[str]
    granted_at: datetime
    nonce: str | None = None
    dpop_jkt: str | None = None
    browser_session_id: str | None = None


_GRANTS: Final = TypeAdapter(Grant)


def grant_document(grant: Grant) -> str:
    """Return the form of a grant in stores."""
    return _GRANTS.dump_json(grant).decode()


def parse_grant(document: str) -> Grant:
    """Return the grant of a text of `grant_document`."""
    return _GRANTS.validate_json(document)


def digest(secret: str) -> bytes:
    """Return the digest of a secret that has at least 128 random bits.

    It is another function than that of the bank's own refresh tokens (`subgraphs.auth.tokens.digest`). So the refresh
    token of a client, which may do little, is not found as a refresh token of the bank's login, which may do all.
    """
    return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=32, person=b"mosafe oauth").digest()


def family_digest(refresh_token: str) -> bytes | None:
    """Return the digest of the family of a client's refresh token; None if it has none (`refresh_tokens.family_of`)."""
    return refresh_tokens.family_digest(refresh_token, digest)


class OAuthStore(Protocol):
    """Every method raises Unavailable when the store does not respond.

    The entry `audit` of the audit log is appended in the database transaction of the change; None appends nothing. If
    nothing changes, nothing is appended.
    """

    async def add_client(self, client: Client, *, audit: NewEntry | None = None) -> None:
        """Insert a client."""

    async def client(self, client_id: str) -> Client | None:
        """Return the client with this id, or None."""

    async def clients(self) -> list[Client]:
        """Return all clients, the oldest first."""

    async def replace_client(self, client: Client, *, audit: NewEntry | None = None) -> bool:
        """Replace the client with the same id. Returns False if there is none."""

    async def remove_client(self, client_id: str, *, audit: NewEntry | None = None) -> list[str] | None:
        """Delete a client and its grants. Return the sessions of the grants, which the caller must end.

        Return None if there is no such client.
        """

    async def add_ticket(self, ticket: Ticket, expired_before: datetime, *, audit: NewEntry | None = None) -> bool:
        """Insert a ticket, and delete those that expired before `expired_before`.

        Returns:
            False if another ticket of this kind has the alias.
        """

    async def ticket(self, kind: str, key: bytes) -> Ticket | None:
        """Return the ticket whose digest or alias is `key`, or None. It may have expired."""

    async def change_ticket(self, kind: str, key: bytes, rule: Callable[[Ticket], Ticket | None]) -> Ticket | None:
        """Replace a ticket by the result of `rule`, or delete it if the result is None, in one database transaction.

        If `rule` raises an exception, nothing changes. If the store repeats the transaction, it calls `rule` again.

        Returns:
            The ticket as it was before, or None if there is none.
        """

    async def add_grant(self, grant: Grant) -> bool:
        """Insert a grant. Its session must exist. Return False if its client was removed."""

    async def grant(self, session_id: str) -> Grant | None:
        """Return the grant of a session, or None."""

    async def grants_of_sessions(self, session_ids: Collection[str]) -> dict[str, tuple[Grant, Client]]:
        """Return the grants of sessions by their ids, each with its client, with one query.

        Sessions without a grant are left out.
        """

    async def session_of_refresh_token(self, token_digest: bytes, family: bytes | None = None) -> str | None:
        """Return the id of the session of a refresh token, or of the session with this family (`Session.family`).

        A token that was used long ago is not stored any more, and only its family is known. Return None if nothing of
        it is known.
        """

    async def change_grant(self, session_id: str, rule: Callable[[Grant], Grant]) -> Grant | None:
        """Replace the grant of a session by the result of `rule`, in one database transaction.

        If the store repeats the transaction, it calls `rule` again. Return the new grant, or None if there is none.
        """

    async def live_grants(self, user_id: str, client_id: str | None, now: datetime) -> list[Grant]:
        """Return the grants of a user whose sessions have neither ended nor expired.

        Only those to one client, unless `client_id` is None.
        """
