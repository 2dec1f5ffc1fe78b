"""INVALID_GRAPHQL: the schema of each subgraph is valid GraphQL, but the supergraph is not.

The merge can cause each of these problems:

- A field no longer fits the interface field that it implements: its type differs, the merge dropped one of its
  arguments, or it has an additional required argument.
- A type implements the interface `A`, and `A` implements `B`, but the type does not implement `B`.
- Required input fields form a cycle, so no value of the input type can exist.
- A type or directive has a name that is reserved for a linked specification, such as `cost__Type`.
- A default value uses an enum value or input field that the merge dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import EnumValueNode, ListValueNode, NullValueNode, ObjectValueNode, print_ast

from router.composition.merge.type_references import is_strict_subtype
from router.composition.model import FieldDef, InputValue, Kind, Schema, TypeDef
from router.composition.type_refs import ListOf, Named, NonNull, TypeRef, base_name, nullable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql.language import ValueNode

    from router.composition.merge.merge_state import MergeState


def check(state: MergeState) -> None:
    """Report each reason why the merged schema is not valid GraphQL (composition §5.8)."""
    supergraph = state.supergraph
    for definition in supergraph.types.values():
        for problem in (
            *_implementation_problems(supergraph, definition),
            *_default_problems(supergraph, definition),
        ):
            state.report.error("INVALID_GRAPHQL", problem, state.places(state.type_sources(definition.name)))
    for name, source in _reserved_names(state):
        state.report.error(
            "INVALID_GRAPHQL",
            f"{name} cannot be in a supergraph: the name belongs to the specification {source}.",
            state.places(state.type_sources(name)),
        )
    for circle in _required_circles(supergraph):
        state.report.error(
            "INVALID_GRAPHQL",
            f"The input {circle[0]} requires itself, through {' → '.join(circle)}: no value can exist.",
        )


def _reserved_names(state: MergeState) -> Iterator[tuple[str, str]]:
    """Yield `(name, specification)` for each reserved name in the supergraph, such as `("cost__Type", "cost")`."""
    specs = {"link", "join", *(link.name for link in state.features.links)}
    for name in (*state.supergraph.types, *state.supergraph.directives):
        prefix, separator, _ = name.partition("__")
        if separator and prefix in specs:
            yield name, prefix
    if "join" in state.supergraph.directives:
        yield "@join", "join"


def _implementation_problems(schema: Schema, definition: TypeDef) -> Iterator[str]:
    for name in definition.interfaces:
        interface = schema.types[name]
        for inherited in interface.interfaces:
            if inherited not in definition.interfaces:
                yield f"{definition.name} implements {name}, so it must also implement {inherited}."
        for member in interface.fields.values():
            own = definition.fields.get(member.name)
            if own is not None:
                yield from _field_problems(schema, own, member)


def _field_problems(schema: Schema, own: FieldDef, member: FieldDef) -> Iterator[str]:
    if own.type != member.type and not is_strict_subtype(schema, member.type, own.type):
        yield f"{own.coordinate} has the type {own.type}, but implements {member.coordinate} of type {member.type}."
    for argument in member.arguments.values():
        mine = own.arguments.get(argument.name)
        if mine is None:
            yield f"{own.coordinate} lacks the argument {argument.name} of {member.coordinate}, which it implements."
        elif mine.type != argument.type:
            yield (
                f"{own.coordinate}({argument.name}:) has the type {mine.type}, but implements "
                f"{member.coordinate}({argument.name}:) of type {argument.type}."
            )
    for name, mine in own.arguments.items():
        if name not in member.arguments and mine.required:
            yield f"{own.coordinate}({name}:) is required, but {member.coordinate} does not have the argument."


def _default_problems(schema: Schema, definition: TypeDef) -> Iterator[str]:
    for item in definition.inputs.values():
        yield from _value_problems(schema, f"{definition.name}.{item.name}", item)
    for member in definition.fields.values():
        for argument in member.arguments.values():
            yield from _value_problems(schema, f"{member.coordinate}({argument.name}:)", argument)


def _value_problems(schema: Schema, where: str, item: InputValue) -> Iterator[str]:
    if item.default is not None and not _valid(schema, item.default, item.type):
        yield f"The default value {print_ast(item.default)} of {where} is not a valid {item.type} in the supergraph."


def _valid(schema: Schema, value: ValueNode, ref: TypeRef) -> bool:
    """Return whether a default value is valid for the type `ref`.

    The check covers only the parts that a merge can make invalid: nulls, enum values and the names of input fields.
    """
    if isinstance(value, NullValueNode):
        return not isinstance(ref, NonNull)
    ref = nullable(ref)
    if isinstance(ref, ListOf):
        items = value.values if isinstance(value, ListValueNode) else (value,)
        return all(_valid(schema, item, ref.of) for item in items)
    definition = schema.types.get(ref.name)
    if definition is None:
        return True
    if definition.kind is Kind.ENUM and isinstance(value, EnumValueNode):
        return value.value in definition.values
    if definition.kind is Kind.INPUT and isinstance(value, ObjectValueNode):
        given = {field.name.value: field.value for field in value.fields}
        # Like Apollo's composition, accept a value that lacks a required input field.
        return given.keys() <= definition.inputs.keys() and all(
            _valid(schema, each, definition.inputs[name].type) for name, each in given.items()
        )
    return True


def _required_circles(schema: Schema) -> Iterator[list[str]]:
    requires = {
        definition.name: [
            base_name(item.type)
            for item in definition.inputs.values()
            if isinstance(item.type, NonNull) and isinstance(item.type.of, Named)
        ]
        for definition in schema.of_kind(Kind.INPUT)
    }
    done: set[str] = set()
    for start, first in requires.items():
        path = [start] if start not in done else []
        stack = [(start, iter(first))] if path else []
        while stack:
            name, pending = stack[-1]
            following = next((each for each in pending if each in requires), None)
            if following is None:
                stack.pop()
                path.pop()
                done.add(name)
            elif following in path:
                yield [*path[path.index(following) :], following]
            elif following not in done:
                stack.append((following, iter(requires[following])))
                path.append(following)
