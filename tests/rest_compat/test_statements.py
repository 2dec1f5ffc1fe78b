from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from bank.values import new_object_id
from tests.rest_compat.fake_bank import NOW, FakeBank, account

if TYPE_CHECKING:
    import httpx

BEGIN = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def path(bank: FakeBank) -> str:
    """The path of the statement of an account with three entries."""
    made = account()
    bank.accounts[made["id"]] = made
    bank.entries = [
        {
            "id": new_object_id(),
            "transaction": {"id": new_object_id()},
            "postedAt": NOW,
            "amount": "-20.00",
            "balance": f"{80 - 20 * number}.00",
        }
        for number in range(3)
    ]
    return f"/api/accounts/{made['id']}/statement"


async def test_a_statement_has_entries_and_balances(ada: httpx.AsyncClient, bank: FakeBank, path: str) -> None:
    response = await ada.get(path, params={"from": BEGIN})
    document = response.json()
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    entries = document.pop("data")
    assert document == {
        "accountId": path.split("/")[3],
        "currency": "EUR",
        "from": BEGIN,
        "to": NOW,
        "openingBalance": "100.00",
        "closingBalance": "40.00",
        "pagination": {"limit": 20, "nextCursor": None, "hasMore": False},
    }
    first = bank.entries[0]
    assert entries[0] == {
        "transactionId": first["transaction"]["id"],
        "postedAt": NOW,
        "amount": "-20.00",
        "balance": "80.00",
    }
    tag = response.headers["etag"]
    assert (await ada.get(path, params={"from": BEGIN}, headers={"if-none-match": tag})).status_code == 304


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
async def test_a_statement_until_now_is_current_until_something_happens(
    ada: httpx.AsyncClient, bank: FakeBank, path: str, accept: str
) -> None:
    """Its end was part of its entity tag, so that no client ever got 304."""
    first = await ada.get(path, headers={"accept": accept})
    bank.now = "2026-01-31T09:31:00.000Z"
    condition = {"accept": accept, "if-none-match": first.headers["etag"]}
    unchanged = await ada.get(path, headers=condition)
    assert (unchanged.status_code, unchanged.headers["etag"]) == (304, first.headers["etag"])
    bank.entries.append({**bank.entries[0], "id": new_object_id(), "transaction": {"id": new_object_id()}})
    assert (await ada.get(path, headers=condition)).status_code == 200


async def test_only_a_body_with_the_time_of_the_request_has_a_weak_tag(ada: httpx.AsyncClient, path: str) -> None:
    until_now = (await ada.get(path)).headers["etag"]
    of_a_period = (await ada.get(path, params={"to": NOW})).headers["etag"]
    as_csv = (await ada.get(path, headers={"accept": "text/csv"})).headers["etag"]
    assert [tag.startswith('W/"') for tag in (until_now, of_a_period, as_csv)] == [True, False, False]


async def test_clients_that_prefer_csv_get_the_same_page_as_csv(
    ada: httpx.AsyncClient, bank: FakeBank, path: str
) -> None:
    response = await ada.get(path, params={"from": BEGIN, "limit": 2}, headers={"accept": "text/csv"})
    assert response.headers["content-type"] == "text/csv"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["transactionId"] for row in rows] == [each["transaction"]["id"] for each in bank.entries[:2]]
    assert rows[0] == {
        "postedAt": NOW,
        "transactionId": rows[0]["transactionId"],
        "amount": "-20.00",
        "currency": "EUR",
        "balance": "80.00",
    }
    query = parse_qs(urlsplit(response.links["next"]["url"]).query)
    assert (query["from"], query["to"], query["limit"]) == ([BEGIN], [NOW], ["2"])
    rest = await ada.get(response.links["next"]["url"], headers={"accept": "text/csv"})
    assert len(list(csv.DictReader(io.StringIO(rest.text)))) == 1


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/csv;q=0.5, application/json;q=0.9", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv"),
        ("text/*", "text/csv"),
        ("*/*", "application/json"),
        ("text/csv;q=0, */*", "application/json"),
    ],
)
async def test_the_preferred_form_is_sent(ada: httpx.AsyncClient, path: str, accept: str, expected: str) -> None:
    response = await ada.get(path, params={"from": BEGIN}, headers={"accept": accept})
    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (200, expected)


async def test_other_routes_offer_no_csv(ada: httpx.AsyncClient) -> None:
    assert (await ada.get("/api/accounts", headers={"accept": "text/csv"})).status_code == 406


@pytest.mark.parametrize(
    ("query", "name"), [("from=yesterday", "from"), (f"from={BEGIN}&to=x", "to"), ("since=" + NOW, "since")]
)
async def test_a_period_is_checked(ada: httpx.AsyncClient, path: str, query: str, name: str) -> None:
    response = await ada.get(f"{path}?{query}")
    assert response.status_code == 400
    assert [field["path"] for field in response.json()["error"]["details"]["fields"]] == [["query", name]]


async def test_a_period_that_ends_before_it_begins_is_422(ada: httpx.AsyncClient, path: str) -> None:
    """Each of the two times is valid, so it is no malformed request."""
    response = await ada.get(path, params={"from": NOW, "to": BEGIN})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "INVALID_PERIOD")


async def test_an_unknown_account_is_404(ada: httpx.AsyncClient) -> None:
    response = await ada.get(f"/api/accounts/{new_object_id()}/statement", params={"from": BEGIN})
    assert (response.status_code, response.json()["error"]["code"]) == (404, "INVALID_ACCOUNT")
