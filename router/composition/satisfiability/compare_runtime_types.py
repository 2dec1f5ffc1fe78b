"""Compare the object types that different subgraphs can return for the same field (composition §5.3).

If several subgraphs resolve a field of an interface or union type (the field is *shared*), the type should have the
same possible object types in these subgraphs. If it does not, the hint INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN
is reported. If the subgraphs have no possible object type in common, the error SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES
is reported instead of the hint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import ABSTRACT

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState
    from router.composition.model import FieldDef
    from router.composition.satisfiability.position_graph import Position, PositionGraph


class RuntimeTypes:
    """Compares the possible object types of shared fields, and reports each field at most once.

    If `state` is None, nothing is reported.
    """

    def __init__(self, state: MergeState | None) -> None:
        self.state = state
        self.compared: set[str] = set()

    def compare(self, member: FieldDef, values: tuple[Position, ...], graph: PositionGraph) -> None:
        """Report the shared field `member` if its subgraphs can return different object types.

        Args:
            member: The field.
            values: The positions of the field's value, in the subgraphs that resolve the field.
            graph: The graph of the positions.
        """
        if self.state is None or len(values) < 2 or member.coordinate in self.compared:  # noqa: PLR2004 - a comparison needs two
            return
        supergraph = self.state.supergraph
        if supergraph.kind_of(member.type) not in ABSTRACT:
            return
        by_subgraph = {
            value.index: graph.concrete_types(value) for value in values if graph.definition(value).kind in ABSTRACT
        }
        if len(set(by_subgraph.values())) < 2:  # noqa: PLR2004 - all subgraphs agree
            return
        self.compared.add(member.coordinate)
        types_by_subgraph = "; ".join(
            f"{', '.join(sorted(names)) or 'nothing'} in {self.state.names([index])}"
            for index, names in by_subgraph.items()
        )
        common = frozenset.intersection(*by_subgraph.values())
        if common:
            self.state.report.hint(
                "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
                f"{member.coordinate} is shared, but can return different types of {member.type}: {types_by_subgraph}.",
            )
        else:
            self.state.report.error(
                "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
                f"{member.coordinate} is shared, but its subgraphs have no possible type of {member.type} in common: "
                f"{types_by_subgraph}.",
            )
