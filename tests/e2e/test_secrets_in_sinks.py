"""No secret and no e-mail address is where it must not be, after a run through the flows of identity.

Secrets are passwords, tokens, API keys, what belongs to second factors, links of mails, and what OAuth clients send and
get. The sinks are the lines that all processes of the platform have written, the bodies of refusals, and every file in
the data directory. E-mail addresses are stored in the users of the auth service and in its mails, and nowhere else; the
tokens of links are in mails only.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pyotp
import pytest

from bank.scopes import OFFLINE_ACCESS, OPENID
from tests.e2e.platform import PASSWORD, Person, Platform, clean_environment, start_platform
from tests.forged_proofs import proof
from tests.subgraphs.auth.oauth.browser import Flow, Form, a_client

if TYPE_CHECKING:
    from pathlib import Path

WRONG_PASSWORD = "a wrong password that nobody has 4711"
UNKNOWN_EMAIL = "somebody-unknown@example.com"
# The files with e-mail addresses: the store of users, and the mails of a service without a mail server.
WITH_ADDRESSES = ("auth.sqlite3", "mail")
MAILS = "mail"
REDIRECT = "https://shop.example/callback"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Run:
    """What was sent and received during the flows."""

    platform: Platform
    secrets: set[str] = field(default_factory=lambda: {PASSWORD, WRONG_PASSWORD})
    # Codes of six digits, which also occur by chance in the bytes of files: they are sought in lines as whole words.
    codes: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
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


def second_factor(run: Run) -> None:
    """Enrol an authenticator app, log in with codes, wrong and right, step up, and renew the recovery codes."""
    dee = run.keep(run.platform.register("Dee"))
    begun = run.graphql(
        "mutation { r: beginAuthenticatorApp { ... on AuthenticatorAppEnrolment { challenge secret uri } } }",
        dee.access_token,
    )["data"]["r"]
    app = pyotp.TOTP(begun["secret"])
    run.secrets |= set(begun.values())
    confirm = (
        "mutation ($input: ConfirmAuthenticatorAppInput!) { r: confirmAuthenticatorApp(input: $input)"
        " { ... on FactorEnrolled { recoveryCodes } } }"
    )
    first = app.now()
    enrolled = run.graphql(confirm, dee.access_token, input={"challenge": begun["challenge"], "code": first})
    recovery_codes = enrolled["data"]["r"]["recoveryCodes"]
    run.secrets |= set(recovery_codes)
    login = run.post(f"{run.platform.rest_url}/api/auth/login", email=dee.email, password=PASSWORD)
    challenge = login["error"]["details"]["challenge"]
    run.refusals[-1] = run.refusals[-1].replace(challenge, "")  # this client must get it
    complete = (
        "mutation ($input: CompleteLoginInput!) { r: completeLogin(input: $input)"
        " { ... on Session { accessToken refreshToken } ... on Problem { code } } }"
    )
    wrong = f"{(int(first) + 1) % 1_000_000:06}"
    run.codes |= {first, wrong}
    refused = run.post(
        run.platform.router_url, query=complete, variables={"input": {"challenge": challenge, "code": wrong}}
    )
    assert refused["data"]["r"]["code"] == "INVALID_SECOND_FACTOR"
    given = {"challenge": challenge, "recoveryCode": recovery_codes[0]}
    session = run.post(run.platform.router_url, query=complete, variables={"input": given})["data"]["r"]
    selected = "... on StepUpSuccess { accessToken refreshToken }"
    step_up = f"mutation ($input: StepUpInput!) {{ r: stepUp(input: $input) {{ {selected} }} }}"
    given = {"recoveryCode": recovery_codes[1]}
    stepped = run.graphql(step_up, session["accessToken"], input=given)["data"]["r"]
    renew = "mutation { r: renewRecoveryCodes { ... on RecoveryCodes { codes } } }"
    run.secrets |= {challenge, *session.values(), *stepped.values()}
    run.secrets |= set(run.graphql(renew, stepped["accessToken"])["data"]["r"]["codes"])


def mail_links(run: Run) -> None:
    """Open and use the link of a mail, twice; and one that is not valid."""
    fay = run.keep(run.platform.register("Fay"))
    ask = "mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { __typename } }"
    for email in (fay.email, UNKNOWN_EMAIL):
        run.post(run.platform.router_url, query=ask, variables={"input": {"email": email}})
    token = reset_token(run)
    reset = (
        "mutation ($input: ResetPasswordInput!)"
        " { r: resetPassword(input: $input) { __typename ... on Problem { code } } }"
    )
    password = "staple battery horse 17"
    run.secrets.add(password)
    with auth_pages(run) as browser:
        for text, status in ((token, 200), (f"{token}x", 410)):
            assert browser.get("/account/reset", params={"token": text}).status_code == status
    outcomes = [
        run.post(run.platform.router_url, query=reset, variables={"input": {"token": token, "newPassword": password}})
        for _ in range(2)
    ]
    assert [each["data"]["r"]["__typename"] for each in outcomes] == ["PasswordChanged", "InvalidLink"]


def reset_token(run: Run) -> str:
    """The token of the only link for a new password, when its mail has arrived. All tokens of links are kept."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        mails = [path.read_text() for path in (run.platform.data_dir / MAILS / "new").glob("*")]
        run.links |= {token for mail in mails for token in re.findall(r"[?]token=([\w-]{43})", mail)}
        found: set[str] = {token for mail in mails for token in re.findall(r"/account/reset[?]token=([\w-]{43})", mail)}
        if found:
            (token,) = found
            return token
        time.sleep(0.05)  # another process writes the file
    raise TimeoutError("no mail with a link has arrived")


def auth_pages(run: Run) -> httpx.Client:
    """A browser at the auth service."""
    return httpx.Client(base_url=run.platform.subgraph_url("auth").removesuffix("/graphql"), timeout=30)


def applications(run: Run) -> None:
    """Let an application act for a user: with a code that is used twice, with DPoP, with a device, and for itself."""
    gus = run.keep(run.platform.register("Gus"))
    options = ("--redirect-uri", REDIRECT, "--scope", OPENID, "--scope", OFFLINE_ACCESS)
    grants = ("--grant", "code", "--grant", "refresh", "--grant", "device")
    created = dict(
        line.split(": ", 1) for line in run.mosafe("clients", "create", "Shop", *options, *grants).splitlines()
    )
    credentials = httpx.BasicAuth(created["client_id"], created["client_secret"])
    run.secrets.add(created["client_secret"])
    with auth_pages(run) as browser:
        flow = Flow(a_client(id=created["client_id"], scopes=frozenset({OPENID, OFFLINE_ACCESS})))
        page = submit(browser, follow(browser, browser.get(flow.url)), email=gus.email, password=PASSWORD)
        code = dict(parse_qsl(urlsplit(submit(browser, page, decision="allow").headers["location"]).query))["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        exchange = {**form, "code_verifier": flow.verifier}
        url = f"{run.platform.subgraph_url('auth').removesuffix('/graphql')}/oauth/token"
        dpop = proof(htu=url, ath=None)
        tokens = browser.post("/oauth/token", data=exchange, auth=credentials, headers={"dpop": dpop})
        assert tokens.status_code == 200, tokens.text
        again = browser.post("/oauth/token", data=exchange, auth=credentials)
        wrong = browser.post("/oauth/token", data=exchange, auth=(created["client_id"], f"{created['client_secret']}x"))
        run.refusals += [again.text, wrong.text]
        assert (again.status_code, wrong.status_code) == (400, 401)
        texts = [value for name, value in tokens.json().items() if name.endswith("_token")]
        run.secrets |= {code, flow.verifier, dpop, *texts}
        for text in texts:
            for path in ("/oauth/introspect", "/oauth/revoke"):
                browser.post(path, data={"token": text}, auth=credentials)
        run.secrets |= set(browser.cookies.values())
        connect_device(run, browser, credentials)


def connect_device(run: Run, browser: httpx.Client, credentials: httpx.BasicAuth) -> None:
    """Begin the device flow, and let the user who has logged in consent."""
    begun = browser.post("/oauth/device_authorization", data={"scope": OPENID}, auth=credentials).json()
    page = follow(browser, browser.get("/oauth/device", params={"user_code": begun["user_code"]}))
    submit(browser, submit(browser, page, user_code=begun["user_code"]), decision="allow")
    form = {"grant_type": DEVICE_GRANT, "device_code": begun["device_code"]}
    tokens = browser.post("/oauth/token", data=form, auth=credentials).json()
    run.secrets |= {begun["device_code"], begun["user_code"], tokens["access_token"], tokens["id_token"]}


def follow(browser: httpx.Client, response: httpx.Response) -> httpx.Response:
    """The page or redirect of another host to which a redirect leads."""
    while response.status_code == 303 and response.headers["location"].startswith("/"):
        response = browser.get(response.headers["location"])
    return response


def submit(browser: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    form = Form.of(page)
    return follow(browser, browser.post(form.action, data={**form.fields, **fields}))


@pytest.mark.timeout(300)  # every flow of identity, on the whole platform
def test_no_secret_and_no_address_is_in_a_sink(tmp_path: Path) -> None:
    # A code is sent right after it was read from the clock, but a new one may begin in between.
    platform = start_platform(tmp_path, SUBGRAPH_SIGNATURES="off", AUTH_TOTP_TOLERANCE="1")
    try:
        run = Run(platform)
        sessions(run)
        invalid_requests(run)
        administration(run)
        api_keys(run)
        second_factor(run)
        mail_links(run)
        applications(run)
    finally:
        code = platform.stop()
    assert code == 0
    assert len(run.refusals) > 5
    assert len(platform.lines) > 50
    told = "\n".join([*platform.lines, *run.refusals])
    sought = run.secrets | run.links | run.addresses
    assert min(map(len, sought)) > 8, sought
    leaks = [line[:600] for line in told.splitlines() if any(text in line for text in sought)]
    assert leaks == []
    # Some hexadecimal ids contain the digits of a code, and so do fractions of seconds.
    digits = re.compile(rf"(?<![.\w])({'|'.join(run.codes)})(?!\w)")
    assert [line for line in told.splitlines() if digits.search(line)] == []
    files = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(path.name == "auth.sqlite3" for path in files)
    for path, content in files.items():
        assert [text for text in sorted(run.secrets) if text.encode() in content] == [], path
        if path.parts[0] != MAILS:
            assert [text for text in sorted(run.links) if text.encode() in content] == [], path
        if not path.name.startswith(WITH_ADDRESSES) and path.parts[0] not in WITH_ADDRESSES:
            assert [text for text in sorted(run.addresses) if text.encode() in content] == [], path
