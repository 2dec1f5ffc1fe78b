"""`batching`: several operations in one request."""

from __future__ import annotations

from router.settings.section import Section


class Batching(Section):
    """Several operations in one request, as an array. They run concurrently; their responses are in order."""

    enabled: bool = False
    """Whether batches are accepted; `limits.batch_size` limits their size."""
