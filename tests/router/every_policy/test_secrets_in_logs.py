"""With every policy on, no log line has a credential, a cookie, a key or personal data.

Requests are sent with each kind of credential, and are answered, refused, or fail in a subgraph.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.router.every_policy import configuration
from tests.router.every_policy.running_router import serving_every_policy
from tests.router.policies.authentication.issuer import token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.router.every_policy.running_router import RouterWithEveryPolicy

pytestmark = pytest.mark.xdist_group(configuration.EVERY_POLICY)


@pytest.fixture
def tokens() -> dict[str, str]:
    """Access tokens by what is wrong with them, made when the test runs, since they expire."""
    return {
        "valid": token(),
        "expired": token(exp=1),
        "of another issuer": token(iss="https://other.example"),
        "with a wrong signature": token("other", headers={"kid": "ec"}),
        "with an unknown key": token(headers={"kid": "a-key-id-of-a-client"}),
        "revoked": token(sub=configuration.REVOKED),
        "without type": token(headers={"typ": "JWT", "jku": "https://evil.example/key-address"}),
        "not a token": "this-is-no-token",
    }


COOKIE = "a-cookie-of-another-application"
IDEMPOTENCY_KEY = "a-key-of-one-mutation"
VARIABLE = "Ada-Augusta-a-personal-name"
APP_HEADER = "a-secret-header-of-the-application"
SECRETS = (
    COOKIE,
    "cookie-of-a-subgraph",
    IDEMPOTENCY_KEY,
    VARIABLE,
    APP_HEADER,
    configuration.API_KEY,
    "another-api-key",
    configuration.INTERNAL_TOKEN_SECRET,
    "key-address",
    "password-of-redis",
)
LAST = "the-last-request"

MUTATION = {"query": "mutation R($n: String!) { rename(name: $n) { id name } }", "variables": {"n": VARIABLE}}
BODIES: Mapping[str, Any] = {
    "a query": {"query": "query Q { me { id name orders { id } } }"},
    "a mutation": MUTATION,
    "a refused field": {"query": 'mutation { buy(amount: "1") { id } }'},
    "a failing field": {"query": f'{{ order(id: "{VARIABLE}") {{ id }} }}'},
    "a personal literal": {"query": f'{{ greet(name: "{VARIABLE}") }}'},
    "an unknown field": {"query": f'{{ nothing(name: "{VARIABLE}") }}'},
    "a wrong variable": {"query": "query Q($n: Int) { greet(name: $n) }", "variables": {"n": VARIABLE}},
    "a wrong hash": {
        "query": "{ me { id } }",
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}},
    },
}
HEADERS = {
    "idempotency-key": IDEMPOTENCY_KEY,
    "x-app-secret": APP_HEADER,
    "query-plan": "include",
    "cost": "include",
}


def credentials(tokens: dict[str, str]) -> Iterator[dict[str, str]]:
    yield {}
    yield from ({"authorization": f"Bearer {each}"} for each in tokens.values())
    yield from ({"x-api-key": key} for key in (configuration.API_KEY, "another-api-key"))


def send_everything(url: str, tokens: dict[str, str]) -> set[int]:
    """Send each body with each credential, and a few requests that are not GraphQL. Returns the statuses."""
    statuses = set()
    valid = tokens["valid"]
    all_headers = HEADERS | {"cookie": f"other={COOKIE}; session={valid}"}
    with httpx.Client(timeout=30) as client:
        for credential in credentials(tokens):
            for body in BODIES.values():
                statuses.add(client.post(url, json=body, headers=all_headers | credential).status_code)
                client.cookies.clear()
        for content in (b"{", json.dumps([MUTATION]).encode(), b"\xff" + VARIABLE.encode()):
            headers = all_headers | {"content-type": "application/json", "authorization": f"Bearer {valid}"}
            statuses.add(client.post(url, content=content, headers=headers).status_code)
        simple = all_headers | {"origin": "https://evil.example"}
        statuses.add(client.get(url, params={"query": "{ me { id } }"}, headers=simple).status_code)
        client.post(url, json=BODIES["a query"], headers={"x-request-id": LAST})
    return statuses


def lines_until_the_last_request(router: RouterWithEveryPolicy) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    while not lines or (lines[-1].get("request_id"), lines[-1]["event"]) != (LAST, "request"):
        lines.append(router.process.lines.get(timeout=30))
    return lines


@pytest.mark.parametrize("variant", configuration.VARIANTS)
def test_no_log_line_has_a_secret(tmp_path: Path, redis_url: str, variant: str, tokens: dict[str, str]) -> None:
    # Nothing listens there. The router logs that, without the URL.
    is_away = variant == "closed"
    url = "redis://:password-of-redis@127.0.0.1:9/0" if is_away else redis_url
    with serving_every_policy(tmp_path, url, configuration.VARIANTS[variant]) as router:
        statuses = send_everything(router.url, tokens)
        lines = lines_until_the_last_request(router)
    assert {200, 400, 401} <= statuses
    events = {str(line["event"]) for line in lines}
    assert {"credential refused", "access refused", "subgraph error masked"} <= events
    assert ("rate limits unavailable" in events) is is_away
    parts_of_tokens = {part for each in tokens.values() for part in each.split(".")[1:] or [each]}
    found = {
        (secret, line["event"])
        for line in lines
        for secret in parts_of_tokens.union(SECRETS)
        if secret in json.dumps(line, ensure_ascii=False)
    }
    assert found == set()
