"""Clients: the applications that users may let act for them (RFC 6749 §2, RFC 7591 §2)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - pydantic reads annotations at run time
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from bank import values
from bank.scopes import OFFLINE_ACCESS
from subgraphs.auth.oauth import redirect_uris
from subgraphs.auth.oauth.scope_rules import ALL_SCOPES, MACHINE_SCOPES

if TYPE_CHECKING:
    from collections.abc import Iterator

# 256 bits cannot be guessed, so a fast hash protects the stored secret.
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 16
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MAX_NAME_LENGTH: Final = 100
_MAX_URIS: Final = 20


class GrantType(StrEnum):
    """The ways in which a client gets tokens."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a grant type
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client.

    Attributes:
        id: the `client_id`.
        name: what users read on the consent page and in the list of their sessions.
        secret_digest: the SHA-256 digest of the secret, as hexadecimal text; None for a public client.
        scopes: what the client may ask for.
        roles: the roles of the client itself, when it acts for itself (`client_credentials`).
        requires_pushed_requests: whether authorization requests must be pushed (RFC 9126).
        requires_dpop: whether tokens are always bound to a key (RFC 9449).
        registration_digest: the SHA-256 digest of the initial access token with which the client registered itself;
            None if an operator registered it.
    """

    id: str
    name: str
    created_at: datetime
    secret_digest: str | None = None
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: frozenset[GrantType] = field(default_factory=frozenset)
    scopes: frozenset[str] = field(default_factory=frozenset)
    roles: frozenset[str] = field(default_factory=frozenset)
    requires_pushed_requests: bool = False
    requires_dpop: bool = False
    registration_digest: str | None = None

    @property
    def is_public(self) -> bool:
        return self.secret_digest is None

    def has_secret(self, secret: str) -> bool:
        """Whether `secret` is the client's. The comparison takes the same time for all secrets."""
        return self.secret_digest is not None and hmac.compare_digest(self.secret_digest, secret_digest(secret))


_DOCUMENTS: Final = TypeAdapter(Client)


def to_document(client: Client) -> str:
    """Return the form of a client in stores."""
    return _DOCUMENTS.dump_json(client).decode()


def from_document(document: str) -> Client:
    """Return the client of a text of `to_document`."""
    return _DOCUMENTS.validate_json(document)


def new_client_id() -> str:
    return secrets.token_hex(_ID_BYTES)


def is_client_id(text: str) -> bool:
    """Whether `text` has the form of a client id. Other texts are not looked for, since a store may refuse them."""
    return _ID.fullmatch(text) is not None


def new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


def secret_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def problems(client: Client) -> list[str]:
    """Return all reasons for which a client may not be registered, as sentences; empty if it may."""
    return list(_problems(client))


def _problems(client: Client) -> Iterator[str]:
    if not client.name.strip() or len(client.name) > _MAX_NAME_LENGTH or not values.is_line(client.name):
        yield f"the name must be 1 to {_MAX_NAME_LENGTH} printable characters"
    if not client.grant_types:
        yield "a client needs a grant type"
    if unknown := client.scopes - ALL_SCOPES:
        yield f"unknown scope: {', '.join(sorted(unknown))}"
    if max(len(client.redirect_uris), len(client.post_logout_redirect_uris)) > _MAX_URIS:
        yield f"a client has at most {_MAX_URIS} redirect URIs"
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        if (found := redirect_uris.problem(uri, is_public=client.is_public)) is not None:
            yield f"the redirect URI {uri!r} {found}"
    yield from _contradictions(client)


def _contradictions(client: Client) -> Iterator[str]:
    uses_code = GrantType.AUTHORIZATION_CODE in client.grant_types
    if uses_code and not client.redirect_uris:
        yield "the grant type authorization_code needs a redirect URI"
    if client.redirect_uris and not uses_code:
        yield "redirect URIs need the grant type authorization_code"
    if OFFLINE_ACCESS in client.scopes and GrantType.REFRESH_TOKEN not in client.grant_types:
        yield "the scope offline_access needs the grant type refresh_token"
    if GrantType.CLIENT_CREDENTIALS not in client.grant_types:
        if client.roles:
            yield "roles need the grant type client_credentials"
    elif client.is_public:
        yield "the grant type client_credentials needs a secret"
    if client.grant_types == {GrantType.CLIENT_CREDENTIALS} and not client.scopes <= MACHINE_SCOPES:
        yield f"a client that acts for itself may only have the scopes {', '.join(sorted(MACHINE_SCOPES))}"
