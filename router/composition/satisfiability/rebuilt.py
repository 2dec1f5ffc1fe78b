"""What is left of a subgraph when a consumer rebuilds it from the supergraph.

A type of which the supergraph names no field (all overridden away, or a query root that never had any) is not rebuilt,
nor is any field of that type, nor what is empty without that field:

    type Query { a: Int }   # overridden by another subgraph: gone
    type Mutation { m: Query }   # so this field is, and with it the type
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.composition.model import ABSTRACT, Kind
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from router.composition.merge.state import MergeState
    from router.composition.model import FieldDef, TypeDef


@dataclass(slots=True)
class Rebuilt:
    """The subgraphs of one composition as consumers see them."""

    state: MergeState
    _lost: dict[int, frozenset[str]] = field(default_factory=dict)

    def has(self, index: int, member: FieldDef) -> bool:
        """Whether the type of a field that the supergraph keeps is still there, and so the field."""
        return base_name(member.type) not in self._lost_types(index)

    def _lost_types(self, index: int) -> frozenset[str]:
        if index not in self._lost:
            self._lost[index] = self._find(index)
        return self._lost[index]

    def _find(self, index: int) -> frozenset[str]:
        types = self.state.subgraphs[index].schema.types
        composite = [each for each in types.values() if each.kind is Kind.OBJECT or each.kind in ABSTRACT]
        left = {each.name: self._parts(index, each) for each in composite}
        lost = [name for name, parts in left.items() if not parts]
        if not lost:
            return frozenset()
        users: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for definition in composite:
            for part in left[definition.name]:
                needed = part if definition.kind is Kind.UNION else base_name(definition.fields[part].type)
                users[needed].append((definition.name, part))
        for name in lost:
            for user, part in users[name]:
                left[user].discard(part)
                if not left[user] and user not in lost:
                    lost.append(user)
        return frozenset(lost)

    def _parts(self, index: int, definition: TypeDef) -> set[str]:
        """The fields the supergraph leaves this subgraph, or the members of a union."""
        if definition.kind is Kind.UNION:
            return set(definition.members)
        return {
            member.name for member in definition.fields.values() if not self.state.gives_up(index, member.coordinate)
        }
