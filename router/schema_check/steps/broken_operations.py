"""Finds known operations that are not valid with the proposed version, whatever has changed.

The diff already names the operations that a change breaks. This step is for checks that do not compare the schemas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import validate

from router.schema_check.step_findings import Level, StepFinding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import GraphQLSchema

    from router.schema_check.operations.known_operations import KnownOperation

STEP: Final = "operations"
_ADVICE: Final = "Give back to the schema what the operation selects, or change the operation first."


def broken_operation_findings(
    old: GraphQLSchema, new: GraphQLSchema, operations: Sequence[KnownOperation]
) -> Iterator[StepFinding]:
    """Yield a finding for each operation that only the old schema accepts."""
    for operation in operations:
        errors = validate(new, operation.document)
        if errors and not validate(old, operation.document):
            message = f"{operation.name} ({operation.place}) becomes invalid."
            notes = tuple(error.message for error in errors)
            yield StepFinding(STEP, "OPERATION_INVALID", Level.ERROR, message, "", None, _ADVICE, notes, operation.id)
