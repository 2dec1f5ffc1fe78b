"""Check one subgraph by itself, without the other subgraphs (composition §4).

The input is the schema of one subgraph, after its upgrade if it is a Federation 1 schema. The result is errors in the
report, in the order of the rules.

Each rule has its own file. If a rule reports only one error code, its file is named after the code. If a rule reports
several codes, its file is named after the directive. The files `check_...` and `find_...` contain functions that
several rules use. Read `keys` and `check_field_set` first, then any rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules import (
    auth_requirements_applied_on_interface,
    context_invalid_selection,
    context_name_invalid,
    context_no_resolvable_key,
    context_not_set,
    cost_applied_to_interface_field,
    external_on_interface,
    external_unused,
    interface_key_not_on_implementation,
    interface_object_usage_error,
    invalid_shareable_usage,
    keys,
    list_size_applied_to_non_list,
    list_size_invalid_assumed_size,
    list_size_invalid_sized_field,
    list_size_invalid_slicing_argument,
    no_context_in_selection,
    provides,
    provides_placement,
    requires,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report

SUBGRAPH_RULES: tuple[Callable[[SubgraphMetadata, Report], None], ...] = (
    # Field sets
    keys.check,
    requires.check,
    provides.check,
    # @external
    external_on_interface.check,
    external_unused.check,
    # Interfaces and interface objects
    interface_key_not_on_implementation.check,
    interface_object_usage_error.check,
    # @shareable
    invalid_shareable_usage.check,
    # @context
    context_name_invalid.check,
    no_context_in_selection.check,
    context_not_set.check,
    context_invalid_selection.check,
    context_no_resolvable_key.check,
    # @cost and @listSize
    cost_applied_to_interface_field.check,
    list_size_applied_to_non_list.check,
    list_size_invalid_assumed_size.check,
    list_size_invalid_slicing_argument.check,
    list_size_invalid_sized_field.check,
    # Authorization
    auth_requirements_applied_on_interface.check,
)


# These rules run before `SUBGRAPH_RULES`. If one of these rules reports an error, no further rule runs. Apollo's
# composition does the same.
FIRST_RULES: tuple[Callable[[SubgraphMetadata, Report], None], ...] = (provides_placement.check, keys.check_readable)


def check_subgraph(subgraph: SubgraphMetadata, report: Report) -> None:
    """Run `FIRST_RULES` on one subgraph. If they report no error, run `SUBGRAPH_RULES` too (composition §4)."""
    before = len(report.errors)
    for rule in FIRST_RULES:
        rule(subgraph, report)
        if len(report.errors) > before:
            return
    for rule in SUBGRAPH_RULES:
        rule(subgraph, report)
