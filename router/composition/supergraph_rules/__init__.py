"""Check the merged supergraph (composition §5.8). The errors have the order of the rules.

In: the state of a merge. Out: errors in its report. Each rule has its own file. A rule that reports one code is named
after the code, except `directive_locations` (INVALID_GRAPHQL).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.supergraph_rules import (
    directive_locations,
    inaccessible,
    interface_field_no_implem,
    invalid_graphql,
    key_invalid_fields,
    linked_cost_spec,
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

# These run only if the rules above found no error.
FINAL_RULES: tuple[Callable[[MergeState], None], ...] = (
    directive_locations.check,
    invalid_graphql.check,
)

# These check the API schema, so the supergraph must be valid GraphQL.
API_RULES: tuple[Callable[[MergeState], None], ...] = (inaccessible.check,)

# These run last. Apollo's composition reports these errors when it extracts the subgraphs from the supergraph.
EXTRACTION_RULES: tuple[Callable[[MergeState], None], ...] = (
    linked_cost_spec.check,
    key_invalid_fields.check,
    provides_invalid_fields.check,
)
