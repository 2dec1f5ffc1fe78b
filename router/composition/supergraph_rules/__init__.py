"""The rules on the merged supergraph (composition §5.8), in the order their errors are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.supergraph_rules import (
    cost_linked_by_itself,
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

# Only asked of a supergraph the rules above found nothing wrong with.
FINAL_RULES: tuple[Callable[[MergeState], None], ...] = (
    directive_locations.check,
    invalid_graphql.check,
)

# And these only of valid GraphQL: what the API schema would be.
API_RULES: tuple[Callable[[MergeState], None], ...] = (inaccessible.check,)

# And these last, of what would compose: whether a consumer can take the subgraphs out of it again, and read them.
EXTRACTION_RULES: tuple[Callable[[MergeState], None], ...] = (
    cost_linked_by_itself.check,
    key_invalid_fields.check,
    provides_invalid_fields.check,
)
