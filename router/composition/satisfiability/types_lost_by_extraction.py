"""Find the types of a subgraph that are lost when a router reads the subgraph from the supergraph (composition §8.6).

A router *extracts* the schema of each subgraph from the supergraph. A field is lost if another subgraph overrides the
field without a label and nothing in the subgraph uses the field. A type is lost if all its fields are lost. A field is
also lost if the type of its value is lost. Example:

    type Query { a: Int }        # another subgraph overrides `a`: `a` is lost, and so is `Query`
    type Mutation { m: Query }   # `m` is lost because `Query` is lost. So `Mutation` is lost too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.composition.model import ABSTRACT, Kind
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState
    from router.composition.model import FieldDef, TypeDef


@dataclass(slots=True)
class LostTypes:
    """Finds the lost types of each subgraph, and caches the results."""

    state: MergeState
    _by_index: dict[int, frozenset[str]] = field(default_factory=dict)

    def keeps_type_of(self, index: int, member: FieldDef) -> bool:
        """Return whether the subgraph at `index` still has the type of the field `member` after extraction."""
        return base_name(member.type) not in self._of(index)

    def _of(self, index: int) -> frozenset[str]:
        if index not in self._by_index:
            self._by_index[index] = self._find(index)
        return self._by_index[index]

    def _find(self, index: int) -> frozenset[str]:
        # Each lost type can make the types lost that use it, so `lost` grows while the last loop reads it.
        types = self.state.subgraphs[index].schema.types
        composite = [each for each in types.values() if each.kind is Kind.OBJECT or each.kind in ABSTRACT]
        remaining = {each.name: self._parts(index, each) for each in composite}
        lost = [name for name, parts in remaining.items() if not parts]
        if not lost:
            return frozenset()
        users: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for definition in composite:
            for part in remaining[definition.name]:
                needed = part if definition.kind is Kind.UNION else base_name(definition.fields[part].type)
                users[needed].append((definition.name, part))
        for name in lost:
            for user, part in users[name]:
                remaining[user].discard(part)
                if not remaining[user] and user not in lost:
                    lost.append(user)
        return frozenset(lost)

    def _parts(self, index: int, definition: TypeDef) -> set[str]:
        """Return the names of the fields that no `@override` removes. For a union, return the names of all members."""
        if definition.kind is Kind.UNION:
            return set(definition.members)
        return {
            member.name for member in definition.fields.values() if not self.state.leaves_out(index, member.coordinate)
        }
