"""DPoP proofs, and those that every server must refuse (RFC 9449 §4.3), for every verifier of the project.

The keys are those of `tests/router/policies/authentication/issuer.py`.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jwt

from servicekit.dpop.proofs import digest
from tests.router.policies.authentication.issuer import SECRET, jwk, private_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

URL: Final = "https://api.example/graphql"
OWNER: Final = "other"
"""The key of the client. The issuer signs with another key."""


class Forged(NamedTuple):
    """The arguments of `proof` that make a proof which is not valid, and why it is refused."""

    changes: dict[str, Any]
    reason: str


def key(name: str = OWNER) -> dict[str, object]:
    """The public key of a client. A proof has no key id."""
    return {member: value for member, value in jwk(name).items() if member not in {"kid", "key_ops"}}


def proof(
    access_token: str = "",
    *,
    signer: str = OWNER,
    algorithm: str = "ES256",
    header: Mapping[str, object] | None = None,
    **changes: object,
) -> str:
    """A proof. `header` and `changes` replace members of its header and claims; None removes one."""
    assert "PYTEST_CURRENT_TEST" in os.environ, "a proof made while modules are imported is too old for its test"
    claims: dict[str, object] = {"jti": str(time.monotonic_ns()), "htm": "POST", "htu": URL, "iat": int(time.time())}
    claims |= {"ath": digest(access_token.encode()), **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    head = {"typ": "dpop+jwt", "jwk": key(signer) if signer != "secret" else jwk("secret"), **(header or {})}
    signing_key: Any = SECRET if signer == "secret" else private_keys()[signer]
    return jwt.PyJWS().encode(json.dumps(claims).encode(), signing_key, algorithm=algorithm, headers=head)


def _with_private_key() -> dict[str, object]:
    document = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(private_keys()[OWNER]))
    return {member: value for member, value in document.items() if member != "key_ops"}


def unsigned(signed: str) -> str:
    """The proof `signed` with the algorithm `none`."""
    header, claims, _ = signed.split(".")
    decoded = json.loads(jwt.utils.base64url_decode(header))
    head = jwt.utils.base64url_encode(json.dumps({**decoded, "alg": "none"}).encode()).decode()
    return f"{head}.{claims}."


NOW: Final = time.time()
FORGED: Final[Mapping[str, Forged]] = {
    # RFC 9449 §4.3: the checks of a proof, in their order.
    "type of an access token": Forged({"header": {"typ": "at+jwt"}}, "type"),
    "type JWT": Forged({"header": {"typ": "JWT"}}, "type"),
    "shared secret": Forged({"signer": "secret", "algorithm": "HS256"}, "algorithm"),
    "algorithm that is not on the list": Forged({"signer": "rsa", "algorithm": "RS512"}, "algorithm"),
    "private key in the header": Forged({"header": {"jwk": _with_private_key()}}, "key"),
    "no key in the header": Forged({"header": {"jwk": None}}, "key"),
    "key that is a text": Forged({"header": {"jwk": "x"}}, "key"),
    "key of another type": Forged({"header": {"jwk": {"kty": "oct", "k": "AAAA"}}}, "key"),
    "key for another algorithm": Forged({"header": {"jwk": key("rsa")}}, "key"),
    "key type that is a list": Forged({"header": {"jwk": {"kty": ["EC"]}}}, "malformed"),
    "point that is not on the curve": Forged({"header": {"jwk": {**key(), "y": key()["x"]}}}, "key"),
    "weak key": Forged({"signer": "weak", "algorithm": "RS256"}, "key"),
    "address of a key": Forged({"header": {"jku": "https://evil.example"}}, "key"),
    "certificate": Forged({"header": {"x5c": ["AAAA"]}}, "key"),
    "critical extension": Forged({"header": {"crit": ["exp"]}}, "malformed"),
    "signature of another key": Forged({"header": {"jwk": key("ec")}}, "malformed"),
    "key of an attacker": Forged({"signer": "ec"}, "other key"),
    "other method": Forged({"htm": "GET"}, "method"),
    "method in lower case": Forged({"htm": "post"}, "method"),
    "other path": Forged({"htu": "https://api.example/admin"}, "URL"),
    "other host": Forged({"htu": "https://evil.example/graphql"}, "URL"),
    "other scheme": Forged({"htu": "http://api.example/graphql"}, "URL"),
    "other port": Forged({"htu": "https://api.example:444/graphql"}, "URL"),
    "port that is no number": Forged({"htu": "https://api.example:x/graphql"}, "URL"),
    "relative URL": Forged({"htu": "/graphql"}, "URL"),
    "host behind credentials": Forged({"htu": "https://api.example@evil.example/graphql"}, "URL"),
    "credentials in the URL": Forged({"htu": "https://x@api.example/graphql"}, "URL"),
    "URL that is a list": Forged({"htu": [URL]}, "URL"),
    "hash of another token": Forged({"ath": digest(b"another token")}, "other token"),
    "hash that is a list": Forged({"ath": []}, "other token"),
    "made long ago": Forged({"iat": int(NOW) - 3_600}, "time"),
    "made in the future": Forged({"iat": int(NOW) + 86_400}, "time"),
    "time that is a text": Forged({"iat": str(int(NOW))}, "time"),
    "time without a number": Forged({"iat": float("nan")}, "time"),
    "expired": Forged({"exp": int(NOW) - 600}, "malformed"),
    "empty identifier": Forged({"jti": ""}, "identifier"),
    "long identifier": Forged({"jti": "x" * 300}, "identifier"),
    "identifier that is a number": Forged({"jti": 5}, "malformed"),
    **{f"no {name}": Forged({name: None}, "malformed") for name in ("jti", "htm", "htu", "iat", "ath")},
}
