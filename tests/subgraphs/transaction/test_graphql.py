"""The operations of the transaction subgraph, with the real ledger.

Covers `subgraphs/transaction/schema.py`, `subgraphs/transaction/graphql_inputs.py`,
`subgraphs/transaction/graphql_types.py` and `subgraphs/transaction/graphql_problems.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bank.values import is_object_id, new_object_id, parse_timestamp
from tests.subgraphs.bank import TRANSACTION, mutation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.subgraphs.bank import Bank

GET = f"query ($id: ID!) {{ transaction(id: $id) {{ {TRANSACTION} }} }}"
LIST = """query ($filter: TransactionFilter, $first: Int, $after: String, $last: Int, $before: String) {
  transactions(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id amount type status } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


class TestMovingMoney:
    async def test_a_transfer_has_every_field(self, bank: Bank) -> None:
        source, destination = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
        response = await bank.order(
            bank.ann,
            "transfer",
            sourceAccountId=source["id"],
            destinationAccountNumber=destination["accountNumber"],
            amount="10.50",
            metadata={"reference": "März"},
        )
        record = response["transaction"]
        assert response["replayed"] is False
        assert is_object_id(record["id"])
        assert record["createdAt"] <= record["updatedAt"]
        assert all(parse_timestamp(record[name]) for name in ("createdAt", "updatedAt"))
        assert {name: record[name] for name in record if name not in {"id", "createdAt", "updatedAt"}} == {
            "amount": "10.50",
            "currency": "USD",
            "type": "TRANSFER",
            "status": "COMPLETED",
            "requestedBy": {"id": bank.ann.id},
            "payee": None,
            "metadata": {"reference": "März"},
            "source": {"id": source["id"], "accountNumber": source["accountNumber"]},
            "destination": None,
            "counterparty": {"accountNumber": destination["accountNumber"], "owner": {"id": bank.bob.id}},
            "problem": None,
        }
        assert (await bank.as_(bank.ann).execute(GET, {"id": record["id"]})).ok()["transaction"] == record
        assert await bank.balance(bank.ann, source) == "14.50"
        assert await bank.balance(bank.bob, destination) == "10.50"

    async def test_the_receiver_sees_it_from_the_other_side(self, bank: Bank) -> None:
        source, destination = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
        response = await bank.order(
            bank.ann, "transfer", sourceAccountId=source["id"], destinationAccountId=destination["id"]
        )
        seen = (await bank.as_(bank.bob).execute(GET, {"id": response["transaction"]["id"]})).ok()["transaction"]
        assert seen["source"] is None
        assert seen["destination"] == {"id": destination["id"], "accountNumber": destination["accountNumber"]}
        assert seen["counterparty"] == {"accountNumber": source["accountNumber"], "owner": {"id": bank.ann.id}}

    @pytest.mark.parametrize(
        ("name", "given", "kind", "left"),
        [
            ("deposit", {}, "DEPOSIT", "35.00"),
            ("withdraw", {}, "WITHDRAWAL", "15.00"),
            ("pay", {"payee": " Water works "}, "PAYMENT", "15.00"),
        ],
    )
    async def test_money_enters_and_leaves_the_bank(
        self, bank: Bank, name: str, given: Mapping[str, object], kind: str, left: str
    ) -> None:
        account = await bank.open(bank.ann, "25.00")
        side = "destination" if name == "deposit" else "source"
        record = (await bank.order(bank.ann, name, **{f"{side}AccountId": account["id"], **given}))["transaction"]
        assert (record["type"], record["status"]) == (kind, "COMPLETED")
        assert record[side] == {"id": account["id"], "accountNumber": account["accountNumber"]}
        assert record["payee"] == ("Water works" if name == "pay" else None)
        assert record["counterparty"] is None
        assert await bank.balance(bank.ann, account) == left

    async def test_a_replay_returns_the_same_result_marked_as_replayed(self, bank: Bank) -> None:
        source, destination = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
        given = {"sourceAccountId": source["id"], "destinationAccountId": destination["id"], "idempotencyKey": "k"}
        first = await bank.order(bank.ann, "transfer", **given)
        second = await bank.order(bank.ann, "transfer", **given)
        assert second == {**first, "replayed": True}
        assert await bank.balance(bank.bob, destination) == "10.00"
        reused = await bank.order(bank.ann, "transfer", **{**given, "amount": "10.01"})
        assert (reused["__typename"], reused["code"]) == ("IdempotencyKeyReused", "IDEMPOTENCY_KEY_REUSED")

    async def test_each_mutation_of_an_operation_sees_its_own_effect(self, bank: Bank) -> None:
        account = await bank.open(bank.ann)
        one = """(input: {destinationAccountId: $id, amount: "1.00", currency: "USD", idempotencyKey: "%s"}) {
          ... on TransactionSuccess { transaction { destination { transactions { totalCount nodes { id } } } } } }"""
        document = f"mutation ($id: ID!) {{ a: deposit{one % 'a'} b: deposit{one % 'b'} }}"
        data = (await bank.as_(bank.ann).execute(document, {"id": account["id"]})).ok()
        lists = [data[name]["transaction"]["destination"]["transactions"] for name in ("a", "b")]
        assert [(found["totalCount"], len(found["nodes"])) for found in lists] == [(1, 1), (2, 2)]

    async def test_the_owner_and_staff_see_who_gave_an_order(self, bank: Bank) -> None:
        source, destination = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
        given = {"sourceAccountId": source["id"], "destinationAccountId": destination["id"]}
        response = await bank.order(bank.ann, "transfer", **given)
        for person, expected in (
            (bank.ann, {"id": bank.ann.id}),
            (bank.staff, {"id": bank.ann.id}),
            (bank.bob, None),
        ):
            seen = (await bank.as_(person).execute(GET, {"id": response["transaction"]["id"]})).ok()
            assert seen["transaction"]["requestedBy"] == expected


class TestRefusals:
    async def refused(self, bank: Bank, name: str, **given: object) -> dict[str, Any]:
        response: dict[str, Any] = await bank.order(bank.ann, name, **given)
        assert response.pop("message")
        return response

    async def transfer(self, bank: Bank, source: str, destination: str, **given: object) -> dict[str, Any]:
        return await self.refused(
            bank,
            "transfer",
            **{
                "sourceAccountId": source,
                ("destinationAccountId" if is_object_id(destination) else "destinationAccountNumber"): destination,
                **given,
            },
        )

    async def test_insufficient_funds_and_every_replay_of_it(self, bank: Bank) -> None:
        source, destination = await bank.open(bank.ann, "9.99"), await bank.open(bank.bob)
        expected = {
            "__typename": "InsufficientFunds",
            "code": "INSUFFICIENT_FUNDS",
            "available": "9.99",
            "requested": "10.00",
            "currency": "USD",
        }
        key = {"idempotencyKey": "k"}
        assert await self.transfer(bank, source["id"], destination["id"], **key) == expected
        await bank.order(bank.ann, "deposit", destinationAccountId=source["id"], amount="100.00")
        assert await self.transfer(bank, source["id"], destination["id"], **key) == expected
        for name, given in (("withdraw", {}), ("pay", {"payee": "Water works"})):
            response = await self.refused(bank, name, sourceAccountId=source["id"], amount="500.00", **given)
            assert (response["code"], response["available"]) == ("INSUFFICIENT_FUNDS", "109.99")

    async def test_a_failed_order_is_recorded_with_its_problem(self, bank: Bank) -> None:
        account = await bank.open(bank.ann)
        await self.refused(bank, "withdraw", sourceAccountId=account["id"])
        data = (await bank.as_(bank.ann).execute(f"{{ transactions {{ nodes {{ {TRANSACTION} }} }} }}")).ok()
        (record,) = data["transactions"]["nodes"]
        assert record["status"] == "FAILED"
        assert record["problem"]["code"] == "INSUFFICIENT_FUNDS"
        assert record["problem"]["requested"] == "10.00"

    async def test_currency_mismatch_shows_the_callers_own_currency_only(self, bank: Bank) -> None:
        dollars, yen = await bank.open(bank.ann, "50.00"), await bank.open(bank.bob, currency="JPY")
        own = await self.refused(bank, "deposit", destinationAccountId=dollars["id"], amount="10", currency="JPY")
        assert own == {"__typename": "CurrencyMismatch", "code": "CURRENCY_MISMATCH", "accountCurrency": "USD"}
        foreign = await self.transfer(bank, dollars["id"], yen["id"])
        assert foreign == {"__typename": "ReceiverUnavailable", "code": "RECEIVER_UNAVAILABLE"}

    async def test_account_frozen_names_the_callers_own_account_only(self, bank: Bank) -> None:
        mine, other = await bank.open(bank.ann, "50.00"), await bank.open(bank.bob)
        await bank.freeze(other)
        foreign = await self.transfer(bank, mine["id"], other["accountNumber"])
        assert foreign == {"__typename": "ReceiverUnavailable", "code": "RECEIVER_UNAVAILABLE"}
        await bank.freeze(mine)
        own = await self.refused(bank, "withdraw", sourceAccountId=mine["id"])
        assert own == {"__typename": "AccountFrozen", "code": "ACCOUNT_FROZEN", "frozen": mine["id"]}

    async def test_a_foreign_account_cannot_be_told_from_a_missing_one(self, bank: Bank) -> None:
        mine, other, missing = await bank.open(bank.ann, "50.00"), await bank.open(bank.bob, "50.00"), new_object_id()
        for account_id in (other["id"], missing):
            expected = {
                "__typename": "InvalidAccount",
                "code": "INVALID_ACCOUNT",
                "accountId": account_id,
                "reason": None,
            }
            assert await self.transfer(bank, account_id, mine["id"]) == expected
            assert await self.refused(bank, "withdraw", sourceAccountId=account_id) == expected
            assert await self.refused(bank, "pay", sourceAccountId=account_id, payee="Me") == expected
            assert await self.refused(bank, "deposit", destinationAccountId=account_id) == expected
        assert await bank.balance(bank.bob, other) == "50.00"

    async def test_only_the_owner_gets_the_reason_that_an_account_is_closed(self, bank: Bank) -> None:
        mine, closed, foreign = await bank.open(bank.ann, "50.00"), await bank.open(bank.ann), await bank.open(bank.bob)
        await bank.close(bank.ann, closed)
        await bank.close(bank.bob, foreign)
        own = await self.refused(bank, "deposit", destinationAccountId=closed["id"])
        assert (own["accountId"], own["reason"]) == (closed["id"], "Account has been closed")
        by_number = await self.transfer(bank, mine["id"], closed["accountNumber"])
        assert (by_number["accountId"], by_number["reason"]) == (closed["accountNumber"], "Account has been closed")
        other = await self.transfer(bank, mine["id"], foreign["accountNumber"])
        assert other == {"__typename": "ReceiverUnavailable", "code": "RECEIVER_UNAVAILABLE"}

    async def test_same_account_by_id_and_by_number(self, bank: Bank) -> None:
        mine = await bank.open(bank.ann, "50.00")
        for destination in (mine["id"], mine["accountNumber"]):
            response = await self.transfer(bank, mine["id"], destination)
            assert response == {"__typename": "SameAccount", "code": "SAME_ACCOUNT"}

    async def test_payment_declined(self, bank: Bank) -> None:
        mine = await bank.open(bank.ann, "5000.00")
        expected = {"__typename": "PaymentDeclined", "code": "PAYMENT_DECLINED"}
        given = {"sourceAccountId": mine["id"]}
        assert await self.refused(bank, "pay", payee="Sandbox Decline", **given) == expected
        assert await self.refused(bank, "withdraw", amount="1313.13", **given) == expected
        assert await self.refused(bank, "deposit", destinationAccountId=mine["id"], amount="1313.13") == expected
        assert await bank.balance(bank.ann, mine) == "5000.00"


class TestInput:
    async def faults(self, bank: Bank, name: str, **given: object) -> list[tuple[str, str]]:
        order = {"amount": "10.00", "currency": "USD", "idempotencyKey": "k", **given}
        response = await bank.as_(bank.ann).execute(mutation(name), {"input": order})
        assert response.codes == ["BAD_USER_INPUT"]
        assert response.data == {name: None}
        fields = response.errors[0]["extensions"]["fields"]
        assert all(field["message"] for field in fields)
        return [(".".join(field["path"]), field["code"]) for field in fields]

    async def test_every_wrong_field_is_reported_at_once(self, bank: Bank) -> None:
        assert await self.faults(
            bank, "pay", sourceAccountId="nonsense", payee=" ", amount="10.0", idempotencyKey="a key"
        ) == [
            ("input.sourceAccountId", "INVALID_FORMAT"),
            ("input.payee", "REQUIRED"),
            ("input.amount", "INVALID_AMOUNT"),
            ("input.idempotencyKey", "INVALID_FORMAT"),
        ]

    async def test_a_transfer_names_one_receiver(self, bank: Bank) -> None:
        for given, fault in (
            ({}, ("input.destinationAccountId", "EXACTLY_ONE")),
            (
                {"destinationAccountId": "a" * 24, "destinationAccountNumber": "1000000004"},
                ("input.destinationAccountId", "EXACTLY_ONE"),
            ),
            ({"destinationAccountId": "A" * 24}, ("input.destinationAccountId", "INVALID_FORMAT")),
            ({"destinationAccountNumber": "123"}, ("input.destinationAccountNumber", "INVALID_FORMAT")),
        ):
            assert await self.faults(bank, "transfer", sourceAccountId="b" * 24, **given) == [fault]

    async def test_an_amount_has_the_currencys_decimals_and_fits_the_store(self, bank: Bank) -> None:
        for amount, currency, code in (
            ("10", "USD", "INVALID_AMOUNT"),
            ("10.000", "USD", "INVALID_AMOUNT"),
            ("10.00", "JPY", "INVALID_AMOUNT"),
            ("10.00", "KWD", "INVALID_AMOUNT"),
            ("999999999999999.9999", "UYW", "TOO_LARGE"),
        ):
            given = {"sourceAccountId": "b" * 24, "amount": amount, "currency": currency}
            assert await self.faults(bank, "withdraw", **given) == [("input.amount", code)]

    async def test_a_payee_is_printable_text(self, bank: Bank) -> None:
        for payee, code in (("x" * 141, "TOO_LONG"), ("line\nbreak", "INVALID_FORMAT"), ("nul\x00", "INVALID_FORMAT")):
            assert await self.faults(bank, "pay", sourceAccountId="b" * 24, payee=payee) == [("input.payee", code)]

    async def test_an_amount_that_is_not_a_decimal_string_fails_before_execution(self, bank: Bank) -> None:
        for amount in (10, 10.5, "-1.00", "0.00", "1e3", "NaN", "1_0.00", " 1.00", None):
            order = {"amount": amount, "currency": "USD", "idempotencyKey": "k", "sourceAccountId": "b" * 24}
            response = await bank.as_(bank.ann).execute(mutation("withdraw"), {"input": order})
            assert (response.status, response.data, response.codes) == (400, None, ["BAD_USER_INPUT"])


class TestFaults:
    async def test_an_order_needs_a_caller(self, bank: Bank) -> None:
        common = {"amount": "10.00", "currency": "USD", "idempotencyKey": "k"}
        source, destination = {"sourceAccountId": new_object_id()}, {"destinationAccountId": new_object_id()}
        for name, given in (
            ("transfer", source | destination),
            ("deposit", destination),
            ("withdraw", source),
            ("pay", source | {"payee": "Me"}),
        ):
            response = await bank.as_(None).execute(mutation(name), {"input": common | given})
            assert (response.data, response.codes) == ({name: None}, ["UNAUTHENTICATED"])

    async def test_an_unreachable_ledger_is_unavailable_and_leaves_the_key_unused(self, bank: Bank) -> None:
        account = await bank.open(bank.ann, "25.00")
        bank.transport.lose_requests = ["/internal/parties"]
        order = {"amount": "10.00", "currency": "USD", "idempotencyKey": "k", "sourceAccountId": account["id"]}
        response = await bank.as_(bank.ann).execute(mutation("withdraw"), {"input": order})
        assert (response.data, response.codes) == ({"withdraw": None}, ["SERVICE_UNAVAILABLE"])
        again = await bank.order(bank.ann, "withdraw", **{**order, "amount": "11.00"})
        assert (again["replayed"], again["transaction"]["status"]) == (False, "COMPLETED")


class TestReading:
    async def test_pages_forwards_and_backwards_newest_first(self, bank: Bank) -> None:
        account = await bank.open(bank.ann)
        client = bank.as_(bank.ann)
        ids: list[str] = []
        for n in range(1, 6):
            response = await bank.order(bank.ann, "deposit", destinationAccountId=account["id"], amount=f"{n}.00")
            ids.insert(0, response["transaction"]["id"])
        page = (await client.execute(LIST, {"first": 2})).ok()["transactions"]
        assert [node["id"] for node in page["nodes"]] == ids[:2] == [edge["node"]["id"] for edge in page["edges"]]
        assert page["totalCount"] == 5
        assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (True, False)
        # A cursor keeps its place while the list grows.
        await bank.order(bank.ann, "deposit", destinationAccountId=account["id"], amount="6.00")
        after = page["pageInfo"]["endCursor"]
        rest = (await client.execute(LIST, {"first": 5, "after": after})).ok()["transactions"]
        assert [node["id"] for node in rest["nodes"]] == ids[2:]
        last = (await client.execute(LIST, {"last": 2})).ok()["transactions"]
        assert [node["id"] for node in last["nodes"]] == ids[3:]

    async def test_an_impossible_page_is_bad_input(self, bank: Bank) -> None:
        for arguments in (
            {"first": -1},
            {"first": 101},
            {"last": 101},
            {"first": 1, "last": 1},
            {"after": "forged"},
            {"before": ""},
        ):
            response = await bank.as_(bank.ann).execute(LIST, arguments)
            assert (response.data, response.codes) == ({"transactions": None}, ["BAD_USER_INPUT"])

    async def test_filters(self, bank: Bank) -> None:
        account = await bank.open(bank.ann, "25.00")
        await bank.order(bank.ann, "withdraw", sourceAccountId=account["id"])
        await bank.order(bank.ann, "withdraw", sourceAccountId=account["id"], amount="99.00")

        async def amounts(**wanted: object) -> list[str]:
            data = (await bank.as_(bank.ann).execute(LIST, {"filter": wanted})).ok()
            assert data["transactions"]["totalCount"] == len(data["transactions"]["nodes"])
            return [node["amount"] for node in data["transactions"]["nodes"]]

        assert await amounts() == ["99.00", "10.00", "25.00"]
        assert await amounts(type=["DEPOSIT", "FEE"]) == ["25.00"]
        assert await amounts(type=[]) == []
        assert await amounts(type=None, status=["FAILED"]) == ["99.00"]
        assert await amounts(minAmount="10.01", maxAmount="99.00") == ["99.00", "25.00"]
        assert await amounts(to="2020-01-01T00:00:00Z") == []
        assert await amounts(**{"from": "2020-01-01T00:00:00+02:00"}) == ["99.00", "10.00", "25.00"]

    async def test_an_unknown_id_is_null(self, bank: Bank) -> None:
        for transaction_id in ("nonsense", "", "A" * 24, "\x00", "0" * 24):
            assert (await bank.as_(bank.ann).execute(GET, {"id": transaction_id})).ok() == {"transaction": None}

    async def test_turnover_of_an_account(self, bank: Bank) -> None:
        mine, other = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
        empty = await bank.open(bank.ann, currency="KWD")
        await bank.order(bank.ann, "transfer", sourceAccountId=mine["id"], destinationAccountId=other["id"])
        await bank.order(bank.ann, "withdraw", sourceAccountId=mine["id"], amount="99.00")
        representations = [
            {"__typename": "Account", "id": mine["id"], "currency": "USD", "minorUnits": 2},
            {"__typename": "Account", "id": empty["id"], "currency": "KWD", "minorUnits": 3},
        ]
        selection = """... on Account { turnover { currency credited debited }
          before: turnover(to: "2020-01-01T00:00:00Z") { credited } }"""
        data = (await bank.as_(bank.ann).entities(selection, representations)).ok()
        assert [entity["turnover"] for entity in data["_entities"]] == [
            {"currency": "USD", "credited": "25.00", "debited": "10.00"},
            {"currency": "KWD", "credited": "0.000", "debited": "0.000"},
        ]
        assert [entity["before"]["credited"] for entity in data["_entities"]] == ["0.00", "0.000"]
