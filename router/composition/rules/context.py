"""`@context` and `@fromContext`: what a context is called, who sets it, and what may be selected from it.

CONTEXT_NAME_INVALID, NO_CONTEXT_IN_SELECTION, CONTEXT_NOT_SET, CONTEXT_INVALID_SELECTION, CONTEXT_NO_RESOLVABLE_KEY.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode

from router.composition.contexts import context_types, parse_context_value
from router.composition.field_set_targets import unreadable
from router.composition.model import COMPOSITE, FieldDef, InputValue, Kind, Schema, TypeDef
from router.composition.rules.keys_equal import resolvable
from router.composition.type_refs import ListOf, NonNull, TypeRef, base_name, nullable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.codes import ErrorCode
    from router.composition.facts import Facts
    from router.composition.report import Report

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_NAMES_AND_SELECTS = re.compile(r"\s*\$\s*\w+\s*[^\w\s][\s\S]*")


def check(facts: Facts, report: Report) -> None:
    for definition in facts.schema.of_kind(Kind.OBJECT, Kind.INTERFACE, Kind.UNION):
        for applied in definition.applied("context"):
            if not _NAME.fullmatch(applied.text("name") or ""):
                report.error(
                    "CONTEXT_NAME_INVALID",
                    f'[{facts.name}] "{applied.text("name")}" on {definition.name} is no context name: letters and '
                    "digits only, a letter first.",
                    [(facts.name, applied.node)],
                )
    _check_directive_arguments(facts, report)
    for definition, member in facts.schema.fields():
        for argument in member.arguments.values():
            for applied in argument.applied("fromContext"):
                for code, message in _problems(facts, definition, member, argument):
                    report.error(
                        code,
                        f"[{facts.name}] {member.coordinate}({argument.name}:): {message}.",
                        [(facts.name, applied.node)],
                    )


def _check_directive_arguments(facts: Facts, report: Report) -> None:
    for directive in facts.schema.directives.values():
        for argument in directive.arguments.values():
            if argument.has("fromContext"):
                report.error(
                    "CONTEXT_NOT_SET",
                    f"[{facts.name}] @{directive.name}({argument.name}:): arguments of directives have no context.",
                    [(facts.name, argument.node)],
                )


def _problems(
    facts: Facts, definition: TypeDef, member: FieldDef, argument: InputValue
) -> Iterator[tuple[ErrorCode, str]]:
    schema = facts.schema
    value = argument.applied("fromContext")[0].text("field") or ""
    if definition.kind is not Kind.OBJECT:
        yield "CONTEXT_NOT_SET", "@fromContext is for arguments of object fields"
        return
    for interface in definition.interfaces:
        if member.name in (schema.types[interface].fields if interface in schema.types else {}):
            yield "CONTEXT_NOT_SET", f"the field implements one of {interface}, which has no context"
    if argument.default is not None:
        yield "CONTEXT_NOT_SET", "an argument filled from a context cannot have a default value"
    yield from _selection_problems(schema, argument, value)
    if not any(resolvable(key) for key in definition.keys):
        yield "CONTEXT_NO_RESOLVABLE_KEY", f"{definition.name} has no resolvable @key to fetch it again with the value"


def _selection_problems(schema: Schema, argument: InputValue, value: str) -> Iterator[tuple[ErrorCode, str]]:
    parsed = parse_context_value(value)
    if parsed is None:
        if not _NAMES_AND_SELECTS.fullmatch(value):
            yield "NO_CONTEXT_IN_SELECTION", f'"{value}" must be $, the name of a context, and a selection'
        else:
            yield "CONTEXT_INVALID_SELECTION", f'"{value}" has no readable selection'
        return
    targets = context_types(schema, parsed.context)
    if not targets:
        yield "CONTEXT_NOT_SET", f'no type here sets the context "{parsed.context}"'
    conditions = _conditions(parsed.selection)
    if conditions is not None and (None in conditions or len(set(conditions)) < len(parsed.selection.selections)):
        yield "CONTEXT_INVALID_SELECTION", "the selection is one field, or type conditions on different types"
        return
    for target in targets:
        problem = _selection_problem(schema, target, parsed.selection, argument.type)
        if problem:
            yield "CONTEXT_INVALID_SELECTION", f"on {target.name}, {problem}"
    possible = {name for target in targets for name in schema.possible_types(target.name)}
    for condition in conditions or () if targets else ():
        if condition not in possible:
            yield "CONTEXT_INVALID_SELECTION", f"nothing that sets the context is ever a {condition}"


def _conditions(selection: SelectionSetNode) -> list[str | None] | None:
    """The types that the selection distinguishes; None if it does not."""
    fragments = [item for item in selection.selections if isinstance(item, InlineFragmentNode)]
    if not fragments:
        return None
    return [item.type_condition.name.value if item.type_condition is not None else None for item in fragments]


def _selection_problem(schema: Schema, target: TypeDef, selection: SelectionSetNode, wanted: TypeRef) -> str | None:
    """Why the selection does not give exactly one value of the wanted type for every possible type of `target`."""
    for problem in unreadable(schema, target.name, selection):
        return problem
    if _conditions(selection) is None:
        return _path_problem(schema, target, selection, wanted)
    possible = schema.possible_types(target.name)
    matching = []
    for fragment in selection.selections:
        if isinstance(fragment, InlineFragmentNode) and fragment.type_condition is not None:
            inner = schema.types[fragment.type_condition.name.value]
            if inner.kind is not Kind.OBJECT:
                return f"{inner.name} is no object type"
            if inner.name in possible:
                matching.append((inner, fragment.selection_set))
    if not matching:
        return "none of the type conditions can be met"
    problems = (_path_problem(schema, inner, below, wanted) for inner, below in matching)
    return next((problem for problem in problems if problem), None)


def _path_problem(  # noqa: PLR0911 - one return for each way to be wrong
    schema: Schema, target: TypeDef, selection: SelectionSetNode, wanted: TypeRef
) -> str | None:
    if target.is_interface_object:
        return f"{target.name} is an interface object"
    if len(selection.selections) != 1:
        return "the selection must give exactly one value"
    item = selection.selections[0]
    if not isinstance(item, FieldNode) or item.alias or item.directives or item.name.value == "__typename":
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
    return None if _fits(member.type, wanted) else f"{member.coordinate} is a {member.type}, the argument a {wanted}"


def _under_lists(passed: TypeRef, wanted: TypeRef) -> TypeRef:
    """A list on the way makes the value a list: peel the same list off the argument's type."""
    passed, bare = nullable(passed), nullable(wanted)
    while isinstance(passed, ListOf) and isinstance(bare, ListOf):
        passed, wanted = nullable(passed.of), bare.of
        bare = nullable(wanted)
    return wanted


def _fits(given: TypeRef, wanted: TypeRef) -> bool:
    # A context can be missing, so even a non-null field gives a nullable value.
    if isinstance(wanted, NonNull):
        return False
    given = nullable(given)
    if isinstance(given, ListOf) and isinstance(wanted, ListOf):
        return _fits(given.of, wanted.of)
    return given == wanted
