"""Bodies and query strings of the routes, field by field."""

from __future__ import annotations

from typing import Final

from rest_compat import scalars
from rest_compat.body_schemas import AtLeastOne, ExactDecimals, ExactlyOneOf, Field, ObjectBody, TaggedBody

ACCOUNT_TYPES: Final = scalars.choice("CHECKING", "SAVINGS", "BUSINESS")
ACCOUNT_STATUSES: Final = scalars.choice("ACTIVE", "FROZEN", "CLOSED")
TRANSACTION_TYPES: Final = scalars.choice("TRANSFER", "DEPOSIT", "WITHDRAWAL", "PAYMENT", "REVERSAL", "FEE")
TRANSACTION_STATUSES: Final = scalars.choice("PENDING", "HELD", "COMPLETED", "FAILED", "REVERSED")


def _tag(word: str) -> Field:
    return Field("type", scalars.choice(word), "What kind of transaction this is.")


_EMAIL = Field("email", scalars.EMAIL, "The e-mail address to sign in with.")
_AMOUNT = Field("amount", scalars.AMOUNT, "How much, as a decimal string with exactly the currency's decimals.")
_CURRENCY = Field("currency", scalars.CURRENCY, "ISO 4217 code; the currency of the accounts involved.")
_METADATA = Field("metadata", scalars.METADATA, "Kept with the transaction as given.", required=False)
_SOURCE = Field("sourceAccountId", scalars.OBJECT_ID, "The account to take the money from.")
_MONEY = (_AMOUNT, _CURRENCY, _METADATA)

REGISTER: Final = ObjectBody(
    "Registration",
    (
        _EMAIL,
        Field("password", scalars.PASSWORD, "The password to sign in with."),
        Field("name", scalars.NAME, "How to address you."),
    ),
)
LOGIN: Final = ObjectBody("Credentials", (_EMAIL, Field("password", scalars.PASSWORD, "The password.")))
REFRESH: Final = ObjectBody(
    "RefreshRequest", (Field("refreshToken", scalars.OPAQUE_TOKEN, "The refresh token; it works once."),)
)
OPEN_ACCOUNT: Final = ObjectBody(
    "NewAccount",
    (
        Field("type", ACCOUNT_TYPES, "What kind of account to open."),
        Field("currency", scalars.CURRENCY, "ISO 4217 code; it cannot be changed later."),
    ),
)
CHANGE_ACCOUNT: Final = ObjectBody(
    "AccountChange",
    (
        Field("type", ACCOUNT_TYPES, "The new kind of account.", required=False),
        Field("status", scalars.choice("ACTIVE", "FROZEN"), "Freeze or unfreeze; support only.", required=False),
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
                Field("destinationAccountId", scalars.OBJECT_ID, "The account to put the money into."),
                *_MONEY,
            ),
            (ExactDecimals(),),
        ),
        "WITHDRAWAL": ObjectBody("Withdrawal", (_tag("WITHDRAWAL"), _SOURCE, *_MONEY), (ExactDecimals(),)),
        "PAYMENT": ObjectBody(
            "Payment",
            (_tag("PAYMENT"), _SOURCE, Field("payee", scalars.PAYEE, "Who receives the payment."), *_MONEY),
            (ExactDecimals(),),
        ),
    },
)
TRANSFER: Final = ObjectBody(
    "Transfer",
    (
        _SOURCE,
        Field("destinationAccountId", scalars.OBJECT_ID, "The account to put the money into.", required=False),
        Field("destinationAccountNumber", scalars.ACCOUNT_NUMBER, "The same, by its number.", required=False),
        *_MONEY,
    ),
    (ExactDecimals(), ExactlyOneOf(("destinationAccountId", "destinationAccountNumber"))),
)

PAGE: Final = (
    Field("limit", scalars.LIMIT, "How many items the page has at most.", required=False),
    Field("cursor", scalars.CURSOR, "`nextCursor` of the page before.", required=False),
)
ACCOUNT_LIST: Final = (
    *PAGE,
    Field("status", ACCOUNT_STATUSES, "Only these statuses; by default all but CLOSED.", required=False, many=True),
    Field("type", ACCOUNT_TYPES, "Only these scalars.", required=False, many=True),
    Field("currency", scalars.CURRENCY, "Only these currencies.", required=False, many=True),
)
TRANSACTION_LIST: Final = (
    *PAGE,
    Field("type", TRANSACTION_TYPES, "Only these scalars.", required=False, many=True),
    Field("status", TRANSACTION_STATUSES, "Only these statuses.", required=False, many=True),
    Field("from", scalars.TIMESTAMP, "Not before this time.", required=False),
    Field("to", scalars.TIMESTAMP, "Before this time.", required=False),
    Field("minAmount", scalars.AMOUNT, "Not less than this.", required=False),
    Field("maxAmount", scalars.AMOUNT, "Not more than this.", required=False),
)
