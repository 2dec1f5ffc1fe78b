"""Tokens that nobody issued, by the attacks of published lists (RFC 8725, OWASP), for every verifier of the project.

The issuer is that of `tests/router/policies/authentication/issuer.py`, whose keys `ec`, `rsa` and `ed` are published.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.router.policies.authentication import issuer
from tests.router.policies.authentication.issuer import ISSUER, jwk, jwk_set, private_keys

if TYPE_CHECKING:
    from collections.abc import Mapping


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def mac(header: Mapping[str, object], body: str, secret: bytes) -> str:
    text = f"{encoded(header)}.{body}"
    digest = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def forged_tokens(*, longest: int, **claims_of_all: object) -> dict[str, str]:
    """The forged tokens by name.

    Args:
        longest: how many characters the verifier reads of a token.
        claims_of_all: claims that the verifier expects, other than those of the issuer.
    """

    def token(
        key: str = "ec", algorithm: str = "ES256", headers: dict[str, Any] | None = None, **changes: object
    ) -> str:
        return issuer.token(key, algorithm, headers, **{**claims_of_all, **changes})

    good = token()
    head, body, signature = good.split(".")
    header = jwt.get_unverified_header(good)
    claims = jwt.decode(good, options={"verify_signature": False})
    public = jwk_set("ec", "rsa").encode()
    pem = private_keys()["rsa"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    found = {
        "the key of a stranger": token("other", headers={"kid": "ec"}),
        "an unknown key": token("other"),
        "no key id, several keys": token("other", headers={"kid": ""}),
        "a key id that is a path": token(headers={"kid": "../../etc/passwd"}),
        "a key id that is a query": token(headers={"kid": "' UNION SELECT 'x"}),
        "a key in the token": token("other", headers={"kid": "ec", "jwk": jwk("other")}),
        "a key in the token, without key id": token("other", headers={"kid": "", "jwk": jwk("other")}),
        "the address of keys": token("other", headers={"jku": "http://127.0.0.1:9/keys"}),
        "the address of keys, with a right signature": token(headers={"jku": "http://127.0.0.1:9/keys"}),
        "the address of a certificate": token("other", headers={"kid": "ec", "x5u": "http://127.0.0.1:9/c"}),
        "a certificate in the token": token("other", headers={"kid": "ec", "x5c": ["MIIB"]}),
        "critical extensions": token(headers={"crit": ["exp"], "exp": 1}),
        "an unencoded payload": token(headers={"b64": False}),
        "a compressed payload": token(headers={"zip": "DEF"}),
        "an algorithm that is not on the list": f"{encoded({**header, 'alg': 'ES384'})}.{body}.{signature}",
        "the algorithm of another key": token("rsa", "RS256", headers={"kid": "ec"}),
        "the public keys as a secret": mac({**header, "alg": "HS256"}, body, public),
        "the public key as a secret": mac({**header, "alg": "HS256", "kid": "rsa"}, body, pem),
        "an empty secret": mac({**header, "alg": "HS256"}, body, b""),
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "an encrypted token": f"{head}.{body}.{signature}.{body}.{signature}",
        "no text": "",
        "dots": "..",
        "another body": f"{head}.{encoded({**claims, 'sub': 'root'})}.{signature}",
        "a signature of zeros": f"{head}.{body}.{'A' * 86}",
        "a cut signature": good[:-4],
        "a longer signature": good + "AAAA",
        "a signature in another coding": f"{head}.{body}.{signature}==",
        "white space": f"{head}. {body}.{signature}",
        "a line break": f"{good}\n",
        "letters that are not ASCII": f"{head}.{body}.é{signature}",
        "a lone surrogate": "\udcff.a.b",
        "a header that is a list": f"{encoded([1])}.{body}.{signature}",
        "a body that is a list": f"{head}.{encoded([1])}.{signature}",
        "a body that is text": f"{head}.{encoded('x')}.{signature}",
        "a body that is nested deeply": f"{head}.{base64.urlsafe_b64encode(b'[' * 9000).decode()}.{signature}",
        "a token in a token": f"{encoded({**header, 'cty': 'JWT'})}.{encoded(good)}.{signature}",
        "a key id that is a number": f"{encoded({**header, 'kid': 7})}.{body}.{signature}",
        "a type that is a number": f"{encoded({**header, 'typ': 7})}.{body}.{signature}",
        "no algorithm": f"{encoded({'kid': 'ec', 'typ': 'JWT'})}.{body}.{signature}",
        "an algorithm that is a list": f"{encoded({**header, 'alg': ['ES256']})}.{body}.{signature}",
        "too long": f"{head}.{'A' * longest}.{signature}",
        "expired": token(exp=int(time.time()) - 60),
        "not valid yet": token(nbf=int(time.time()) + 60),
        "issued in the future": token(iat=int(time.time()) + 60),
        "no expiry": token(exp=None),
        "an expiry that is text": token(exp="soon"),
        "an expiry that is infinite": token(exp=float("inf")),
        "an expiry that is no number": token(exp=float("nan")),
        "another audience": token(aud="bank"),
        "no audience": token(aud=None),
        "an audience that is an object": token(aud={"shop": 1}),
        "another issuer": token(iss="https://evil.example"),
        "no issuer": token(iss=None),
        "a list of issuers": token(iss=[ISSUER]),
        "an issuer that begins the same": token(iss=ISSUER + ".evil.example"),
        "an ID token": token(headers={"typ": "logout+jwt"}),
        "a DPoP proof": token(headers={"typ": "dpop+jwt"}),
    }
    for name in ("none", "None", "NONE", "nOnE", ""):
        found[f"the algorithm {name!r}"] = f"{encoded({**header, 'alg': name})}.{body}.{signature}"
        found[f"the algorithm {name!r}, unsigned"] = f"{encoded({**header, 'alg': name})}.{body}."
    return found
