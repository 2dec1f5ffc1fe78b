"""Errors of the authorization server, by the way in which the client learns of them.

```
OAuthError             a JSON body (RFC 6749 §5.2); on a page, a sentence for the user
└── InvalidClient      401, with WWW-Authenticate
AuthorizationError     a redirect to the client, with state and iss (RFC 6749 §4.1.2.1, RFC 9207)
UnverifiedRequest      a page for the user: the redirect URI is not known to belong to the client
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

INVALID_REQUEST: Final = "invalid_request"
INVALID_GRANT: Final = "invalid_grant"
INVALID_SCOPE: Final = "invalid_scope"
UNAUTHORIZED_CLIENT: Final = "unauthorized_client"
UNSUPPORTED_GRANT_TYPE: Final = "unsupported_grant_type"
ACCESS_DENIED: Final = "access_denied"
# RFC 9470 §5 takes it from OpenID Connect Core Error Code unmet_authentication_requirements.
UNMET_AUTHENTICATION_REQUIREMENTS: Final = "unmet_authentication_requirements"


class OAuthError(Exception):
    """A request is refused.

    Attributes:
        code: the `error` of the response.
        description: a sentence for the developer of the client. It has no value that the client sent, and only the
            characters that RFC 6749 allows.
        status: the HTTP status.
        headers: further headers of the response.
    """

    def __init__(
        self, code: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status
        self.headers = headers or {}


class InvalidClient(OAuthError):
    """The client could not prove its identity. All reasons look the same to the client."""

    def __init__(self) -> None:
        super().__init__(
            "invalid_client",
            "the client is unknown or its credentials are wrong",
            status=401,
            headers={"www-authenticate": 'Basic realm="mosafe"'},
        )


class AuthorizationError(Exception):
    """An authorization request is refused; its redirect URI belongs to the client.

    Attributes:
        url: the redirect URI with the error.
        code: as in `OAuthError`.
        description: as in `OAuthError`.
    """

    def __init__(self, url: str, code: str, description: str) -> None:
        super().__init__(description)
        self.url = url
        self.code = code
        self.description = description


class UnverifiedRequest(Exception):
    """The client or the redirect URI of an authorization request is not valid, so the user sees a page.

    Attributes:
        message: a sentence for the user.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
