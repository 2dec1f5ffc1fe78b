"""An oracle for schema changes: what an operation and its variables mean in two schemas, without any diff.

For an operation that is valid with the old schema, it says why a client of the old schema cannot use the new one: the
operation or its variables become invalid, or a response can have a form that the client does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_abstract_type,
    validate,
    visit,
)
from graphql.execution.values import get_variable_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DocumentNode, FieldNode, GraphQLSchema, GraphQLType


def reasons_to_break(
    old: GraphQLSchema, new: GraphQLSchema, document: DocumentNode, variables: Mapping[str, object]
) -> Iterator[str]:
    """Why a client that sends the operation breaks; nothing if it does not."""
    errors = validate(new, document)
    if errors:
        yield errors[0].message
        return
    if not _variable_problems(old, document, variables):
        yield from _variable_problems(new, document, variables)
    before, after = _answer_types(old, document), _answer_types(new, document)
    for node, type_ in before.items():
        now = after[node]
        if not _is_answer_of(type_, now):
            yield f"the answer was {type_}, and is now {now}"
        yield from _unknown_values(old, new, type_, now)


def _variable_problems(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, object]) -> list[str]:
    operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    coerced = get_variable_values(schema, operation.variable_definitions or (), dict(variables))
    return [error.message for error in coerced] if isinstance(coerced, list) else []


class _Types(Visitor):
    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__()
        self.type_info = type_info
        self.found: dict[int, GraphQLType] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        type_ = self.type_info.get_type()
        assert type_ is not None, "the operation is valid"
        self.found[id(node)] = type_


def _answer_types(schema: GraphQLSchema, document: DocumentNode) -> dict[int, GraphQLType]:
    info = TypeInfo(schema)
    types = _Types(info)
    visit(document, TypeInfoVisitor(info, types))
    return types.found


def _is_answer_of(old: GraphQLType, new: GraphQLType) -> bool:
    """Whether a client that reads the old type can read each value of the new type."""
    if isinstance(old, GraphQLNonNull):
        return isinstance(new, GraphQLNonNull) and _is_answer_of(old.of_type, new.of_type)
    if isinstance(new, GraphQLNonNull):
        return _is_answer_of(old, new.of_type)
    if isinstance(old, GraphQLList) or isinstance(new, GraphQLList):
        both = isinstance(old, GraphQLList) and isinstance(new, GraphQLList)
        return both and _is_answer_of(old.of_type, new.of_type)  # type: ignore[attr-defined]  # both are lists
    return str(old) == str(new)


def _unknown_values(old: GraphQLSchema, new: GraphQLSchema, before: GraphQLType, after: GraphQLType) -> Iterator[str]:
    was, now = get_named_type(before), get_named_type(after)
    if isinstance(was, GraphQLEnumType) and isinstance(now, GraphQLEnumType):
        yield from (f"the enum value {now}.{name} is unknown" for name in now.values if name not in was.values)
    if is_abstract_type(was) and is_abstract_type(now):
        known = {each.name for each in old.get_possible_types(was)}
        possible = {each.name for each in new.get_possible_types(now)}
        yield from (f"objects of {name} are unknown in {now}" for name in sorted(possible - known))
