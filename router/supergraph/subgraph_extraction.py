"""Extract one `SubgraphModel` for each subgraph from the definitions of a supergraph (composition §8.6).

A type is in a subgraph if the type has a `@join__type` for the subgraph. A field with `@join__field` directives is in
the subgraphs that these directives name. A field without `@join__field` is in all subgraphs of its type.

Federation 1 supergraphs (join v0.1) have other rules. A type can have an owner: the subgraph in its `@join__owner`.

- A type with neither `@join__type` nor owner is in every subgraph that has at least one of its fields.
- If a type has an owner, its fields without `@join__field` are in the subgraph of the owner.
- A field that is part of a `@key` is also in every subgraph that has the key.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from graphql import (
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    FieldNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    NameNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    parse_type,
    specified_scalar_types,
)

from router.federation.find_type_name_in_reference import named_type
from router.supergraph.check_subgraph_type_references import check_references
from router.supergraph.fields_without_join_directives import add_provided, drop_empty
from router.supergraph.merged_and_api_schema import is_executable
from router.supergraph.model import EntityKey, SubgraphField, SubgraphModel, SubgraphType
from router.supergraph.types_and_fields_by_subgraph import JoinedField, JoinedType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from graphql import DefinitionNode, DocumentNode

    from router.supergraph.join_directives import JoinField, JoinGraph, JoinType, JoinVocabulary

WithFields: TypeAlias = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode
# The types of a subgraph by name.
Present: TypeAlias = "Mapping[str, JoinedType]"
# Those definitions of the merged schema that do not define a type.
Others: TypeAlias = "Sequence[DirectiveDefinitionNode | SchemaDefinitionNode]"


def extract_subgraphs(
    document: DocumentNode, merged: Sequence[DefinitionNode], join: JoinVocabulary
) -> dict[str, SubgraphModel]:
    """Extract every subgraph (composition §8.6).

    Args:
        document: The supergraph. The enum `join__Graph` in it lists the subgraphs.
        merged: The definitions of the merged schema (`merged_definitions`).
        join: The names of the join directives.

    Raises:
        InvalidSupergraph: The enum `join__Graph` is missing, or a subgraph lacks a type to which it refers.
        FieldSetSyntaxError: A key, `requires`, `provides` or context selection is malformed.
    """
    by_name = {definition.name.value: definition for definition in merged if isinstance(definition, TypeDefinitionNode)}
    others = [one for one in merged if isinstance(one, DirectiveDefinitionNode | SchemaDefinitionNode)]
    joined = {name: JoinedType.of(definition, join) for name, definition in by_name.items()}
    implementers: dict[str, list[str]] = {}
    for name, type_ in joined.items():
        for interface in type_.all_interfaces:
            implementers.setdefault(interface, []).append(name)
    graphs = join.graphs(document)
    present = _types_by_graph(joined, graphs, join)
    extracted: dict[str, SubgraphModel] = {}
    for graph in graphs:
        extraction = Extraction(graph, present[graph.enum_value], join, implementers)
        # Join v0.1 does not say which subgraphs have a scalar, enum or input type.
        if not join.federation_1:
            check_references(graph.name, extraction.names, extraction.references())
        extracted[graph.name] = subgraph_model(graph, extraction, others, extraction.types())
    return extracted


def _types_by_graph(
    joined: Mapping[str, JoinedType], graphs: Sequence[JoinGraph], join: JoinVocabulary
) -> dict[str, dict[str, JoinedType]]:
    """Return the types of each subgraph by name, in the order of the supergraph."""
    present: dict[str, dict[str, JoinedType]] = {graph.enum_value: {} for graph in graphs}
    for name, type_ in joined.items():
        is_everywhere = join.federation_1 and not type_.joins and not type_.owners
        for graph in present if is_everywhere else {**type_.joins, **dict.fromkeys(type_.owners)}:
            if graph in present:
                present[graph][name] = type_
    return present


def subgraph_model(
    graph: JoinGraph, extraction: Extraction, others: Others, types: Mapping[str, SubgraphType]
) -> SubgraphModel:
    """Return the model of a subgraph with these types. It also gets some of the definitions that are not types."""
    mutation, subscription = _root_names(others)
    roots = {mutation: "Mutation", subscription: "Subscription"}
    names = extraction.names
    # Composition keeps an executable directive only if every subgraph defines it. So each subgraph gets the definition.
    added: list[DefinitionNode] = [
        one
        for one in others
        if isinstance(one, DirectiveDefinitionNode) and is_executable(one) and _argument_types(one) <= names
    ]
    if any(name in names and name != default for name, default in roots.items() if name):
        added.insert(0, _schema_definition(others))
    return SubgraphModel(graph.name, graph.url, types, partial(extraction.definitions, added))


def _argument_types(directive: DirectiveDefinitionNode) -> set[str]:
    return {named_type(argument.type) for argument in directive.arguments or ()}


def _root_names(others: Others) -> tuple[str, str]:
    names = {"mutation": "Mutation", "subscription": "Subscription"}
    for definition in others:
        if isinstance(definition, SchemaDefinitionNode):
            names |= {item.operation.value: item.type.name.value for item in definition.operation_types}
    return names["mutation"], names["subscription"]


def _schema_definition(others: Others) -> SchemaDefinitionNode:
    return next(definition for definition in others if isinstance(definition, SchemaDefinitionNode))


class _Fields(dict[str, dict[str, SubgraphField]]):
    """The fields of object types and interfaces by name. The fields of a type are found when they are first used."""

    def __init__(self, fields_of: Callable[[str], dict[str, SubgraphField]]) -> None:
        super().__init__()
        self._fields_of = fields_of

    def __missing__(self, name: str) -> dict[str, SubgraphField]:
        return self.setdefault(name, self._fields_of(name))


class Extraction:
    """Finds the types and fields of one subgraph in the definitions of the supergraph.

    `present` are the types of the subgraph. `implementers` are the types that implement each interface in at least one
    subgraph.
    """

    def __init__(
        self,
        graph: JoinGraph,
        present: Present,
        join: JoinVocabulary,
        implementers: Mapping[str, Sequence[str]],
    ) -> None:
        self._graph = graph.enum_value
        self._join = join
        self._implementers = implementers
        self._fields = _Fields(lambda name: self._fields_of(present[name]))
        self._present = present
        if join.federation_1:
            self._complete(dict(present))

    def _complete(self, present: dict[str, JoinedType]) -> None:
        """Find all fields. Add the fields and remove the types about which join v0.1 says nothing."""
        self._present = present
        for name, type_ in present.items():
            if isinstance(type_.definition, WithFields):
                self._fields[name] = self._fields_of(type_)
        add_provided(present, self._fields)
        drop_empty(present, self._fields)

    def _joins(self, name: str) -> Sequence[JoinType]:
        """Return the `@join__type` directives with which the type `name` joins this subgraph."""
        return self._present[name].joins.get(self._graph, ())

    def types(self) -> dict[str, SubgraphType]:
        """Return the object types, interfaces and unions of the subgraph by name."""
        found = ((name, self.composite_type(name)) for name in self._present)
        return {name: type_ for name, type_ in found if type_ is not None}

    def composite_type(self, name: str) -> SubgraphType | None:
        """Return an object type, an interface or a union of the subgraph. Return None for a type of another kind."""
        type_, joins = self._present[name], self._joins(name)
        keys = tuple(EntityKey(entry.key, entry.resolvable) for entry in joins if entry.key is not None)
        interface_object = any(entry.is_interface_object for entry in joins)
        contexts = type_.contexts
        match type_.definition:
            case UnionTypeDefinitionNode() as definition:
                return SubgraphType(name, "union", {}, frozenset(self._members(definition)), contexts=contexts)
            case InterfaceTypeDefinitionNode() if not interface_object:
                possible = frozenset(self._implementations(name))
                return SubgraphType(name, "interface", self._fields[name], possible, keys, contexts=contexts)
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                return SubgraphType(
                    name, "object", self._fields[name], frozenset({name}), keys, interface_object, contexts
                )
        return None

    @property
    def names(self) -> AbstractSet[str]:
        """The names of all types of the subgraph, and of the scalar types of the specification."""
        return self._present.keys() | specified_scalar_types.keys()

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield the names of the types to which fields, arguments and unions of the subgraph refer, and from where."""
        for name, type_ in self._present.items():
            match type_.definition:
                case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                    for field in self._fields[name].values():
                        what = f"{name}.{field.name}"
                        yield what, named_type(field.type)
                        for argument in type_.declared_field(field.name).arguments or ():
                            yield f"{what}({argument.name.value}:)", named_type(argument.type)
                case InputObjectTypeDefinitionNode():
                    for item in type_.input_fields.of_graph(self._graph):
                        yield f"{name}.{item.node.name.value}", named_type(_typed(item.node.type, item.join))
                case UnionTypeDefinitionNode() as definition:
                    for member in self._members(definition):
                        yield f"A member of {name}", member

    def definitions(self, added: Iterable[DefinitionNode]) -> list[DefinitionNode]:
        """Return the definitions of all types of the subgraph, and `added` after them."""
        extracted: list[DefinitionNode] = []
        for name, type_ in self._present.items():
            match type_.definition:
                case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode() as definition:
                    extracted.append(self._with_fields(type_, definition))
                case UnionTypeDefinitionNode() as definition:
                    members = tuple(_named_node(member) for member in self._members(definition))
                    extracted.append(UnionTypeDefinitionNode(name=definition.name, types=members))
                case EnumTypeDefinitionNode() as definition:
                    values = tuple(
                        value
                        for value in definition.values or ()
                        if self._lists(self._join.enum_value_graphs(value.directives))
                    )
                    extracted.append(EnumTypeDefinitionNode(name=definition.name, values=values))
                case InputObjectTypeDefinitionNode() as definition:
                    fields = tuple(
                        replace(field.node, type=_typed(field.node.type, field.join))
                        for field in type_.input_fields.of_graph(self._graph)
                    )
                    extracted.append(InputObjectTypeDefinitionNode(name=definition.name, fields=fields))
                case ScalarTypeDefinitionNode():
                    extracted.append(ScalarTypeDefinitionNode(name=NameNode(value=name)))
        extracted += added
        return extracted

    def _with_fields(self, type_: JoinedType, definition: WithFields) -> DefinitionNode:
        fields = sorted(self._fields[definition.name.value].values(), key=lambda field: type_.positions[field.name])
        nodes = tuple([_executable_field(type_.declared_field(field.name), field) for field in fields])
        interface_object = any(entry.is_interface_object for entry in self._joins(definition.name.value))
        interfaces = tuple(_named_node(name) for name in self._interfaces(definition) if self._is_interface(name))
        if interface_object or isinstance(definition, ObjectTypeDefinitionNode):
            return ObjectTypeDefinitionNode(name=definition.name, interfaces=interfaces, fields=nodes)
        return InterfaceTypeDefinitionNode(name=definition.name, interfaces=interfaces, fields=nodes)

    def _is_interface(self, name: str) -> bool:
        type_ = self._present.get(name)
        return (
            type_ is not None
            and isinstance(type_.definition, InterfaceTypeDefinitionNode)
            and not any(entry.is_interface_object for entry in self._joins(name))
        )

    def _fields_of(self, type_: JoinedType) -> dict[str, SubgraphField]:
        fields: dict[str, SubgraphField] = {}
        for field in self._joined_fields(type_):
            joined, name = field.join, field.node.name.value
            type_node = _typed(field.node.type, joined)
            if joined is None:
                fields[name] = SubgraphField(name, type_node)
            else:
                fields[name] = SubgraphField(
                    name,
                    type_node,
                    external=joined.external or joined.used_overridden,
                    requires=joined.requires,
                    provides=joined.provides,
                    label=joined.label,
                    context_arguments=joined.context_arguments,
                )
        return fields

    def _joined_fields(self, type_: JoinedType) -> list[JoinedField[FieldDefinitionNode]]:
        """Return the fields of a type that this subgraph has.

        If another subgraph is the owner of the type (join v0.1), these are only the fields with a `@join__field` for
        this subgraph, and the key fields.
        """
        if not type_.owners or self._graph in type_.owners:
            return type_.fields.of_graph(self._graph)
        joined = {field.position: field for field in type_.fields.joined_here(self._graph)}
        keys = self._key_fields(type_.definition.name.value)
        nodes = type_.definition.fields or () if isinstance(type_.definition, WithFields) else ()
        return [
            joined.get(position) or JoinedField(position, node, None)
            for position, node in enumerate(nodes)
            if position in joined or node.name.value in keys
        ]

    def _key_fields(self, name: str) -> set[str]:
        keys = [entry.key for entry in self._joins(name) if entry.key is not None]
        return {
            selection.name.value for key in keys for selection in key.selections if isinstance(selection, FieldNode)
        }

    def _lists(self, graphs: Sequence[str]) -> bool:
        return not graphs or self._graph in graphs

    def _members(self, definition: UnionTypeDefinitionNode) -> list[str]:
        listed = self._join.union_members(definition.directives)
        if listed:
            return [member for graph, member in listed if graph == self._graph]
        return [member.name.value for member in definition.types or () if member.name.value in self._present]

    def _interfaces(self, definition: WithFields) -> list[str]:
        if self._join.federation_1:
            return [name.name.value for name in definition.interfaces or () if name.name.value in self._present]
        return [*self._present[definition.name.value].interfaces.get(self._graph, ())]

    def _implementations(self, interface: str) -> list[str]:
        types = [self._present[name] for name in self._implementers.get(interface, ()) if name in self._present]
        return [
            type_.definition.name.value
            for type_ in types
            if isinstance(type_.definition, ObjectTypeDefinitionNode)
            and interface in self._interfaces(type_.definition)
        ]


def _executable_field(declared: FieldDefinitionNode, field: SubgraphField) -> FieldDefinitionNode:
    """Return the definition of the field in the subgraph.

    Arguments with `@fromContext` are added, because the supergraph has them only in `@join__field`.
    """
    contextual = tuple(
        InputValueDefinitionNode(name=NameNode(value=argument.name), type=parse_type(argument.type, no_location=True))
        for argument in field.context_arguments
    )
    arguments = (*(declared.arguments or ()), *contextual)
    return FieldDefinitionNode(name=declared.name, arguments=arguments, type=field.type)


def _typed(declared: TypeNode, joined: JoinField | None) -> TypeNode:
    return declared if joined is None or joined.type is None else parse_type(joined.type, no_location=True)


def _named_node(name: str) -> NamedTypeNode:
    return NamedTypeNode(name=NameNode(value=name))
