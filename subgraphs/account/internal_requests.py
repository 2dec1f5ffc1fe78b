"""The bodies of requests to the internal REST routes (`internal_api`). Names are in camel case, amounts are strings."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from bank import values
from subgraphs.account.holds import held_account
from subgraphs.account.postings import (
    MAX_ENTRIES,
    CustomerAccount,
    Entry,
    InternalAccount,
    OnBehalfOf,
    Posting,
    PostingType,
)
from subgraphs.kit.internal_routes import InternalDocument


def _signed_amount(value: object) -> Decimal:
    """Parse a decimal string, which may have a minus sign. Zero is refused."""
    if not isinstance(value, str):
        raise ValueError("an amount is a string")  # noqa: TRY004 - pydantic reports ValueError at the field
    amount = values.parse_amount(value.removeprefix("-"))
    return -amount if value.startswith("-") else amount


def _amount(value: object) -> Decimal | None:
    """Parse an amount without a sign. Null is returned as None."""
    if value is None or isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise ValueError("an amount is a string")  # noqa: TRY004 - pydantic reports ValueError at the field
    return values.parse_amount(value)


def _time(value: object) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("a time is a string")  # noqa: TRY004 - as above
    return values.parse_timestamp(value)


def _object_id(text: str) -> str:
    if not values.is_object_id(text):
        raise ValueError("not 24 hex digits")
    return text


# The id or the number of an account. The format is not checked here: for a text that is neither an id nor a number, the
# response is the same as for a missing account.
_Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Amount = Annotated[Decimal, BeforeValidator(_signed_amount)]
ObjectIdText = Annotated[str, AfterValidator(_object_id)]


class Person(InternalDocument):
    user_id: _Name
    roles: frozenset[_Name] = frozenset()

    def actor(self) -> OnBehalfOf:
        return OnBehalfOf(self.user_id, self.roles)


class PartiesRequest(InternalDocument):
    """The accounts to look up.

    The destination of a deposit must belong to the person on whose behalf the service asks.
    """

    on_behalf_of: Person
    type: PostingType | None = None
    source_account_id: _Name | None = None
    destination_account_id: _Name | None = None
    destination_account_number: _Name | None = None

    @model_validator(mode="after")
    def _one_destination(self) -> Self:
        if self.destination_account_id is not None and self.destination_account_number is not None:
            raise ValueError("give destinationAccountId or destinationAccountNumber, not both")
        return self

    @property
    def destination_must_be_own(self) -> bool:
        return self.type is PostingType.DEPOSIT or (self.type is None and self.source_account_id is None)


class _CustomerRef(InternalDocument):
    account_id: _Name

    def named(self) -> CustomerAccount:
        return CustomerAccount(self.account_id)


class _InternalRef(InternalDocument):
    internal: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z_]{0,31}$")]

    def named(self) -> InternalAccount:
        return InternalAccount(self.internal)


class _Line(InternalDocument):
    account: _CustomerRef | _InternalRef
    amount: _Amount
    currency: str | None = None


class PostingRequest(InternalDocument):
    transaction_id: _Name
    on_behalf_of: Person
    type: PostingType
    amount: _Amount
    currency: str
    entries: Annotated[tuple[_Line, ...], Field(min_length=2, max_length=MAX_ENTRIES)]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        values.check_precision(self.amount, self.currency)
        for line in self.entries:
            values.check_precision(line.amount, line.currency or self.currency)
        self.posting()
        return self

    def posting(self) -> Posting:
        return self._posting

    @cached_property
    def _posting(self) -> Posting:
        return Posting(
            transaction_id=self.transaction_id,
            on_behalf_of=self.on_behalf_of.actor(),
            type=self.type,
            amount=self.amount,
            currency=self.currency,
            entries=tuple(Entry(line.account.named(), line.amount, line.currency) for line in self.entries),
        )


# A hold that is neither captured nor released expires after this time, unless the request contains `expiresAt`.
HOLD_LIFETIME: Final = timedelta(days=7)
MAX_HOLD_TIME: Final = timedelta(days=31)


class HoldRequest(PostingRequest):
    """An order whose money is to be reserved, and the time at which the hold expires."""

    expires_at: Annotated[datetime | None, BeforeValidator(_time)] = None

    @model_validator(mode="after")
    def _reserves_money(self) -> Self:
        held_account(self.posting())
        return self

    def until(self, now: datetime) -> datetime:
        """Return the time at which the hold expires: at most `MAX_HOLD_TIME` after `now`."""
        return min(self.expires_at or now + HOLD_LIFETIME, now + MAX_HOLD_TIME)


class CaptureRequest(InternalDocument):
    """The hold to capture, and the amount to post. Without an amount, the whole held amount is posted."""

    transaction_id: ObjectIdText
    amount: Annotated[Decimal | None, BeforeValidator(_amount)] = None


class ReleaseRequest(InternalDocument):
    """The hold to release."""

    transaction_id: ObjectIdText
