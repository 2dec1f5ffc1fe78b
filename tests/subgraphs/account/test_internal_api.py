"""The internal API: service credential only, strict bodies, definite and repeatable outcomes.

Covers `subgraphs/account/internal_api.py`, `subgraphs/kit/internal_routes.py` and `subgraphs/account/errors.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bank.service_credential import ACCOUNT_INTERNAL, ServiceCredential
from bank.values import format_timestamp, new_object_id, parse_timestamp
from tests.subgraphs.account.conftest import Person, Service, deposit_body
from tests.subgraphs.account.test_graphql import CLOSE, UPDATE


def transfer_body(actor: Person, source: str, destination: str, amount: str, currency: str = "USD") -> dict[str, Any]:
    return {
        "transactionId": new_object_id(),
        "onBehalfOf": actor.on_behalf_of(),
        "type": "TRANSFER",
        "amount": amount,
        "currency": currency,
        "entries": [
            {"account": {"accountId": source}, "amount": f"-{amount}"},
            {"account": {"accountId": destination}, "amount": amount},
        ],
    }


async def posted(service: Service, body: dict[str, Any]) -> Any:
    response = await service.internal("postings", body)
    assert response.status_code == 200, response.text
    return response.json()


class TestCredential:
    @pytest.mark.parametrize("path", ["postings", "parties"])
    async def test_only_the_service_credential_is_accepted(self, service: Service, path: str) -> None:
        account = await service.open(service.ann)
        sign = service.credential.authorization
        foreign = ServiceCredential("x" * 32)
        old = ServiceCredential(service.credential._secret, clock=lambda: 0)  # noqa: SLF001 - the same secret, long ago
        refused = {
            "nothing": None,
            "customer": f"Bearer {service.ann.token}",
            "staff": f"Bearer {service.staff.token}",
            "basic": "Basic dHJhbnNhY3Rpb246",
            "other audience": sign(service="transaction", audience="mosafe"),
            "other secret": foreign.authorization(service="transaction", audience=ACCOUNT_INTERNAL),
            "expired": old.authorization(service="transaction", audience=ACCOUNT_INTERNAL),
        }
        body = deposit_body(service.ann, account["id"], "10.00")
        # The second body is malformed: without the credential the response is the same.
        for kind, authorization in refused.items():
            for sent in (body, {}):
                response = await service.internal(path, sent, authorization=authorization)
                assert (kind, response.status_code) == (kind, 401)
                assert response.headers["www-authenticate"] == "Bearer"
                assert response.json()["error"]["code"] == "UNAUTHENTICATED"
        await posted(service, body)

    async def test_the_routes_take_post_only(self, service: Service) -> None:
        for path in ("postings", "parties"):
            assert (await service.http.get(f"/internal/{path}")).status_code == 405


# A change of a valid posting, and the path in the error.
MALFORMED: list[tuple[dict[str, object], list[str]]] = [
    ({"transactionId": "42"}, []),
    ({"transactionId": None}, ["transactionId"]),
    ({"type": "REFUND"}, ["type"]),
    ({"amount": "10.0"}, []),
    ({"amount": 10.0}, ["amount"]),
    ({"amount": "1e1"}, ["amount"]),
    ({"amount": "0.00"}, ["amount"]),
    ({"amount": "-10.00"}, []),
    ({"currency": "EURO"}, []),
    ({"currency": "XXX"}, []),
    ({"currency": "JPY"}, []),
    ({"entries": []}, ["entries"]),
    ({"entries": None}, ["entries"]),
    ({"onBehalfOf": {"roles": []}}, ["onBehalfOf", "userId"]),
    ({"onBehalfOf": {"userId": "x", "roles": "ADMIN"}}, ["onBehalfOf", "roles"]),
    ({"surprise": 1}, ["surprise"]),
]


class TestPostings:
    async def test_a_transfer_moves_money_and_its_repetition_does_not(self, service: Service) -> None:
        source, destination = await service.open(service.ann), await service.open(service.bob)
        await service.deposit(service.ann, source["id"], "10.00")
        body = transfer_body(service.ann, source["id"], destination["id"], "4.00")
        outcomes = await asyncio.gather(*(posted(service, body) for _ in range(5)))
        assert all(outcome == outcomes[0] for outcome in outcomes)
        assert outcomes[0]["outcome"] == "POSTED"
        assert format_timestamp(parse_timestamp(outcomes[0]["postedAt"])) == outcomes[0]["postedAt"]
        document = "query ($id: ID!) { account(id: $id) { balance version balanceAsOf } }"
        for person, account, balance, version in (
            (service.ann, source, "6.00", 3),
            (service.bob, destination, "4.00", 2),
        ):
            data = (await service.as_(person).execute(document, {"id": account["id"]})).ok()
            expected = {"balance": balance, "version": version, "balanceAsOf": outcomes[0]["postedAt"]}
            assert data == {"account": expected}

    async def test_a_refusal_is_repeated(self, service: Service) -> None:
        source, destination = await service.open(service.ann), await service.open(service.bob)
        body = transfer_body(service.ann, source["id"], destination["id"], "4.00")
        refused = await posted(service, body)
        assert refused == {
            "outcome": "REFUSED",
            "problem": {
                "code": "INSUFFICIENT_FUNDS",
                "message": "The available balance is too low",
                "available": "0.00",
                "requested": "4.00",
                "currency": "USD",
            },
        }
        await service.deposit(service.ann, source["id"], "10.00")
        assert await posted(service, body) == refused

    async def test_an_id_with_other_content_is_a_conflict(self, service: Service) -> None:
        account = await service.open(service.ann)
        body = deposit_body(service.ann, account["id"], "10.00")
        await posted(service, body)
        other = deposit_body(service.ann, account["id"], "11.00") | {"transactionId": body["transactionId"]}
        response = await service.internal("postings", other)
        assert response.status_code == 409
        assert response.json()["error"]["code"] == "TRANSACTION_ID_REUSED"

    async def test_problems_show_nothing_about_another_customers_account(self, service: Service) -> None:
        ann, bob = service.ann, service.bob
        source, yen = await service.open(ann), await service.open(bob, "JPY")
        frozen, closed = await service.open(bob), await service.open(bob)
        await service.deposit(ann, source["id"], "10.00")
        await service.as_(service.staff).execute(UPDATE, {"input": {"id": frozen["id"], "status": "FROZEN"}})
        await service.as_(bob).execute(CLOSE, {"input": {"id": closed["id"]}})
        missing = new_object_id()
        expected: dict[str, dict[str, object]] = {
            yen["id"]: {"code": "RECEIVER_UNAVAILABLE"},
            frozen["id"]: {"code": "RECEIVER_UNAVAILABLE"},
            closed["id"]: {"code": "RECEIVER_UNAVAILABLE"},
            missing: {"code": "INVALID_ACCOUNT", "accountId": missing, "reason": None},
            source["id"]: {"code": "SAME_ACCOUNT"},
        }
        for destination, facts in expected.items():
            outcome = await posted(service, transfer_body(ann, source["id"], destination, "1.00"))
            assert outcome["problem"].pop("message")
            assert outcome["problem"] == facts

    async def test_the_roles_of_staff_move_no_money_but_give_the_reason(self, service: Service) -> None:
        account = await service.open(service.ann)
        for person, reason in (
            (service.bob, None),
            (replace(service.bob, roles=("SUPPORT",)), "Only the owner moves money of an account"),
        ):
            problem = (await posted(service, deposit_body(person, account["id"], "1.00")))["problem"]
            assert (problem["code"], problem["reason"]) == ("INVALID_ACCOUNT", reason)

    async def test_a_malformed_body_names_its_field(self, service: Service) -> None:
        account = await service.open(service.ann)
        for change, path in MALFORMED:
            body = deposit_body(service.ann, account["id"], "10.00") | change
            response = await service.internal("postings", body)
            assert (change, response.status_code) == (change, 400)
            error = response.json()["error"]
            assert error["code"] == "BAD_USER_INPUT"
            assert (change, [problem["path"] for problem in error["details"]["fields"]]) == (change, [path])

    async def test_every_wrong_field_is_named(self, service: Service) -> None:
        body = deposit_body(service.ann, "x", "10.00") | {"amount": "ten", "type": "GIFT"}
        body["entries"][1] = {"account": {"internal": "lower"}, "amount": "many"}
        response = await service.internal("postings", body)
        paths = [problem["path"] for problem in response.json()["error"]["details"]["fields"]]
        assert ["amount"] in paths
        assert ["type"] in paths
        assert ["entries", 1, "amount"] in paths
        assert "ten" not in response.text

    async def test_a_body_that_is_not_a_json_object_is_bad_input(self, service: Service) -> None:
        authorization = service.credential.authorization(service="transaction", audience=ACCOUNT_INTERNAL)
        headers = {"authorization": authorization}
        for content in (b"", b"[]", b"null", b"{", b"\xff", b'{"amount": NaN}', b"[" * 30_000):
            response = await service.http.post("/internal/postings", content=content, headers=headers)
            assert (content[:9], response.status_code) == (content[:9], 400)
            assert response.json()["error"]["code"] == "BAD_USER_INPUT"

    async def test_a_body_with_a_content_coding_is_not_read(self, service: Service) -> None:
        authorization = service.credential.authorization(service="transaction", audience=ACCOUNT_INTERNAL)
        headers = {"authorization": authorization, "content-encoding": "gzip"}
        response = await service.http.post("/internal/postings", content=b"{}", headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")

    async def test_a_body_that_is_too_large_is_not_read(self, service: Service) -> None:
        response = await service.internal("postings", {"transactionId": "x" * 100_000})
        assert response.status_code == 413


class TestParties:
    async def ask(self, service: Service, person: Person, **names: object) -> Any:
        response = await service.internal("parties", {"onBehalfOf": person.on_behalf_of(), **names})
        assert response.status_code == 200, response.text
        return response.json()

    async def test_both_owners_are_returned(self, service: Service) -> None:
        source, destination = await service.open(service.ann), await service.open(service.bob, "KWD")
        by_id = await self.ask(
            service,
            service.ann,
            type="TRANSFER",
            sourceAccountId=source["id"],
            destinationAccountId=destination["id"],
        )
        assert by_id == {
            "source": {
                "accountId": source["id"],
                "userId": service.ann.id,
                "accountNumber": source["accountNumber"],
                "currency": "USD",
                "minorUnits": 2,
            },
            "destination": {
                "accountId": destination["id"],
                "userId": service.bob.id,
                "accountNumber": destination["accountNumber"],
                "currency": "KWD",
                "minorUnits": 3,
            },
        }
        by_number = await self.ask(
            service,
            service.ann,
            sourceAccountId=source["id"],
            destinationAccountNumber=destination["accountNumber"],
        )
        assert by_number == by_id

    async def test_an_account_that_the_person_may_not_use_looks_missing(self, service: Service) -> None:
        own, foreign = await service.open(service.ann), await service.open(service.bob)
        nothing = {"source": None, "destination": None}
        assert await self.ask(service, service.ann) == nothing
        assert await self.ask(service, service.ann, sourceAccountId=foreign["id"]) == nothing
        assert await self.ask(service, service.ann, destinationAccountId=foreign["id"]) == nothing
        assert await self.ask(service, service.ann, type="DEPOSIT", destinationAccountId=foreign["id"]) == nothing
        assert await self.ask(service, service.ann, destinationAccountNumber="1234567897") == nothing
        transfer = {"sourceAccountId": own["id"], "destinationAccountId": new_object_id()}
        assert (await self.ask(service, service.ann, **transfer))["destination"] is None
        assert (await self.ask(service, service.staff, sourceAccountId=foreign["id"]))["source"] is not None

    async def test_too_many_wrong_receivers_end_the_look_ups_of_a_person(self, service: Service) -> None:
        ann, bob = service.ann, service.bob
        source, own, fine = await service.open(ann), await service.open(ann), await service.open(bob)
        await service.deposit(ann, source["id"], "100.00")
        for _ in range(service.settings.receiver_tries):
            outcome = await posted(service, transfer_body(ann, source["id"], new_object_id(), "1.00"))
            assert outcome["problem"]["code"] == "INVALID_ACCOUNT"
        names = {"onBehalfOf": ann.on_behalf_of(), "type": "TRANSFER", "sourceAccountId": source["id"]}
        for destination in (fine["id"], new_object_id()):
            response = await service.internal("parties", {**names, "destinationAccountId": destination})
            assert response.status_code == 429
            assert response.json()["error"]["code"] == "RATE_LIMITED"
            assert 0 < int(response.headers["retry-after"]) <= 900
        assert (await service.internal("parties", {**names, "destinationAccountId": own["id"]})).status_code == 200
        outcome = await posted(service, transfer_body(ann, source["id"], fine["id"], "1.00"))
        assert outcome["problem"]["code"] == "RECEIVER_UNAVAILABLE"
        assert (await self.ask(service, bob, sourceAccountId=fine["id"], destinationAccountId=own["id"]))["destination"]

    async def test_a_closed_account_is_still_a_receiver_that_the_ledger_refuses(self, service: Service) -> None:
        own, closed = await service.open(service.ann), await service.open(service.bob)
        await service.as_(service.bob).execute(CLOSE, {"input": {"id": closed["id"]}})
        names = {"type": "TRANSFER", "sourceAccountId": own["id"], "destinationAccountId": closed["id"]}
        assert (await self.ask(service, service.ann, **names))["destination"] is not None
        assert (await self.ask(service, service.bob, sourceAccountId=closed["id"]))["source"] is not None

    async def test_two_names_for_one_destination_are_refused(self, service: Service) -> None:
        body = {
            "onBehalfOf": service.ann.on_behalf_of(),
            "destinationAccountId": new_object_id(),
            "destinationAccountNumber": "1234567897",
        }
        response = await service.internal("parties", body)
        assert response.status_code == 400
