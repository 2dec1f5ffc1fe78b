"""What fills contextual arguments: which types set a context, and what is then asked of an object of such a type."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from router.composition.contexts import contextual_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.composition.facts import Facts
    from router.composition.merge.state import MergeState
    from router.composition.model import FieldDef


@dataclass(frozen=True, slots=True)
class Filling:
    """What some `@fromContext` selects on the nearest object above that sets the context, by its supergraph name."""

    context: str
    selection: str


NO_FILLINGS: frozenset[Filling] = frozenset()


@dataclass
class Contexts:
    """The contexts of one composition."""

    state: MergeState

    @cached_property
    def set_by(self) -> Mapping[str, frozenset[str]]:
        """Object type → the contexts it sets: its own, and those of the interfaces and unions it belongs to."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for definition in self.state.supergraph.types.values():
            names = {text for each in definition.applied("context") if (text := each.text("name")) is not None}
            if names:
                for name in self.state.supergraph.possible_types(definition.name):
                    found[name] |= names
        return {name: frozenset(names) for name, names in found.items()}

    @cached_property
    def fillings(self) -> Mapping[str, frozenset[Filling]]:
        """Context → what all contextual arguments together take from it."""
        found: defaultdict[str, set[Filling]] = defaultdict(set)
        for facts in self.state.subgraphs if self.set_by else ():
            for _, member in facts.schema.fields():
                for filling in needed_fillings(facts, member):
                    found[filling.context].add(filling)
        return {context: frozenset(fillings) for context, fillings in found.items()}


def needed_fillings(facts: Facts, member: FieldDef) -> frozenset[Filling]:
    """What the arguments of a subgraph's field are filled with."""
    if not member.arguments:
        return NO_FILLINGS
    return frozenset(Filling(f"{facts.name}__{value.context}", value.text) for _, value in contextual_arguments(member))
