"""The limits of logins through the REST layer and the router, which pass on the address of the client (bank §2.11)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.e2e.platform import PASSWORD
from tests.rest_compat import openapi_check

if TYPE_CHECKING:
    import httpx

    from tests.e2e.platform import Platform

pytestmark = pytest.mark.xdist_group("bank")


WRONG = "not the password"


def log_in(bank: Platform, email: str, *, password: str = WRONG, address: str | None = None) -> httpx.Response:
    headers = {} if address is None else {"x-forwarded-for": address}
    credentials = {"email": email, "password": password}
    response = bank.client.post(f"{bank.rest_url}/api/auth/login", json=credentials, headers=headers)
    openapi_check.check(response)
    return response


def test_wrong_passwords_of_one_account_are_429_after_the_tenth(bank: Platform) -> None:
    """800 wrong passwords were 401 each, although the OpenAPI document promises 429."""
    ada = bank.register("Ada")
    assert [log_in(bank, ada.email).status_code for _ in range(10)] == [401] * 10
    refused, longest = log_in(bank, ada.email), 4
    while refused.status_code == 401 and longest < 100:  # a wait had passed, and the next one is twice as long
        refused, longest = log_in(bank, ada.email), 2 * longest
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    seconds = int(refused.headers["retry-after"])
    assert 1 <= seconds <= longest
    assert refused.headers["ratelimit"] == f'"login-account-address";r=0;t={seconds}'
    assert refused.headers["ratelimit-policy"] == '"login-account-address";q=10;w=900'
    # Another account of the same address goes on: in development, loopback has no limit for its address.
    assert log_in(bank, bank.register("Bob").email, password=PASSWORD).status_code == 200


def test_the_address_of_the_client_reaches_the_limit(bank: Platform) -> None:
    noise = uuid.uuid4().hex[:4]
    guesser, other = f"2001:db8:{noise}:1::7", f"2001:db8:{noise}:2::7"
    statuses: list[int] = []
    # One more is allowed for each two seconds that the test takes.
    while 429 not in statuses and len(statuses) < 80:
        email = f"{len(statuses)}-{noise}@example.com"
        statuses.append(log_in(bank, email, address=guesser).status_code)
    assert statuses[:30] == [401] * 30
    assert statuses[-1] == 429
    assert log_in(bank, f"x-{noise}@example.com", address=other).status_code == 401
    # The neighbour in the same /64 is the same client; what a client invents in front of its address does not count.
    refused = [log_in(bank, f"{number}-{noise}@example.org", address=f"192.0.2.1, {guesser}") for number in range(3)]
    assert 429 in {response.status_code for response in refused}


def test_logins_between_fields_of_other_services_count_one_by_one(bank: Platform) -> None:
    """The router sends them as one request each, so the service cannot see that they are one request of the client."""
    email = f"{uuid.uuid4().hex}@example.com"
    other = 'deposit(input: {idempotencyKey: "k", destinationAccountId: "1", amount: "1.00", currency: "EUR"})'
    pairs = (
        f'a{n}: login(input: {{email: "{email}", password: "{n}"}}) {{ __typename }} b{n}: {other} {{ __typename }}'
        for n in range(14)
    )
    body = bank.client.post(bank.router_url, json={"query": f"mutation {{ {' '.join(pairs)} }}"}).json()
    guesses = [body["data"][f"a{n}"] for n in range(14)]
    # One more is allowed for a wait that passes while the other fields are refused.
    assert 10 <= sum(guess is not None for guess in guesses) <= 12
    assert "RATE_LIMITED" in {error["extensions"]["code"] for error in body["errors"]}
