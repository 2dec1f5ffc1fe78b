"""`warm_up`: operations that the router parses, validates and plans before a client sends them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.settings.section import Section
from router.settings.types import Count, Duration, FilePath, IsNumber


class WarmUp(Section):
    """Operations that the router prepares (parses, validates and plans) before a client sends them."""

    file: FilePath | None = None
    """A folder of .graphql files, or a JSON manifest. The router prepares their operations at the start, in addition to
    persisted documents. The manifest is a list of documents, an object that maps ids to documents, or an object of the
    form {"operations": [{"body": document}]}."""
    hottest: Annotated[int, Field(ge=0), IsNumber] = 300
    """Before a reload replaces the supergraph, the router prepares this number of documents, those that clients used
    most. 0 for none."""
    rate: Count = 50
    """Maximum number of documents prepared per second while clients are served, so that requests are not delayed."""
    timeout: Duration = 30.0
    """Time limit of the warm-up, at the start and at a reload. A document that is not prepared in time is prepared
    when a client first sends it."""
