"""`batching`: several operations in one request."""

from __future__ import annotations

from router.settings.section import Section


class Batching(Section):
    """Several operations in one request, as an array: run concurrently, responses in the order of the requests."""

    enabled: bool = False
    """Whether batches are accepted; `limits.batch_size` limits their size."""
