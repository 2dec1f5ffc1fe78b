from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from subgraphs.kit.domain_problems import to_json
from subgraphs.transaction.problems import (
    PROBLEMS,
    AccountFrozen,
    AmountLimitExceeded,
    CurrencyMismatch,
    InsufficientFunds,
    InvalidAccount,
    OrderRefused,
    PaymentDeclined,
    Problem,
    ReceiverUnavailable,
    SameAccount,
    from_json,
)

EXAMPLES: list[Problem] = [
    InsufficientFunds(available=Decimal("5.00"), requested=Decimal("9.00"), currency="USD"),
    CurrencyMismatch(),
    CurrencyMismatch(account_currency="JPY"),
    AccountFrozen(),
    AccountFrozen(account_id="a" * 24),
    ReceiverUnavailable(),
    AmountLimitExceeded("ORDER", Decimal("5.00"), Decimal("5.00"), "USD"),
    AmountLimitExceeded("DAY", Decimal("5.00"), Decimal("0.00"), "USD", datetime(2026, 1, 31, tzinfo=UTC)),
    InvalidAccount(account_id="1000000004"),
    InvalidAccount(account_id="a" * 24, reason="Account has been closed"),
    SameAccount(),
    PaymentDeclined(),
    OrderRefused(),
]


@pytest.mark.parametrize("problem", EXAMPLES, ids=lambda p: f"{p.code}-{len(fields(p))}")
def test_a_problem_survives_its_json_form(problem: Problem) -> None:
    assert from_json(to_json(problem)) == problem


def test_every_problem_has_an_example() -> None:
    assert {type(problem) for problem in EXAMPLES} == set(PROBLEMS.values())


def test_the_json_form_is_the_ledgers_own() -> None:
    assert to_json(EXAMPLES[0]) == {
        "code": "INSUFFICIENT_FUNDS",
        "message": "The account does not have enough available funds",
        "available": "5.00",
        "requested": "9.00",
        "currency": "USD",
    }


def test_an_unknown_fact_is_ignored() -> None:
    assert from_json({"code": "SAME_ACCOUNT", "message": "…", "newFact": 1}) == SameAccount()


@pytest.mark.parametrize(
    "document",
    [
        {},
        None,
        [],
        {"code": "NEVER_HEARD_OF"},
        {"code": "INVALID_ACCOUNT"},
        {"code": "INVALID_ACCOUNT", "accountId": None},
        {"code": "INSUFFICIENT_FUNDS", "available": 5.0, "requested": "9.00", "currency": "USD"},
        to_json(AmountLimitExceeded("DAY", Decimal(1), Decimal(1), "USD")) | {"resetsAt": 5},
        {"code": "INSUFFICIENT_FUNDS", "available": "much", "requested": "9.00", "currency": "USD"},
    ],
)
def test_a_document_that_is_not_a_problem_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match=r"problem code|malformed facts|object"):
        from_json(document)
