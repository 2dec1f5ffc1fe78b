"""The validation rule that compares the fields of one response name, with a smaller budget than graphql-core's.

Its work grows with the square of the fields of one name, so graphql-core stops it after 500,000 units, a second of CPU.
A document of 6 KB needs so much. Recorded and written operations need at most 39 units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import OverlappingFieldsCanBeMergedRule

if TYPE_CHECKING:
    from graphql import ValidationContext

_COMPARISONS: Final = 50_000


class BoundedOverlappingFieldsRule(OverlappingFieldsCanBeMergedRule):
    """GraphQL specification, "Field Selection Merging". A document that needs more work is not valid."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = _COMPARISONS
