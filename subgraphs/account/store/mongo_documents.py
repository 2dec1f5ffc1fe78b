"""The documents of the account service's collections, and their conversion from and to the domain.

Account ids and transaction ids are ObjectIds, amounts are Decimal128 with the decimals of their currency, times are
BSON dates. Fields that are in the documentation have the same names here.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from bson import Decimal128, ObjectId

from bank.values import format_timestamp, from_minor_units, is_object_id, parse_timestamp, to_minor_units
from subgraphs.account.domain import Account, AccountStatus, AccountType, StaffAction, StaffActionKind
from subgraphs.account.holds import Hold, HoldStatus, order_from_json, order_to_json
from subgraphs.account.limits import Direction, MovedSum
from subgraphs.account.settlement import Outcome, RecordedPosting
from subgraphs.kit.hash_chain import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from subgraphs.account.postings import Posting

Document = dict[str, Any]

# Every deposit has an entry on the internal account `DEPOSITS`. As a single account, it would be on one shard, and
# could overload this shard. So each internal account is stored as several accounts; this is their number. A hash of the
# transaction id selects the account that gets the entry.
STRIPES: Final = 16


def object_ids(texts: Iterable[str]) -> list[ObjectId]:
    """Convert the texts to ids. A text that is not 24 hex digits is left out, because no account has such an id."""
    return [ObjectId(text) for text in texts if is_object_id(text)]


def money(amount: Decimal, currency: str) -> Decimal128:
    """Return `amount` as a Decimal128 with the decimals of `currency`."""
    return Decimal128(from_minor_units(to_minor_units(amount, currency), currency))


def account_document(account: Account) -> Document:
    """Return the document of a new account."""
    return {
        "_id": ObjectId(account.id),
        "userId": account.user_id,
        "accountNumber": account.number,
        "balance": money(account.balance, account.currency),
        "held": money(account.held, account.currency),
        "currency": account.currency,
        "status": account.status.value,
        "type": account.type.value,
        "version": account.version,
        "balanceAsOf": account.balance_as_of,
        "createdAt": account.created_at,
        "updatedAt": account.updated_at,
    }


def to_account(document: Mapping[str, Any]) -> Account:
    """Return the account in a document of the collection `accounts`."""
    action = document.get("staffAction")
    return Account(
        id=str(document["_id"]),
        user_id=document["userId"],
        number=document["accountNumber"],
        type=AccountType(document["type"]),
        currency=document["currency"],
        balance=document["balance"].to_decimal(),
        held=document["held"].to_decimal(),
        status=AccountStatus(document["status"]),
        version=document["version"],
        balance_as_of=document["balanceAsOf"],
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        staff_action=None
        if action is None
        else StaffAction(StaffActionKind(action["kind"]), action["userId"], action["at"]),
    )


def changed_fields(account: Account) -> Document:
    """Return the fields that a change by a person may replace."""
    fields: Document = {
        "type": account.type.value,
        "status": account.status.value,
        "version": account.version,
        "updatedAt": account.updated_at,
    }
    if account.staff_action is not None:
        action = account.staff_action
        fields["staffAction"] = {"kind": action.kind.value, "userId": action.user_id, "at": action.at}
    return fields


def balance_fields(account: Account) -> Document:
    """Return the fields that a posting or a hold replaces."""
    return {
        "balance": money(account.balance, account.currency),
        "held": money(account.held, account.currency),
        "version": account.version,
        "balanceAsOf": account.balance_as_of,
        "updatedAt": account.updated_at,
    }


def link_document(link: Link) -> Document:
    """Return the sub-document with the last link of an account's chain."""
    return {"position": link.position, "hash": link.hash}


def to_link(account: Mapping[str, Any]) -> Link:
    """Return the last link of the chain in an account's document."""
    chain = account.get("chain")
    return Link() if chain is None else Link(chain["position"], chain["hash"])


def internal_account_id(name: str, currency: str, transaction_id: str) -> ObjectId:
    """Each internal account is stored as `STRIPES` accounts. Return the id of the one for this transaction."""
    stripe = hashlib.sha256(transaction_id.encode()).digest()[0] % STRIPES
    return ObjectId(hashlib.sha256(f"{name} {currency} {stripe}".encode()).digest()[:12])


def posting_document(posting: Posting, outcome: Outcome) -> Document:
    """Return the document that records the outcome of a posting."""
    document: Document = {
        "_id": ObjectId(posting.transaction_id),
        "contentHash": posting.content_hash(),
        "type": posting.type.value,
        "onBehalfOf": posting.on_behalf_of.user_id,
        "outcome": "POSTED" if outcome.posted else "REFUSED",
        "decidedAt": parse_timestamp(outcome.decided_at),
    }
    return document if outcome.problem is None else {**document, "problem": dict(outcome.problem)}


def to_recorded(document: Mapping[str, Any]) -> RecordedPosting:
    """Return the recorded posting in a document of the collection `postings`."""
    outcome = Outcome(format_timestamp(document["decidedAt"]), document.get("problem"))
    return RecordedPosting(document["contentHash"], outcome)


def hold_document(hold: Hold) -> Document:
    """Return the document of a hold."""
    document: Document = {
        "_id": ObjectId(hold.id),
        "accountId": ObjectId(hold.account_id),
        "accountType": hold.account_type.value,
        "order": order_to_json(hold.posting),
        "amount": money(hold.amount, hold.posting.currency),
        "currency": hold.posting.currency,
        "status": hold.status.value,
        "createdAt": hold.created_at,
        "expiresAt": hold.expires_at,
    }
    if hold.ended_at is not None:
        document["endedAt"] = hold.ended_at
    if hold.captured is not None:
        document["captured"] = money(hold.captured, hold.posting.currency)
    return document


def to_hold(document: Mapping[str, Any]) -> Hold:
    """Return the hold in a document of the collection `holds`."""
    captured = document.get("captured")
    return Hold(
        posting=order_from_json(str(document["_id"]), document["order"]),
        status=HoldStatus(document["status"]),
        account_type=AccountType(document["accountType"]),
        created_at=document["createdAt"],
        expires_at=document["expiresAt"],
        ended_at=document.get("endedAt"),
        captured=None if captured is None else captured.to_decimal(),
    )


def moved_fields(sums: Iterable[MovedSum]) -> Document:
    """Return the fields of a person's document that contain `sums`."""
    return {
        f"moved.{moved.currency}.{moved.direction.value}.{moved.account_type}": {
            "day": moved.day,
            "dayAmount": money(moved.day_amount, moved.currency),
            "month": moved.month,
            "monthAmount": money(moved.month_amount, moved.currency),
        }
        for moved in sums
    }


def with_moved(customer: Document, fields: Mapping[str, Any]) -> Document:
    """Return a person's document after the fields of `moved_fields` were set in it. `customer` is not changed."""
    after = dict(customer)
    for path, value in fields.items():
        *parents, last = path.split(".")
        inner = after
        for name in parents:
            inner[name] = dict(inner.get(name, {}))
            inner = inner[name]
        inner[last] = value
    return after


def to_moved(customer: Mapping[str, Any], currency: str, direction: Direction) -> tuple[MovedSum, ...]:
    """Return the sums of a person's document for one currency and direction."""
    sums = customer.get("moved", {}).get(currency, {}).get(direction.value, {})
    return tuple(
        MovedSum(
            user_id=customer["_id"],
            currency=currency,
            direction=direction,
            account_type=AccountType(type_),
            day=each["day"],
            day_amount=each["dayAmount"].to_decimal(),
            month=each["month"],
            month_amount=each["monthAmount"].to_decimal(),
        )
        for type_, each in sums.items()
    )
