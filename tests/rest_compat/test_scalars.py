"""A scalar accepts exactly what its JSON Schema accepts; fuzzing with the OpenAPI document relies on it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from bank import values
from rest_compat import bodies, scalars
from rest_compat.errors import ValidationFailed
from rest_compat.scalars import InvalidInput, Scalar
from subgraphs.auth.domain import parse_email

KINDS = {
    "object id": scalars.OBJECT_ID,
    "account number": scalars.ACCOUNT_NUMBER,
    "amount": scalars.AMOUNT,
    "currency": scalars.CURRENCY,
    "cursor": scalars.CURSOR,
    "email": scalars.EMAIL,
    "password": scalars.PASSWORD,
    "idempotency key": scalars.IDEMPOTENCY_KEY,
    "type": bodies.ACCOUNT_TYPES,
    "name": scalars.NAME,
    "payee": scalars.PAYEE,
}
# Values that are almost valid find more mistakes than random ones.
NEAR = st.one_of(
    st.text(max_size=12),
    st.text(st.sampled_from("ab \t\n\x1c\x00\x85\u00a0\u200b\u202e\u3000\U000e0041"), max_size=6),
    st.from_regex(r"\A-?[0-9]{0,16}\.?[0-9]{0,6}\Z"),
    st.from_regex(r"\A[0-9a-fA-F]{23,25}\Z"),
    st.from_regex(r"\A[a-z.+-]{1,6}@[a-z.-]{1,6}\.[a-z0-9]{1,4}\n?\Z"),
    st.sampled_from([*values.EXPONENTS, "XAU", "eur", "EURO", "CHECKING", "checking"]),
    st.integers(),
    st.none(),
    st.floats(),
    st.booleans(),
    st.lists(st.text(max_size=2), max_size=2),
)


def admits(schema: scalars.JsonSchema, value: object) -> bool:
    """Whether JSON Schema accepts a value, with `$` as in ECMA 262; Python's also matches before a final newline."""

    def translate(part: Any) -> Any:
        if isinstance(part, dict):
            return {
                key: inner.replace("$", r"\Z") if key == "pattern" and isinstance(inner, str) else translate(inner)
                for key, inner in part.items()
            }
        return [translate(item) for item in part] if isinstance(part, list) else part

    return bool(Draft202012Validator(translate(dict(schema))).is_valid(value))


def takes(kind: Scalar, value: object) -> bool:
    try:
        kind.parse(value)
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=60)
@given(value=NEAR)
def test_scalar_accepts_what_its_schema_admits(kind: Scalar, value: object) -> None:
    assert takes(kind, value) is admits(kind.schema, value)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_example_is_valid_for_its_scalar(kind: Scalar) -> None:
    assert takes(kind, kind.example)


@pytest.mark.parametrize("decimals", sorted(scalars.currencies_by_decimals()))
@settings(max_examples=50)
@given(data=st.data())
def test_pattern_of_a_currency_matches_accepted_orders(decimals: int, data: st.DataObject) -> None:
    currency = data.draw(st.sampled_from(scalars.currencies_by_decimals()[decimals]))
    amount = data.draw(st.from_regex(scalars.amount_pattern(decimals).replace("$", r"\Z")))
    bodies.OPEN_ACCOUNT.read({"type": "SAVINGS", "currency": currency})
    order = {"sourceAccountId": "0" * 24, "destinationAccountNumber": "0" * 10, "amount": amount, "currency": currency}
    assert bodies.TRANSFER.read(order) == order


@pytest.mark.parametrize(
    ("amount", "currency", "good"),
    [
        ("0.01", "EUR", True),
        ("0.00", "EUR", False),
        ("00.01", "EUR", False),
        ("1", "JPY", True),
        ("1.0", "JPY", False),
        ("1.000", "KWD", True),
        ("0.010", "KWD", True),
        ("1.00", "KWD", False),
        ("999999999999999.99", "EUR", True),
        ("1000000000000000.00", "EUR", False),
        ("٣.00", "EUR", False),
        ("1_0.00", "EUR", False),
        ("1.00\n", "EUR", False),
    ],
)
def test_amount_has_the_decimals_of_its_currency(amount: str, currency: str, good: bool) -> None:  # noqa: FBT001 - a table
    order: dict[str, Any] = {"sourceAccountId": "0" * 24, "destinationAccountNumber": "0" * 10}
    order |= {"amount": amount, "currency": currency}
    (schema,) = bodies.TRANSFER.schemas.values()
    assert admits(schema, order) is good
    if good:
        bodies.TRANSFER.read(order)
    else:
        with pytest.raises(ValidationFailed):
            bodies.TRANSFER.read(order)


@pytest.mark.parametrize("name", ["Ada", " Ada ", "Zoë", "李", "x" * 100])
def test_name_is_any_printable_text(name: str) -> None:
    assert scalars.NAME.parse(name) == name


@pytest.mark.parametrize("name", ["", " ", "\n", "a\u0000b", "a\nb", "\u200b", "x" * 101, None])
def test_name_without_printable_text_is_refused(name: object) -> None:
    assert not takes(scalars.NAME, name)


@settings(max_examples=100)
@given(st.from_regex(scalars.EMAIL.schema["pattern"].replace("$", r"\Z")).filter(lambda text: len(text) <= 254))
def test_the_auth_service_accepts_each_address_that_fits_the_schema(email: str) -> None:
    """`x@5.lmh.test` fitted the schema and was refused, and so were local parts and labels that are too long."""
    assert parse_email(email)


def test_an_order_that_fits_the_schema_can_be_stored() -> None:
    """An amount of 15 digits before the point and four after it fitted the schema, and the service refused it."""
    order = {"sourceAccountId": "0" * 24, "destinationAccountNumber": "0" * 10, "currency": "UYW"}
    (schema,) = bodies.TRANSFER.schemas.values()
    for amount, good in (("99999999999999.9999", True), ("999999999999999.9999", False)):
        assert admits(schema, {**order, "amount": amount}) is good
        if good:
            bodies.TRANSFER.read({**order, "amount": amount})
        else:
            with pytest.raises(ValidationFailed):
                bodies.TRANSFER.read({**order, "amount": amount})
