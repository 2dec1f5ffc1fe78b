"""Builds the queries of lists on the collection `transactions`, as MongoDB's filters and pipelines.

As in `sqlite_queries`, a list is the union of a few *branches*. Each branch is a range of one index in list order.
Before the union, each branch is limited to one page. So reading a page takes the same time in a long history as in a
short one.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from bson import Decimal128, ObjectId

from bank.values import is_object_id
from subgraphs.kit.times import from_milliseconds
from subgraphs.transaction.domain import SETTLED, TransactionStatus, TransactionType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.kit.pages import PageRequest, SortKey
    from subgraphs.transaction.store.protocol import Filter, Listing, TurnoverRequest

Conditions: TypeAlias = dict[str, Any]
Pipeline: TypeAlias = list[dict[str, Any]]

COLLECTION: Final = "transactions"
_SETTLED: Final = {"$in": sorted(SETTLED)}


@dataclass(frozen=True, slots=True)
class Branch:
    """A range of an index: the transactions that match `conditions`.

    Attributes:
        owner: an additional condition about the owner of an account. In one range, it is true for all transactions or
            for none. So it is checked only after a page of the range was read. No further transactions are read.
    """

    conditions: Conditions
    owner: Conditions = field(default_factory=dict)

    def on_page(self, request: PageRequest) -> Pipeline:
        """Return the stages that read the branch's part of a page."""
        ranges = list(_range_conditions(request))
        where = {"$and": [self.conditions, *ranges]} if ranges else self.conditions
        stages: Pipeline = [{"$match": where}, {"$sort": order(request)}, {"$limit": request.limit + 1}]
        return [*stages, {"$match": self.owner}] if self.owner else stages


def order(request: PageRequest) -> dict[str, int]:
    """Return the sort specification of a page: newest first, or oldest first for a page from the end."""
    direction = 1 if request.backwards else -1
    return {"createdAt": direction, "_id": direction}


def page(listing: Listing) -> Pipeline:
    """Return the pipeline for a page of all transactions that the viewer may see."""
    first, *others = (branch.on_page(listing.page) for branch in _viewer_branches(listing))
    stages = list(first)
    if others:
        stages += [{"$unionWith": {"coll": COLLECTION, "pipeline": other}} for other in others]
        stages += [*_WITHOUT_DUPLICATES, {"$sort": order(listing.page)}, {"$limit": listing.page.limit + 1}]
    return stages


def page_of_accounts(account_ids: Iterable[str], listing: Listing) -> Pipeline:
    """Return a pipeline that finds a page of transactions for each of several accounts.

    In a result, `_id` is the id of an account. Its `rows` contain up to one page of debits and one page of credits, in
    any order. The pipeline begins with the stage `$documents`, not with a collection.
    """
    names = []
    stages: Pipeline = [{"$documents": [{"_id": each} for each in object_ids(account_ids)]}]
    for side, branch in _account_branches(listing).items():
        names.append(f"${side}")
        stages.append(
            {
                "$lookup": {
                    "from": COLLECTION,
                    "localField": "_id",
                    "foreignField": f"{side}AccountId",
                    "pipeline": branch.on_page(listing.page),
                    "as": side,
                }
            }
        )
    return [*stages, {"$project": {"rows": {"$concatArrays": names}}}]


def counted_branches(listing: Listing) -> list[Conditions]:
    """Return the conditions of disjoint branches. Each transaction of `listing` matches exactly one of them.

    So the sum of their counts is the number of transactions on all pages.
    """
    own, *arrived = (branch.conditions for branch in _viewer_branches(listing))
    return [own, *({"$and": [each, {"principalUserId": {"$ne": listing.viewer_id}}]} for each in arrived)]


def counts_of_accounts(account_ids: Iterable[str], listing: Listing) -> list[Pipeline]:
    """Return two pipelines: one counts the debits of the accounts, and the other one the credits.

    Their results are documents `{_id: account, count}`. The caller adds the counts of both sides. A transfer from an
    account to itself, which is refused and recorded, is counted as a debit only.
    """
    wanted = {"$in": object_ids(account_ids)}
    branches = _account_branches(listing)
    debits = branches["source"]
    debited = {
        "$and": [{"$expr": {"$eq": ["$sourceAccountId", "$destinationAccountId"]}}, debits.owner, debits.conditions]
    }
    excluded: dict[str, Conditions] = {"source": {}, "destination": {"$nor": [debited]}}
    return [
        [
            {"$match": {"$and": [{f"{side}AccountId": wanted}, branch.owner, branch.conditions, excluded[side]]}},
            {"$group": {"_id": f"${side}AccountId", "count": {"$sum": 1}}},
        ]
        for side, branch in branches.items()
    ]


def turnovers(account_ids: Iterable[str], request: TurnoverRequest) -> dict[str, Pipeline]:
    """Return a pipeline for the credits and one for the debits.

    Their results are documents `{_id: {account, currency}, sum}`.
    """
    wanted = {"$in": object_ids(account_ids)}
    pipelines = {}
    converted = {name: {"$ifNull": [f"$conversion.{name}", f"${name}"]} for name in ("amount", "currency")}
    for name, side, user, money in (
        ("credited", "destination", "destination.userId", converted),
        ("debited", "source", "principalUserId", {"amount": "$amount", "currency": "$currency"}),
    ):
        conditions: Conditions = {
            f"{side}AccountId": wanted,
            "status": {"$in": sorted(SETTLED)},
            **_time_conditions(request.created_from, request.created_to),
        }
        if request.viewer_id is not None:
            conditions[user] = request.viewer_id
        group = {
            "_id": {"account": f"${side}AccountId", "currency": money["currency"]},
            "sum": {"$sum": money["amount"]},
        }
        pipelines[name] = [{"$match": conditions}, {"$group": group}]
    return pipelines


def object_ids(ids: Iterable[str]) -> list[ObjectId]:
    """Convert `ids` to ObjectIds, without duplicates. A text that is not 24 hex digits is left out."""
    return [ObjectId(each) for each in dict.fromkeys(ids) if is_object_id(each)]


# A transaction between two accounts of the viewer is in both branches.
_WITHOUT_DUPLICATES: Final[Sequence[dict[str, Any]]] = (
    {"$group": {"_id": "$_id", "row": {"$first": "$$ROOT"}}},
    {"$replaceRoot": {"newRoot": "$row"}},
)


def _viewer_branches(listing: Listing) -> list[Branch]:
    if listing.viewer_id is None:
        return [Branch(_conditions(_by_index(listing.filter)))]
    wanted = _conditions(listing.filter)
    arrived = {"destination.userId": listing.viewer_id, "status": _SETTLED}
    return [Branch({"principalUserId": listing.viewer_id, **wanted}), Branch(_both(arrived, wanted))]


def _by_index(wanted: Filter) -> Filter:
    """Return the same filter with a condition on each leading field of the index `by_status`, if it has one of them.

    The server reads a range of the index for each combination of their values, in the order of the list. So a page with
    few transactions among many others takes no longer than the first page of all transactions.
    """
    if wanted.statuses is None and wanted.types is None:
        return wanted
    statuses, types = wanted.statuses, wanted.types
    return replace(
        wanted,
        statuses=frozenset(TransactionStatus) if statuses is None else statuses,
        types=frozenset(TransactionType) if types is None else types,
    )


def _account_branches(listing: Listing) -> dict[str, Branch]:
    """Return a branch for each side, without the condition on the account, which the caller adds."""
    wanted, viewer = _conditions(listing.filter), listing.viewer_id
    if viewer is None:
        return {"source": Branch(wanted), "destination": Branch(wanted)}
    visible = {"$or": [{"status": _SETTLED}, {"principalUserId": viewer}]}
    return {
        "source": Branch(wanted, owner={"source.userId": viewer}),
        "destination": Branch(_both(visible, wanted), owner={"destination.userId": viewer}),
    }


def _both(one: Conditions, other: Conditions) -> Conditions:
    return {"$and": [one, other]} if other else one


def _conditions(wanted: Filter) -> Conditions:
    conditions = _time_conditions(wanted.created_from, wanted.created_to)
    for name, values in (("type", wanted.types), ("status", wanted.statuses)):
        if values is not None:
            conditions[name] = {"$in": sorted(values)}
    amount = _bounds(("$gte", wanted.min_amount), ("$lte", wanted.max_amount))
    if amount:
        conditions["amount"] = amount
    return conditions


def _bounds(*bounds: tuple[str, Decimal | None]) -> Conditions:
    return {operator: Decimal128(bound) for operator, bound in bounds if bound is not None}


def _time_conditions(created_from: datetime | None, created_to: datetime | None) -> Conditions:
    bounds = {"$gte": created_from, "$lt": created_to}
    given = {operator: moment for operator, moment in bounds.items() if moment is not None}
    return {"createdAt": given} if given else {}


def _range_conditions(request: PageRequest) -> Iterable[Conditions]:
    # The list begins with the newest transaction, so transactions that come later in the list have smaller keys.
    if request.after:
        yield _beyond(request.after, "$lt")
    if request.before:
        yield _beyond(request.before, "$gt")


def _beyond(key: SortKey, operator: str) -> Conditions:
    """Return the condition for transactions before (`$lt`) or after (`$gt`) a sort key.

    The condition has two parts. The first part is a bound of `createdAt`, for which MongoDB can use an index. This
    bound includes all transactions of the key's millisecond. So the second part compares the ids of these transactions.
    """
    moment, transaction_id = from_milliseconds(int(key[0])), ObjectId(key[1])
    tie = {"createdAt": moment, "_id": {operator: transaction_id}}
    return {"createdAt": {f"{operator}e": moment}, "$or": [{"createdAt": {operator: moment}}, tie]}
