"""A statement is signed, for one token and key, and short-lived.

Covers `servicekit/dpop/statements.py`.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

import jwt
import pytest

from servicekit.dpop.proofs import InvalidProof, digest
from servicekit.dpop.statements import LIFETIME_SECONDS, CheckedProof, read_statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SECRET: Final = "5f0c" * 16
TOKEN: Final = "a.b.c"
PROOF: Final = CheckedProof("thumbprint", digest(TOKEN.encode()), "00" * 32, "request")
CLAIMS: Final = ("jkt", "ath", "proof", "request", "jti", "iat", "exp")


def claims_of(now: int) -> dict[str, object]:
    return {
        "jkt": PROOF.thumbprint,
        "ath": PROOF.token_digest,
        "proof": PROOF.proof_digest,
        "request": PROOF.request,
        "jti": "00" * 16,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
    }


def signed(
    *,
    secret: str = SECRET,
    typ: str = "dpop-checked+jwt",
    age: int = 0,
    without: str | None = None,
    changes: Mapping[str, object] | None = None,
) -> str:
    """A statement that was made `age` seconds ago."""
    claims = {**claims_of(int(time.time()) - age), **(changes or {})}
    claims = {name: value for name, value in claims.items() if name != without}
    return jwt.encode(claims, secret, algorithm="HS256", headers={"typ": typ})


def test_a_statement_says_what_was_checked() -> None:
    first, second = (read_statement(PROOF.statement(SECRET, time.time()), SECRET, clock_skew=0) for _ in range(2))
    assert first.proof == PROOF
    assert first.digest != second.digest, "each statement is used once"
    first.check("thumbprint", TOKEN)


@pytest.mark.parametrize(("thumbprint", "token"), [("other", TOKEN), ("", TOKEN), ("thumbprint", "another.b.c")])
def test_a_statement_is_for_one_key_and_token(thumbprint: str, token: str) -> None:
    statement = read_statement(signed(), SECRET, clock_skew=0)
    with pytest.raises(InvalidProof, match="other"):
        statement.check(thumbprint, token)


FORGED: Final[Mapping[str, Callable[[], str]]] = {
    "nothing": lambda: "",
    "a thumbprint": lambda: "thumbprint",
    "another secret": lambda: signed(secret="0bad" * 16),
    "an access token": lambda: signed(typ="at+jwt"),
    "a proof": lambda: signed(typ="dpop+jwt"),
    "no signature": lambda: jwt.encode(
        claims_of(int(time.time())), "", algorithm="none", headers={"typ": "dpop-checked+jwt"}
    ),
    "an old one": lambda: signed(age=600),
    "one of the future": lambda: signed(age=-500),
    "one that is valid for long": lambda: signed(changes={"exp": int(time.time()) + 86_400}),
    "one that ends before it begins": lambda: signed(age=10, changes={"exp": int(time.time()) - 20}),
    "another identifier": lambda: signed(changes={"jti": "not hexadecimal"}),
    "another digest": lambda: signed(changes={"proof": "not hexadecimal"}),
    "a long one": lambda: signed(changes={"jkt": "x" * 3_000}),
    "two": lambda: f"{signed()}, {signed()}",
    "a changed signature": lambda: signed()[:-4] + "AAAA",
    **{f"no {name}": partial(signed, without=name) for name in CLAIMS},
}


@pytest.mark.parametrize("name", FORGED)
def test_another_text_is_no_statement(name: str) -> None:
    with pytest.raises(InvalidProof, match="statement"):
        read_statement(FORGED[name](), SECRET, clock_skew=5)
