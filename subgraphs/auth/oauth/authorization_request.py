"""Reads authorization requests (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

The order matters: first the client and the redirect URI. If they are not valid, the user sees a page, because a
redirect could lead to a thief. All other errors are sent to the redirect URI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from bank.scopes import OFFLINE_ACCESS
from subgraphs.auth.oauth import pkce, redirect_uris
from subgraphs.auth.oauth.clients import Client, GrantType
from subgraphs.auth.oauth.errors import (
    INVALID_REQUEST,
    UNAUTHORIZED_CLIENT,
    AuthorizationError,
    OAuthError,
    UnverifiedRequest,
)
from subgraphs.auth.oauth.scope_rules import granted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from subgraphs.auth.domain import Session
    from subgraphs.auth.oauth.parameters import Parameters

_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_MAX_TEXT: Final = 2_000
# Seconds; ten years. A larger number is a mistake, and could not be added to a time.
_LONGEST_AGE: Final = 315_360_000


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where the answer to an authorization request goes: a redirect URI that belongs to the client."""

    redirect_uri: str
    issuer: str
    state: str | None

    def url(self, answer: Mapping[str, str]) -> str:
        """Return the redirect URI with the parameters of the answer, `state` and `iss` (RFC 9207)."""
        parts = urlsplit(self.redirect_uri)
        added = urlencode({**answer, **({} if self.state is None else {"state": self.state}), "iss": self.issuer})
        query = f"{parts.query}&{added}" if parts.query else added
        return urlunsplit(parts._replace(query=query))

    def refusal(self, code: str, description: str) -> AuthorizationError:
        url = self.url({"error": code, "error_description": description})
        return AuthorizationError(url, code, description)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid authorization request.

    Attributes:
        prompts: which pages the user must see, or `none`.
        max_age: how many seconds ago the user may have logged in; None for any time.
        login_hint: the e-mail address that the login page proposes.
        acr_values: the claim `acr` must have one of these values (RFC 9470 §4); empty if any login suffices.
    """

    client: Client
    address: ReturnAddress
    scopes: frozenset[str]
    challenge: str
    nonce: str | None
    prompts: frozenset[str]
    max_age: int | None
    login_hint: str | None
    dpop_jkt: str | None
    acr_values: frozenset[str]

    def needs_login(self, session: Session | None, now: datetime) -> bool:
        """Whether the user must log in (again)."""
        if session is None or "login" in self.prompts or "select_account" in self.prompts:
            return True
        if self.acr_values and session.authentication.acr not in self.acr_values:
            return True
        return self.max_age is not None and (now - session.authentication.at).total_seconds() > self.max_age


def read_address(parameters: Parameters, client: Client | None, issuer: str) -> ReturnAddress:
    """Return where the answer goes.

    Raises:
        UnverifiedRequest: the client is unknown, or the redirect URI is not one of its registered URIs.
    """
    if client is None or GrantType.AUTHORIZATION_CODE not in client.grant_types:
        raise UnverifiedRequest("The application that sent you here is not registered with the bank.")
    uri = parameters.get("redirect_uri")
    if uri is None and len(client.redirect_uris) == 1:
        uri = client.redirect_uris[0]
    if uri is None or not redirect_uris.is_registered(uri, client.redirect_uris):
        raise UnverifiedRequest("The application that sent you here gave an address that is not registered for it.")
    return ReturnAddress(uri, issuer, parameters.get("state"))


def read_request(parameters: Parameters, client: Client, address: ReturnAddress) -> AuthorizationRequest:
    """Return the request with these parameters.

    Raises:
        AuthorizationError: a parameter is missing, not valid or not supported.
    """
    try:
        _check_response(parameters)
        scopes = granted(parameters.get("scope"), client.scopes)
        if OFFLINE_ACCESS in scopes and GrantType.REFRESH_TOKEN not in client.grant_types:
            raise OAuthError(UNAUTHORIZED_CLIENT, "the client may not use refresh tokens")
        return AuthorizationRequest(
            client,
            address,
            scopes,
            _challenge(parameters),
            _short(parameters, "nonce"),
            _prompts(parameters),
            _max_age(parameters),
            _short(parameters, "login_hint"),
            _thumbprint(parameters),
            frozenset((_short(parameters, "acr_values") or "").split()),
        )
    except OAuthError as error:
        raise address.refusal(error.code, error.description) from None


def _check_response(parameters: Parameters) -> None:
    if "request" in parameters:
        raise OAuthError("request_not_supported", "request objects are not supported")
    if "request_uri" in parameters:
        raise OAuthError("request_uri_not_supported", "request_uri must be one that this server returned")
    if "registration" in parameters:
        raise OAuthError("registration_not_supported", "registration is not supported")
    if parameters.get("response_type") is None:
        raise OAuthError(INVALID_REQUEST, "response_type is missing")
    if parameters["response_type"] != "code":
        raise OAuthError("unsupported_response_type", "the only response_type is code")
    if parameters.get("response_mode", "query") != "query":
        raise OAuthError(INVALID_REQUEST, "the only response_mode is query")
    if len(parameters.get("state", "")) > _MAX_TEXT:
        raise OAuthError(INVALID_REQUEST, "state is too long")


def _challenge(parameters: Parameters) -> str:
    """Return the PKCE challenge. Without a method, RFC 7636 §4.3 means `plain`, which is not supported."""
    challenge = parameters.get("code_challenge")
    if challenge is None:
        raise OAuthError(INVALID_REQUEST, "code_challenge is missing (PKCE)")
    if parameters.get("code_challenge_method") != pkce.METHOD:
        raise OAuthError(INVALID_REQUEST, "the only code_challenge_method is S256")
    if not pkce.is_challenge(challenge):
        raise OAuthError(INVALID_REQUEST, "code_challenge is not a SHA-256 digest in base64url")
    return challenge


def _prompts(parameters: Parameters) -> frozenset[str]:
    prompts = frozenset(parameters.get("prompt", "").split())
    if not prompts <= _PROMPTS:
        raise OAuthError(INVALID_REQUEST, "prompt has an unknown value")
    if "none" in prompts and len(prompts) > 1:
        raise OAuthError(INVALID_REQUEST, "prompt has none and another value")
    return prompts


def _max_age(parameters: Parameters) -> int | None:
    text = parameters.get("max_age")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > len(str(_LONGEST_AGE)):
        raise OAuthError(INVALID_REQUEST, "max_age is not a number of seconds")
    return min(int(text), _LONGEST_AGE)


def _thumbprint(parameters: Parameters) -> str | None:
    text = parameters.get("dpop_jkt")
    if text is not None and not pkce.is_challenge(text):
        raise OAuthError(INVALID_REQUEST, "dpop_jkt is not a SHA-256 thumbprint in base64url")
    return text


def _short(parameters: Parameters, name: str) -> str | None:
    text = parameters.get(name)
    if text is not None and len(text) > _MAX_TEXT:
        raise OAuthError(INVALID_REQUEST, f"{name} is too long")
    return text
