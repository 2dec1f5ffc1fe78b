from __future__ import annotations

from typing import TYPE_CHECKING

import jwt

from bank.identity import Caller
from bank.verified_tokens import VerifiedToken, VerifiedTokens
from tests.subgraphs.support import Issuer

if TYPE_CHECKING:
    import pytest

KEY = jwt.PyJWKSet.from_dict(Issuer().jwks()).keys[0]
TOKEN = VerifiedToken(Caller("user", "session", frozenset()), "key", KEY, begins=10, ends=20)


def test_a_token_is_found_only_while_it_is_valid() -> None:
    tokens: VerifiedTokens[Caller] = VerifiedTokens()
    tokens.add("a", TOKEN)
    assert [tokens.find("a", now) for now in (9.9, 10, 19.9, 20)] == [None, TOKEN, TOKEN, None]
    tokens.drop("a")
    tokens.drop("a")
    assert tokens.find("a", 15) is None


def test_only_the_tokens_that_were_verified_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bank.verified_tokens.MAX_TOKENS", 2)
    tokens: VerifiedTokens[Caller] = VerifiedTokens()
    for text in "abca":
        tokens.add(text, TOKEN)
    assert [tokens.find(text, 15) for text in "abc"] == [TOKEN, None, TOKEN]
