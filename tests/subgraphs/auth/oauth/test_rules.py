"""The pure rules of the authorization server.

Covers `subgraphs/auth/oauth/clients.py`, `subgraphs/auth/oauth/redirect_uris.py`,
`subgraphs/auth/oauth/scope_rules.py`, `subgraphs/auth/oauth/pkce.py`, `subgraphs/auth/oauth/codes.py`,
`subgraphs/auth/oauth/parameters.py`, `subgraphs/auth/oauth/errors.py` and `bank/scopes.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bank.scopes import ACCOUNTS, EMAIL, OFFLINE_ACCESS, OPENID, READ, STAFF
from subgraphs.auth import tokens
from subgraphs.auth.domain import SessionRules
from subgraphs.auth.oauth import clients, codes, grants, parameters, pkce, redirect_uris, scope_rules, store
from subgraphs.auth.oauth.clients import GrantType
from subgraphs.auth.oauth.errors import OAuthError
from tests.subgraphs.auth.oauth.browser import REDIRECT, SECRET, a_client, challenge_of
from tests.subgraphs.auth.store_contract import NOW

VERIFIER = "v" * 43
APP = "0" * 32


@pytest.mark.parametrize(
    "uri",
    [
        "https://shop.example/callback",
        "https://shop.example:8443/a/b?c=d",
        "http://127.0.0.1:4711/callback",
        "http://localhost/callback",
        "http://[::1]/callback",
        "com.example.shop:/callback",
    ],
)
def test_redirect_uris_that_may_be_registered(uri: str) -> None:
    assert redirect_uris.problem(uri, is_public=True) is None
    if uri.startswith("http"):
        assert redirect_uris.problem(uri, is_public=False) is None


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/callback",
        "//shop.example/callback",
        "http://shop.example/callback",
        "http://127.0.0.1.shop.example/callback",
        "https:///callback",
        "https://shop.example/callback#fragment",
        "https://shop.example/callback#",
        "https://user@shop.example/callback",
        "https://shop.example/../callback",
        "https://*.shop.example/callback",
        "https://shop.example\\@evil.example/callback",
        "https://shop.example/call back",
        "https://shop.example/\ncallback",
        "https://sh\u00f6p.example/callback",
        "https://shop.example:x/callback",
        "https://[shop.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "shop:/callback",
        f"https://shop.example/{'x' * 2000}",
    ],
)
def test_redirect_uris_that_may_not_be_registered(uri: str) -> None:
    assert redirect_uris.problem(uri, is_public=True) is not None
    assert not redirect_uris.is_registered(uri, ("https://shop.example/callback", "http://127.0.0.1/callback"))


def test_a_confidential_client_has_no_private_scheme() -> None:
    assert redirect_uris.problem("com.example.shop:/callback", is_public=False) is not None


@pytest.mark.parametrize(
    "uri",
    [
        "https://shop.example/callback/",
        "https://shop.example/callback?x=1",
        "https://shop.example/Callback",
        "https://SHOP.example/callback",
        "https://shop.example:443/callback",
        "https://shop.example/%63allback",
        "https://shop.example.evil.example/callback",
        "https://evil.example/https://shop.example/callback",
        "http://127.0.0.1:80/other",
        "http://127.0.0.1/callback?x=1",
        "https://127.0.0.1:4711/callback",
        "http://localhost:4711/callback",
        "http://127.0.0.1:4711@evil.example/callback",
        "http://evil@127.0.0.1:4711/callback",
        "http://127.0.0.1:99999/callback",
    ],
)
def test_another_redirect_uri_is_not_the_registered_one(uri: str) -> None:
    assert not redirect_uris.is_registered(uri, ("https://shop.example/callback", "http://127.0.0.1/callback"))


def test_the_port_of_a_loopback_address_may_differ() -> None:
    registered = ("http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost/callback")
    assert redirect_uris.is_registered("http://127.0.0.1:4711/callback", registered)
    assert redirect_uris.is_registered("http://[::1]:4711/callback", registered)
    assert not redirect_uris.is_registered("http://localhost:4711/callback", registered)
    assert not redirect_uris.is_registered("http://127.0.0.1:2/callback", ("http://127.0.0.1:1/callback",))


def test_origins_for_the_content_security_policy() -> None:
    assert redirect_uris.origin("https://shop.example:8443/a;b?c") == "https://shop.example:8443"
    assert redirect_uris.origin("com.example.shop:/a") == "com.example.shop:"


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"grant_types": frozenset()}, "grant type"),
        ({"scopes": frozenset({"root"})}, "unknown scope: root"),
        ({"redirect_uris": ("http://evil.example/",)}, "must begin"),
        ({"post_logout_redirect_uris": ("javascript:x",)}, "must begin"),
        ({"redirect_uris": tuple(f"https://shop.example/{number}" for number in range(21))}, "at most 20"),
        ({"redirect_uris": ()}, "needs a redirect URI"),
        ({"grant_types": frozenset({GrantType.DEVICE_CODE}), "scopes": frozenset()}, "redirect URIs need"),
        ({"grant_types": frozenset({GrantType.AUTHORIZATION_CODE})}, "offline_access needs"),
        ({"secret_digest": None}, "needs a secret"),
        (
            {"grant_types": frozenset({GrantType.AUTHORIZATION_CODE}), "scopes": frozenset(), "roles": {"ADMIN"}},
            "roles need",
        ),
        (
            {
                "grant_types": frozenset({GrantType.CLIENT_CREDENTIALS}),
                "redirect_uris": (),
                "scopes": frozenset({ACCOUNTS}),
            },
            "acts for itself",
        ),
    ],
)
def test_clients_that_may_not_be_registered(fields: dict[str, Any], part: str) -> None:
    assert [problem for problem in clients.problems(a_client(**fields)) if part in problem]


def test_a_client_that_may_be_registered() -> None:
    assert clients.problems(a_client()) == []
    assert a_client().has_secret(SECRET)
    assert not a_client().has_secret("\ud800")
    assert not a_client(secret_digest=None).has_secret("")


def test_pkce_accepts_the_verifier_of_the_challenge_only() -> None:
    # RFC 7636, appendix B.
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert challenge_of(verifier) == challenge
    assert pkce.is_challenge(challenge)
    assert pkce.matches(verifier, challenge)
    for wrong in (challenge, "", verifier[:-1], f"{verifier} ", "x" * 129, "\u00e9" * 43):
        assert not pkce.matches(wrong, challenge)
    for wrong in ("", challenge[:-1], f"{challenge}=", f"{challenge}\n", "x" * 44):
        assert not pkce.is_challenge(wrong)


def a_code(**given: Any) -> codes.Code:
    fields = {
        "client_id": APP,
        "user_id": "ann",
        "redirect_uri": REDIRECT,
        "scopes": frozenset({OPENID}),
        "challenge": challenge_of(VERIFIER),
        "browser_session_id": "browser",
        "expires_at": NOW + codes.CODE_LIFETIME,
    }
    return codes.Code(**{**fields, **given})


@pytest.mark.parametrize(
    ("code", "exchange", "seconds"),
    [
        (a_code(client_id="other"), codes.CodeExchange(REDIRECT, VERIFIER), 0),
        (a_code(), codes.CodeExchange("https://evil.example", VERIFIER), 0),
        (a_code(), codes.CodeExchange(REDIRECT, None), 0),
        (a_code(), codes.CodeExchange(REDIRECT, "w" * 43), 0),
        (a_code(), codes.CodeExchange(REDIRECT, VERIFIER), 60),
        (a_code(dpop_jkt="key"), codes.CodeExchange(REDIRECT, VERIFIER), 0),
        (a_code(dpop_jkt="key"), codes.CodeExchange(REDIRECT, VERIFIER, "other"), 0),
    ],
)
def test_codes_that_are_refused(code: codes.Code, exchange: codes.CodeExchange, seconds: int) -> None:
    with pytest.raises(OAuthError) as refused:
        codes.check(code, a_client(id=APP), exchange, NOW + timedelta(seconds=seconds))
    assert (refused.value.code, refused.value.description) == ("invalid_grant", codes.invalid_code().description)


def test_a_code_is_used_once() -> None:
    code, client = a_code(dpop_jkt="key"), a_client(id=APP)
    codes.check(code, client, codes.CodeExchange(None, VERIFIER, "key"), NOW)
    ticket = codes.ticket_of(code, b"digest")
    assert codes.code_of(ticket) == code
    used = codes.use(ticket, "grant")
    with pytest.raises(codes.AlreadyUsed) as again:
        codes.use(used, "other")
    assert again.value.session_id == "grant"
    with pytest.raises(codes.AlreadyUsed):
        codes.check(replace(code, used_for="grant"), client, codes.CodeExchange(None, VERIFIER, "key"), NOW)


@pytest.mark.parametrize("scope", ["", " ", "openid  email", " openid", "openid\temail", 'a"b', "root", "OPENID"])
def test_scopes_that_are_refused(scope: str) -> None:
    with pytest.raises(OAuthError) as refused:
        scope_rules.granted(scope, {OPENID, EMAIL})
    assert refused.value.code == "invalid_scope"


def test_scopes_that_are_granted() -> None:
    assert scope_rules.granted(None, {OPENID, EMAIL}) == {OPENID, EMAIL}
    assert scope_rules.granted(f"{EMAIL} {OPENID}", {OPENID, EMAIL, READ}) == {OPENID, EMAIL}
    assert scope_rules.scope_text({OPENID, EMAIL}) == "email openid"
    assert scope_rules.roles_for({READ}, {"CUSTOMER", "ADMIN"}) == ["CUSTOMER"]
    assert scope_rules.roles_for({STAFF}, {"CUSTOMER", "ADMIN"}) == ["ADMIN", "CUSTOMER"]
    assert OFFLINE_ACCESS in scope_rules.DESCRIPTIONS


@pytest.mark.parametrize(
    ("lifetime", "text"),
    [
        (timedelta(hours=720), "30 days"),
        (timedelta(hours=24), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(hours=1.5), "90 minutes"),
        (timedelta(seconds=20), "1 minute"),
    ],
)
def test_how_long_a_grant_lasts_is_said_in_words(lifetime: timedelta, text: str) -> None:
    rules = SessionRules(lifetime, timedelta(days=7))
    said = grants.lifetime_text({OPENID, OFFLINE_ACCESS}, rules)
    assert said == f"The access ends after {text}, or if it is not used for 7 days."
    assert grants.lifetime_text({OPENID}, rules) == "The access ends after 10 minutes."


def test_parameters() -> None:
    assert parameters.parse("a=1&b=%C3%A9+x&c=") == {"a": "1", "b": "\u00e9 x"}
    for wrong in ("a=1&a=2", "a=1&a=", "a=%ff", "a=%00", f"a={'x' * 20_000}", "&".join(f"{n}=1" for n in range(60))):
        with pytest.raises(OAuthError):
            parameters.parse(wrong)


def test_a_refresh_token_of_a_client_is_not_one_of_the_banks_login() -> None:
    assert store.digest("token") != tokens.digest("token")
