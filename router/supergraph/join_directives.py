"""Read the `@join__*` directives of a supergraph (composition §8.5; join v0.1 to v0.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from graphql import (
    BooleanValueNode,
    DirectiveNode,
    EnumTypeDefinitionNode,
    EnumValueNode,
    ListValueNode,
    ObjectValueNode,
    SelectionSetNode,
    StringValueNode,
)

from router.errors import InvalidSupergraph
from router.federation.field_sets import parse_field_set
from router.supergraph.model import ContextArgument, OverrideLabel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import DocumentNode, ValueNode

    from router.federation.linked_specs import Link


class JoinType(msgspec.Struct, frozen=True):
    """One `@join__type`."""

    graph: str
    key: SelectionSetNode | None
    resolvable: bool
    is_interface_object: bool


class JoinField(msgspec.Struct, frozen=True):
    """One `@join__field`. If `graph` is None, the directive says that no subgraph has the field on this type."""

    graph: str | None
    type: str | None
    requires: SelectionSetNode | None
    provides: SelectionSetNode | None
    external: bool
    used_overridden: bool
    label: OverrideLabel | None
    context_arguments: tuple[ContextArgument, ...]


class JoinGraph(msgspec.Struct, frozen=True):
    """A value of the enum `join__Graph`. Each value of the enum is a subgraph."""

    enum_value: str
    name: str
    url: str


class JoinVocabulary(msgspec.Struct, frozen=True):
    """Reads the join directives of a supergraph.

    The names of the join directives depend on the `@link` directives of the supergraph. `federation_1` is True for
    join v0.1, in which a supergraph says less about its subgraphs (see `subgraph_extraction`).

    Equal directives of a parsed supergraph are one node (`ValueParser`), so `known_fields` has what was read from each
    node, under its `id`. It refers to the nodes too, so that no other node gets this `id`.
    """

    graph: str
    graph_enum: str
    type: str
    owner: str
    field: str
    implements: str
    union_member: str
    enum_value: str
    federation_1: bool
    context: str | None = None
    known_fields: dict[int, tuple[DirectiveNode, JoinField]] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, link: Link, context: Link | None) -> JoinVocabulary:
        """Take the directive names from the links to the join specification and the context specification.

        `context` is None if the supergraph does not link the context specification.
        """
        return cls(
            graph=link.directive_name("graph"),
            graph_enum=link.type_name("Graph"),
            type=link.directive_name("type"),
            owner=link.directive_name("owner"),
            field=link.directive_name("field"),
            implements=link.directive_name("implements"),
            union_member=link.directive_name("unionMember"),
            enum_value=link.directive_name("enumValue"),
            federation_1=(link.url.version.major, link.url.version.minor) == (0, 1),
            context=None if context is None else context.directive_name("context"),
        )

    def graphs(self, document: DocumentNode) -> list[JoinGraph]:
        """Return the subgraphs in the order of the enum `join__Graph`.

        Raises:
            InvalidSupergraph: The supergraph does not have the enum `join__Graph`.
        """
        for definition in document.definitions:
            if isinstance(definition, EnumTypeDefinitionNode) and definition.name.value == self.graph_enum:
                return [
                    JoinGraph(name, _text(arguments, "name") or name, _text(arguments, "url") or "")
                    for name, directives in ((value.name.value, value.directives) for value in definition.values or ())
                    for arguments in self._all(directives, self.graph)
                ]
        raise InvalidSupergraph(f"The supergraph has no enum {self.graph_enum}.")

    def types(self, directives: Iterable[DirectiveNode] | None) -> list[JoinType]:
        """Return the `@join__type` directives of a type."""
        return [
            JoinType(
                graph=_name(arguments, "graph") or "",
                key=_field_set(arguments, "key"),
                resolvable=_flag(arguments, "resolvable", default=True),
                is_interface_object=_flag(arguments, "isInterfaceObject"),
            )
            for arguments in self._all(directives, self.type)
        ]

    def owners(self, directives: Iterable[DirectiveNode] | None) -> list[str]:
        """Return the subgraphs in the `@join__owner` directives of a type (join v0.1)."""
        return [_name(arguments, "graph") or "" for arguments in self._all(directives, self.owner)]

    def fields(self, directives: Iterable[DirectiveNode] | None) -> list[JoinField]:
        """Return the `@join__field` directives of a field."""
        return [self._known_field(each) for each in directives or () if each.name.value == self.field]

    def _known_field(self, directive: DirectiveNode) -> JoinField:
        known = self.known_fields.get(id(directive))
        if known is None:
            known = self.known_fields[id(directive)] = (directive, _join_field(_arguments(directive)))
        return known[1]

    def contexts(self, directives: Iterable[DirectiveNode] | None) -> frozenset[str]:
        """Return the names of the contexts that a type sets with `@context`."""
        if self.context is None:
            return frozenset()
        names = (_text(arguments, "name") for arguments in self._all(directives, self.context))
        return frozenset(name for name in names if name is not None)

    def interfaces(self, directives: Iterable[DirectiveNode] | None) -> list[tuple[str, str]]:
        """Return the subgraph and the interface name of each `@join__implements` of a type."""
        return [
            (_name(arguments, "graph") or "", _text(arguments, "interface") or "")
            for arguments in self._all(directives, self.implements)
        ]

    def union_members(self, directives: Iterable[DirectiveNode] | None) -> list[tuple[str, str]]:
        """Return the subgraph and the member name of each `@join__unionMember` of a union."""
        return [
            (_name(arguments, "graph") or "", _text(arguments, "member") or "")
            for arguments in self._all(directives, self.union_member)
        ]

    def enum_value_graphs(self, directives: Iterable[DirectiveNode] | None) -> list[str]:
        """Return the subgraphs in the `@join__enumValue` directives of an enum value."""
        return [_name(arguments, "graph") or "" for arguments in self._all(directives, self.enum_value)]

    @staticmethod
    def _all(directives: Iterable[DirectiveNode] | None, name: str) -> list[dict[str, ValueNode]]:
        return [_arguments(directive) for directive in directives or () if directive.name.value == name]


def _arguments(directive: DirectiveNode) -> dict[str, ValueNode]:
    return {argument.name.value: argument.value for argument in directive.arguments or ()}


def _join_field(arguments: dict[str, ValueNode]) -> JoinField:
    text = _text(arguments, "overrideLabel")
    label = None if text is None else OverrideLabel(text, when=_text(arguments, "override") is not None)
    return JoinField(
        graph=_name(arguments, "graph"),
        type=_text(arguments, "type"),
        requires=_field_set(arguments, "requires"),
        provides=_field_set(arguments, "provides"),
        external=_flag(arguments, "external"),
        # `usedOverridden` says that another subgraph overrides the field of this subgraph. If the override has a label,
        # this subgraph still resolves the field while the label is not active. `used_overridden` is then False.
        used_overridden=_flag(arguments, "usedOverridden") and label is None,
        label=label,
        context_arguments=_context_arguments(arguments.get("contextArguments")),
    )


def _context_arguments(value: ValueNode | None) -> tuple[ContextArgument, ...]:
    if not isinstance(value, ListValueNode):
        return ()
    items = [
        {entry.name.value: entry.value for entry in item.fields}
        for item in value.values
        if isinstance(item, ObjectValueNode)
    ]
    return tuple(
        ContextArgument(
            name=_text(item, "name") or "",
            type=_text(item, "type") or "",
            context=_text(item, "context") or "",
            selection=parse_field_set(_text(item, "selection") or ""),
        )
        for item in items
    )


def _text(arguments: dict[str, ValueNode], name: str) -> str | None:
    value = arguments.get(name)
    return value.value if isinstance(value, StringValueNode) else None


def _name(arguments: dict[str, ValueNode], name: str) -> str | None:
    value = arguments.get(name)
    return value.value if isinstance(value, EnumValueNode) else None


def _flag(arguments: dict[str, ValueNode], name: str, *, default: bool = False) -> bool:
    value = arguments.get(name)
    return value.value if isinstance(value, BooleanValueNode) else default


def _field_set(arguments: dict[str, ValueNode], name: str) -> SelectionSetNode | None:
    text = _text(arguments, name)
    return parse_field_set(text) if text and text.strip() else None
