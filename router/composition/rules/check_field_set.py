"""Check the field sets of `@key`, `@requires` and `@provides`. Each directive has its own codes for the same problems.

Some problems are fatal: they end the check of the field set, and no other problem of the field set is reported.
Examples are a syntax error, an unknown field, and a missing selection set. In a `@key`, a field of an interface or
union type is fatal too. If no problem is fatal, all problems are reported, for example each field with arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode, StringValueNode, print_ast

from router.composition.drop_impossible_type_conditions import is_impossible
from router.composition.field_set_problems import argument_problems
from router.composition.model import ABSTRACT, COMPOSITE, Applied, FieldDef, Kind
from router.composition.reading.spec_directive_names import GRAPHQL_DIRECTIVES
from router.composition.type_refs import base_name
from router.federation.field_sets import FieldSetSyntaxError, parse_field_set
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql.language import SelectionNode

    from router.composition.error_codes import ErrorCode
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report

Problem = Literal["type", "invalid", "alias", "arguments", "directive", "not external", "abstract", "no selection"]


@dataclass(frozen=True, slots=True)
class FieldSetRule:
    """The error codes of one directive, such as `@key`. A problem without a code is not reported."""

    codes: Mapping[Problem, ErrorCode]


@dataclass(frozen=True, slots=True)
class FieldSetUse:
    """One directive with a field set, for example `@key(fields: "id")`.

    The field set selects fields of the type `type_name`. `where` is the coordinate of the type or field with the
    directive.
    """

    applied: Applied
    type_name: str
    where: str


class _UnreadableError(Exception):
    """Raised for a fatal problem, which ends the check of a field set. Example: an unknown field."""

    def __init__(self, message: str, problem: Problem = "invalid") -> None:
        super().__init__(message)
        self.problem: Problem = problem


def check_field_set(rule: FieldSetRule, subgraph: SubgraphMetadata, use: FieldSetUse, report: Report) -> None:
    """Report the problems of one field set (composition §4.2, §4.3)."""
    applied = use.applied

    def fail(problem: Problem, message: str) -> None:
        code = rule.codes.get(problem)
        if code is not None:
            fields = print_ast(applied.arguments["fields"]) if "fields" in applied.arguments else ""
            report.error(
                code,
                f"[{subgraph.name}] On {use.where}, for @{applied.name}(fields: {fields}): {message}.",
                [(subgraph.name, applied.node)],
            )

    value = applied.arguments.get("fields")
    if not isinstance(value, StringValueNode):
        fail("type", "the fields must be a string")
        return
    try:
        selections = parse_field_set(value.value)
    except FieldSetSyntaxError as error:
        fail("invalid", str(error).rstrip("."))
        return
    try:
        found = list(_problems(rule, subgraph, use.type_name, selections, beneath_external=False))
    except _UnreadableError as error:
        fail(error.problem, str(error))
        return
    # If a field set has aliases, report the first alias and no other problem.
    alias = next((message for problem, message in found if problem == "alias"), None)
    if alias is not None:
        fail("alias", alias)
        return
    for problem, message in found:
        fail(problem, message)


def _problems(
    rule: FieldSetRule,
    subgraph: SubgraphMetadata,
    type_name: str,
    selections: SelectionSetNode,
    *,
    beneath_external: bool,
) -> Iterator[tuple[Problem, str]]:
    definition = subgraph.schema.types[type_name]
    for selection in selections.selections:
        _check_directives(subgraph, selection)
        if selection.directives:
            yield "directive", f"directives are not allowed here ({print_ast(selection.directives[0])})"
        if isinstance(selection, InlineFragmentNode):
            inner = _condition(subgraph, type_name, selection)
            yield from _problems(rule, subgraph, inner, selection.selection_set, beneath_external=beneath_external)
            continue
        if not isinstance(selection, FieldNode):
            raise _UnreadableError("fragment spreads are not allowed")
        if selection.alias is not None:
            yield "alias", f'the alias "{selection.alias.value}" is not allowed'
        if selection.name.value == TYPENAME:
            yield from _typename_problems(type_name, selection, beneath_external=beneath_external)
            continue
        member = definition.fields.get(selection.name.value)
        if member is None:
            raise _UnreadableError(f'there is no field "{selection.name.value}" on {type_name}')
        yield from _field_problems(rule, subgraph, member, selection, beneath_external=beneath_external)


def _check_directives(subgraph: SubgraphMetadata, selection: SelectionNode) -> None:
    for directive in selection.directives or ():
        if directive.name.value not in subgraph.schema.directives and directive.name.value not in GRAPHQL_DIRECTIVES:
            raise _UnreadableError(f"there is no directive {print_ast(directive)}")


def _typename_problems(
    type_name: str, selection: FieldNode, *, beneath_external: bool
) -> Iterator[tuple[Problem, str]]:
    if selection.selection_set is not None:
        raise _UnreadableError(f"{TYPENAME} cannot have a selection")
    if not beneath_external:
        yield "not external", f"{type_name}.{TYPENAME} is never external"


def _field_problems(
    rule: FieldSetRule, subgraph: SubgraphMetadata, member: FieldDef, selection: FieldNode, *, beneath_external: bool
) -> Iterator[tuple[Problem, str]]:
    kind = subgraph.schema.kind_of(member.type)
    if kind in ABSTRACT and "abstract" in rule.codes:
        raise _UnreadableError(f"{member.coordinate} is of the {kind} type {base_name(member.type)}", "abstract")
    if kind in COMPOSITE and selection.selection_set is None:
        raise _UnreadableError(f"{member.coordinate} of type {member.type} must have a selection", "no selection")
    if kind not in COMPOSITE and selection.selection_set is not None:
        raise _UnreadableError(f"{member.coordinate} of type {member.type} cannot have a selection")
    for problem in argument_problems(
        subgraph.schema, member, selection.arguments or (), contextual_may_be_missing=True
    ):
        raise _UnreadableError(problem)
    if member.arguments:
        yield "arguments", f"{member.coordinate} takes arguments"
    external = subgraph.is_external(member)
    if selection.selection_set is None:
        if not external and not beneath_external:
            known_key = " (a key field of an extended type counts as not external)"
            note = known_key if member.coordinate in subgraph.fake_external else ""
            yield "not external", f"{member.coordinate} is not external: this subgraph resolves it itself{note}"
        return
    beneath = beneath_external or external or _external_in_implementations(subgraph, member)
    yield from _problems(rule, subgraph, base_name(member.type), selection.selection_set, beneath_external=beneath)


def _external_in_implementations(subgraph: SubgraphMetadata, member: FieldDef) -> bool:
    schema = subgraph.schema
    if schema.types[member.parent].kind is not Kind.INTERFACE:
        return False
    implementing = (schema.types[name].fields.get(member.name) for name in schema.possible_types(member.parent))
    return any(subgraph.is_external(each) for each in implementing if each is not None)


def _condition(subgraph: SubgraphMetadata, type_name: str, fragment: InlineFragmentNode) -> str:
    if fragment.type_condition is None:
        return type_name
    name = fragment.type_condition.name.value
    definition = subgraph.schema.types.get(name)
    if definition is None or definition.kind not in COMPOSITE:
        raise _UnreadableError(f'there is no composite type "{name}"')
    # Example: `... on Book` never applies to a `User`. If `User` is an interface or union, report an error. If `User`
    # is an object type, report nothing, because `drop_impossible_type_conditions` drops the condition.
    if subgraph.schema.types[type_name].kind in ABSTRACT and is_impossible(subgraph.schema, type_name, name):
        raise _UnreadableError(f"a {type_name} can never be a {name}")
    return name
