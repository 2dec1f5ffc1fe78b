"""The request bodies and query parameters of the routes, field by field."""

from __future__ import annotations

from typing import Final

from rest_compat import scalars
from rest_compat.body_schemas import (
    AtLeastOne,
    ExactDecimals,
    ExactlyOneOf,
    InputField,
    ObjectSchema,
    VariantSchema,
)

ACCOUNT_TYPES: Final = scalars.choice("CHECKING", "SAVINGS", "BUSINESS")
ACCOUNT_STATUSES: Final = scalars.choice("ACTIVE", "FROZEN", "CLOSED")
TRANSACTION_TYPES: Final = scalars.choice("TRANSFER", "DEPOSIT", "WITHDRAWAL", "PAYMENT", "REVERSAL", "FEE")
TRANSACTION_STATUSES: Final = scalars.choice("PENDING", "HELD", "COMPLETED", "FAILED", "REVERSED")


def _transaction_type(name: str) -> InputField:
    return InputField("type", scalars.choice(name), "The type of the transaction.")


_EMAIL = InputField("email", scalars.EMAIL, "The e-mail address to sign in with.")
_AMOUNT = InputField(
    "amount", scalars.AMOUNT, "The amount, as a decimal string with exactly the decimals of the currency."
)
_CURRENCY = InputField("currency", scalars.CURRENCY, "ISO 4217 code; the currency of the accounts involved.")
_METADATA = InputField("metadata", scalars.METADATA, "Stored with the transaction unchanged.", required=False)
_SOURCE = InputField("sourceAccountId", scalars.OBJECT_ID, "The account that pays.")
_MONEY = (_AMOUNT, _CURRENCY, _METADATA)

REGISTER: Final = ObjectSchema(
    "Registration",
    (
        _EMAIL,
        InputField("password", scalars.PASSWORD, "The password to sign in with."),
        InputField("name", scalars.NAME, "Your name."),
    ),
)
LOGIN: Final = ObjectSchema("Credentials", (_EMAIL, InputField("password", scalars.PASSWORD, "The password.")))
REFRESH: Final = ObjectSchema(
    "RefreshRequest",
    (InputField("refreshToken", scalars.OPAQUE_TOKEN, "The refresh token; it can be used once.", has_example=False),),
)
OPEN_ACCOUNT: Final = ObjectSchema(
    "NewAccount",
    (
        InputField("type", ACCOUNT_TYPES, "The type of the account."),
        InputField("currency", scalars.CURRENCY, "ISO 4217 code; it cannot be changed later."),
    ),
    example_per="type",
)
CHANGE_ACCOUNT: Final = ObjectSchema(
    "AccountChange",
    (
        InputField("type", ACCOUNT_TYPES, "The new type of the account.", required=False),
        InputField(
            "status",
            scalars.choice("ACTIVE", "FROZEN"),
            "The new status; only support may freeze or unfreeze.",
            required=False,
            has_example=False,
        ),
    ),
    (AtLeastOne(),),
)
CREATE_TRANSACTION: Final = VariantSchema(
    "NewTransaction",
    "type",
    {
        "DEPOSIT": ObjectSchema(
            "Deposit",
            (
                _transaction_type("DEPOSIT"),
                InputField("destinationAccountId", scalars.OBJECT_ID, "The account that receives the money."),
                *_MONEY,
            ),
            (ExactDecimals(),),
        ),
        "WITHDRAWAL": ObjectSchema(
            "Withdrawal", (_transaction_type("WITHDRAWAL"), _SOURCE, *_MONEY), (ExactDecimals(),)
        ),
        "PAYMENT": ObjectSchema(
            "Payment",
            (
                _transaction_type("PAYMENT"),
                _SOURCE,
                InputField("payee", scalars.PAYEE, "The receiver of the payment."),
                *_MONEY,
            ),
            (ExactDecimals(),),
        ),
    },
)
TRANSFER: Final = ObjectSchema(
    "Transfer",
    (
        _SOURCE,
        InputField("destinationAccountId", scalars.OBJECT_ID, "The account that receives the money.", required=False),
        InputField(
            "destinationAccountNumber",
            scalars.ACCOUNT_NUMBER,
            "The number of the account that receives the money.",
            required=False,
        ),
        *_MONEY,
    ),
    (ExactDecimals(), ExactlyOneOf(("destinationAccountId", "destinationAccountNumber"))),
)

PAGE: Final = (
    InputField("limit", scalars.LIMIT, "The maximum number of items on the page.", required=False),
    InputField("cursor", scalars.CURSOR, "The `nextCursor` of the previous page.", required=False, has_example=False),
)
ACCOUNT_LIST: Final = (
    *PAGE,
    InputField(
        "status",
        ACCOUNT_STATUSES,
        "Only accounts with these statuses; by default all but CLOSED.",
        required=False,
        many=True,
    ),
    InputField("type", ACCOUNT_TYPES, "Only accounts of these types.", required=False, many=True),
    InputField("currency", scalars.CURRENCY, "Only accounts in these currencies.", required=False, many=True),
)
STATEMENT: Final = (
    *PAGE,
    InputField(
        "from", scalars.TIMESTAMP, "Entries at or after this time; by default since the opening.", required=False
    ),
    InputField("to", scalars.TIMESTAMP, "Entries before this time; by default until now.", required=False),
)
TRANSACTION_LIST: Final = (
    *PAGE,
    InputField("type", TRANSACTION_TYPES, "Only transactions of these types.", required=False, many=True),
    InputField("status", TRANSACTION_STATUSES, "Only transactions with these statuses.", required=False, many=True),
    InputField("from", scalars.TIMESTAMP, "Only transactions at or after this time.", required=False),
    InputField("to", scalars.TIMESTAMP, "Only transactions before this time.", required=False),
    InputField("minAmount", scalars.AMOUNT, "Only transactions of at least this amount.", required=False),
    InputField("maxAmount", scalars.AMOUNT, "Only transactions of at most this amount.", required=False),
)
