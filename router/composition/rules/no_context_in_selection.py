"""NO_CONTEXT_IN_SELECTION: the `field` of a `@fromContext` does not have the form `$context selection`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from router.composition.context_directives import parse_context_value
from router.composition.rules.find_contextual_arguments import contextual_arguments, report_problem

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report

_NAME_AND_SELECTION = re.compile(r"\s*\$\s*\w+\s*[^\w\s][\s\S]*")


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each `@fromContext` without a context name or without a selection (composition §4.7)."""
    for each in contextual_arguments(subgraph):
        if not has_name_and_selection(each.value):
            problem = f'"{each.value}" must be $, the name of a context, and a selection'
            report_problem(subgraph, report, "NO_CONTEXT_IN_SELECTION", each, problem)


def has_name_and_selection(value: str) -> bool:
    """Return whether `value` has the form `$context selection`. The selection itself may be invalid."""
    return parse_context_value(value) is not None or _NAME_AND_SELECTION.fullmatch(value) is not None
