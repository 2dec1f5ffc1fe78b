"""Find the options of a node that resolve a field.

Such an option is a direct option or a hop. A field with requirements (`@requires`, `@fromContext`) gets a hop of its
own, which comes after the fetches for the requirements. With `@fromContext`, the hop can also lead to an ancestor of
the object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.merge_selections import MergedField
    from router.planner.walk.key_hops import KeyHops
    from router.planner.walk.nodes_and_options import FieldOption, ObjectNode, PathOption


class FieldOptionFinder:
    """Finds the options that resolve the fields of nodes."""

    def __init__(self, graph: QueryGraph, hops: KeyHops) -> None:
        self._graph = graph
        self._hops = hops

    def options_for(self, node: ObjectNode, selection: MergedField, *, is_internal: bool) -> list[FieldOption]:
        """Return the options of a node that resolve a field. The list is empty if no option resolves the field.

        `is_internal` says that the field belongs to a key or a requirement. For such a field, the result may lack some
        options. `every_option_for` returns all options.
        """
        if selection.name == TYPENAME:
            return [(option, None) for option in self.typename_options(node)]
        found = self._direct_options(node, selection)
        if node.is_deferred and not is_internal:
            direct = {option.subgraph for option, _ in found}
            by_hop = self._hops_to(node, selection)
            # If several options have equal cost, the planner chooses the first. So the hops into subgraphs with a
            # direct option come first: without `@defer`, the field would be fetched from these subgraphs.
            return sorted(by_hop, key=lambda field_option: field_option[0].subgraph not in direct) or found
        if _direct_suffice(node, selection, found, is_internal=is_internal):
            return found
        return found + self._hops_to(node, selection)

    def find_needed_hops(self, node: ObjectNode, selections: Sequence[MergedField]) -> None:
        """Find the hops of a node if one of these fields of a key or a requirement needs them.

        So the hops are options for the other fields too (see `_direct_suffice`), whatever the order of the fields.
        The first field is not looked at: `options_for` finds the hops for it before the other fields.
        """
        if node.memory.hops is None and any(
            one.name != TYPENAME and not self._direct_options(node, one) for one in selections[1:]
        ):
            self._hops.at(node)

    def every_option_for(self, node: ObjectNode, selection: MergedField) -> list[FieldOption]:
        """Return all options of a node that resolve a field of a key or a requirement."""
        return self._direct_options(node, selection) + self._hops_to(node, selection)

    def _direct_options(self, node: ObjectNode, selection: MergedField) -> list[FieldOption]:
        found: list[FieldOption] = []
        for option in node.direct:
            edge = self._graph.field(option.subgraph, option.type_name, selection.name, option.scope)
            if edge is not None and edge.needs_no_inputs:
                found.append((option, edge))
        return found

    def typename_options(self, node: ObjectNode) -> Sequence[PathOption]:
        """Return the options that can return the `__typename` of the object.

        Returns direct options. If no direct option can return the `__typename`, returns hops.
        """
        direct = [option for option in node.direct if self.knows_type(option)]
        return direct or [option for option in self._hops.at(node) if self.knows_type(option)]

    def knows_type(self, option: PathOption) -> bool:
        """Return whether the subgraph of the option can return the concrete type of the object.

        Returns False if the type is an `@interfaceObject` in the subgraph.
        """
        return not self._graph.is_interface_object(option.subgraph, option.type_name)

    def _hops_to(self, node: ObjectNode, selection: MergedField) -> list[FieldOption]:
        found: list[FieldOption] = []
        for option in self._hops.at(node):
            edge = self._graph.field(option.subgraph, option.type_name, selection.name)
            if edge is not None and edge.needs_no_inputs:
                found.append((option, edge))
        for entry, edge in self._graph.requiring(node.type_name, selection.name):
            hop = self._hops.requiring(node, entry, edge, selection.name)
            if hop is not None:
                found.append((hop, edge))
            if edge.contexts:
                found += [
                    (option, edge)
                    for option in self._hops.with_context_from_above(node, edge, selection.name, entry.subgraph)
                ]
        return found


def _direct_suffice(
    node: ObjectNode, selection: MergedField, found: Sequence[FieldOption], *, is_internal: bool
) -> bool:
    """Return whether to use only `found`, the direct options that resolve the field, and no hops.

    The first case that applies decides:

    - `found` is empty: False.
    - The field is a leaf, and the node has only one direct option: True.
    - The client selects the field: False. The plan may have a hop of this node anyway. If the fetch of this hop returns
      the field too, another fetch may become unnecessary.
    - The hops of the node are already known: False, so that these hops are options for the field too.
    - The node has only one direct option, or an option in `found` has the earliest stage: True. The field belongs to a
      key or a requirement, so a search for hops would start many other searches.
    - Otherwise: False.
    """
    is_only_option = len(node.direct) == 1
    if not found or (is_only_option and selection.is_leaf):
        return bool(found)
    if not is_internal or (node.memory.hops is not None and not node.memory.is_searching_hops):
        return False
    earliest = min(option.stage for option in node.direct)
    return is_only_option or any(option.stage == earliest for option, _ in found)
