from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.rest_compat.fake_bank import (
    ADA,
    NOW,
    FakeBank,
    account,
    graphql_error,
    invalid_account,
    problem,
    version_conflict,
)

if TYPE_CHECKING:
    import httpx

    from tests.rest_compat.fake_bank import Json


@pytest.fixture
def known(bank: FakeBank) -> Json:
    made = account()
    bank.accounts[made["id"]] = made
    return made


def document(made: Json) -> Json:
    names = ("id", "accountNumber", "balance", "currency", "status", "type", "createdAt", "updatedAt")
    return {"userId": ADA, **{name: made[name] for name in names}}


async def test_location_names_the_new_account(ada: httpx.AsyncClient) -> None:
    response = await ada.post("/api/accounts", json={"type": "SAVINGS", "currency": "JPY"})
    assert (response.status_code, response.json()["currency"]) == (201, "JPY")
    assert response.headers["location"] == f"/api/accounts/{response.json()['id']}"
    again = await ada.get(response.headers["location"])
    assert (again.status_code, again.json()) == (200, response.json())
    assert again.headers["etag"] == response.headers["etag"]


async def test_limit_of_accounts_is_reported(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    bank.responses["openAccount"] = problem("LimitReached", "LIMIT_REACHED", limit=100)
    response = await ada.post("/api/accounts", json={"type": "SAVINGS", "currency": "JPY"})
    assert (response.status_code, response.json()["error"]["details"]) == (422, {"limit": 100})


@pytest.mark.parametrize("body", [{"type": "GOLD", "currency": "XYZ"}, {"type": 1, "currency": None}])
async def test_bad_account_lists_both_fields(ada: httpx.AsyncClient, body: object) -> None:
    response = await ada.post("/api/accounts", json=body)
    assert response.status_code == 400
    assert [f["path"][1] for f in response.json()["error"]["details"]["fields"]] == ["type", "currency"]


async def test_account_is_the_documented_one(ada: httpx.AsyncClient, known: Json) -> None:
    assert (await ada.get(f"/api/accounts/{known['id']}")).json() == document(known)


async def test_balance_has_its_parts(ada: httpx.AsyncClient, known: Json) -> None:
    response = await ada.get(f"/api/accounts/{known['id']}/balance")
    expected = {"balance": "100.00", "available": "80.00", "held": "20.00", "currency": "EUR", "asOf": NOW}
    assert (response.status_code, response.json()) == (200, {"accountId": known["id"], **expected})


async def test_link_leads_to_the_next_page(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    bank.accounts = {made["id"]: made for made in (account(type="SAVINGS") for _ in range(5))}
    seen: list[str] = []
    url = "/api/accounts?limit=2&type=SAVINGS&type=CHECKING"
    pagination: Json = {}
    while url:
        response = await ada.get(url)
        page = response.json()
        seen += [made["id"] for made in page["data"]]
        pagination = page["pagination"]
        assert pagination["hasMore"] is ("link" in response.headers)
        url = response.links["next"]["url"] if "link" in response.headers else ""
        if url:
            query = parse_qs(urlsplit(url).query)
            assert (query["type"], query["limit"]) == (["SAVINGS", "CHECKING"], ["2"])
            assert query["cursor"] == [pagination["nextCursor"]]
    assert seen == list(bank.accounts)
    assert pagination == {"limit": 2, "nextCursor": None, "hasMore": False}


async def test_filters_reach_the_bank(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    await ada.get("/api/accounts?status=CLOSED&currency=EUR")
    assert bank.calls[-1][1] == {"filter": {"status": ["CLOSED"], "currency": ["EUR"]}, "first": 20, "after": None}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "cursor=%20", "cursor=forged", "status=OPEN", "x=1"]
)
async def test_bad_parameter_is_400(ada: httpx.AsyncClient, query: str) -> None:
    response = await ada.get(f"/api/accounts?{query}")
    assert response.status_code == 400
    (field,) = response.json()["error"]["details"]["fields"]
    assert field["path"] == ["query", query.partition("=")[0]]


async def test_a_well_formed_cursor_that_names_no_page_is_404(ada: httpx.AsyncClient) -> None:
    """It was a 400 that spoke of `after`, which REST clients do not know."""
    response = await ada.get(f"/api/accounts?cursor={'x' * 60}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "INVALID_CURSOR")
    assert "`cursor`" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "account_id", ["0" * 24, "123", "ABCDEFABCDEFABCDEFABCDEF", "%2F", "%FF", "a%00", "%0A", "%3F", "%23"]
)
@pytest.mark.parametrize(("method", "below"), [("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/balance")])
async def test_unknown_and_malformed_ids_are_the_routes_404(
    ada: httpx.AsyncClient, method: str, below: str, account_id: str
) -> None:
    body = {"type": "SAVINGS"} if method == "PUT" else None
    response = await ada.request(method, f"/api/accounts/{account_id}{below}", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "INVALID_ACCOUNT")


@pytest.mark.parametrize("below", ["", "/balance"])
async def test_closed_account_is_missing_with_the_reason(ada: httpx.AsyncClient, known: Json, below: str) -> None:
    known["status"] = "CLOSED"
    response = await ada.get(f"/api/accounts/{known['id']}{below}")
    assert response.status_code == 404
    assert response.json()["error"] == {
        "code": "INVALID_ACCOUNT",
        "message": "Account not found",
        "details": {"accountId": known["id"], "reason": "Account has been closed"},
    }


async def test_account_is_changed(ada: httpx.AsyncClient, known: Json) -> None:
    response = await ada.put(f"/api/accounts/{known['id']}", json={"type": "BUSINESS"})
    assert (response.status_code, response.json()["type"]) == (200, "BUSINESS")


@pytest.mark.parametrize("body", [{}, {"status": "CLOSED"}, {"type": None}, {"balance": "1.00"}])
async def test_impossible_change_is_400(ada: httpx.AsyncClient, known: Json, body: object) -> None:
    assert (await ada.put(f"/api/accounts/{known['id']}", json=body)).status_code == 400


async def test_only_support_may_freeze(ada: httpx.AsyncClient, bank: FakeBank, known: Json) -> None:
    bank.responses["updateAccount"] = graphql_error("FORBIDDEN", "For support only")
    response = await ada.put(f"/api/accounts/{known['id']}", json={"status": "FROZEN"})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "FORBIDDEN")


async def test_conflicting_state_is_409(ada: httpx.AsyncClient, bank: FakeBank, known: Json) -> None:
    bank.responses["updateAccount"] = problem("StateConflict", "CONFLICT")
    assert (await ada.put(f"/api/accounts/{known['id']}", json={"type": "SAVINGS"})).status_code == 409


async def test_empty_account_is_closed(ada: httpx.AsyncClient, known: Json) -> None:
    response = await ada.delete(f"/api/accounts/{known['id']}")
    assert (response.status_code, response.content, known["status"]) == (204, b"", "CLOSED")


@pytest.mark.parametrize(
    ("refusal", "status", "details"),
    [
        (
            problem("AccountNotEmpty", "ACCOUNT_NOT_EMPTY", balance="1.00", currency="EUR"),
            409,
            {"balance": "1.00", "currency": "EUR"},
        ),
        (
            invalid_account("0" * 24, "Account has been closed"),
            404,
            {"accountId": "0" * 24, "reason": "Account has been closed"},
        ),
        (invalid_account("0" * 24), 404, {"accountId": "0" * 24}),
    ],
)
async def test_refused_closing_has_its_facts(
    ada: httpx.AsyncClient, bank: FakeBank, refusal: Json, status: int, details: Json
) -> None:
    bank.responses["closeAccount"] = refusal
    response = await ada.delete(f"/api/accounts/{'0' * 24}")
    assert (response.status_code, response.json()["error"]["details"]) == (status, details)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
class TestIfMatch:
    async def _change(self, ada: httpx.AsyncClient, method: str, known: Json, tag: str) -> httpx.Response:
        body = {"type": "BUSINESS"} if method == "PUT" else None
        return await ada.request(method, f"/api/accounts/{known['id']}", json=body, headers={"if-match": tag})

    async def test_current_tag_makes_the_change_require_the_version(
        self, ada: httpx.AsyncClient, bank: FakeBank, known: Json, method: str
    ) -> None:
        tag = (await ada.get(f"/api/accounts/{known['id']}")).headers["etag"]
        assert (await self._change(ada, method, known, f'"other", {tag}')).is_success
        assert bank.calls[-1][1]["input"]["expectedVersion"] == 1

    @pytest.mark.parametrize("form", ['"other"', "garbage", "", "W/{tag}"])
    async def test_other_tag_is_412(self, ada: httpx.AsyncClient, known: Json, method: str, form: str) -> None:
        tag = (await ada.get(f"/api/accounts/{known['id']}")).headers["etag"]
        response = await self._change(ada, method, known, form.format(tag=tag))
        assert (response.status_code, response.json()["error"]["code"]) == (412, "PRECONDITION_FAILED")
        assert known["version"] == 1

    async def test_star_matches_every_version(
        self, ada: httpx.AsyncClient, bank: FakeBank, known: Json, method: str
    ) -> None:
        assert (await self._change(ada, method, known, "*")).is_success
        assert "expectedVersion" not in bank.calls[-1][1]["input"]

    async def test_unknown_account_is_404_with_if_match(self, ada: httpx.AsyncClient, method: str) -> None:
        assert (await self._change(ada, method, account(), "*")).status_code == 404

    async def test_change_in_between_is_412(
        self, ada: httpx.AsyncClient, bank: FakeBank, known: Json, method: str
    ) -> None:
        tag = (await ada.get(f"/api/accounts/{known['id']}")).headers["etag"]
        bank.responses["updateAccount"] = bank.responses["closeAccount"] = version_conflict(1, 2)
        assert (await self._change(ada, method, known, tag)).status_code == 412
