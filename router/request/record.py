"""What the log says of a request, collected while it is processed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.settings.sections.limits import LimitName


@dataclass(slots=True)
class RequestRecord:
    """What the log tells of a request. Durations in seconds; a stage that was not reached took none.

    `validate` has the limits in it. `execute` is all of running the plan; `fetch` is the part of it in which at least
    one subgraph was being waited for, the rest is completing the response. `operation_hash` names the operation
    without telling its literals: the first 16 hex digits of the SHA-256 of its normalised document. `exceeds` are
    the limits in measure mode that it exceeds; `listed` is whether it may be run where only known documents are.
    `override_labels` are the labels of progressive overrides that hold, of those that matter to the operation.
    `retry_after` is how many seconds a subgraph asked for; `codes` are those of the response's errors, each once.
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
    errors: int = 0
    codes: tuple[str, ...] = ()
    document_cached: bool = False
    plan_cached: bool = False
    override_labels: tuple[str, ...] = ()
    exceeds: tuple[LimitName, ...] = ()
    listed: bool = True
    retry_after: int | None = None


def merged(records: Sequence[RequestRecord]) -> RequestRecord:
    """What the log tells of a batch: sums; no name or hash, as there are many; cached is what all of them were."""
    return RequestRecord(
        parse=sum(each.parse for each in records),
        validate=sum(each.validate for each in records),
        plan=sum(each.plan for each in records),
        execute=sum(each.execute for each in records),
        fetch=sum(each.fetch for each in records),
        fetches=sum(each.fetches for each in records),
        errors=sum(each.errors for each in records),
        codes=tuple(dict.fromkeys(code for each in records for code in each.codes)),
        document_cached=all(each.document_cached for each in records),
        plan_cached=all(each.plan_cached for each in records),
        override_labels=tuple(sorted({label for each in records for label in each.override_labels})),
        exceeds=tuple(dict.fromkeys(name for each in records for name in each.exceeds)),
        listed=all(each.listed for each in records),
        retry_after=max((each.retry_after for each in records if each.retry_after is not None), default=None),
    )
