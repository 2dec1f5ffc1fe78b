"""The authorization code flow with its pages, as a person and a client see it.

Covers `subgraphs/auth/oauth/authorization_endpoint.py`, `subgraphs/auth/oauth/browser_login.py`,
`subgraphs/auth/oauth/responses.py`, `subgraphs/auth/oauth/routes.py`, `subgraphs/auth/oauth/server.py`,
`subgraphs/auth/oauth/opening.py`, `subgraphs/auth/pages/rendering.py` and `subgraphs/auth/pages/__init__.py`.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import jwt
import pytest

from bank import values
from bank.scopes import EMAIL, OFFLINE_ACCESS, OPENID, PROFILE, READ
from servicekit.static_files import IMMUTABLE
from subgraphs.auth.domain import Role
from subgraphs.auth.oauth.clients import GrantType
from subgraphs.auth.pages.static_files import STYLE
from tests.subgraphs.auth.client import PASSWORD
from tests.subgraphs.auth.oauth.browser import REDIRECT, Flow, Form, answer, claims

if TYPE_CHECKING:
    from tests.subgraphs.auth.oauth.browser import Running


async def test_a_person_signs_in_consents_and_the_client_gets_tokens(bank: Running) -> None:
    client = await bank.add()
    flow, browser = Flow(client), bank.browser()
    login = await browser.open(flow.url)
    assert (login.status_code, "Sign in" in login.text, "Shop &amp; Co asks" in login.text) == (200, True, True)
    consent = await browser.submit(login, email="ann@example.com", password="correct horse battery")
    assert "See your accounts, balances and transactions" in consent.text
    assert "ann@example.com" in consent.text
    sent = await browser.submit(consent, decision="allow")
    assert sent.headers["location"].startswith(f"{REDIRECT}?")
    found = answer(sent)
    assert (found["state"], found["iss"]) == (flow.parameters["state"], "http://auth.test")
    response = await bank.exchange(flow, found["code"])
    tokens = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    assert set(tokens["scope"].split()) == client.scopes
    keys = jwt.PyJWKSet.from_dict((await bank.http.get("/.well-known/jwks.json")).json())
    header = jwt.get_unverified_header(tokens["id_token"])
    (key,) = [key for key in keys.keys if key.key_id == header["kid"]]
    identity = jwt.decode(tokens["id_token"], key, [header["alg"]], audience=client.id, issuer="http://auth.test")
    assert (header["typ"], identity["nonce"], identity["name"]) == ("JWT", flow.parameters["nonce"], "Ann")
    assert (identity["acr"], identity["amr"], identity["email"]) == ("urn:bank:password", ["pwd"], "ann@example.com")
    assert 0 <= identity["iat"] - identity["auth_time"] < 60
    userinfo = await bank.http.get("/oauth/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert userinfo.json() == {"sub": identity["sub"], "name": "Ann", "email": "ann@example.com"}
    me = await bank.auth.bearing(tokens["access_token"]).execute("{ me { id name email roles } }")
    assert me.ok()["me"] == {"id": identity["sub"], "name": "Ann", "email": "ann@example.com", "roles": ["CUSTOMER"]}


async def test_a_token_has_no_more_than_the_consent(bank: Running) -> None:
    staff = await bank.auth.sign_up("Sue")
    await bank.store.grant(staff["user"]["id"], Role.SUPPORT)
    client = await bank.add()
    less = await bank.tokens(client, "sue@example.com", scope=f"{OPENID} {READ}")
    found = claims(less["access_token"])
    assert (found["scope"], found["roles"], found["client_id"]) == (f"{READ} {OPENID}", ["CUSTOMER"], client.id)
    assert "refresh_token" not in less
    assert "name" not in claims(less["id_token"])
    assert claims((await bank.tokens(client, "sue@example.com"))["access_token"])["roles"] == ["CUSTOMER", "SUPPORT"]
    me = await bank.auth.bearing(less["access_token"]).execute("{ me { email } }")
    assert me.codes == ["FORBIDDEN"]


async def test_profile_without_email_does_not_show_the_address(bank: Running) -> None:
    tokens = await bank.tokens(await bank.add(), scope=f"{OPENID} {PROFILE}")
    me = await bank.auth.bearing(tokens["access_token"]).execute("{ me { name email } }")
    assert (me.data, me.codes) == ({"me": {"name": "Ann", "email": None}}, ["FORBIDDEN"])


async def test_the_consent_says_what_for_whom_and_until_when(bank: Running) -> None:
    client = await bank.add()
    offline = (await bank.browser().sign_in(Flow(client))).text
    for text in ("Allow Shop &amp; Co?", "ann@example.com", "https://shop.example", "Keep this access"):
        assert text in offline
    assert "The access ends after 30 days, or if it is not used for 7 days." in offline
    online = (await bank.browser().sign_in(Flow(client, parameters={"scope": f"{OPENID} {READ}"}))).text
    assert "The access ends after 10 minutes." in online
    assert "Move your money" in offline
    assert "Move your money" not in online


async def test_the_user_denies(bank: Running) -> None:
    flow, browser = Flow(await bank.add()), bank.browser()
    found = answer(await browser.submit(await browser.sign_in(flow), decision="deny"))
    assert (
        found.items()
        >= {"error": "access_denied", "state": flow.parameters["state"], "iss": "http://auth.test"}.items()
    )
    assert "code" not in found


async def test_a_wrong_password_shows_the_same_as_an_unknown_address(bank: Running) -> None:
    flow, browser = Flow(await bank.add()), bank.browser()
    login = await browser.open(flow.url)
    wrong = await browser.submit(login, email="ann@example.com", password="wrong horse")
    unknown = await browser.submit(login, email="eve@example.com", password="wrong horse")
    assert (wrong.status_code, unknown.status_code) == (400, 400)
    assert wrong.text.replace("ann@", "eve@") == unknown.text
    assert 'role="alert"' in wrong.text


async def test_a_given_consent_is_remembered_until_the_grant_ends(bank: Running) -> None:
    client = await bank.add()
    browser = bank.browser()
    first = Flow(client)
    code = (await browser.consent(first))["code"]
    tokens = (await bank.exchange(first, code)).json()
    again = Flow(client)
    assert "code" in answer(await browser.open(again.url))
    silent = Flow(client, parameters={"prompt": "none"})
    assert "code" in answer(await browser.open(silent.url))
    more = await browser.open(Flow(client, parameters={"prompt": "consent"}).url)
    assert "Allow Shop" in more.text
    await bank.auth.bearing(tokens["access_token"]).execute("mutation { logout { __typename } }")
    assert answer(await browser.open(silent.url))["error"] == "consent_required"


@pytest.mark.parametrize("uri", ["http://127.0.0.1/done", "https://shop.example/"])
async def test_a_public_client_on_the_device_asks_each_time(bank: Running, uri: str) -> None:
    types = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
    client = await bank.add(secret_digest=None, redirect_uris=(uri,), grant_types=types)
    browser, flow = bank.browser(), Flow(client)
    assert (await bank.exchange(flow, (await browser.consent(flow))["code"])).status_code == 200
    assert ((await browser.open(flow.url)).status_code == 303) is uri.startswith("https:")


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
async def test_prompt_login_asks_for_the_password_again(bank: Running, prompt: str) -> None:
    client, browser = await bank.add(), bank.browser()
    first = Flow(client)
    await bank.exchange(first, (await browser.consent(first))["code"])
    page = await browser.open(Flow(client, parameters={"prompt": prompt}).url)
    assert 'name="password"' in page.text
    done = await browser.submit(page, email="ann@example.com", password="correct horse battery")
    assert ("Allow Shop" in done.text) is ("consent" in prompt)
    if "consent" not in prompt:
        assert "code" in answer(done)


async def test_max_age_asks_for_the_password_again(bank: Running) -> None:
    client, browser = await bank.add(), bank.browser()
    first = Flow(client)
    await bank.exchange(first, (await browser.consent(first))["code"])
    assert "code" in answer(await browser.open(Flow(client, parameters={"max_age": "600"}).url))
    assert "error" in answer(await browser.open(Flow(client, parameters={"max_age": "x"}).url))
    assert 'name="password"' in (await browser.open(Flow(client, parameters={"max_age": "0"}).url)).text


async def test_the_login_of_a_browser_lasts_12_hours(bank: Running) -> None:
    await bank.browser().sign_in(Flow(await bank.add()))
    session = (await bank.auth.mutate("login", email="ann@example.com", password=PASSWORD)).ok()["login"]
    query = "{ me { sessions(first: 10) { nodes { createdAt expiresAt } } } }"
    listed = (await bank.auth.bearing(session["accessToken"]).execute(query)).ok()["me"]["sessions"]["nodes"]
    lasts = sorted(
        datetime.fromisoformat(row["expiresAt"]) - datetime.fromisoformat(row["createdAt"]) for row in listed
    )
    assert lasts == [timedelta(hours=12), timedelta(days=30), timedelta(days=30)]


async def test_prompt_none_never_shows_a_page(bank: Running) -> None:
    client, browser = await bank.add(), bank.browser()
    silent = Flow(client, parameters={"prompt": "none"})
    assert answer(await browser.open(silent.url))["error"] == "login_required"
    await browser.sign_in(Flow(client))
    assert answer(await browser.open(silent.url))["error"] == "consent_required"


async def test_a_request_by_post_is_the_same(bank: Running) -> None:
    flow, browser = Flow(await bank.add()), bank.browser()
    page = await browser.follow(await browser.http.post("/oauth/authorize", data=flow.parameters))
    assert Form.of(page).action.startswith("/oauth/login?")


async def test_a_disabled_user_is_logged_out_of_the_browser(bank: Running) -> None:
    flow, browser = Flow(await bank.add()), bank.browser()
    page = await browser.sign_in(flow)
    (user,) = await bank.store.list_users("", 10)
    await bank.store.disable(user.id, values.now())
    after = await browser.submit(page, decision="allow")
    assert 'name="password"' in after.text
    again = await browser.submit(after, email="ann@example.com", password="correct horse battery")
    assert "wrong" in again.text


async def test_pages_cannot_be_framed_kept_or_extended(bank: Running) -> None:
    flow, browser = Flow(await bank.add()), bank.browser()
    login = await browser.open(flow.url)
    consent = await browser.sign_in(flow)
    error = await browser.open("/oauth/authorize?client_id=nobody")
    for page in (login, consent, error):
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
        assert "<script" not in page.text
        assert "://" not in page.text.replace("https://shop.example", "")
    assert "form-action 'self' https://shop.example" in consent.headers["content-security-policy"]
    assert error.headers["content-security-policy"].endswith("form-action 'self'")
    style = await browser.http.get(STYLE.url)
    assert (style.headers["content-type"], style.status_code) == ("text/css; charset=utf-8", 200)
    assert style.headers["cache-control"] == IMMUTABLE.decode()
    assert f'href="{STYLE.url}" integrity="{STYLE.integrity}"' in login.text
    digest = base64.b64encode(hashlib.sha384(style.content).digest()).decode()
    assert STYLE.integrity == f"sha384-{digest}"


async def test_without_offline_access_there_is_no_refresh_token(bank: Running) -> None:
    tokens = await bank.tokens(await bank.add(), scope=f"{OPENID} {EMAIL}")
    assert "refresh_token" not in tokens
    assert "refresh_token" in await bank.tokens(await bank.add(), scope=f"{OPENID} {OFFLINE_ACCESS}")


async def test_the_redirect_keeps_the_query_of_the_client(bank: Running) -> None:
    client = await bank.add(redirect_uris=("https://shop.example/callback?tenant=7",))
    flow, browser = Flow(client), bank.browser()
    sent = await browser.submit(await browser.sign_in(flow), decision="allow")
    assert urlsplit(sent.headers["location"]).query.startswith("tenant=7&code=")
