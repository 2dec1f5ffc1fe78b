"""Pushed authorization requests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx
import pytest

from tests.subgraphs.auth.oauth.browser import SECRET, Flow, answer

if TYPE_CHECKING:
    from tests.subgraphs.auth.oauth.browser import Running


async def push(bank: Running, flow: Flow, **changed: str) -> httpx.Response:
    form = {**flow.parameters, **changed}
    return await bank.http.post("/oauth/par", data=form, auth=httpx.BasicAuth(flow.client.id, SECRET))


async def pushed(bank: Running, flow: Flow) -> Flow:
    """The flow whose parameters are only the reference to those that were pushed."""
    response = await push(bank, flow)
    assert (response.status_code, response.json()["expires_in"]) == (201, 600)
    flow.parameters = {"client_id": flow.client.id, "request_uri": response.json()["request_uri"]}
    return flow


async def test_a_pushed_request_is_used_once(bank: Running) -> None:
    client = await bank.add(requires_pushed_requests=True)
    flow, browser = Flow(client), bank.browser()
    state = flow.parameters["state"]
    await pushed(bank, flow)
    found = await browser.consent(flow)
    assert found["state"] == state
    assert (await bank.exchange(flow, found["code"], redirect_uri="")).status_code == 200
    again = await browser.open(flow.url)
    assert (again.status_code, "used before" in again.text) == (400, True)


async def test_a_client_that_must_push_cannot_ask_in_the_url(bank: Running) -> None:
    flow = Flow(await bank.add(requires_pushed_requests=True))
    assert answer(await bank.http.get(flow.url))["error"] == "invalid_request"


async def test_prompt_login_is_met_by_one_login(bank: Running) -> None:
    client, browser = await bank.add(), bank.browser()
    await browser.sign_in(Flow(client))
    flow = await pushed(bank, Flow(client, parameters={"prompt": "login"}))
    page = await browser.open(flow.url)
    assert 'name="password"' in page.text
    wrong = await browser.submit(page, email="ann@example.com", password="wrong horse")
    assert 'name="password"' in (await browser.open(flow.url)).text
    done = await browser.submit(wrong, email="ann@example.com", password="correct horse battery")
    assert "Allow Shop" in done.text


async def test_a_pushed_request_is_of_one_client(bank: Running) -> None:
    flow, other = await pushed(bank, Flow(await bank.add())), await bank.add()
    for query in (
        {**flow.parameters, "client_id": other.id},
        {"request_uri": flow.parameters["request_uri"]},
        {"client_id": flow.client.id, "request_uri": "urn:ietf:params:oauth:request_uri:x"},
    ):
        response = await bank.http.get(f"/oauth/authorize?{urlencode(query)}")
        assert (response.status_code, "location" in response.headers) == (400, False)


async def test_parameters_in_the_url_do_not_change_a_pushed_request(bank: Running) -> None:
    flow = await pushed(bank, Flow(await bank.add()))
    flow.parameters |= {"redirect_uri": "https://evil.example/", "scope": "root", "state": "evil"}
    found = await bank.browser().consent(flow)
    assert found["state"] != "evil"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"scope": "root"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request": "e30."}, "request_not_supported"),
        ({"client_id": "0" * 32}, "invalid_client"),
    ],
)
async def test_what_may_not_be_asked_may_not_be_pushed(bank: Running, changed: dict[str, str], error: str) -> None:
    response = await push(bank, Flow(await bank.add()), **changed)
    assert (response.status_code in {400, 401}, response.json()["error"]) == (True, error)
