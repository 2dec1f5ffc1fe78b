"""Bodies and query strings of the routes, field by field."""

from __future__ import annotations

from typing import Final

from rest_compat import kinds
from rest_compat.shapes import AtLeastOne, ExactDecimals, ExactlyOneOf, Field, ObjectBody, TaggedBody

ACCOUNT_TYPES: Final = kinds.choice("CHECKING", "SAVINGS", "BUSINESS")
ACCOUNT_STATUSES: Final = kinds.choice("ACTIVE", "FROZEN", "CLOSED")
TRANSACTION_TYPES: Final = kinds.choice("TRANSFER", "DEPOSIT", "WITHDRAWAL", "PAYMENT", "REVERSAL", "FEE")
TRANSACTION_STATUSES: Final = kinds.choice("PENDING", "HELD", "COMPLETED", "FAILED", "REVERSED")


def _tag(word: str) -> Field:
    return Field("type", kinds.choice(word), "What kind of transaction this is.")


_EMAIL = Field("email", kinds.EMAIL, "The e-mail address to sign in with.")
_AMOUNT = Field("amount", kinds.AMOUNT, "How much, as a decimal string with exactly the currency's decimals.")
_CURRENCY = Field("currency", kinds.CURRENCY, "ISO 4217 code; the currency of the accounts involved.")
_METADATA = Field("metadata", kinds.METADATA, "Kept with the transaction as given.", required=False)
_SOURCE = Field("sourceAccountId", kinds.OBJECT_ID, "The account to take the money from.")
_MONEY = (_AMOUNT, _CURRENCY, _METADATA)

REGISTER: Final = ObjectBody(
    "Registration",
    (
        _EMAIL,
        Field("password", kinds.PASSWORD, "The password to sign in with."),
        Field("name", kinds.NAME, "How to address you."),
    ),
)
LOGIN: Final = ObjectBody("Credentials", (_EMAIL, Field("password", kinds.PASSWORD, "The password.")))
REFRESH: Final = ObjectBody(
    "RefreshRequest", (Field("refreshToken", kinds.OPAQUE_TOKEN, "The refresh token; it works once."),)
)
OPEN_ACCOUNT: Final = ObjectBody(
    "NewAccount",
    (
        Field("type", ACCOUNT_TYPES, "What kind of account to open."),
        Field("currency", kinds.CURRENCY, "ISO 4217 code; it cannot be changed later."),
    ),
)
CHANGE_ACCOUNT: Final = ObjectBody(
    "AccountChange",
    (
        Field("type", ACCOUNT_TYPES, "The new kind of account.", required=False),
        Field("status", kinds.choice("ACTIVE", "FROZEN"), "Freeze or unfreeze; support only.", required=False),
    ),
    (AtLeastOne(),),
)
CREATE_TRANSACTION: Final = TaggedBody(
    "NewTransaction",
    "type",
    {
        "DEPOSIT": ObjectBody(
            "Deposit",
            (
                _tag("DEPOSIT"),
                Field("destinationAccountId", kinds.OBJECT_ID, "The account to put the money into."),
                *_MONEY,
            ),
            (ExactDecimals(),),
        ),
        "WITHDRAWAL": ObjectBody("Withdrawal", (_tag("WITHDRAWAL"), _SOURCE, *_MONEY), (ExactDecimals(),)),
        "PAYMENT": ObjectBody(
            "Payment",
            (_tag("PAYMENT"), _SOURCE, Field("payee", kinds.PAYEE, "Who receives the payment."), *_MONEY),
            (ExactDecimals(),),
        ),
    },
)
TRANSFER: Final = ObjectBody(
    "Transfer",
    (
        _SOURCE,
        Field("destinationAccountId", kinds.OBJECT_ID, "The account to put the money into.", required=False),
        Field("destinationAccountNumber", kinds.ACCOUNT_NUMBER, "The same, by its number.", required=False),
        *_MONEY,
    ),
    (ExactDecimals(), ExactlyOneOf(("destinationAccountId", "destinationAccountNumber"))),
)

PAGE: Final = (
    Field("limit", kinds.LIMIT, "How many items the page has at most.", required=False),
    Field("cursor", kinds.CURSOR, "`nextCursor` of the page before.", required=False),
)
ACCOUNT_LIST: Final = (
    *PAGE,
    Field("status", ACCOUNT_STATUSES, "Only these statuses; by default all but CLOSED.", required=False, many=True),
    Field("type", ACCOUNT_TYPES, "Only these kinds.", required=False, many=True),
    Field("currency", kinds.CURRENCY, "Only these currencies.", required=False, many=True),
)
TRANSACTION_LIST: Final = (
    *PAGE,
    Field("type", TRANSACTION_TYPES, "Only these kinds.", required=False, many=True),
    Field("status", TRANSACTION_STATUSES, "Only these statuses.", required=False, many=True),
    Field("from", kinds.TIMESTAMP, "Not before this time.", required=False),
    Field("to", kinds.TIMESTAMP, "Before this time.", required=False),
    Field("minAmount", kinds.AMOUNT, "Not less than this.", required=False),
    Field("maxAmount", kinds.AMOUNT, "Not more than this.", required=False),
)
