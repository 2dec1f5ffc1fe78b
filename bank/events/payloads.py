"""The data of each type of event, and its JSON Schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = 1
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

ObjectId = Annotated[str, Field(pattern="^[0-9a-f]{24}$")]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Amount = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="With the decimals of the currency.")]
# This type has no pattern, because a client may name an account that does not exist, with any text as its id.
NamedAccount = Annotated[str | None, Field(description="Null if the order has no such customer's account.")]


class Payload(BaseModel):
    """Base class for the data of one type of event.

    Later versions of a schema may have more properties, so consumers must ignore properties that they do not know.
    """

    model_config = ConfigDict(alias_generator=to_camel, strict=True, extra="ignore")


class AccountPayload(Payload):
    account_id: ObjectId
    user_id: str
    type: str
    status: str
    currency: Currency
    balance: Amount
    held: Amount
    version: int = Field(description="Rises with every change of the account; orders its events.", ge=1)


class AccountChanged(AccountPayload):
    staff_action: str | None = Field(None, description="What staff did; absent if the owner made the change.")
    staff_user_id: str | None = None


class AccountPosted(AccountPayload):
    transaction_id: ObjectId
    transaction_type: str
    amount: Amount


class AccountHoldChanged(AccountPayload):
    transaction_id: ObjectId
    transaction_type: str
    amount: Amount
    hold_status: str = Field(description="HELD, RELEASED or EXPIRED.")


class TransactionPayload(Payload):
    transaction_id: ObjectId
    type: str
    status: str
    amount: Amount
    currency: Currency
    source_account_id: NamedAccount
    source_user_id: str | None
    destination_account_id: NamedAccount
    destination_user_id: str | None
    problem_code: str | None = Field(description="Why the transaction failed; null unless its status is FAILED.")


class FraudReason(Payload):
    rule: str
    kind: str
    score: int
    action: str
    shadow: bool
    observed: dict[str, str | int]


class FraudDecided(Payload):
    transaction_id: ObjectId
    type: str
    source_account_id: NamedAccount
    destination_account_id: NamedAccount
    action: str
    score: int
    rules_version: str
    decided_at: str
    unavailable: str | None = Field(description="Why the rules could not be evaluated; null if they were.")
    reasons: list[FraudReason]


class ExportRequested(Payload):
    export_id: ObjectId
    account_id: ObjectId
    user_id: str
    format: str = Field(description="CSV or JSON.")


PAYLOADS: Final[Mapping[str, type[Payload]]] = {
    "account.opened": AccountPayload,
    "account.changed": AccountChanged,
    "account.posted": AccountPosted,
    "account.held": AccountHoldChanged,
    "account.released": AccountHoldChanged,
    "transaction.recorded": TransactionPayload,
    "transaction.status_changed": TransactionPayload,
    "fraud.decided": FraudDecided,
    "export.requested": ExportRequested,
}


def find_mistake(event_type: str, data: Mapping[str, object]) -> str | None:
    """Return the first mistake in the data of an event, or None if the data matches its schema.

    The text names the property and does not repeat its value.
    """
    model = PAYLOADS.get(event_type)
    if model is None:
        return "no schema has this type"
    try:
        model.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None


def schema_name(event_type: str) -> str:
    """Return the name of an event's schema, such as `account.posted.v1`."""
    return f"{event_type}.v{VERSION}"


def json_schema(event_type: str) -> str:
    """Return the JSON Schema of the data of an event, as the text of its file in `schemas/`."""
    schema = PAYLOADS[event_type].model_json_schema(by_alias=True)
    for each in schema["properties"].values():
        del each["title"]  # the title only repeats the name of the property
    head = {"$schema": DIALECT, "$id": f"urn:mosafe:event:{schema_name(event_type)}"}
    return json.dumps({**head, **schema, "title": event_type}, indent=2) + "\n"
