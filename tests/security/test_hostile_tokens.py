"""Tokens and cursors that nobody issued, on all five ports: refused, and never a server error.

The attacks are those of published lists: no algorithm, a public key as a shared secret, keys and addresses of keys
inside the token, wrong claims, damaged text.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.platform import Person, Platform, start_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.xdist_group("hostile tokens"), pytest.mark.timeout(300)]

PORTS = ("auth", "account", "transaction", "router", "rest")
QUERIES = {
    "auth": "{ me { id } }",
    "account": "{ accounts { totalCount } }",
    "transaction": "{ transactions { totalCount } }",
    "router": "{ me { id } }",
}
ALGORITHMS = ("none", "None", "NONE", "nOnE", "HS256", "HS512", "RS256", "PS256", "ES384", "ES256K", "EdDSA", "")
STRANGERS_KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = start_platform(tmp_path_factory.mktemp("tokens"), MOSAFE_LOG_LEVEL="warning", SUBGRAPH_SIGNATURES="off")
    yield platform
    assert platform.stop() == 0, "\n".join(platform.lines[-20:])


@pytest.fixture(scope="module")
def ada(bank: Platform) -> Person:
    person = bank.register("Ada")
    bank.open_account(person, deposit="10.00")
    return person


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def with_shared_secret(header: dict[str, Any], body: str, secret: str) -> str:
    text = f"{encoded(header)}.{body}"
    digest = hmac.digest(secret.encode(), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def forged(good: str, jwks: str) -> dict[str, str]:
    """The forged tokens by name. `good` is a valid token, `jwks` the published keys."""
    header: dict[str, Any] = jwt.get_unverified_header(good)
    claims: dict[str, Any] = jwt.decode(good, options={"verify_signature": False})
    head, body, signature = good.split(".")
    later = claims["exp"] + 10**6

    def signed(claim_changes: dict[str, Any], header_changes: dict[str, Any] | None = None) -> str:
        changed = {name: value for name, value in {**claims, **claim_changes}.items() if value is not None}
        return jwt.encode(changed, STRANGERS_KEY, algorithm="ES256", headers={**header, **(header_changes or {})})

    own_key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(STRANGERS_KEY.public_key()))
    found = {
        "another key": signed({}),
        "another key with no kid": signed({}, {"kid": ""}),
        "a kid that is a path": signed({}, {"kid": "../../secrets/jwt.key"}),
        "a kid that is a query": signed({}, {"kid": "' OR '1'='1"}),
        "a kid of 8 KB": signed({}, {"kid": "k" * 8_000}),
        "a key inside": signed({}, {"jwk": own_key}),
        "an address of keys": signed({}, {"jku": "http://127.0.0.1:1/keys"}),
        "an address of a certificate": signed({}, {"x5u": "http://127.0.0.1:1/cert"}),
        "a certificate": signed({}, {"x5c": ["MIIB"]}),
        "critical extensions": signed({}, {"crit": ["b64"], "b64": False}),
        "a later expiry": signed({"exp": later}),
        "no expiry": signed({"exp": None}),
        "another subject": signed({"sub": "01900000-0000-7000-8000-000000000000"}),
        "the role of an admin": signed({"roles": ["ADMIN"]}),
        "another audience": signed({"aud": "account-internal"}),
        "another issuer": signed({"iss": "https://evil.example"}),
        "the public keys as a secret": with_shared_secret({**header, "alg": "HS256"}, body, jwks),
        "its own claims as a secret": with_shared_secret({**header, "alg": "HS256"}, body, body),
        "an empty secret": with_shared_secret({**header, "alg": "HS256"}, body, ""),
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "an empty token": "..",
        "another body": f"{head}.{encoded({**claims, 'roles': ['ADMIN']})}.{signature}",
        "a longer expiry": f"{head}.{encoded({**claims, 'exp': later})}.{signature}",
        "a cut signature": good[:-4],
        "a longer signature": good + "AAAA",
        "a signature of zeros": f"{head}.{body}.{'A' * 86}",
        "a changed first letter": ("f" if good[0] != "f" else "g") + good[1:],
        "a body that is a list": f"{head}.{encoded([1])}.{signature}",
        "a body that is text": f"{head}.{encoded('x')}.{signature}",
        "a header that is a list": f"{encoded([1])}.{body}.{signature}",
        "a header without algorithm": f"{encoded({'typ': 'at+jwt'})}.{body}.{signature}",
        "a nested token": f"{encoded({**header, 'cty': 'JWT'})}.{encoded(good)}.{signature}",
        "16 KB": "a" * 16_000,
        "a word": "x",
        "base64 of nothing": "AAAA.AAAA.AAAA",
        "an API key": "mk_live_0123456789abcdef",
    }
    for algorithm in ALGORITHMS:
        found[f"the algorithm {algorithm!r}"] = f"{encoded({**header, 'alg': algorithm})}.{body}.{signature}"
        found[f"the algorithm {algorithm!r}, unsigned"] = f"{encoded({**header, 'alg': algorithm})}.{body}."
    return found


def answers(bank: Platform, token: str) -> dict[str, str]:
    """For each port, how it answers a request for the caller's own data."""
    headers = {"authorization": f"Bearer {token}"}
    found = {"rest": str(bank.client.get(f"{bank.rest_url}/api/auth/me", headers=headers).status_code)}
    for name, query in QUERIES.items():
        url = bank.router_url if name == "router" else bank.subgraph_url(name)
        body = bank.client.post(url, json={"query": query}, headers=headers).json()
        found[name] = body["errors"][0]["extensions"]["code"] if "errors" in body else "data"
    return found


def test_no_forged_token_is_accepted_on_any_port(bank: Platform, ada: Person) -> None:
    jwks = bank.client.get(bank.subgraph_url("auth").replace("/graphql", "/.well-known/jwks.json")).text
    tokens = forged(ada.access_token, jwks)
    assert len(tokens) >= 62
    assert set(answers(bank, ada.access_token).values()) == {"200", "data"}
    refused = {**dict.fromkeys(PORTS, "UNAUTHENTICATED"), "rest": "401"}
    assert {name: found for name, token in tokens.items() if (found := answers(bank, token)) != refused} == {}


CURSORS = ("", "x", "AAAA", "a" * 5_000, "../../etc/passwd", "' OR 1=1 --", "eyJpZCI6MX0", "%00", "null", "é", "{}")


@pytest.mark.parametrize("cursor", CURSORS)
@pytest.mark.parametrize("name", ["accounts", "transactions"])
def test_no_forged_cursor_is_a_server_error(bank: Platform, ada: Person, name: str, cursor: str) -> None:
    url = f"{bank.rest_url}/api/{name}"
    response = bank.client.get(url, params={"cursor": cursor, "limit": "1"}, headers=ada.headers)
    assert response.status_code in {400, 404}
    query = f"query ($after: String) {{ {name}(first: 1, after: $after) {{ nodes {{ id }} }} }}"
    body = bank.graphql(query, ada, {"after": cursor})
    assert {error["extensions"]["code"] for error in body["errors"]} == {"BAD_USER_INPUT"}
