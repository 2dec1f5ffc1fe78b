"""`Identity`: who sent a request, according to a verified credential."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """Who sent a request. A request without a valid credential has no `Identity`.

    Attributes:
        claims: What the credential says about the client: the claims of the access token or of the API key.
        scopes: The granted scopes.
        method: How the client has proved its identity, such as `jwt` or `api_key`.
        is_known_alive: True if the router knows that the credential is not revoked now. False for an access token if
            the router does not check revocation: the token's session may have ended, and only subgraphs know this.
        proof_key: The thumbprint of the key to which the access token is bound, if the request had a valid proof that
            the client has this key (DPoP). None for other credentials.
    """

    claims: Mapping[str, object]
    scopes: frozenset[str] = field(default_factory=frozenset)
    method: str = "jwt"
    is_known_alive: bool = True
    proof_key: str | None = None


def scopes_of(value: object) -> frozenset[str]:
    """Return the scopes in the value of a scope claim: a string with spaces between the scopes, or a list of strings.

    RFC 8693 §4.2 allows only the text, but some issuers send a list. Any other value grants no scope.
    """
    if isinstance(value, str):
        return frozenset(value.split(" ")) - {""}
    if isinstance(value, list):
        return frozenset(each for each in value if isinstance(each, str) and each)
    return frozenset()
