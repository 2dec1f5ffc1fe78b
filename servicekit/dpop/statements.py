"""Statements of a server in front of another one about a DPoP proof that it has checked.

    client      Authorization: DPoP <token>    DPoP: <proof for a URL of the front server>
    front       Authorization: DPoP <token>    X-Dpop-Checked: <statement>
    receiver    checks the token, the statement, and that neither the proof nor the statement was used before

The receiver cannot check such a proof, because the proof names another method and URL. So the front server checks it,
and states which key has signed it. A statement is a JWT that is signed with a secret of both servers (HS256). It is for
one access token, and is used once. If the front server sends several requests for one request of its client, each gets
a statement of its own about the same proof.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import jwt

from servicekit.dpop.proofs import NOT_VALID, InvalidProof, digest

if TYPE_CHECKING:
    from servicekit.dpop.proofs import Proof

HEADER: Final = "x-dpop-checked"
MIN_SECRET_BYTES: Final = 32
"""The shortest secret: the length of a SHA-256 digest (RFC 7518 §3.2)."""
LIFETIME_SECONDS: Final = 60
"""How long a statement is valid: longer than a request waits in a server, and too short to keep one for later."""
MAX_PROOF_SECONDS: Final = 600
"""How long a front server may accept a proof, at most. The receiver remembers the proof for this time."""

_TYPE: Final = "dpop-checked+jwt"
_ALGORITHM: Final = "HS256"
_MAX_CHARACTERS: Final = 2_048
_ID_BYTES: Final = 16
_CLAIMS: Final = ("jkt", "ath", "proof", "request", "jti", "iat", "exp")


@dataclass(frozen=True, slots=True)
class CheckedProof:
    """A proof that a front server has checked.

    Attributes:
        thumbprint: the thumbprint of the key that has signed the proof.
        token_digest: the digest of the access token (`ath` of the proof).
        proof_digest: the digest that identifies the proof, in hexadecimal.
        request: identifies the request of the client, for which the front server may send several requests.
    """

    thumbprint: str
    token_digest: str
    proof_digest: str
    request: str

    @classmethod
    def of(cls, proof: Proof, token: str) -> CheckedProof:
        """Return what is stated about `proof`, which was checked for `token`. Raises InvalidProof as `Proof.digest`."""
        return cls(proof.thumbprint, digest(token.encode()), proof.digest.hex(), secrets.token_hex(_ID_BYTES))

    def statement(self, secret: str, now: float) -> str:
        """Return a new statement, made at the Unix time `now`."""
        claims = {
            "jkt": self.thumbprint,
            "ath": self.token_digest,
            "proof": self.proof_digest,
            "request": self.request,
            "jti": secrets.token_hex(_ID_BYTES),
            "iat": int(now),
            "exp": int(now) + LIFETIME_SECONDS,
        }
        return jwt.encode(claims, secret, algorithm=_ALGORITHM, headers={"typ": _TYPE})


class Statement(NamedTuple):
    """A statement whose signature is valid.

    Attributes:
        proof: the checked proof.
        digest: identifies the statement.
    """

    proof: CheckedProof
    digest: bytes

    def check(self, thumbprint: str, token: str) -> None:
        """Raise InvalidProof if another key was proved than that of `thumbprint`, or for another access token."""
        if not secrets.compare_digest(self.proof.thumbprint.encode(), thumbprint.encode("utf-8", "surrogatepass")):
            raise InvalidProof("other key")
        if not secrets.compare_digest(self.proof.token_digest.encode(), digest(token.encode()).encode()):
            raise InvalidProof("other token")


def read_statement(text: str, secret: str, *, clock_skew: float) -> Statement:
    """Return a statement after the check of its form, signature and age.

    Args:
        text: the value of the header.
        secret: the secret of both servers.
        clock_skew: how many seconds the clocks of the servers may differ.

    Raises:
        InvalidProof: the text is not a statement, or is not valid now.
    """
    if len(text) > _MAX_CHARACTERS:
        raise InvalidProof("statement")
    try:
        if jwt.get_unverified_header(text).get("typ") != _TYPE:
            raise InvalidProof("statement")
        claims = jwt.decode(
            text, secret, algorithms=[_ALGORITHM], leeway=clock_skew, options={"require": list(_CLAIMS)}
        )
        lifetime = claims["exp"] - claims["iat"]
        proof = CheckedProof(*(str(claims[name]) for name in _CLAIMS[:4]))
        identifier = bytes.fromhex(str(claims["jti"]))
        bytes.fromhex(proof.proof_digest)
    except NOT_VALID as error:
        raise InvalidProof("statement") from error
    if not 0 <= lifetime <= LIFETIME_SECONDS:
        raise InvalidProof("statement")
    return Statement(proof, hashlib.sha256(b"statement " + identifier).digest())
