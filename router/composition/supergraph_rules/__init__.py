"""Check the merged supergraph (composition §5.8).

The input is the state of the merge. The result is errors in the report of the merge. This file lists the rules in four
groups. If a group reports an error, the next groups do not run.

Each rule has its own file. Most files are named after the error code that the rule reports. The other files list their
error codes at the beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.supergraph_rules import (
    cost_rules_of_linked_cost_spec,
    directive_arguments,
    directive_locations,
    inaccessible,
    interface_field_no_implem,
    invalid_graphql,
    key_invalid_fields,
    missing_transitive_auth_requirements,
    provides_invalid_fields,
    requires_invalid_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.composition.merge.merge_state import MergeState

SUPERGRAPH_RULES: tuple[Callable[[MergeState], None], ...] = (
    interface_field_no_implem.check,
    requires_invalid_fields.check,
    missing_transitive_auth_requirements.check,
)

# These rules check that the supergraph is valid GraphQL.
FINAL_RULES: tuple[Callable[[MergeState], None], ...] = (
    directive_locations.check,
    directive_arguments.check,
    invalid_graphql.check,
)

# These rules check the API schema. They run after `FINAL_RULES`, because they read a supergraph that is valid GraphQL.
API_RULES: tuple[Callable[[MergeState], None], ...] = (inaccessible.check,)

# Apollo's composition reports the errors of these rules last, when it extracts the subgraphs from the supergraph. So
# these rules run last here too.
EXTRACTION_RULES: tuple[Callable[[MergeState], None], ...] = (
    cost_rules_of_linked_cost_spec.check,
    key_invalid_fields.check,
    provides_invalid_fields.check,
)
