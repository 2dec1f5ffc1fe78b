"""No password, token, API key or e-mail address is where it must not be, after a run through the flows of identity.

The sinks are the lines that all processes of the platform have written, the bodies of refusals, and every file in the
data directory. E-mail addresses are stored in the users of the auth service and in its mails, and nowhere else.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.e2e.platform import PASSWORD, Person, Platform, clean_environment, start_platform

if TYPE_CHECKING:
    from pathlib import Path

WRONG_PASSWORD = "a wrong password that nobody has 4711"
UNKNOWN_EMAIL = "somebody-unknown@example.com"
# The files with e-mail addresses: the store of users, and the mails of a service without a mail server.
WITH_ADDRESSES = ("auth.sqlite3", "mail")


@dataclass
class Run:
    """What was sent and received during the flows."""

    platform: Platform
    secrets: set[str] = field(default_factory=lambda: {PASSWORD, WRONG_PASSWORD})
    addresses: set[str] = field(default_factory=lambda: {UNKNOWN_EMAIL})
    refusals: list[str] = field(default_factory=list)

    def keep(self, person: Person) -> Person:
        self.secrets |= {person.access_token, person.refresh_token}
        self.addresses.add(person.email)
        return person

    def post(self, url: str, headers: dict[str, str] | None = None, **body: object) -> dict[str, Any]:
        response = self.platform.client.post(url, json=body, headers=headers)
        document: dict[str, Any] = response.json()
        if not response.is_success or "errors" in document:
            self.refusals.append(response.text)
        return document

    def graphql(self, query: str, token: str, url: str | None = None, **variables: object) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token}"}
        return self.post(url or self.platform.router_url, headers, query=query, variables=variables)

    def mosafe(self, *arguments: str) -> str:
        environ = clean_environment(MOSAFE_DATA_DIR=str(self.platform.data_dir))
        done = subprocess.run(
            [sys.executable, "-m", "mosafe", "auth", *arguments],
            env=environ,
            cwd=self.platform.data_dir,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout


def sessions(run: Run) -> None:
    """Log in rightly and wrongly, refresh, reuse a refresh token, and log out."""
    rest = run.platform.rest_url
    ann, eve = run.keep(run.platform.register("Ann")), run.keep(run.platform.register("Eve"))
    run.post(f"{rest}/api/auth/register", email=ann.email, password=PASSWORD, name="Ann")
    for email, password in ((ann.email, WRONG_PASSWORD), (UNKNOWN_EMAIL, WRONG_PASSWORD), (f"{ann.email} ", "")):
        run.post(f"{rest}/api/auth/login", email=email, password=password)
    token = eve.refresh_token
    for _ in range(2):
        renewed = run.post(f"{rest}/api/auth/refresh", refreshToken=token)
        token = renewed["refreshToken"]
        run.secrets |= {renewed["accessToken"], token}
    run.post(f"{rest}/api/auth/refresh", refreshToken=eve.refresh_token)
    run.platform.client.delete(f"{rest}/api/auth/logout", headers=ann.headers)
    run.graphql("{ me { id } }", ann.access_token)
    run.graphql("{ me { id } }", f"{ann.access_token}x", run.platform.subgraph_url("account"))
    run.post(f"{rest}/api/auth/login", email=[ann.email], password={"a": PASSWORD})
    run.graphql("{ me { id } }", "x.y.z")


def invalid_requests(run: Run) -> None:
    """Send passwords in literals and variables of requests that are not valid, to the router and to a subgraph."""
    fields = "{ ... on Session { accessToken } }"
    literal = f'{{email: "{UNKNOWN_EMAIL}", password: "{PASSWORD}"'
    value = {"email": UNKNOWN_EMAIL, "password": PASSWORD}
    documents: list[tuple[str, dict[str, object]]] = [
        (f"mutation {{ login(input: {literal}, unknown: 1}}) {fields} }}", {}),
        (f'mutation {{ login(input: {{email: "{UNKNOWN_EMAIL}"}}) {fields} }}', {}),
        (f'mutation {{ login(input: "{PASSWORD}") {fields} }}', {}),
        (f"mutation {{ login(input {literal}}}) {fields} }}", {}),
        (f'mutation {{ login "{PASSWORD}" }}', {}),
    ]
    with_variable = f"mutation ($input: LoginInput!) {{ login(input: $input) {fields} }}"
    documents += [
        (with_variable, {"input": each})
        for each in (PASSWORD, [value], {**value, "unknown": 1}, {"password": PASSWORD}, {**value, "email": [PASSWORD]})
    ]
    for url in (run.platform.router_url, run.platform.subgraph_url("auth")):
        for query, variables in documents:
            document = run.post(url, query=query, variables=variables)
            assert document["errors"][0]["locations"], document


def administration(run: Run) -> None:
    """Change roles, and disable a user."""
    admin, bob = run.keep(run.platform.register_staff("ADMIN")), run.keep(run.platform.register("Bob"))
    change = "mutation ($id: ID!) {{ {}(input: {{userId: $id{}}}) {{ __typename }} }}"
    for query in (change.format("grantRole", ", role: SUPPORT"), change.format("disableUser", "")):
        assert "errors" not in run.graphql(query, admin.access_token, id=bob.id)
    log = run.graphql("{ auditLog { nodes { actorId subjectId action } } }", admin.access_token)["data"]["auditLog"]
    assert [entry["action"] for entry in log["nodes"]] == ["USER_DISABLED", "ROLE_GRANTED", "ROLE_GRANTED"]


def api_keys(run: Run) -> None:
    """Create a key, use it at several processes, rotate and revoke it; on the command line, too."""
    cid = run.keep(run.platform.register("Cid"))
    account = run.platform.open_account(cid)
    create = (
        'mutation { createApiKey(input: {name: "robot", scopes: ["bank:read"]})'
        " { ... on ApiKeySecret { secret apiKey { id } } } }"
    )
    created = run.graphql(create, cid.access_token)["data"]["createApiKey"]
    run.secrets.add(created["secret"])
    accounts = "{ accounts { nodes { id } } }"
    for url in (run.platform.router_url, run.platform.subgraph_url("account")):
        read = run.graphql(accounts, created["secret"], url)
        assert read["data"]["accounts"]["nodes"] == [{"id": account["id"]}], read
    by_header = run.post(run.platform.router_url, {"x-api-key": created["secret"]}, query=accounts)
    assert by_header["data"]["accounts"]["nodes"] == [{"id": account["id"]}]
    assert run.graphql("mutation { logout { __typename } }", f"{created['secret']}x")["errors"]
    rotated = run.mosafe("api-keys", "rotate", created["apiKey"]["id"]).rpartition("secret: ")[2].strip()
    run.secrets.add(rotated)
    run.mosafe("api-keys", "revoke", created["apiKey"]["id"])
    for secret in (created["secret"], rotated):
        codes = [error["extensions"]["code"] for error in run.graphql(accounts, secret)["errors"]]
        assert codes == ["UNAUTHENTICATED"]


def test_no_secret_and_no_address_is_in_a_sink(tmp_path: Path) -> None:
    platform = start_platform(tmp_path, SUBGRAPH_SIGNATURES="off")
    try:
        run = Run(platform)
        sessions(run)
        invalid_requests(run)
        administration(run)
        api_keys(run)
    finally:
        code = platform.stop()
    assert code == 0
    assert len(run.refusals) > 5
    assert len(platform.lines) > 50
    told = "\n".join([*platform.lines, *run.refusals])
    leaks = [line[:600] for line in told.splitlines() if any(text in line for text in run.secrets | run.addresses)]
    assert leaks == []
    files = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(path.name == "auth.sqlite3" for path in files)
    for path, content in files.items():
        assert [text for text in sorted(run.secrets) if text.encode() in content] == [], path
        if not path.name.startswith(WITH_ADDRESSES) and path.parts[0] not in WITH_ADDRESSES:
            assert [text for text in sorted(run.addresses) if text.encode() in content] == [], path
