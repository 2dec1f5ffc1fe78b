"""Report each `@inaccessible` on an element that the API schema needs (composition §5.9).

The error codes are REFERENCED_INACCESSIBLE, DEFAULT_VALUE_USES_INACCESSIBLE, QUERY_ROOT_TYPE_INACCESSIBLE,
REQUIRED_INACCESSIBLE, DISALLOWED_INACCESSIBLE, IMPLEMENTED_BY_INACCESSIBLE and ONLY_INACCESSIBLE_CHILDREN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import EnumValueNode, ListValueNode, ObjectValueNode

from router.composition.model import (
    BUILT_IN_SCALARS,
    DirectiveDef,
    Element,
    FieldDef,
    InputValue,
    Kind,
    Schema,
    TypeDef,
    TypedElement,
)
from router.composition.type_refs import ListOf, TypeRef, base_name, nullable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graphql.language import ValueNode

    from router.composition.error_codes import ErrorCode
    from router.composition.merge.merge_state import MergeState

InaccessibleProblem = tuple["ErrorCode", str, Element]
"""The error code, the message, and the element that has the problem."""


def check(state: MergeState) -> None:
    """Report each `@inaccessible` on an element that the API schema needs (composition §5.9)."""
    schema = state.supergraph
    _report_types_of_specifications(state)
    composed = [each.definition for each in state.features.composed]
    if not any(name == "inaccessible" for name in _elements_in_use(schema, composed)):
        return
    for definition in schema.types.values():
        for code, message, _ in type_problems(schema, definition):
            state.report.error(code, message, state.places(state.type_sources(definition.name)))
    for code, message, _ in directive_problems(schema):
        state.report.error(code, message)
    for each in state.features.composed:
        for code, message in _composed_problems(schema, each.name, each.definition):
            state.report.error(code, message, [state.place(each.subgraphs[0], each.definition.node)])


def _report_types_of_specifications(state: MergeState) -> None:
    """Report fields, arguments and input fields that have a type of a specification, such as `link__Import`.

    Subgraphs contain types of specifications, but the API schema contains none of these types. So its fields and
    arguments cannot have such a type.
    """
    known = state.supergraph.types.keys() | BUILT_IN_SCALARS
    for definition in state.supergraph.types.values():
        for where, element in _typed_elements(definition):
            name = base_name(element.type)
            if name not in known:
                message = f"{where} has the type {name} of a specification. The API schema has no such types."
                places = state.places(state.type_sources(definition.name))
                state.report.error("REFERENCED_INACCESSIBLE", message, places)


def _typed_elements(definition: TypeDef) -> Iterator[tuple[str, TypedElement]]:
    for member in definition.fields.values():
        yield member.coordinate, member
        for argument in member.arguments.values():
            yield f"{member.coordinate}({argument.name}:)", argument
    for item in definition.inputs.values():
        yield f"{definition.name}.{item.name}", item


def _composed_problems(schema: Schema, name: str, definition: DirectiveDef) -> Iterator[tuple[ErrorCode, str]]:
    """Yield the problems of the arguments of a custom directive (one that a `@composeDirective` names).

    `@inaccessible` on such an argument is an error: the API schema does not contain the directive, so hiding the
    argument has no effect.
    """
    for argument in definition.arguments.values():
        where = f"@{name}({argument.name}:)"
        if _hidden(argument):
            yield "DISALLOWED_INACCESSIBLE", f"{where} belongs to a composed directive and cannot be @inaccessible."
        for code, message, _ in _reference_problem(schema, where, argument):
            yield code, message


def directive_problems(schema: Schema) -> Iterator[InaccessibleProblem]:
    """Yield the problems of the arguments of executable directives, which clients can use in operations."""
    for directive in schema.directives.values():
        for argument in directive.arguments.values():
            yield from _input_problems(schema, f"@{directive.name}({argument.name}:)", argument)


def _elements_in_use(schema: Schema, composed: Iterable[DirectiveDef]) -> Iterator[str]:
    for directive in (*schema.directives.values(), *composed):
        for argument in directive.arguments.values():
            yield from (applied.element for applied in argument.directives if applied.element)
    for definition in schema.types.values():
        parts: Iterable[Element] = (
            definition,
            *definition.fields.values(),
            *definition.inputs.values(),
            *definition.values.values(),
            *(argument for member in definition.fields.values() for argument in member.arguments.values()),
        )
        for part in parts:
            yield from (applied.element for applied in part.directives if applied.element)


def _hidden(element: Element) -> bool:
    return element.has("inaccessible")


def type_problems(schema: Schema, definition: TypeDef) -> Iterator[InaccessibleProblem]:
    """Yield the problems of a type and of its fields, input fields, enum values and union members."""
    if _hidden(definition):
        if definition.name in BUILT_IN_SCALARS:
            yield "DISALLOWED_INACCESSIBLE", f"The built-in type {definition.name} cannot be @inaccessible.", definition
        if definition.name == "Query":
            message = "The query root cannot be @inaccessible: every API needs one."
            yield "QUERY_ROOT_TYPE_INACCESSIBLE", message, definition
        return
    children: list[Element] = [
        *definition.fields.values(),
        *definition.inputs.values(),
        *definition.values.values(),
        *(schema.types[name] for name in definition.members),
    ]
    if children and all(map(_hidden, children)):
        message = f"{definition.name} is in the API schema, but all its parts are @inaccessible."
        yield "ONLY_INACCESSIBLE_CHILDREN", message, definition
    for item in definition.inputs.values():
        yield from _input_problems(schema, f"{definition.name}.{item.name}", item)
    for member in definition.fields.values():
        yield from _field_problems(schema, definition, member)


def _field_problems(schema: Schema, definition: TypeDef, member: FieldDef) -> Iterator[InaccessibleProblem]:
    inherited = [
        schema.types[name].fields[member.name]
        for name in definition.interfaces
        if not _hidden(schema.types[name]) and member.name in schema.types[name].fields
    ]
    visible = [each for each in inherited if not _hidden(each)]
    if _hidden(member):
        for each in visible:
            message = (
                f"{member.coordinate} is @inaccessible, but implements {each.coordinate}, which is in the API schema."
            )
            yield "IMPLEMENTED_BY_INACCESSIBLE", message, member
        return
    yield from _reference_problem(schema, member.coordinate, member)
    for argument in member.arguments.values():
        where = f"{member.coordinate}({argument.name}:)"
        yield from _input_problems(schema, where, argument)
        if _hidden(argument) and not argument.required:
            for each in visible:
                wanted = each.arguments.get(argument.name)
                if wanted is not None and not _hidden(wanted):
                    message = f"{where} is @inaccessible, but {each.coordinate} in the API schema has the argument."
                    yield "IMPLEMENTED_BY_INACCESSIBLE", message, argument


def _input_problems(schema: Schema, where: str, item: InputValue) -> Iterator[InaccessibleProblem]:
    if _hidden(item):
        if item.required:
            message = f"{where} is @inaccessible, but required: clients could not give a value."
            yield "REQUIRED_INACCESSIBLE", message, item
        return
    yield from _reference_problem(schema, where, item)
    if item.default is not None and _uses_hidden(schema, item.default, item.type):
        message = f"The default value of {where} uses something that is @inaccessible."
        yield "DEFAULT_VALUE_USES_INACCESSIBLE", message, item


def _reference_problem(schema: Schema, where: str, element: TypedElement) -> Iterator[InaccessibleProblem]:
    target = schema.types.get(base_name(element.type))
    if target is not None and _hidden(target):
        message = f"{target.name} is @inaccessible, but {where}, which is in the API schema, refers to it."
        yield "REFERENCED_INACCESSIBLE", message, element


def _uses_hidden(schema: Schema, value: ValueNode, ref: TypeRef) -> bool:
    """Return whether a default value uses an `@inaccessible` enum value or input field.

    If an enum type or input type is itself `@inaccessible`, its values or fields do not count.
    """
    ref = nullable(ref)
    if isinstance(ref, ListOf):
        items = value.values if isinstance(value, ListValueNode) else (value,)
        return any(_uses_hidden(schema, item, ref.of) for item in items)
    definition = schema.types.get(ref.name)
    if definition is None:
        return False
    if definition.kind is Kind.ENUM and isinstance(value, EnumValueNode):
        named = definition.values.get(value.value)
        return named is not None and _hidden(named) and not _hidden(definition)
    if definition.kind is Kind.INPUT and isinstance(value, ObjectValueNode):
        for given in value.fields:
            item = definition.inputs.get(given.name.value)
            if item is None:
                continue
            if (_hidden(item) and not _hidden(definition)) or _uses_hidden(schema, given.value, item.type):
                return True
    return False
