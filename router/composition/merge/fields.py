"""Merge one field of an object or interface type (composition §5.1, §5.2).

The checks of `@external` declarations are in `check_external_declarations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.applied_directives import merge_applied
from router.composition.merge.arguments import merge_arguments
from router.composition.merge.check_external_declarations import (
    check_directives_on_external,
    check_external_types,
    check_resolved_somewhere,
)
from router.composition.merge.descriptions import merge_description
from router.composition.merge.join_directives import FieldContext, join_field
from router.composition.merge.type_references import merge_type_reference

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState, Override, Sources
    from router.composition.model import FieldDef


def merge_field(state: MergeState, sources: Sources[FieldDef], dest: FieldDef, override: Override) -> None:
    """Merge the declarations of a field into `dest` (composition §5.1, §5.2).

    If all declarations are external, an error is reported and the field is not merged.

    Args:
        state: The state of the merge.
        sources: The field in each subgraph.
        dest: The merged field. The caller has set only its name and its parent type.
        override: The subgraphs in which the field is overridden, as `resolve_overrides` returns them.
    """
    where = dest.coordinate
    own = {index: source for index, source in sources.items() if not state.subgraphs[index].is_external(source)}
    if not own and not check_resolved_somewhere(state, sources, dest):
        return
    has_external = len(own) < len(sources)
    if has_external:
        check_directives_on_external(state, sources, where)
    # If only `@interfaceObject` types resolve the field, `own` is empty. In this case, merge the external declarations.
    merging = own or sources
    merge_description(state, merging, dest, where)
    merge_applied(state, own, dest, where)
    merge_arguments(state, merging, dest, where)
    types_equal = merge_type_reference(state, merging, dest, where)
    if has_external:
        check_external_types(state, sources, dest, types_equal=types_equal)
        types_equal = len({str(source.type) for source in sources.values()}) == 1
    join_field(state, sources, dest, FieldContext(dest.parent, types_equal, override))
