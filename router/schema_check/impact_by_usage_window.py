"""Finds what the changes do to the known operations: those in files, and those in the usage store.

The settings can choose, for each kind of change, which requests of the usage store count: a *window*. The operations of
each window are read and judged separately. From the result for a window, only the changes with this window are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.schema_check.changes import Severity
from router.schema_check.impact_on_known_operations import BrokenOperation, Impact, find_impact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLSchema

    from router.schema_check.changes import Change
    from router.schema_check.operations.known_operations import KnownOperation
    from router.schema_check.operations_from_usage_store import UsageSource


def find_usage_impact(
    old: GraphQLSchema,
    new: GraphQLSchema,
    changes: Sequence[Change],
    operations: Sequence[KnownOperation],
    usage: UsageSource,
) -> Impact:
    """Return what the changes do to the operations of files, and to the operations of a usage store.

    A usage store can have very many operations, so only the operations that a change can break are read from it.

    Raises:
        StoreFailure: The store cannot be read now.
    """
    unsafe = [change for change in changes if change.severity is not Severity.SAFE]
    used = {name for change in unsafe for name in change.used_coordinates}
    windows = {usage.counted_for(change.code).window: None for change in unsafe} or {usage.counted.window: None}
    affected: dict[Change, tuple[KnownOperation, ...]] = {}
    broken: dict[tuple[str, str], BrokenOperation] = {}
    invalid_before: dict[tuple[str, str], KnownOperation] = {}
    for window in windows:
        known = (*operations, *usage.operations_using(window, used))
        impact = find_impact(old, new, changes, known)
        kept = {change for change in unsafe if usage.counted_for(change.code).window == window}
        affected |= {change: found for change, found in impact.affected.items() if change in kept}
        for each in impact.broken:
            causes = tuple(change for change in each.changes if change in kept)
            key = each.operation.place, each.operation.name
            if causes:
                earlier = broken[key].changes if key in broken else ()
                broken[key] = BrokenOperation(each.operation, each.messages, (*earlier, *causes))
        invalid_before |= {(each.place, each.name): each for each in impact.invalid_before}
    return Impact(affected, tuple(broken.values()), tuple(invalid_before.values()))
