"""CONTEXT_INVALID_SELECTION: the selection of a `@fromContext` does not give one value of the argument's type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode

from router.composition.context_directives import context_types, parse_context_value
from router.composition.field_set_problems import field_set_problems
from router.composition.model import COMPOSITE, Kind, Schema, TypeDef
from router.composition.rules.find_contextual_arguments import contextual_arguments, report_problem
from router.composition.rules.no_context_in_selection import has_name_and_selection
from router.composition.type_refs import ListOf, NonNull, TypeRef, base_name, nullable
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each `@fromContext` whose selection does not give one value of the argument's type (composition §4.7)."""
    for each in contextual_arguments(subgraph):
        for problem in _problems(subgraph.schema, each.value, each.argument.type):
            report_problem(subgraph, report, "CONTEXT_INVALID_SELECTION", each, problem)


def _problems(schema: Schema, value: str, wanted: TypeRef) -> Iterator[str]:
    parsed = parse_context_value(value)
    if parsed is None:
        if has_name_and_selection(value):
            yield f'"{value}" has a selection that cannot be parsed'
        return
    targets = context_types(schema, parsed.context)
    conditions = _conditions(parsed.selection)
    if conditions is not None and (None in conditions or len(set(conditions)) < len(parsed.selection.selections)):
        yield "the selection must be one field, or type conditions on different types"
        return
    for target in targets:
        problem = _selection_problem(schema, target, parsed.selection, wanted)
        if problem:
            yield f"on {target.name}, {problem}"
    possible = {name for target in targets for name in schema.possible_types(target.name)}
    for condition in conditions or () if targets else ():
        if condition not in possible:
            yield f"no type that sets the context can be a {condition}"


def _conditions(selection: SelectionSetNode) -> list[str | None] | None:
    """Return the type conditions of the inline fragments in a selection. If there are no inline fragments, return None.

    The list has one item for each inline fragment. If the fragment has no type condition, its item is None.
    """
    fragments = [item for item in selection.selections if isinstance(item, InlineFragmentNode)]
    if not fragments:
        return None
    return [item.type_condition.name.value if item.type_condition is not None else None for item in fragments]


def _selection_problem(schema: Schema, target: TypeDef, selection: SelectionSetNode, wanted: TypeRef) -> str | None:
    """Return a message if the selection on `target` does not give exactly one value of the type `wanted`; else None."""
    for problem in field_set_problems(schema, target.name, selection):
        return problem
    if _conditions(selection) is None:
        return _path_problem(schema, target, selection, wanted)
    possible = schema.possible_types(target.name)
    matching = []
    for fragment in selection.selections:
        if isinstance(fragment, InlineFragmentNode) and fragment.type_condition is not None:
            inner = schema.types[fragment.type_condition.name.value]
            if inner.kind is not Kind.OBJECT:
                return f"{inner.name} is not an object type"
            if inner.name in possible:
                matching.append((inner, fragment.selection_set))
    if not matching:
        return "none of the type conditions can apply"
    problems = (_path_problem(schema, inner, below, wanted) for inner, below in matching)
    return next((problem for problem in problems if problem), None)


def _path_problem(  # noqa: PLR0911 - one return for each problem
    schema: Schema, target: TypeDef, selection: SelectionSetNode, wanted: TypeRef
) -> str | None:
    if target.is_interface_object:
        return f"{target.name} is an interface object"
    if len(selection.selections) != 1:
        return "the selection must give exactly one value"
    item = selection.selections[0]
    if not isinstance(item, FieldNode) or item.alias or item.directives or item.name.value == TYPENAME:
        return "the selection must be plain fields, without aliases and directives"
    member = target.fields.get(item.name.value)
    if member is None:
        return f'there is no field "{item.name.value}"'
    if any(argument.required for argument in member.arguments.values()):
        return f"{member.coordinate} has required arguments"
    inner = schema.types.get(base_name(member.type))
    if schema.kind_of(member.type) in COMPOSITE:
        if item.selection_set is None or inner is None:
            return f"{member.coordinate} must have a selection"
        return _path_problem(schema, inner, item.selection_set, _under_lists(member.type, wanted))
    if _fits(member.type, wanted):
        return None
    if isinstance(wanted, NonNull) and _fits(member.type, wanted.of):
        return f"the argument must be nullable, but has the type {wanted}: no object above need set the context"
    return f"{member.coordinate} has the type {member.type}, but the argument has the type {wanted}"


def _under_lists(passed: TypeRef, wanted: TypeRef) -> TypeRef:
    """Return the type that the subselection of a field must give.

    `passed` is the type of the field, and `wanted` is the type that the field and its subselection must give together.
    For example, let `passed` be `[User]` and `wanted` be `[Int]`. Then the subselection must give one `Int` for each
    user, so the result is `Int`: each list in `passed` removes one list from `wanted`.
    """
    passed, bare = nullable(passed), nullable(wanted)
    while isinstance(passed, ListOf) and isinstance(bare, ListOf):
        passed, wanted = nullable(passed.of), bare.of
        bare = nullable(wanted)
    return wanted


def _fits(given: TypeRef, wanted: TypeRef) -> bool:
    # If no ancestor of an object in the response sets the context, the argument is null, even if the selected field is
    # non-null. So the argument must be nullable.
    if isinstance(wanted, NonNull):
        return False
    given = nullable(given)
    if isinstance(given, ListOf) and isinstance(wanted, ListOf):
        return _fits(given.of, wanted.of)
    return given == wanted
