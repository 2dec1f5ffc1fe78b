"""Compares the directives that are applied to the elements of two schemas, such as `@authenticated` on a field."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    print_ast,
)

from router.schema_check.changes import Change, ChangeCode, Severity
from router.schema_check.diff.comparison import Comparison, pairs
from router.schema_check.input_and_output_types import is_own_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import DirectiveNode, GraphQLNamedType, GraphQLSchema, Node

# Changes of these directives are not reported here. Other modules of this package report changes of the first three. If
# an element gets `@inaccessible`, clients no longer see the element. So the diff of the schemas reports a removal.
_REPORTED_ELSEWHERE: Final = frozenset(("deprecated", "specifiedBy", "oneOf", "inaccessible"))
_SCHEMA: Final = "schema"
# Prefixes of the directives that composition adds to a supergraph. They say which subgraph resolves which field, so
# their changes do not affect clients.
_OF_COMPOSITION: Final = ("join__", "link", "core", "context__")


@dataclass(frozen=True, slots=True)
class _Meaning:
    """The severity and the reason of a change of a directive.

    `added` is also used if the arguments of the directive change. `removed` is used if the directive is removed.
    """

    added: tuple[Severity, str]
    removed: tuple[Severity, str]


_ACCESS: Final = _Meaning(
    (Severity.BREAKING, "Clients without the required permission no longer receive this data."),
    (Severity.DANGEROUS, "Clients without the permission that was required now receive this data."),
)
_COST: Final = _Meaning(
    (Severity.DANGEROUS, "Operations can have a higher cost, and exceed the limit of the router."),
    (Severity.DANGEROUS, "Operations can have another cost."),
)
_TAG: Final = _Meaning(
    (Severity.SAFE, "Tags only select what the clients of a contract see."),
    (Severity.SAFE, "Tags only select what the clients of a contract see."),
)
_UNKNOWN: Final = _Meaning(
    (Severity.SAFE, "The router does not use this directive."),
    (Severity.SAFE, "The router does not use this directive."),
)
_MEANINGS: Final = {
    "authenticated": _ACCESS,
    "requiresScopes": _ACCESS,
    "policy": _ACCESS,
    "cost": _COST,
    "listSize": _COST,
    "tag": _TAG,
}


def compare_applied_directives(comparison: Comparison) -> None:
    """Add the changes of applied directives to `comparison`, for all elements that both schemas have."""
    equal = comparison.equal_types
    for coordinate, old, new in pairs(_elements(comparison.old, equal), _elements(comparison.new, equal)):
        if old is None or new is None:
            continue
        before, after = _applications(old), _applications(new)
        for name in sorted({*before, *after}):
            _compare(comparison, coordinate, name, (before.get(name, []), after.get(name, [])))


def _compare(comparison: Comparison, coordinate: str, name: str, versions: tuple[Sequence[str], Sequence[str]]) -> None:
    before, after = versions
    removed, added = Counter(before) - Counter(after), Counter(after) - Counter(before)
    if not removed and not added:
        return
    meaning = _MEANINGS.get(comparison.canonical_name(name), _UNKNOWN)
    was, now = " ".join(removed.elements()), " ".join(added.elements())
    if not removed:
        code, (severity, reason) = ChangeCode.APPLIED_DIRECTIVE_ADDED, meaning.added
        message = f"{coordinate} now has {now}."
    elif not added:
        code, (severity, reason) = ChangeCode.APPLIED_DIRECTIVE_REMOVED, meaning.removed
        message = f"{coordinate} no longer has {was}."
    else:
        code, (severity, reason) = ChangeCode.APPLIED_DIRECTIVE_CHANGED, meaning.added
        message = f"{coordinate} had {was}, and now has {now}."
    used = frozenset((coordinate,))
    # The schema itself and the arguments of directives are inside no type.
    within = None if coordinate == _SCHEMA or coordinate.startswith("@") else coordinate.partition(".")[0]
    comparison.add(Change(code, coordinate, severity, message, reason, f"@{name}", used), within=within)


def _applications(nodes: Sequence[Node | None]) -> dict[str, list[str]]:
    """Return the directives on an element as texts with sorted arguments, by directive name."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        directives: Sequence[DirectiveNode] = getattr(node, "directives", None) or ()
        for directive in directives:
            name = directive.name.value
            if name not in _REPORTED_ELSEWHERE and not name.startswith(_OF_COMPOSITION):
                found.setdefault(name, []).append(_text(directive))
    return found


def _text(directive: DirectiveNode) -> str:
    arguments = sorted(f"{each.name.value}: {print_ast(each.value)}" for each in directive.arguments or ())
    return f"@{directive.name.value}" + (f"({', '.join(arguments)})" if arguments else "")


def _elements(schema: GraphQLSchema, equal_types: frozenset[str]) -> dict[str, Sequence[Node | None]]:
    """Return the syntax nodes of each element that can have directives, by coordinate. Equal types are left out.

    The definition of the schema itself has the coordinate `schema`.
    """
    elements: dict[str, Sequence[Node | None]] = {
        coordinate: nodes
        for found in schema.type_map.values()
        if found.name not in equal_types and is_own_type(found)
        for coordinate, nodes in _elements_of(found)
    }
    for directive in schema.directives:
        for name, argument in directive.args.items():
            elements[f"@{directive.name}({name}:)"] = (argument.ast_node,)
    return {_SCHEMA: (schema.ast_node, *schema.extension_ast_nodes), **elements}


def _elements_of(found: GraphQLNamedType) -> Iterator[tuple[str, Sequence[Node | None]]]:
    yield found.name, (found.ast_node, *found.extension_ast_nodes)
    match found:
        case GraphQLObjectType() | GraphQLInterfaceType():
            for name, field in found.fields.items():
                yield f"{found.name}.{name}", (field.ast_node,)
                for argument_name, argument in field.args.items():
                    yield f"{found.name}.{name}({argument_name}:)", (argument.ast_node,)
        case GraphQLInputObjectType():
            for name, input_field in found.fields.items():
                yield f"{found.name}.{name}", (input_field.ast_node,)
        case GraphQLEnumType():
            for name, value in found.values.items():
                yield f"{found.name}.{name}", (value.ast_node,)
