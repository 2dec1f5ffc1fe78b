"""CONTEXT_NAME_INVALID: the name of a `@context` must begin with a letter and have only letters and digits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each `@context` with an invalid name (composition §4.7)."""
    for definition in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE, Kind.UNION):
        for applied in definition.applied("context"):
            if not _NAME.fullmatch(applied.text("name") or ""):
                report.error(
                    "CONTEXT_NAME_INVALID",
                    f'[{subgraph.name}] "{applied.text("name")}" on {definition.name} is not a context name: it must '
                    "have letters and digits only, and begin with a letter.",
                    [(subgraph.name, applied.node)],
                )
