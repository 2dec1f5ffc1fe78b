"""`cache`: the sizes of the caches of documents, plans and compiled plans, and the folder of the supergraph cache."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import Count, NewFilePath


class Cache(Section):
    """The sizes of the caches of documents, plans and compiled plans, and the cache of supergraphs."""

    documents: Count = 1_000
    """Maximum number of validated documents."""
    plans: Count = 1_000
    """Maximum number of plans."""
    compiled_plans: Count = 500
    """Maximum number of compiled plans (`execution.compile_plans`). If the cache is full, a new compiled plan can only
    replace a plan that was not used during the last 5,000 executions."""
    memory_bytes: Count = 50_000_000
    """Maximum memory of each of the three caches. The memory of a document or plan is the total size of its objects.
    The memory of a compiled plan is estimated from its source text. What is larger than this limit is not cached."""
    folder: NewFilePath | None = None
    """A folder in which the router keeps data derived from supergraphs, so that it starts faster the next time. It is
    created if it is missing. The router uses only files in it that no other user can write."""
