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
    variations={"Checking": {"type": "CHECKING"}, "Savings": {"type": "SAVINGS"}, "Business": {"type": "BUSINESS"}},
)
CHANGE_ACCOUNT: Final = ObjectSchema(
    "AccountChange",
    (
        InputField("type", ACCOUNT_TYPES, "The new type of the account.", required=False),
        InputField(
            "status",
            scalars.explained_choice({"ACTIVE": "Unfreeze the account.", "FROZEN": "Freeze the account."}),
            "The new status; only support may freeze or unfreeze.",
            required=False,
            has_example=False,
        ),
    ),
    (AtLeastOne(),),
)
_INSTRUMENT: Final = InputField(
    "paymentInstrument",
    scalars.PAYMENT_INSTRUMENT,
    "The payment instrument at the payment provider; by default the customer's instrument.",
    required=False,
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
                _INSTRUMENT,
            ),
            (ExactDecimals(),),
            {"Deposit": {}, "DepositInYen": {"amount": "100", "currency": "JPY"}},
        ),
        "WITHDRAWAL": ObjectSchema(
            "Withdrawal", (_transaction_type("WITHDRAWAL"), _SOURCE, *_MONEY, _INSTRUMENT), (ExactDecimals(),)
        ),
        "PAYMENT": ObjectSchema(
            "Payment",
            (
                _transaction_type("PAYMENT"),
                _SOURCE,
                InputField("payee", scalars.PAYEE, "The receiver of the payment."),
                *_MONEY,
                _INSTRUMENT,
            ),
            (ExactDecimals(),),
        ),
    },
)
TRANSFER: Final = ObjectSchema(
    "Transfer",
    (
        _SOURCE,
        InputField(
            "destinationAccountId", scalars.OTHER_OBJECT_ID, "The account that receives the money.", required=False
        ),
        InputField(
            "destinationAccountNumber",
            scalars.ACCOUNT_NUMBER,
            "The number of the account that receives the money.",
            required=False,
        ),
        *_MONEY,
    ),
    (ExactDecimals(), ExactlyOneOf(("destinationAccountId", "destinationAccountNumber"))),
    {"ToOwnAccount": {"destinationAccountNumber": None}, "ToAnyAccount": {"destinationAccountId": None}},
)

PAGE: Final = (
    InputField("limit", scalars.LIMIT, "The maximum number of items on the page.", required=False),
    InputField("cursor", scalars.CURSOR, "The `nextCursor` of the previous page.", required=False, has_example=False),
)


def _filter(name: str, scalar: scalars.Scalar, description: str, *, many: bool = False) -> InputField:
    """Return an optional query parameter that selects the entries of a list."""
    return InputField(name, scalar, description, required=False, many=many, has_example=False)


_TIME_FORMAT: Final = f"RFC 3339, such as `{scalars.TIMESTAMP.example}`."

ACCOUNT_LIST: Final = (
    *PAGE,
    _filter("status", ACCOUNT_STATUSES, "Only accounts with these statuses; by default all but CLOSED.", many=True),
    _filter("type", ACCOUNT_TYPES, "Only accounts of these types.", many=True),
    _filter("currency", scalars.CURRENCY, "Only accounts in these currencies.", many=True),
)
STATEMENT: Final = (
    *PAGE,
    _filter("from", scalars.TIMESTAMP, f"Entries at or after this time; by default since the opening. {_TIME_FORMAT}"),
    _filter("to", scalars.TIMESTAMP, f"Entries before this time; by default until now. {_TIME_FORMAT}"),
)
TRANSACTION_LIST: Final = (
    *PAGE,
    _filter("type", TRANSACTION_TYPES, "Only transactions of these types.", many=True),
    _filter("status", TRANSACTION_STATUSES, "Only transactions with these statuses.", many=True),
    _filter("from", scalars.TIMESTAMP, f"Only transactions at or after this time. {_TIME_FORMAT}"),
    _filter("to", scalars.TIMESTAMP, f"Only transactions before this time. {_TIME_FORMAT}"),
    _filter("minAmount", scalars.AMOUNT, "Only transactions of at least this amount."),
    _filter("maxAmount", scalars.AMOUNT, "Only transactions of at most this amount."),
)
