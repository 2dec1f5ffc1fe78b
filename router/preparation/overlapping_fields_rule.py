"""The validation rule that compares fields with equal response names, with a smaller work limit than graphql-core has.

The rule compares all pairs of fields with the same response name, so the work grows with the square of their number.
graphql-core stops the comparison after 500,000 units of work, about a second of CPU time. A document of 6 KB is enough
to reach this limit. Operations of real clients, recorded or written by hand, need at most 39 units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import OverlappingFieldsCanBeMergedRule

if TYPE_CHECKING:
    from graphql import ValidationContext

_MAX_COMPARISONS: Final = 50_000


class BoundedOverlappingFieldsRule(OverlappingFieldsCanBeMergedRule):
    """The rule "Field Selection Merging" of the GraphQL specification.

    A document that needs more work than the budget is not valid.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = _MAX_COMPARISONS
