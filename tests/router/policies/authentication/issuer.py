"""An issuer of access tokens for tests, with keys of every kind."""

from __future__ import annotations

import json
import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

if TYPE_CHECKING:
    from pathlib import Path

ISSUER: Final = "https://issuer.example"
AUDIENCE: Final = "shop"
SECRET: Final = b"a shared secret of at least 32 bytes"


@cache
def private_keys() -> dict[str, Any]:
    """Private keys by key id. Generating RSA keys takes long, so all tests share these."""
    return {
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ed": ed25519.Ed25519PrivateKey.generate(),
        "weak": rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505  (weak on purpose)
        "other": ec.generate_private_key(ec.SECP256R1()),
    }


def jwk(name: str, **members: object) -> dict[str, object]:
    """The public key with the key id `name` as a JWK."""
    if name == "secret":
        document = json.loads(jwt.algorithms.HMACAlgorithm.to_jwk(SECRET))
    else:
        key = private_keys()[name].public_key()
        kind = {"ec": "ES256", "other": "ES256", "ed": "EdDSA"}.get(name, "RS256")
        document = json.loads(jwt.get_algorithm_by_name(kind).to_jwk(key))
    return {**{each: value for each, value in document.items() if each != "key_ops"}, "kid": name, **members}


def jwk_set(*names: str) -> str:
    return json.dumps({"keys": [jwk(name) for name in names]})


def token(key: str = "ec", algorithm: str = "ES256", headers: dict[str, Any] | None = None, **changes: object) -> str:
    """A token of the issuer. `changes` replace claims, None removes one. A header that is None is removed too."""
    assert "PYTEST_CURRENT_TEST" in os.environ, "a token made while modules are imported expires before its test runs"
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "scope": "read write", "iat": now, "exp": now + 600}
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    signing_key: Any = SECRET if key == "secret" else private_keys()[key]
    header = {"kid": key, "typ": "at+jwt", **(headers or {})}
    # `jwt.encode` would refuse claims that no issuer sends.
    return jwt.PyJWS().encode(json.dumps(claims).encode(), signing_key, algorithm=algorithm, headers=header)


def settings(folder: Path, *keys: str, extra: str = "", issuer: str = "") -> str:
    """A configuration whose issuer has `keys`. `extra` are further keys of `authentication`, `issuer` of the issuer."""
    file = folder / "keys.json"
    file.write_text(jwk_set(*(keys or ("ec",))))
    return (
        f"authentication: {{jwt: {{issuers: [{{issuer: '{ISSUER}', audiences: [{AUDIENCE}], "
        f"keys: {{file: '{file}'}}{issuer}}}]{extra}}}}}"
    )
