"""`warm_up`: operations that are prepared before a client sends them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.settings.section import Section
from router.settings.types import Count, Duration, FilePath, IsNumber


class WarmUp(Section):
    """Operations that are parsed, validated and planned before a client sends them."""

    file: FilePath | None = None
    """Operations to prepare at the start, besides persisted documents: a folder of .graphql files, or a JSON manifest
    (a list of documents, an object of documents by id, or one with `operations` that have a `body`)."""
    hottest: Annotated[int, Field(ge=0), IsNumber] = 300
    """How many of the most used documents are prepared for a new supergraph before it is served; 0 for none."""
    rate: Count = 50
    """Documents prepared per second while the router serves, so that requests are not delayed."""
    timeout: Duration = 30.0
    """Time limit of warming up, at the start and at a reload; documents not prepared by then are prepared on their
    first request."""
