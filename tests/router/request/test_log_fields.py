"""What the log says of a batch. Covers `router/request/request_and_response.py` too."""

from __future__ import annotations

from router.request.log_fields import RequestRecord, merged


def test_a_batch_has_the_sums_of_its_requests() -> None:
    first = RequestRecord(
        operation_name="A", parse=1, plan=2, execute=3, fetch=2, fetches=2, errors=1, codes=("X",), retry_after=3
    )
    second = RequestRecord(operation_name="B", validate=4, execute=1, fetches=1, errors=2, codes=("Y", "X"))
    batch = merged([first, second])
    assert (batch.parse, batch.validate, batch.plan, batch.execute, batch.fetch) == (1, 4, 2, 4, 2)
    assert (batch.fetches, batch.errors, batch.codes, batch.retry_after) == (3, 3, ("X", "Y"), 3)
    assert batch.operation_name is None


def test_a_batch_is_cached_and_listed_if_all_its_requests_are() -> None:
    cached = RequestRecord(document_cached=True, plan_cached=True, exceeds=("depth",), override_labels=("b",))
    other = RequestRecord(document_cached=True, listed=False, exceeds=("depth", "fields"), override_labels=("a", "b"))
    batch = merged([cached, other])
    assert (batch.document_cached, batch.plan_cached, batch.listed) == (True, False, False)
    assert (batch.exceeds, batch.override_labels) == (("depth", "fields"), ("a", "b"))
    assert merged([]).retry_after is None
