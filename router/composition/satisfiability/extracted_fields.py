"""The fields that a subgraph still has when a router extracts the subgraph from the supergraph (composition §8.6).

A type is not extracted if no field of the type remains: all fields are overridden, or the query root has no fields. A
field whose type is not extracted is not extracted either, so the type that has the field can become empty:

    type Query { a: Int }        # `a` is overridden by another subgraph, so `Query` is not extracted
    type Mutation { m: Query }   # so `m` is not extracted, and neither is `Mutation`
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
class ExtractedFields:
    """The fields of each subgraph after extraction from the supergraph."""

    state: MergeState
    _missing: dict[int, frozenset[str]] = field(default_factory=dict)

    def has(self, index: int, member: FieldDef) -> bool:
        """Return whether the type of the field is in the subgraph at `index` after extraction."""
        return base_name(member.type) not in self._missing_types(index)

    def _missing_types(self, index: int) -> frozenset[str]:
        if index not in self._missing:
            self._missing[index] = self._find_missing_types(index)
        return self._missing[index]

    def _find_missing_types(self, index: int) -> frozenset[str]:
        types = self.state.subgraphs[index].schema.types
        composite = [each for each in types.values() if each.kind is Kind.OBJECT or each.kind in ABSTRACT]
        remaining = {each.name: self._parts(index, each) for each in composite}
        missing = [name for name, parts in remaining.items() if not parts]
        if not missing:
            return frozenset()
        users: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for definition in composite:
            for part in remaining[definition.name]:
                needed = part if definition.kind is Kind.UNION else base_name(definition.fields[part].type)
                users[needed].append((definition.name, part))
        for name in missing:
            for user, part in users[name]:
                remaining[user].discard(part)
                if not remaining[user] and user not in missing:
                    missing.append(user)
        return frozenset(missing)

    def _parts(self, index: int, definition: TypeDef) -> set[str]:
        """Return the fields of the type that are not removed by an override, or the members of a union."""
        if definition.kind is Kind.UNION:
            return set(definition.members)
        return {
            member.name for member in definition.fields.values() if not self.state.leaves_out(index, member.coordinate)
        }
