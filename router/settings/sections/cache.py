"""`cache`: how many documents and plans are kept."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import Count


class Cache(Section):
    """The caches of documents and plans."""

    documents: Count = 1_000
    """Number of validated documents, by their text."""
    plans: Count = 1_000
    """Number of plans, by document and operation name."""
    text_bytes: Count = 2_000_000
    """Total size of the document texts in each of the two caches. In memory an entry takes up to a hundred times the
    size of its text."""
