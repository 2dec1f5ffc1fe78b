"""Builds the queries of lists, as SQL text and named parameters. Every value is a parameter.

A list is the union of a few *branches*. Each branch is a range of one index in list order: a viewer's own orders and
the transactions received from others, or an account's debits and credits. Before the union, each branch is limited to
one page. Here, the page has 20 rows, and one more row shows whether the list continues:

```
SELECT id FROM (SELECT ... <branch 1> ORDER BY created_at DESC, id DESC LIMIT 21)
UNION
SELECT id FROM (SELECT ... <branch 2> ORDER BY created_at DESC, id DESC LIMIT 21)
ORDER BY ... LIMIT 21
```

So reading a page takes the same time in a long history as in a short one. If pages of many accounts are read in one
query, the union is a correlated subquery over `json_each(:accounts)` (as LATERAL in other databases).

This module is pure: it has no I/O and reads no clock.
"""

# ruff: noqa: S608 - the texts consist of constants of this module only
from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR
from itertools import product
from typing import TYPE_CHECKING, Final, TypeAlias

from bank.values import EXPONENTS
from subgraphs.kit.times import to_milliseconds
from subgraphs.transaction.domain import MAX_MINOR_UNITS, SETTLED, TransactionStatus, TransactionType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from subgraphs.kit.pages import PageRequest
    from subgraphs.transaction.store.protocol import Filter, Listing, TurnoverRequest

Parameters: TypeAlias = dict[str, str | int]

_SETTLED: Final = ", ".join(f"'{status}'" for status in sorted(SETTLED))
# The conditions of the branches. Together, they are the same condition as domain.Transaction.visible_to. Each branch
# can use one index.
_OWN: Final = "principal_user_id = :viewer"
_ARRIVED: Final = f"destination_user_id = :viewer AND status IN ({_SETTLED})"
_DEBITS: Final = "source_account_id = account.value"
_CREDITS: Final = "destination_account_id = account.value"


@dataclass(frozen=True, slots=True)
class Branch:
    """A range of an index: the transactions that match `conditions`.

    Attributes:
        owner: an additional condition about the owner of an account. In one range, it is true for all transactions or
            for none. So it is checked only after a page of the range was read. No further transactions are read.
    """

    conditions: str
    owner: str = "TRUE"


_BRANCHES_OF_ALL: Final = (Branch("TRUE"),)
_BRANCHES_OF_VIEWER: Final = (Branch(_OWN), Branch(_ARRIVED))
_BRANCHES_OF_ANY_ACCOUNT: Final = (Branch(_DEBITS), Branch(_CREDITS))
_BRANCHES_OF_OWN_ACCOUNT: Final = (
    Branch(_DEBITS, owner="source_user_id = :viewer"),
    Branch(f"{_CREDITS} AND (status IN ({_SETTLED}) OR {_OWN})", owner="destination_user_id = :viewer"),
)

_HELD: Final = frozenset({TransactionStatus.HELD})

# The numbers of decimals that currencies have.
_EXPONENTS: Final = sorted(set(EXPONENTS.values()))
# A sum is computed in two parts (`high` and `low`), so that no number exceeds 64 bits.
_BILLION: Final = 10**9


@dataclass(frozen=True, slots=True)
class Query:
    sql: str
    parameters: Parameters


def page(listing: Listing) -> Query:
    """Return the query for a page of all transactions that the viewer may see."""
    if _is_filtered_list_of_all(listing):
        return _filtered_page(listing)
    condition, parameters = _conditions(listing)
    candidates = _candidates(_viewer_branches(listing), condition, listing.page)
    return Query(
        f"SELECT * FROM transactions WHERE id IN ({candidates}) ORDER BY {_order(listing.page)}",
        {**parameters, **_range_parameters(listing.page)},
    )


def _is_filtered_list_of_all(listing: Listing) -> bool:
    wanted = listing.filter
    is_filtered = wanted.types is not None or wanted.statuses not in {None, _HELD}
    return listing.viewer_id is None and is_filtered


def _filtered_page(listing: Listing) -> Query:
    """Return the query for a page of all transactions that have some statuses or types.

    It reads a page of each group of transactions with one status and one type. So a page with few transactions among
    many others takes no longer than the first page of all transactions.
    """
    wanted = listing.filter
    statuses = sorted(TransactionStatus if wanted.statuses is None else wanted.statuses)
    types = sorted(TransactionType if wanted.types is None else wanted.types)
    condition, parameters = _conditions(replace(listing, filter=replace(wanted, statuses=None, types=None)))
    within = " AND ".join([condition, *_range_conditions(listing.page)])
    order = _order(listing.page)
    return Query(
        "SELECT transactions.* FROM json_each(:groups) AS one CROSS JOIN transactions WHERE transactions.id IN"
        " (SELECT id FROM transactions WHERE status = json_extract(one.value, '$[0]')"
        f" AND type = json_extract(one.value, '$[1]') AND type IS NOT NULL AND {within} ORDER BY {order} LIMIT :rows)"
        f" ORDER BY {order} LIMIT :rows",
        {**parameters, **_range_parameters(listing.page), "groups": json.dumps(list(product(statuses, types)))},
    )


def page_of_accounts(account_ids: Sequence[str], listing: Listing) -> Query:
    """Return a query that finds a page of transactions for each of several accounts.

    The column `for_account` contains the id of the account to which a row belongs.
    """
    condition, parameters = _conditions(listing)
    candidates = _candidates(_account_branches(listing), condition, listing.page)
    return Query(
        # CROSS JOIN fixes the order of the loops, so that the loop over the accounts is the outer one.
        "SELECT account.value AS for_account, transactions.* FROM json_each(:accounts) AS account"
        f" CROSS JOIN transactions WHERE transactions.id IN ({candidates})"
        f" ORDER BY account.key, {_order(listing.page)}",
        {**parameters, **_range_parameters(listing.page), "accounts": json.dumps(list(account_ids))},
    )


def count(listing: Listing) -> Query:
    condition, parameters = _conditions(listing)
    return Query(f"SELECT count(*) FROM ({_union(_viewer_branches(listing), condition)})", parameters)


def count_of_accounts(account_ids: Sequence[str], listing: Listing) -> Query:
    condition, parameters = _conditions(listing)
    return Query(
        f"SELECT account.value, (SELECT count(*) FROM ({_union(_account_branches(listing), condition)}))"
        " FROM json_each(:accounts) AS account",
        {**parameters, "accounts": json.dumps(list(account_ids))},
    )


def turnover(account_ids: Sequence[str], request: TurnoverRequest) -> Query:
    """Return the query for rows of (account, currency, side, high, low). A sum is `high * 10**9 + low` minor units."""
    conditions, parameters = _time_conditions(request.created_from, request.created_to)
    sides = []
    for side, account, user, amount, currency in (
        (
            "credited",
            "destination_account_id",
            "destination_user_id",
            "ifnull(credited_amount, amount)",
            "ifnull(credited_currency, currency)",
        ),
        ("debited", "source_account_id", "principal_user_id", "amount", "currency"),
    ):
        visible = [] if request.viewer_id is None else [f"{user} = :viewer"]
        where = " AND ".join(
            [
                f"{account} IN (SELECT value FROM json_each(:accounts))",
                "status IN ('COMPLETED', 'REVERSED')",
                *visible,
                *conditions,
            ]
        )
        sides.append(
            f"SELECT {account}, {currency}, '{side}', sum({amount} / {_BILLION}), sum({amount} % {_BILLION})"
            f" FROM transactions WHERE {where} GROUP BY 1, 2"
        )
    parameters["accounts"] = json.dumps(list(account_ids))
    if request.viewer_id is not None:
        parameters["viewer"] = request.viewer_id
    return Query(" UNION ALL ".join(sides), parameters)


def whole_sum(high: int, low: int) -> int:
    """Return a sum of `turnover` in minor units, from its two parts. It may exceed 64 bits."""
    return high * _BILLION + low


def _viewer_branches(listing: Listing) -> tuple[Branch, ...]:
    return _BRANCHES_OF_ALL if listing.viewer_id is None else _BRANCHES_OF_VIEWER


def _account_branches(listing: Listing) -> tuple[Branch, ...]:
    return _BRANCHES_OF_ANY_ACCOUNT if listing.viewer_id is None else _BRANCHES_OF_OWN_ACCOUNT


def _candidates(branches: Sequence[Branch], condition: str, request: PageRequest) -> str:
    """Return the query for the ids of one page."""
    within = " AND ".join([condition, *_range_conditions(request)])
    order = _order(request)
    union = " UNION ".join(
        "SELECT id, created_at FROM (SELECT id, created_at, source_user_id, destination_user_id FROM transactions"
        f" WHERE {branch.conditions} AND {within} ORDER BY {order} LIMIT :rows) WHERE {branch.owner}"
        for branch in branches
    )
    return f"SELECT id FROM ({union} ORDER BY {order} LIMIT :rows)"


def _union(branches: Sequence[Branch], condition: str) -> str:
    return " UNION ".join(
        f"SELECT id FROM transactions WHERE {branch.conditions} AND {branch.owner} AND {condition}"
        for branch in branches
    )


def _order(request: PageRequest) -> str:
    direction = "ASC" if request.backwards else "DESC"
    return f"created_at {direction}, id {direction}"


def _range_conditions(request: PageRequest) -> list[str]:
    # The list begins with the newest transaction, so transactions that come later in the list have smaller keys.
    after = ["(created_at, id) < (:after_time, :after_id)"] if request.after else []
    before = ["(created_at, id) > (:before_time, :before_id)"] if request.before else []
    return after + before


def _range_parameters(request: PageRequest) -> Parameters:
    parameters: Parameters = {"rows": request.limit + 1}
    for name, key in (("after", request.after), ("before", request.before)):
        if key is not None:
            parameters |= {f"{name}_time": int(key[0]), f"{name}_id": key[1]}
    return parameters


def _conditions(listing: Listing) -> tuple[str, Parameters]:
    """Return the condition of the filter (TRUE if it is empty), and the parameters of the filter and the viewer."""
    wanted = listing.filter
    conditions, parameters = _time_conditions(wanted.created_from, wanted.created_to)
    for column, values in (("type", wanted.types), ("status", wanted.statuses)):
        if values == _HELD:
            # HELD is a constant in the SQL text. With a parameter, SQLite could not use the partial index of HELD
            # transactions.
            conditions.append("status = 'HELD'")
        elif values is not None:
            conditions.append(f"{column} IN (SELECT value FROM json_each(:{column}))")
            parameters[column] = json.dumps(sorted(values))
    parameters |= _amount_conditions(wanted, conditions)
    if listing.viewer_id is not None:
        parameters["viewer"] = listing.viewer_id
    return " AND ".join(conditions or ["TRUE"]), parameters


def _time_conditions(created_from: datetime | None, created_to: datetime | None) -> tuple[list[str], Parameters]:
    conditions: list[str] = []
    parameters: Parameters = {}
    for name, operator, moment in (("created_from", ">=", created_from), ("created_to", "<", created_to)):
        if moment is not None:
            conditions.append(f"created_at {operator} :{name}")
            parameters[name] = to_milliseconds(moment)
    return conditions, parameters


def _amount_conditions(wanted: Filter, conditions: list[str]) -> Parameters:
    """Add the conditions for the lowest and the highest amount to `conditions`, and return their parameters.

    Amounts are stored in minor units. So a bound has one parameter for each possible number of decimals.
    """
    parameters: Parameters = {}
    bounds = (("min", ">=", wanted.min_amount, ROUND_CEILING), ("max", "<=", wanted.max_amount, ROUND_FLOOR))
    for name, operator, bound, rounding in bounds:
        if bound is None:
            continue
        cases = " ".join(f"WHEN {exponent} THEN :{name}_{exponent}" for exponent in _EXPONENTS)
        conditions.append(f"amount {operator} CASE exponent {cases} END")
        for exponent in _EXPONENTS:
            units = int(bound.scaleb(exponent).to_integral_value(rounding))
            parameters[f"{name}_{exponent}"] = min(units, MAX_MINOR_UNITS)
    return parameters
