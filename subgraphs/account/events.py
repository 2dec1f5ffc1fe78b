"""The events of accounts and holds, which are written to the outbox (bank §2.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bank.values import format_amount
from subgraphs.account.postings import CustomerAccount
from subgraphs.kit.outbox import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from subgraphs.account.domain import Account
    from subgraphs.account.holds import Hold
    from subgraphs.account.postings import Posting
    from subgraphs.account.settlement import Settlement


def of_change(before: Account | None, after: Account) -> Iterator[Event]:
    """Yield the event of a change: `account.opened` if `before` is None, otherwise `account.changed`.

    If the account is the same as before, there is no event. If staff made the change, the event contains who made it.
    """
    if before != after:
        kind = "account.opened" if before is None else "account.changed"
        by_staff = before is not None and after.staff_action != before.staff_action
        facts = _staff_facts(after) if by_staff else {}
        yield Event(kind, after.id, after.updated_at, {**_state(after), **facts})


def of_settlement(posting: Posting, settlement: Settlement) -> Iterator[Event]:
    """Yield `account.posted` for each customer's account that `settlement` changes. A refused posting changes none."""
    amounts = {
        movement.account.id: movement.amount
        for movement in settlement.movements
        if isinstance(movement.account, CustomerAccount)
    }
    for account in settlement.accounts:
        facts = {
            "transactionId": posting.transaction_id,
            "transactionType": posting.type,
            "amount": format_amount(amounts[account.id], account.currency),
        }
        yield Event("account.posted", account.id, account.updated_at, {**_state(account), **facts})


def of_hold(hold: Hold, account: Account) -> Event:
    """Return the event of a hold: `account.held` if it is active, and `account.released` if it has ended.

    `account` is the state of the account after the hold began or ended.
    """
    kind = "account.held" if hold.ended_at is None else "account.released"
    facts = {
        "transactionId": hold.id,
        "transactionType": hold.posting.type,
        "amount": format_amount(hold.amount, account.currency),
        "holdStatus": hold.status,
    }
    return Event(kind, account.id, account.updated_at, {**_state(account), **facts})


def _staff_facts(account: Account) -> dict[str, object]:
    action = account.staff_action
    return {} if action is None else {"staffAction": action.kind, "staffUserId": action.user_id}


def _state(account: Account) -> dict[str, object]:
    return {
        "accountId": account.id,
        "userId": account.user_id,
        "type": account.type,
        "status": account.status,
        "currency": account.currency,
        "balance": format_amount(account.balance, account.currency),
        "held": format_amount(account.held, account.currency),
        "version": account.version,
    }
