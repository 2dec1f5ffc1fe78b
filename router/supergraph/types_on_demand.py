"""Builds the types of a schema when they are first used.

graphql-core builds all types of a schema at once. Here, each type begins as an object that has only its name. When
another attribute is read, the type is built from its definition, and the object becomes an ordinary type of
graphql-core. Since the objects stay the same, types can be compared with `is`, as everywhere in graphql-core.

    TypesOnDemand(kinds, definition).types["User"]          knows its name and its kind
                                           .types["User"].fields   parses the definition, and builds the fields
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

from graphql import (
    DirectiveLocation,
    EnumTypeDefinitionNode,
    GraphQLArgument,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    UnionTypeDefinitionNode,
)
from graphql.type import GraphQLDefaultInput, introspection_types, specified_scalar_types
from graphql.utilities.extend_schema import get_deprecation_reason, get_specified_by_url, is_one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import (
        DirectiveDefinitionNode,
        GraphQLNamedType,
        InputValueDefinitionNode,
        StringValueNode,
        TypeDefinitionNode,
        TypeNode,
    )

    WithFields: TypeAlias = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode

T = TypeVar("T")
InputT = TypeVar("InputT", GraphQLArgument, GraphQLInputField)

# No two threads build types at the same time: each type must be built once.
_LOCK: Final = RLock()


class _Unbuilt:
    """The part of a type before it is built: `_build` returns the built type. Other attributes do not exist yet."""

    _build: Callable[[], GraphQLNamedType]

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # Python looks for optional methods, such as `__deepcopy__`
            raise AttributeError(attribute)
        with _LOCK:
            if isinstance(self, _Unbuilt):
                built = self._build()
                self.__dict__.update(built.__dict__)
                self.__class__ = type(built)  # type: ignore[assignment]  # the subclasses below have the same layout
                del self.__dict__["_build"]
        return getattr(self, attribute)


class _Object(_Unbuilt, GraphQLObjectType):
    pass


class _Interface(_Unbuilt, GraphQLInterfaceType):
    pass


class _Union(_Unbuilt, GraphQLUnionType):
    pass


class _Enum(_Unbuilt, GraphQLEnumType):
    pass


class _Input(_Unbuilt, GraphQLInputObjectType):
    pass


class _Scalar(_Unbuilt, GraphQLScalarType):
    pass


_CLASSES: Final[Mapping[type[TypeDefinitionNode], type[_Unbuilt]]] = {
    ObjectTypeDefinitionNode: _Object,
    InterfaceTypeDefinitionNode: _Interface,
    UnionTypeDefinitionNode: _Union,
    EnumTypeDefinitionNode: _Enum,
    InputObjectTypeDefinitionNode: _Input,
    ScalarTypeDefinitionNode: _Scalar,
}
_STANDARD: Final[Mapping[str, GraphQLNamedType]] = {**specified_scalar_types, **introspection_types}


class TypesOnDemand:
    """The types of a schema by name.

    `kinds` has the class of the definition of each type, and `definition` returns the definition. graphql-core has the
    scalar types of the specification and the introspection types.
    """

    def __init__(
        self, kinds: Mapping[str, type[TypeDefinitionNode]], definition: Callable[[str], TypeDefinitionNode]
    ) -> None:
        self._definition = definition
        self.types: dict[str, GraphQLNamedType] = {
            name: _STANDARD.get(name) or self._unbuilt(name, kind) for name, kind in kinds.items()
        }
        self.types |= {name: type_ for name, type_ in _STANDARD.items() if name not in self.types}

    def _unbuilt(self, name: str, kind: type[TypeDefinitionNode]) -> GraphQLNamedType:
        class_ = _CLASSES[kind]
        type_ = object.__new__(class_)
        type_.__dict__ = {"name": name, "_build": lambda: self._built(self._definition(name))}
        return cast("GraphQLNamedType", type_)

    def directive(self, node: DirectiveDefinitionNode) -> GraphQLDirective:
        """Build a directive from its definition."""
        return GraphQLDirective(
            name=node.name.value,
            description=_text(node.description),
            locations=[DirectiveLocation[location.value] for location in node.locations],
            is_repeatable=node.repeatable,
            args=self._arguments(node.arguments),
            deprecation_reason=get_deprecation_reason(node),
            ast_node=node,
        )

    def _built(self, node: TypeDefinitionNode) -> GraphQLNamedType:
        name, description = node.name.value, _text(node.description)
        match node:
            case ObjectTypeDefinitionNode():
                interfaces, fields = _once(self._interfaces, node), _once(self._fields, node)
                return GraphQLObjectType(name, fields, interfaces, description=description, ast_node=node)
            case InterfaceTypeDefinitionNode():
                interfaces, fields = _once(self._interfaces, node), _once(self._fields, node)
                return GraphQLInterfaceType(name, fields, interfaces, description=description, ast_node=node)
            case UnionTypeDefinitionNode():
                return GraphQLUnionType(name, _once(self._members, node), description=description, ast_node=node)
            case EnumTypeDefinitionNode():
                return GraphQLEnumType(name, _values(node), description=description, ast_node=node)
            case InputObjectTypeDefinitionNode():
                inputs = _once(self._input_fields, node)
                return GraphQLInputObjectType(
                    name, inputs, description=description, ast_node=node, is_one_of=is_one_of(node)
                )
            case ScalarTypeDefinitionNode():
                url = get_specified_by_url(node)
                return GraphQLScalarType(name, specified_by_url=url, description=description, ast_node=node)
            case _:
                raise TypeError(f"{type(node).__name__} does not define a type")

    def _type(self, node: TypeNode) -> Any:
        if isinstance(node, ListTypeNode):
            return GraphQLList[Any](self._type(node.type))
        if isinstance(node, NonNullTypeNode):
            return GraphQLNonNull[Any](self._type(node.type))
        return self.types[cast("NamedTypeNode", node).name.value]

    def _interfaces(self, node: WithFields) -> list[GraphQLInterfaceType]:
        return [self._type(interface) for interface in node.interfaces or ()]

    def _members(self, node: UnionTypeDefinitionNode) -> list[GraphQLObjectType]:
        return [self._type(member) for member in node.types or ()]

    def _fields(self, node: WithFields) -> dict[str, GraphQLField]:
        return {
            field.name.value: GraphQLField(
                self._type(field.type),
                args=self._arguments(field.arguments),
                description=_text(field.description),
                deprecation_reason=_deprecation(field),
                ast_node=field,
            )
            for field in node.fields or ()
        }

    def _arguments(self, nodes: tuple[InputValueDefinitionNode, ...] | None) -> dict[str, GraphQLArgument]:
        return self._input_values(GraphQLArgument, nodes)

    def _input_fields(self, node: InputObjectTypeDefinitionNode) -> dict[str, GraphQLInputField]:
        return self._input_values(GraphQLInputField, node.fields)

    def _input_values(
        self, class_: type[InputT], nodes: tuple[InputValueDefinitionNode, ...] | None
    ) -> dict[str, InputT]:
        return {
            node.name.value: class_(
                self._type(node.type),
                default=_default(node),
                description=_text(node.description),
                deprecation_reason=_deprecation(node),
                ast_node=node,
            )
            for node in nodes or ()
        }


def _once(make: Callable[[Any], T], node: TypeDefinitionNode) -> Callable[[], T]:
    """Return a function that returns `make(node)`, and the same object for each call, in whichever thread."""
    made: list[T] = []

    def get() -> T:
        with _LOCK:
            if not made:
                made.append(make(node))
        return made[0]

    return get


def _values(node: EnumTypeDefinitionNode) -> dict[str, GraphQLEnumValue]:
    return {
        value.name.value: GraphQLEnumValue(
            value.name.value,
            description=_text(value.description),
            deprecation_reason=_deprecation(value),
            ast_node=value,
        )
        for value in node.values or ()
    }


def _text(node: StringValueNode | None) -> str | None:
    return None if node is None else node.value


def _default(node: InputValueDefinitionNode) -> GraphQLDefaultInput | None:
    return GraphQLDefaultInput(literal=node.default_value) if node.default_value else None


def _deprecation(node: Any) -> str | None:
    return get_deprecation_reason(node) if node.directives else None
