"""`RequestRecord`: the fields of a request's log line, which are set while the request is processed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.settings.sections.limits import LimitName


class RequestRecord(msgspec.Struct):
    """The fields of a request's log line. Durations are in seconds; the duration of a step that did not run is 0.

    Attributes:
        operation_name: The name of the operation.
        operation_kind: query, mutation or subscription.
        operation_hash: The first 16 hexadecimal digits of the SHA-256 of the normalised document.
        parse: The duration of parsing.
        validate: The duration of validation.
        plan: The duration of planning.
        execute: The duration of executing the plan.
        fetch: The part of `execute` during which at least one fetch was in flight.
        fetches: The number of fetches.
        sent: The number of fetches that a subgraph may have received.
        errors: The number of the response's errors.
        codes: The codes of the response's errors, each once.
        document_cached: Whether the document was in the cache, or was already being prepared for another request.
        plan_cached: Whether the plan was in the cache, or was already being prepared for another request.
        override_labels: The active labels of progressive overrides, without labels that cannot change the plan.
        exceeds: The limits in measure mode (measured, not enforced) that the document of the request exceeds.
        listed: Whether the document is on the list of persisted documents; True if there is no list.
        cost_estimated: The estimated cost of the operation, None without demand control.
        cost_actual: The measured cost of the response, None if it was not measured.
        retry_after: The longest `Retry-After` of a subgraph in seconds, or None.
    """

    operation_name: str | None = None
    operation_kind: str | None = None
    operation_hash: str | None = None
    parse: float = 0.0
    validate: float = 0.0
    plan: float = 0.0
    execute: float = 0.0
    fetch: float = 0.0
    fetches: int = 0
    sent: int = 0
    errors: int = 0
    codes: tuple[str, ...] = ()
    document_cached: bool = False
    plan_cached: bool = False
    override_labels: tuple[str, ...] = ()
    exceeds: tuple[LimitName, ...] = ()
    listed: bool = True
    retry_after: int | None = None
    cost_estimated: int | None = None
    cost_actual: int | None = None


def merged(records: Sequence[RequestRecord]) -> RequestRecord:
    """Return one record for a batch: durations and counts are sums, and a flag is True if it is True in all records."""
    return RequestRecord(
        parse=sum(each.parse for each in records),
        validate=sum(each.validate for each in records),
        plan=sum(each.plan for each in records),
        execute=sum(each.execute for each in records),
        fetch=sum(each.fetch for each in records),
        fetches=sum(each.fetches for each in records),
        sent=sum(each.sent for each in records),
        errors=sum(each.errors for each in records),
        codes=tuple(dict.fromkeys(code for each in records for code in each.codes)),
        document_cached=all(each.document_cached for each in records),
        plan_cached=all(each.plan_cached for each in records),
        override_labels=tuple(sorted({label for each in records for label in each.override_labels})),
        exceeds=tuple(dict.fromkeys(name for each in records for name in each.exceeds)),
        listed=all(each.listed for each in records),
        retry_after=max((each.retry_after for each in records if each.retry_after is not None), default=None),
        cost_estimated=_sum(each.cost_estimated for each in records),
        cost_actual=_sum(each.cost_actual for each in records),
    )


def _sum(costs: Iterable[int | None]) -> int | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None
