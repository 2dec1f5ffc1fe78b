"""`batching`: whether a client may send several operations in one request."""

from __future__ import annotations

from router.settings.section import Section


class Batching(Section):
    """A client may send a batch: one request with an array of operations.

    The operations run concurrently. The array of responses has the order of the operations.
    """

    enabled: bool = False
    """Whether batches are accepted; `limits.batch_size` limits their size."""
