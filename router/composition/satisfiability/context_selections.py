"""Find the types that set a context with `@context`, and the selections from a context in `@fromContext`.

For `@fromContext(field: "$user { id }")`, the *context selection* is `{ id }` on the context `user`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from router.composition.context_directives import contextual_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.merge.merge_state import MergeState
    from router.composition.model import FieldDef


@dataclass(frozen=True, slots=True)
class ContextSelection:
    """The selection of one `@fromContext`. The router selects from the nearest ancestor that sets the context.

    Attributes:
        context: The name of the context in the supergraph, such as `A__user` for the context `user` of subgraph A.
        text: The selection, as the subgraph wrote it.
    """

    context: str
    text: str


NO_CONTEXT_SELECTIONS: frozenset[ContextSelection] = frozenset()


@dataclass
class Contexts:
    """All contexts of the supergraph, and the selections from these contexts in all subgraphs."""

    state: MergeState

    @cached_property
    def set_by(self) -> Mapping[str, frozenset[str]]:
        """Name of an object type → names of the contexts that objects of this type set.

        If an interface or union has `@context`, each of its possible types sets the context.
        """
        found: defaultdict[str, set[str]] = defaultdict(set)
        for definition in self.state.supergraph.types.values():
            names = {text for each in definition.applied("context") if (text := each.text("name")) is not None}
            if names:
                for name in self.state.supergraph.possible_types(definition.name):
                    found[name] |= names
        return {name: frozenset(names) for name, names in found.items()}

    @cached_property
    def selections(self) -> Mapping[str, frozenset[ContextSelection]]:
        """Name of a context → all selections of `@fromContext` from this context."""
        found: defaultdict[str, set[ContextSelection]] = defaultdict(set)
        for subgraph in self.state.subgraphs if self.set_by else ():
            for _, member in subgraph.schema.fields():
                for selection in required_context_selections(subgraph, member):
                    found[selection.context].add(selection)
        return {context: frozenset(selections) for context, selections in found.items()}


def required_context_selections(subgraph: SubgraphMetadata, member: FieldDef) -> frozenset[ContextSelection]:
    """Return the context selections that the field `member` needs: one for each argument with `@fromContext`."""
    if not member.arguments:
        return NO_CONTEXT_SELECTIONS
    return frozenset(
        ContextSelection(f"{subgraph.name}__{value.context}", value.text) for _, value in contextual_arguments(member)
    )
