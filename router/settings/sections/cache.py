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
    text_bytes: Count = 2_000_000
    """Maximum total size of the document texts in each of the two caches. A cached document or
    plan uses up to a hundred times as much memory as its text."""
