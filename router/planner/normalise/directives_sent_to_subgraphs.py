"""Read the directives of the client's operation that the router sends to subgraphs.

These are all directives that the router does not interpret itself.

The router interprets `@skip`, `@include` and `@defer`. Composition keeps an executable directive in the supergraph only
if every subgraph defines the directive. So every subgraph understands all directives that the router sends. Example:

    query @cached(ttl: 5) { user @cached { id ... @trace { name } } }

A fetch has the directives of the operation and of the fields and fragments that it selects. In the fetch, each fragment
of the client is written as an inline fragment without a type condition (`... @trace { name }`). But if a directive of
the fragment is not allowed on an inline fragment, the fetch has a named fragment instead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec
from graphql import DirectiveNode, FragmentSpreadNode, NameNode

from router.planner.normalise.argument_text import argument_text, join_tokens, variables_in
from router.planner.normalise.argument_without_location import without_location

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql import (
        FragmentDefinitionNode,
        GraphQLDirective,
        InlineFragmentNode,
        OperationDefinitionNode,
        VariableDefinitionNode,
    )

    from router.plan import OperationKind

INTERPRETED: Final = frozenset({"skip", "include", "defer"})
_INLINE: Final = "INLINE_FRAGMENT"
_NAMED: Final = frozenset({"FRAGMENT_SPREAD", "FRAGMENT_DEFINITION"})


class WrittenDirectives(msgspec.Struct, frozen=True):
    """Directives at one place: as minified text, as syntax nodes without locations, and with their variables."""

    text: str = ""
    nodes: tuple[DirectiveNode, ...] = ()
    variables: frozenset[str] = frozenset()


_NONE: Final = WrittenDirectives()


class FragmentDirectives(msgspec.Struct, frozen=True):
    """The directives of one fragment around a field.

    Attributes:
        inline: The directives that are allowed on an inline fragment.
        spread: The directives of a fragment spread that are not allowed on an inline fragment.
        definition: The directives of the fragment's definition that are not allowed on an inline fragment.
    """

    inline: WrittenDirectives = _NONE
    spread: WrittenDirectives = _NONE
    definition: WrittenDirectives = _NONE

    @property
    def needs_name(self) -> bool:
        """Whether a fetch needs a named fragment for the directives."""
        return bool(self.spread.text or self.definition.text)

    @property
    def variables(self) -> frozenset[str]:
        """The variables in the directives."""
        return self.inline.variables | self.spread.variables | self.definition.variables

    @property
    def nodes(self) -> tuple[DirectiveNode, ...]:
        """The directives as syntax nodes."""
        return (*self.inline.nodes, *self.spread.nodes, *self.definition.nodes)

    @property
    def text(self) -> str:
        """The texts of the directives. Equal texts mean equal directives."""
        return f"{self.inline.text} {self.spread.text} {self.definition.text}"


class ClientDirectives(msgspec.Struct, frozen=True):
    """The directives of a field, and of the fragments around the field (outermost first).

    `text` has the texts of all these directives, and is empty if there are none.
    """

    own: WrittenDirectives = _NONE
    around: tuple[FragmentDirectives, ...] = ()
    text: str = ""


NO_DIRECTIVES: Final = ClientDirectives()


class DirectiveReader:
    """Reads the client's directives. `definitions` has the directives of the schema."""

    def __init__(self, definitions: Iterable[GraphQLDirective]) -> None:
        self._locations = {
            definition.name: frozenset(location.name for location in definition.locations)
            for definition in definitions
            if definition.name not in INTERPRETED
        }

    @property
    def can_need_names(self) -> bool:
        """Whether a directive of the schema can need a named fragment in a fetch."""
        return any(places & _NAMED and _INLINE not in places for places in self._locations.values())

    def of_field(
        self, directives: Sequence[DirectiveNode] | None, around: tuple[FragmentDirectives, ...]
    ) -> ClientDirectives:
        """Return the directives of a field inside the fragments `around`."""
        if not directives and not around:
            return NO_DIRECTIVES
        own = self._written(directives or (), "FIELD")
        if not own.text and not around:
            return NO_DIRECTIVES
        return ClientDirectives(own, around, " ".join((own.text, *(one.text for one in around))))

    def of_fragment(
        self, fragment: FragmentSpreadNode | InlineFragmentNode, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> tuple[FragmentDirectives, ...]:
        """Return the directives of an inline fragment, or of a fragment spread and its definition.

        A spread and its definition can have the same directive, but an inline fragment cannot have a directive twice.
        So the directives of the definition are written on a second fragment inside the first one. In this case, the
        result has two elements.
        """
        directives = fragment.directives
        definition = fragments[fragment.name.value].directives if isinstance(fragment, FragmentSpreadNode) else ()
        if not directives and not definition:
            return ()
        found = (
            FragmentDirectives(
                self._written([node for node in directives or () if self._is_inline(node)], _INLINE),
                self._written([node for node in directives or () if not self._is_inline(node)], "FRAGMENT_SPREAD"),
                self._written([node for node in definition or () if not self._is_inline(node)], "FRAGMENT_DEFINITION"),
            ),
            FragmentDirectives(self._written(definition or (), _INLINE)),
        )
        return tuple(directives for directives in found if directives.text.strip())

    def of_operation(self, operation: OperationDefinitionNode) -> Mapping[OperationKind, WrittenDirectives]:
        """Return the directives to write on a fetch, for each kind of operation (query, mutation, subscription).

        These are the directives of the client's operation that are allowed on this kind of operation.
        """
        directives = operation.directives or ()
        kinds: tuple[OperationKind, ...] = ("query", "mutation", "subscription")
        return {kind: self._written(directives, kind.upper()) for kind in kinds}

    def for_subgraphs(self, definition: VariableDefinitionNode) -> VariableDefinitionNode:
        """Return a variable definition that has only the directives that are sent to subgraphs."""
        kept = [node for node in definition.directives or () if "VARIABLE_DEFINITION" in self._places(node)]
        return replace(definition, directives=tuple(kept))

    def _is_inline(self, directive: DirectiveNode) -> bool:
        return _INLINE in self._places(directive)

    def _places(self, directive: DirectiveNode) -> frozenset[str]:
        return self._locations.get(directive.name.value, frozenset())

    def _written(self, directives: Iterable[DirectiveNode], place: str) -> WrittenDirectives:
        chosen = [node for node in directives if place in self._places(node)]
        if not chosen:
            return _NONE
        arguments = [argument for node in chosen for argument in node.arguments or ()]
        return WrittenDirectives(
            "".join(_text(node) for node in chosen),
            tuple(
                DirectiveNode(
                    name=NameNode(value=node.name.value), arguments=tuple(map(without_location, node.arguments or ()))
                )
                for node in chosen
            ),
            frozenset(name for argument in arguments for name in variables_in(argument.value)),
        )


def _text(directive: DirectiveNode) -> str:
    head = f"@{directive.name.value}"
    if not directive.arguments:
        return head
    return f"{head}({join_tokens([argument_text(argument) for argument in directive.arguments])})"
