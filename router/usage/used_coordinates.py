"""Finds the coordinates of a schema that an operation uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import (
        ArgumentNode,
        DirectiveNode,
        DocumentNode,
        EnumValueNode,
        FieldNode,
        FragmentDefinitionNode,
        GraphQLNamedType,
        GraphQLSchema,
        InlineFragmentNode,
        ObjectFieldNode,
        ObjectValueNode,
        VariableDefinitionNode,
    )


def used_coordinates(
    schema: GraphQLSchema, document: DocumentNode, in_variables: frozenset[str] | None = None
) -> frozenset[str]:
    """Return the coordinates that a valid document uses.

    A document uses the fields, arguments, directives and enum values that are written in it. It also uses these types:
    the parent types and the result types of the fields, the types of the fragments, and the input types of the
    arguments. If a field is selected on an interface, the field of each implementing type is used too. The document
    does not contain the values of variables. `in_variables` are the coordinates that these values are known to use. If
    it is None, a variable uses all fields and enum values of its type.
    """
    collector = _Collector(schema, knows_variables=in_variables is not None)
    visit(document, TypeInfoVisitor(collector.type_info, collector))
    return frozenset(collector.found if in_variables is None else collector.found | in_variables)


class _Collector(Visitor):
    def __init__(self, schema: GraphQLSchema, *, knows_variables: bool) -> None:
        super().__init__()
        self.knows_variables = knows_variables
        self.schema = schema
        self.type_info = TypeInfo(schema)
        self.found: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, definition = self.type_info.get_parent_type(), self.type_info.get_field_def()
        if parent is None or definition is None:
            return
        name = node.name.value
        self.found.update(f"{each}.{name}" for each in self._types_with_field(parent, name))
        self.found.add(get_named_type(definition.type).name)
        self.found.add(parent.name)

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        parent, field = self.type_info.get_parent_type(), self.type_info.get_field_def()
        directive = self.type_info.get_directive()
        if directive is not None:
            self.found.add(f"@{directive.name}({node.name.value}:)")
        elif parent is not None and field is not None:
            name = self._field_name(parent, field)
            owners = self._types_with_field(parent, name)
            self.found.update(f"{owner}.{name}({node.name.value}:)" for owner in owners)
        self._use_input()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.found.add(f"@{node.name.value}")

    def enter_inline_fragment(self, node: InlineFragmentNode, *_: Any) -> None:
        if node.type_condition is not None:
            self.found.add(node.type_condition.name.value)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:
        self.found.add(node.type_condition.name.value)

    def enter_variable_definition(self, _: VariableDefinitionNode, *__: Any) -> None:
        named = get_named_type(self.type_info.get_input_type())
        if named is not None:
            self.found.update({named.name} if self.knows_variables else _everything_in(named))

    def enter_object_value(self, _: ObjectValueNode, *__: Any) -> None:
        self._use_input()

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        parent = get_named_type(self.type_info.get_parent_input_type())
        if parent is not None:
            self.found.add(f"{parent.name}.{node.name.value}")
        self._use_input()

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> None:
        named = get_named_type(self.type_info.get_input_type())
        if named is not None:
            self.found.add(f"{named.name}.{node.value}")

    def _use_input(self) -> None:
        named = get_named_type(self.type_info.get_input_type())
        if named is not None:
            self.found.add(named.name)

    def _field_name(self, parent: GraphQLNamedType, definition: object) -> str:
        fields = parent.fields if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else {}
        return next((name for name, each in fields.items() if each is definition), "")

    def _types_with_field(self, parent: GraphQLNamedType, name: str) -> Iterator[str]:
        yield parent.name
        if isinstance(parent, GraphQLInterfaceType | GraphQLUnionType):
            for possible in self.schema.get_possible_types(parent):
                if name in possible.fields:
                    yield possible.name
            if isinstance(parent, GraphQLInterfaceType):
                yield from (each.name for each in self.schema.get_implementations(parent).interfaces)


def _everything_in(named: GraphQLNamedType) -> set[str]:
    """Return the coordinates of an input type: its fields or enum values, and the coordinates of its fields' types."""
    found: set[str] = set()
    waiting = [named]
    while waiting:
        current = waiting.pop()
        if current.name in found:
            continue
        found.add(current.name)
        if isinstance(current, GraphQLEnumType):
            found.update(f"{current.name}.{value}" for value in current.values)
        elif isinstance(current, GraphQLInputObjectType):
            found.update(f"{current.name}.{name}" for name in current.fields)
            waiting += [get_named_type(field.type) for field in current.fields.values()]
    return found
