"""`cache`: the sizes of the caches of documents and plans."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import Count


class Cache(Section):
    """The sizes of the caches of documents and plans."""

    documents: Count = 1_000
    """Maximum number of validated documents."""
    plans: Count = 1_000
    """Maximum number of plans."""
    memory_bytes: Count = 50_000_000
    """Maximum memory of each of the two caches, measured on the objects that a document or plan consists of. A document
    or plan that needs more memory by itself is not cached."""
