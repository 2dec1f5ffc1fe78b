"""Keeps access tokens whose signatures were verified, so that the next request with the same token costs less.

A client sends its token with each request, and verifying an ES256 signature takes longer than all other checks. What
can change is checked for each request: the time, the key, and whether the session has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    import jwt

C = TypeVar("C")

# A token has about 600 characters, so the kept tokens need about 3 MB.
MAX_TOKENS: Final = 2_000


class VerifiedToken(NamedTuple, Generic[C]):
    """What a token says, as far as it is needed again.

    Attributes:
        caller: whom the token identifies.
        key_id: the id of the key in the token's header.
        key: the key that verified the signature.
        begins: the token is not valid before this time, in Unix seconds.
        ends: the token is not valid from this time on, in Unix seconds.
    """

    caller: C
    key_id: str
    key: jwt.PyJWK
    begins: float
    ends: float


class VerifiedTokens(Generic[C]):
    """The tokens that were verified last."""

    def __init__(self) -> None:
        self._tokens: dict[str, VerifiedToken[C]] = {}

    def find(self, token: str, now: float) -> VerifiedToken[C] | None:
        """Return what is kept about a token if it is valid at the time `now`."""
        found = self._tokens.get(token)
        return found if found is not None and found.begins <= now < found.ends else None

    def add(self, token: str, verified: VerifiedToken[C]) -> None:
        """Keep a token. If there are too many, drop the one that was verified longest ago."""
        self._tokens[token] = verified
        if len(self._tokens) > MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]

    def drop(self, token: str) -> None:
        self._tokens.pop(token, None)
