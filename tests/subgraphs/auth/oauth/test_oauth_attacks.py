"""Published attacks on OAuth, from RFC 6819, RFC 9700 and the OpenID Connect specifications: all are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.subgraphs.auth.oauth.browser import REDIRECT, Flow, Form, answer

if TYPE_CHECKING:
    from tests.subgraphs.auth.oauth.browser import Running

LOGIN = {"email": "ann@example.com", "password": "correct horse battery"}


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": f"{REDIRECT}/../../evil"},
        {"redirect_uri": f"{REDIRECT}@evil.example"},
        {"redirect_uri": "https://shop.example.evil.example/callback"},
        {"redirect_uri": f"{REDIRECT}#"},
        {"redirect_uri": "//shop.example/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"client_id": "0" * 32},
        {"client_id": "' OR 1=1"},
    ],
)
async def test_no_redirect_to_an_address_that_is_not_registered(bank: Running, changed: dict[str, str]) -> None:
    flow = Flow(await bank.add(), parameters={**changed, "prompt": "none", "response_type": "broken"})
    for path in ("authorize", "login"):
        response = await bank.browser().http.get(f"/oauth/{path}?{urlencode(flow.parameters)}")
        assert (response.status_code, "location" in response.headers) == (400, False)
    doubled = await bank.http.get(f"{flow.url}&redirect_uri={REDIRECT}")
    assert (doubled.status_code, "location" in doubled.headers) == (400, False)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "openid root"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "never"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"request": "e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/request"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"nonce": "x" * 2001}, "invalid_request"),
    ],
)
async def test_requests_without_pkce_or_with_other_flows(bank: Running, changed: dict[str, str], error: str) -> None:
    flow = Flow(await bank.add(), parameters=changed)
    found = answer(await bank.http.get(flow.url))
    assert (found["error"], found["iss"], found["state"]) == (error, "http://auth.test", flow.parameters["state"])


async def test_the_verifier_of_another_request_does_not_fit_a_stolen_code(bank: Running) -> None:
    """Code injection: the attacker gives the code of the victim to the client in a flow of the attacker."""
    client = await bank.add()
    victim, attacker = Flow(client), Flow(client)
    code = (await bank.browser().consent(victim))["code"]
    response = await bank.exchange(attacker, code)
    assert response.json()["error"] == "invalid_grant"


async def test_a_client_with_two_servers_sees_which_one_answers(bank: Running) -> None:
    """Mix-up: each answer, also an error, names its server (RFC 9207), and discovery says so."""
    flow = Flow(await bank.add())
    assert (await bank.browser().consent(flow))["iss"] == "http://auth.test"
    metadata = (await bank.http.get("/.well-known/openid-configuration")).json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["issuer"] == "http://auth.test"


async def test_a_login_form_of_another_browser_is_refused(bank: Running) -> None:
    """Login CSRF: the attacker lets the victim's browser send the attacker's credentials."""
    flow = Flow(await bank.add())
    attacker, victim = bank.browser(), bank.browser()
    form = Form.of(await attacker.open(flow.url))
    await victim.open(flow.url)
    for fields in (form.fields, {}, {"form_token": ""}):
        response = await victim.http.post(form.action, data={**fields, **LOGIN})
        assert response.status_code == 403
    without_cookie = await bank.http.post(form.action, data={**form.fields, **LOGIN})
    assert without_cookie.status_code == 403


async def test_a_consent_form_of_another_site_is_refused(bank: Running) -> None:
    flow = Flow(await bank.add())
    browser = bank.browser()
    page = await browser.sign_in(flow)
    form = Form.of(page)
    for fields, headers in (
        ({}, {}),
        ({"form_token": "0" * 64}, {}),
        (form.fields, {"sec-fetch-site": "cross-site"}),
        (form.fields, {"sec-fetch-site": "same-site"}),
    ):
        response = await browser.http.post(form.action, data={**fields, "decision": "allow"}, headers=headers)
        assert (response.status_code, "location" in response.headers) == (403, False)
    assert (await browser.http.get(form.action)).status_code == 405


async def test_the_login_gives_the_browser_a_new_secret(bank: Running) -> None:
    """Session fixation: a cookie that the attacker planted before the login is not logged in after it."""
    flow = Flow(await bank.add())
    browser, attacker = bank.browser(), bank.browser()
    await browser.open(flow.url)
    planted = browser.http.cookies["mosafe-browser"]
    await browser.sign_in(flow)
    assert browser.http.cookies["mosafe-browser"] != planted
    attacker.http.cookies.set("mosafe-browser", planted)
    assert 'name="password"' in (await attacker.open(flow.url)).text


async def test_the_cookie_is_kept_from_scripts_and_other_sites(bank: Running) -> None:
    response = await bank.http.get(Flow(await bank.add()).url, follow_redirects=True)
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "domain" not in cookie


async def test_what_a_client_sends_is_escaped_on_pages(bank: Running) -> None:
    """Script injection by the name of a client, the address of a user, or a parameter."""
    client = await bank.add(name='<script>alert("x")</script>')
    hint = '"><script>alert(1)</script>'
    page = await bank.browser().open(Flow(client, parameters={"login_hint": hint, "state": hint}).url)
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_a_state_cannot_add_headers_or_parameters(bank: Running) -> None:
    flow = Flow(await bank.add(), parameters={"state": "a\r\nx-evil: 1&code=stolen#x", "prompt": "none"})
    response = await bank.http.get(flow.url)
    assert "x-evil" not in response.headers
    assert answer(response) == {
        "error": "login_required",
        "error_description": "the user must sign in",
        "state": flow.parameters["state"],
        "iss": "http://auth.test",
    }


async def test_id_tokens_are_not_access_tokens(bank: Running) -> None:
    tokens = await bank.tokens(await bank.add())
    assert (await bank.auth.bearing(tokens["id_token"]).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
    userinfo = await bank.http.get("/oauth/userinfo", headers={"authorization": f"Bearer {tokens['id_token']}"})
    assert (userinfo.status_code, userinfo.json()["error"]) == (401, "invalid_token")


async def test_a_token_of_the_banks_login_is_not_one_of_a_client(bank: Running) -> None:
    session = await bank.auth.sign_up("Bob")
    bearer = {"authorization": f"Bearer {session['accessToken']}"}
    response = await bank.http.get("/oauth/userinfo", headers=bearer)
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    assert (await bank.http.get("/oauth/userinfo")).status_code == 401


async def test_a_client_cannot_begin_a_session_without_limits(bank: Running) -> None:
    """Privilege escalation: no operation gives an application a token that may do more than its own."""
    tokens = await bank.tokens(await bank.add())
    client = bank.auth.bearing(tokens["access_token"])
    login = 'mutation { login(input: {email: "ann@example.com", password: "correct horse battery"}) { __typename } }'
    refresh = 'mutation { refresh(input: {refreshToken: "x"}) { __typename } }'
    for document in (login, refresh):
        assert (await client.execute(document)).codes == ["FORBIDDEN"]


async def test_secrets_of_the_flow_are_not_stored_in_clear(bank: Running) -> None:
    flow = Flow(await bank.add())
    browser = bank.browser()
    code = (await browser.consent(flow))["code"]
    tokens = (await bank.exchange(flow, code)).json()
    secrets = [code, tokens["refresh_token"], tokens["access_token"], browser.http.cookies["mosafe-browser"]]
    for file in bank.settings.data_dir.rglob("*.sqlite3*"):
        content = file.read_bytes()
        assert not [secret for secret in [*secrets, "correct horse"] if secret.encode() in content]
