"""Check `@shareable`: if several subgraphs resolve a field, all of them must mark the field as shareable.

See composition §5.3. Reports the error INVALID_FIELD_SHARING.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from router.composition.merge.merge_state import NOT_OVERRIDDEN, Override

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState, Sources
    from router.composition.model import FieldDef


def check_sharing(
    state: MergeState, sources: Sources[FieldDef], dest: FieldDef, override: Override = NOT_OVERRIDDEN
) -> None:
    """Report an error if several subgraphs resolve the field `dest` but not all of them mark the field as shareable."""
    if len(sources) == 1 and not state.with_interface_objects:
        return
    candidates = [(index, source) for index, source in sources.items() if override.resolves(index)]
    resolving = [
        (index, each)
        for index, each in sorted([*candidates, *state.interface_object_fields(dest)], key=itemgetter(0))
        if not state.subgraphs[index].is_fully_external(each)
    ]
    if len(resolving) < 2:  # noqa: PLR2004 - a field is shared by two or more
        return
    not_shareable = [index for index, member in resolving if not state.subgraphs[index].is_shareable(member)]
    if not not_shareable:
        return
    state.report.error(
        "INVALID_FIELD_SHARING",
        f"{dest.coordinate} is resolved by {state.names(dict.fromkeys(index for index, _ in resolving))}, but not "
        f"marked @shareable in {state.names(dict.fromkeys(not_shareable))}.",
        [state.place(index, member.node) for index, member in resolving],
    )


def check_subscription_sharing(state: MergeState, sources: Sources[FieldDef], dest: FieldDef) -> None:
    """Report an error if the subscription field `dest` has `@shareable`. On the type, the directive is allowed."""
    marked = [(index, source) for index, source in sources.items() if source.has("shareable")]
    if marked:
        state.report.error(
            "INVALID_FIELD_SHARING",
            f"{dest.coordinate} is marked @shareable in {state.names(index for index, _ in marked)}, but fields of a "
            "subscription cannot be shared.",
            [state.place(index, source.node) for index, source in marked],
        )
