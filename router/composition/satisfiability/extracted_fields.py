"""What remains of a subgraph when a consumer extracts it from the supergraph (composition §8.6).

A type is not extracted if the supergraph names none of its fields for the subgraph: all are overridden, or it is a
query root without fields. A field of such a type is not extracted either, and may leave its own type empty:

    type Query { a: Int }        # overridden by another subgraph: not extracted
    type Mutation { m: Query }   # so neither is this field, nor its type
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
    """The subgraphs of one composition as consumers of the supergraph see them."""

    state: MergeState
    _missing: dict[int, frozenset[str]] = field(default_factory=dict)

    def has(self, index: int, member: FieldDef) -> bool:
        """Whether a field is still in the extracted subgraph: its type is not missing there."""
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
        """The fields that the supergraph leaves to this subgraph, or the members of a union."""
        if definition.kind is Kind.UNION:
            return set(definition.members)
        return {
            member.name for member in definition.fields.values() if not self.state.leaves_out(index, member.coordinate)
        }
