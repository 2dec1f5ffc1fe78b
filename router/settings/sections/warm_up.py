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
    (a list of documents, an object that maps ids to documents, or an object with `operations` that have a `body`)."""
    hottest: Annotated[int, Field(ge=0), IsNumber] = 300
    """Number of most used documents that are prepared for a new supergraph before it serves requests; 0 for none."""
    rate: Count = 50
    """Documents prepared per second while the router serves, so that requests are not delayed."""
    timeout: Duration = 30.0
    """Time limit of the warm-up, at the start and at a reload. Documents that are not prepared in time are prepared at
    their first request."""
