"""Tokens that are bound to a key (DPoP, RFC 9449): the token endpoint, pushed requests, userinfo, and forged proofs.

Covers `subgraphs/auth/oauth/dpop.py`.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from pydantic import SecretStr

from bank.scopes import OPENID, READ
from servicekit.dpop.nonces import Nonces
from servicekit.dpop.proofs import thumbprint
from subgraphs.auth.app import create_app
from subgraphs.auth.store.factory import STORES
from subgraphs.kit.store_identity import open_joined
from tests.forged_proofs import FORGED, OWNER, key, proof, unsigned
from tests.subgraphs.auth.oauth.browser import SECRET, Flow, Running, claims
from tests.subgraphs.support import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from subgraphs.auth.settings import AuthSettings

TOKEN: Final = "http://auth.test/oauth/token"
PAR: Final = "http://auth.test/oauth/par"
USERINFO: Final = "http://auth.test/oauth/userinfo"
MACHINE: Final = {"grant_type": "client_credentials", "scope": READ}
JKT: Final = thumbprint(key(OWNER))
# At the token endpoint there is no token yet, and a key of anybody is the key of the client.
OF_TOKENS: Final = ("other token", "other key")


def for_token(signer: str = OWNER, **changes: Any) -> dict[str, str]:
    """The header of a proof for the token endpoint."""
    return {"dpop": proof(signer=signer, **{"htu": TOKEN, "ath": None, **changes})}


def for_userinfo(token: str, **changes: Any) -> dict[str, str]:
    """The headers of a request to userinfo with a bound token."""
    return {"authorization": f"DPoP {token}", "dpop": proof(token, **{"htu": USERINFO, "htm": "GET", **changes})}


def refused(response: httpx.Response, error: str = "invalid_dpop_proof") -> str:
    """Check that a request is refused. Return the description of the error."""
    assert (response.status_code, response.json()["error"]) == (400, error), response.text
    return str(response.json()["error_description"])


async def exchanged(bank: Running, flow: Flow, code: str, headers: Mapping[str, str] | None) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": flow.verifier}
    return await bank.token(flow.client, form, headers)


async def bound_tokens(bank: Running, **client: Any) -> dict[str, Any]:
    flow = Flow(await bank.add(**client))
    code = (await bank.browser().consent(flow))["code"]
    response = await exchanged(bank, flow, code, for_token())
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_the_key_of_the_proof_binds_the_access_token(bank: Running) -> None:
    client = await bank.add()
    for signer, algorithm in ((OWNER, "ES256"), ("ed", "EdDSA")):
        found = (await bank.token(client, MACHINE, for_token(signer, algorithm=algorithm))).json()
        assert found["token_type"] == "DPoP"
        assert claims(found["access_token"])["cnf"] == {"jkt": thumbprint(key(signer))}
    plain = (await bank.token(client, MACHINE)).json()
    assert (plain["token_type"], "cnf" in claims(plain["access_token"])) == ("Bearer", False)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # one of the keys is weak on purpose
async def test_forged_proofs_get_no_token(bank: Running) -> None:
    tried = 0
    for name, forged in FORGED.items():
        if forged.reason in OF_TOKENS or name == "no ath":
            continue
        # A client for each, because the requests of one are limited.
        description = refused(await bank.token(await bank.add(), MACHINE, for_token(**forged.changes)))
        assert description.startswith("the DPoP proof is not valid: "), name
        tried += 1
    assert tried >= 30


async def test_a_proof_has_one_header_and_a_signature(bank: Running) -> None:
    client = await bank.add()
    one, other = for_token()["dpop"], for_token()["dpop"]
    for text in ("", "x", f"{one}, {other}", one[:-4] + "AAAA", unsigned(one)):
        refused(await bank.token(client, MACHINE, {"dpop": text}))
    twice = httpx.Headers([("dpop", one), ("dpop", other)])
    response = await bank.http.post(
        "/oauth/token", data=MACHINE, auth=httpx.BasicAuth(client.id, SECRET), headers=twice
    )
    assert refused(response) == "the DPoP proof is not valid: missing or malformed"
    assert (await bank.token(client, MACHINE, {"dpop": one})).status_code == 200, "no refusal has used the proof"


async def test_a_proof_is_used_once(bank: Running) -> None:
    client = await bank.add()
    header = for_token()
    responses = await asyncio.gather(*(bank.token(client, MACHINE, header) for _ in range(5)))
    assert sorted(response.status_code for response in responses) == [200, 400, 400, 400, 400]
    again = await bank.token(await bank.add(), MACHINE, header)
    assert refused(again) == "the DPoP proof is not valid: used before"
    same = for_token(jti="same")
    assert (await bank.token(client, MACHINE, same)).status_code == 200
    assert (await bank.token(client, MACHINE, for_token("ed", algorithm="EdDSA", jti="same"))).status_code == 200


async def test_the_age_of_a_proof_allows_for_clocks_of_users(bank: Running) -> None:
    client, now = await bank.add(), int(time.time())
    for seconds in (-50, 0, 110):
        assert (await bank.token(client, MACHINE, for_token(iat=now - seconds))).status_code == 200
    for seconds in (-90, 150):
        assert refused(await bank.token(client, MACHINE, for_token(iat=now - seconds))).endswith(": time")


async def test_a_code_belongs_to_the_key_of_its_authorization_request(bank: Running) -> None:
    for secret in ({}, {"secret_digest": None}):
        flow = Flow(await bank.add(**secret), parameters={"dpop_jkt": JKT})
        code = (await bank.browser().consent(flow))["code"]
        for headers in (None, for_token("ed", algorithm="EdDSA")):
            refused(await exchanged(bank, flow, code, headers), "invalid_grant")
        assert (await exchanged(bank, flow, code, for_token())).json()["token_type"] == "DPoP"


async def test_refresh_tokens_of_a_public_client_belong_to_the_key(bank: Running) -> None:
    client = await bank.add(secret_digest=None)
    flow = Flow(client)
    code = (await bank.browser().consent(flow))["code"]
    first = (await exchanged(bank, flow, code, for_token())).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    for headers in (None, for_token("ed", algorithm="EdDSA")):
        refused(await bank.token(client, form, headers), "invalid_grant")
    second = (await bank.token(client, form, for_token())).json()
    assert claims(second["access_token"])["cnf"] == {"jkt": JKT}
    assert second["refresh_token"] != first["refresh_token"]


async def test_a_confidential_client_may_change_its_key(bank: Running) -> None:
    # Its refresh tokens are bound to its secret (RFC 9449 §5).
    client = await bank.add()
    flow = Flow(client)
    code = (await bank.browser().consent(flow))["code"]
    first = (await exchanged(bank, flow, code, for_token())).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await bank.token(client, form, for_token("ed", algorithm="EdDSA"))).json()
    assert claims(second["access_token"])["cnf"] == {"jkt": thumbprint(key("ed"))}


async def test_a_client_that_must_send_proofs_gets_no_other_token(bank: Running) -> None:
    client = await bank.add(requires_dpop=True)
    assert "dpop_bound_access_tokens" in refused(await bank.token(client, MACHINE))
    assert (await bank.token(client, MACHINE, for_token())).json()["token_type"] == "DPoP"


async def test_the_proof_of_a_pushed_request_binds_its_code(bank: Running) -> None:
    client = await bank.add()
    flow = Flow(client)
    auth = httpx.BasicAuth(client.id, SECRET)
    for wrong, error in (
        (proof(htu=TOKEN), "invalid_dpop_proof"),
        (proof(htu=PAR, signer="ed", algorithm="EdDSA"), "invalid_request"),
    ):
        wanted = {**flow.parameters, "dpop_jkt": JKT}
        refused(await bank.http.post("/oauth/par", data=wanted, auth=auth, headers={"dpop": wrong}), error)
    header = {"dpop": proof(htu=PAR)}
    pushed = await bank.http.post("/oauth/par", data=flow.parameters, auth=auth, headers=header)
    flow.parameters = {"client_id": client.id, "request_uri": pushed.json()["request_uri"]}
    code = (await bank.browser().consent(flow))["code"]
    refused(await exchanged(bank, flow, code, None), "invalid_grant")
    assert (await exchanged(bank, flow, code, for_token())).status_code == 200


async def test_userinfo_answers_the_owner_of_the_key(bank: Running) -> None:
    tokens = await bound_tokens(bank)
    token = tokens["access_token"]
    by_get = await bank.http.get("/oauth/userinfo", headers=for_userinfo(token))
    by_post = await bank.http.post("/oauth/userinfo", headers=for_userinfo(token, htm="POST"))
    assert by_get.json() == by_post.json()
    assert by_get.json()["sub"] == claims(token)["sub"]


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # one of the keys is weak on purpose
async def test_userinfo_refuses_a_thief_of_a_bound_token(bank: Running) -> None:
    token = (await bound_tokens(bank))["access_token"]
    for name, forged in FORGED.items():
        # This table is for a POST.
        headers = for_userinfo(token, **{"htm": "POST", **forged.changes})
        response = await bank.http.post("/oauth/userinfo", headers=headers)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_dpop_proof"), name
        assert response.headers["www-authenticate"].startswith('DPoP realm="mosafe", algs="ES256 EdDSA", error=')
    used = for_userinfo(token)
    assert (await bank.http.get("/oauth/userinfo", headers=used)).status_code == 200
    for headers, error in (
        (used, "invalid_dpop_proof"),
        ({"authorization": f"DPoP {token}"}, "invalid_dpop_proof"),
        ({**for_userinfo(token), "authorization": f"Bearer {token}"}, "invalid_token"),
        ({**for_userinfo(token), "authorization": "DPoP x"}, "invalid_token"),
    ):
        response = await bank.http.get("/oauth/userinfo", headers=headers)
        assert (response.status_code, response.json()["error"]) == (401, error)


async def test_a_bound_token_is_no_bearer_token_and_the_reverse(bank: Running) -> None:
    bound = (await bound_tokens(bank))["access_token"]
    assert (await bank.auth.bearing(bound).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
    plain = (await bank.tokens(await bank.add(), scope=OPENID))["access_token"]
    response = await bank.http.get("/oauth/userinfo", headers=for_userinfo(plain))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")


async def test_a_client_introspects_and_revokes_its_bound_token(bank: Running) -> None:
    flow = Flow(await bank.add())
    code = (await bank.browser().consent(flow))["code"]
    token = (await exchanged(bank, flow, code, for_token())).json()["access_token"]
    auth = httpx.BasicAuth(flow.client.id, SECRET)
    found = (await bank.http.post("/oauth/introspect", data={"token": token}, auth=auth)).json()
    assert (found["active"], found["token_type"], found["cnf"]) == (True, "DPoP", {"jkt": JKT})
    assert (await bank.http.post("/oauth/revoke", data={"token": token}, auth=auth)).status_code == 200
    assert (await bank.http.get("/oauth/userinfo", headers=for_userinfo(token))).json()["error"] == "invalid_token"


@pytest.fixture
async def strict(settings: AuthSettings) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    """Two processes of the auth service that require nonces, with the same secret."""
    with_nonces = settings.model_copy(update={"dpop_nonce_secret": SecretStr("d00f" * 16)})
    async with AsyncExitStack() as stack:
        first, second = (create_app(with_nonces) for _ in range(2))
        http = await stack.enter_async_context(running(first))
        other = await stack.enter_async_context(running(second))
        store = await stack.enter_async_context(open_joined(settings.place, STORES))
        found = Running(first, http, store, with_nonces)
        await found.auth.sign_up("Ann")
        yield found, other


async def test_with_a_nonce_secret_a_proof_needs_a_nonce_of_any_process(
    strict: tuple[Running, httpx.AsyncClient],
) -> None:
    bank, other = strict
    client = await bank.add()
    nonce = ""
    for wrong in (None, "x", 5, Nonces("0bad" * 16).make(time.time()), Nonces("d00f" * 16).make(time.time() - 3_600)):
        response = await bank.token(client, MACHINE, for_token(nonce=wrong))
        refused(response, "use_dpop_nonce")
        nonce = response.headers["dpop-nonce"]
    auth = httpx.BasicAuth(client.id, SECRET)
    response = await other.post("/oauth/token", data=MACHINE, auth=auth, headers=for_token(nonce=nonce))
    assert response.json()["token_type"] == "DPoP"
    following = response.headers["dpop-nonce"]
    assert (await bank.token(client, MACHINE, for_token(nonce=following))).status_code == 200
    # A forged proof is refused before it learns a nonce, and a request without a proof needs none.
    forged = await bank.token(client, MACHINE, for_token(htu="https://evil.example"))
    assert (refused(forged), "dpop-nonce" in forged.headers) == ("the DPoP proof is not valid: URL", False)
    plain = await bank.token(client, MACHINE)
    assert (plain.json()["token_type"], "dpop-nonce" in plain.headers) == ("Bearer", False)


async def test_pushed_requests_and_userinfo_need_a_nonce_too(strict: tuple[Running, httpx.AsyncClient]) -> None:
    bank, _ = strict
    flow = Flow(await bank.add())
    auth = httpx.BasicAuth(flow.client.id, SECRET)
    response = await bank.http.post("/oauth/par", data=flow.parameters, auth=auth, headers={"dpop": proof(htu=PAR)})
    refused(response, "use_dpop_nonce")
    nonce = response.headers["dpop-nonce"]
    pushed = await bank.http.post(
        "/oauth/par", data=flow.parameters, auth=auth, headers={"dpop": proof(htu=PAR, nonce=nonce)}
    )
    flow.parameters = {"client_id": flow.client.id, "request_uri": pushed.json()["request_uri"]}
    code = (await bank.browser().consent(flow))["code"]
    token = (await exchanged(bank, flow, code, for_token(nonce=nonce))).json()["access_token"]
    without = await bank.http.get("/oauth/userinfo", headers=for_userinfo(token))
    assert (without.status_code, without.json()["error"]) == (401, "use_dpop_nonce")
    assert 'error="use_dpop_nonce"' in without.headers["www-authenticate"]
    assert "dpop-nonce" in without.headers["access-control-expose-headers"]
    with_nonce = for_userinfo(token, nonce=without.headers["dpop-nonce"])
    answered = await bank.http.get("/oauth/userinfo", headers=with_nonce)
    assert (answered.status_code, "dpop-nonce" in answered.headers) == (200, True)


async def test_the_discovery_document_names_the_algorithms(bank: Running) -> None:
    document = (await bank.http.get("/.well-known/oauth-authorization-server")).json()
    assert document["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA"]
